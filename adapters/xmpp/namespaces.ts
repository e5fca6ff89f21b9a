// XML namespaces that the XMPP gateway speaks, each with the document that defines it.

export const NS = {
  /** XEP-0114; also stands for `jabber:client` in what we build and read. */
  component: 'jabber:component:accept',
  /** RFC 6120 section 8.3. */
  stanzaError: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  /** RFC 6121 section 2. */
  roster: 'jabber:iq:roster',
  rosterExchange: 'http://jabber.org/protocol/rosterx',
  /** XEP-0030. */
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  /** XEP-0004. */
  dataForm: 'jabber:x:data',
  /** XEP-0045. */
  muc: 'http://jabber.org/protocol/muc',
  mucUser: 'http://jabber.org/protocol/muc#user',
  mucAdmin: 'http://jabber.org/protocol/muc#admin',
  mucOwner: 'http://jabber.org/protocol/muc#owner',
  /** XEP-0059. */
  rsm: 'http://jabber.org/protocol/rsm',
  /** XEP-0249. */
  conference: 'jabber:x:conference',
  /** XEP-0410 section 4: announces that pings to oneself are answered by the room. */
  selfPing: 'http://jabber.org/protocol/muc#self-ping-optimization',
  /** XEP-0421. */
  occupantId: 'urn:xmpp:occupant-id:0',
  mucRoomInfo: 'http://jabber.org/protocol/muc#roominfo',
  mucRoomConfig: 'http://jabber.org/protocol/muc#roomconfig',
  /** XEP-0012. */
  last: 'jabber:iq:last',
  /** XEP-0050. */
  commands: 'http://jabber.org/protocol/commands',
  /** XEP-0055. */
  search: 'jabber:iq:search',
  /** XEP-0077. */
  register: 'jabber:iq:register',
  /** XEP-0054. */
  vcard: 'vcard-temp',
  /** XEP-0071. */
  xhtmlIm: 'http://jabber.org/protocol/xhtml-im',
  xhtml: 'http://www.w3.org/1999/xhtml',
  /** XEP-0085. */
  chatStates: 'http://jabber.org/protocol/chatstates',
  /** XEP-0060. */
  pubsub: 'http://jabber.org/protocol/pubsub',
  pubsubEvent: 'http://jabber.org/protocol/pubsub#event',
  /** XEP-0080. */
  geoloc: 'http://jabber.org/protocol/geoloc',
  /** XEP-0084. */
  avatarData: 'urn:xmpp:avatar:data',
  avatarMetadata: 'urn:xmpp:avatar:metadata',
  /** XEP-0092. */
  version: 'jabber:iq:version',
  /** XEP-0100 section 6.3: address prompting. */
  gateway: 'jabber:iq:gateway',
  /** XEP-0066: in an iq, and in a message. */
  oobQuery: 'jabber:iq:oob',
  oob: 'jabber:x:oob',
  /** XEP-0103. */
  urlData: 'http://jabber.org/protocol/url-data',
  /** XEP-0363. */
  upload: 'urn:xmpp:http:upload:0',
  /** XEP-0372. */
  reference: 'urn:xmpp:reference:0',
  /** XEP-0385. */
  sims: 'urn:xmpp:sims:1',
  /** XEP-0446. */
  fileMetadata: 'urn:xmpp:file:metadata:0',
  /** XEP-0447. */
  fileSharing: 'urn:xmpp:sfs:0',
  /** XEP-0107. */
  mood: 'http://jabber.org/protocol/mood',
  /** XEP-0108. */
  activity: 'http://jabber.org/protocol/activity',
  /** XEP-0115. */
  caps: 'http://jabber.org/protocol/caps',
  /** XEP-0153. */
  vcardUpdate: 'vcard-temp:x:update',
  /** XEP-0172. */
  nick: 'http://jabber.org/protocol/nick',
  /** XEP-0184. */
  receipts: 'urn:xmpp:receipts',
  /** XEP-0199. */
  ping: 'urn:xmpp:ping',
  /** XEP-0202. */
  time: 'urn:xmpp:time',
  /** XEP-0203. */
  delay: 'urn:xmpp:delay',
  /** XEP-0224. */
  attention: 'urn:xmpp:attention:0',
  /** XEP-0280. */
  carbons: 'urn:xmpp:carbons:2',
  /** XEP-0297. */
  forward: 'urn:xmpp:forward:0',
  /** XEP-0308. */
  correction: 'urn:xmpp:message-correct:0',
  /** XEP-0319. */
  idle: 'urn:xmpp:idle:1',
  /** XEP-0333. */
  markers: 'urn:xmpp:chat-markers:0',
  /** XEP-0292. */
  vcard4: 'urn:ietf:params:xml:ns:vcard-4.0',
  /** XEP-0334. */
  hints: 'urn:xmpp:hints',
  /** XEP-0356. */
  privilege1: 'urn:xmpp:privilege:1',
  privilege2: 'urn:xmpp:privilege:2',
  /** XEP-0359. */
  stanzaId: 'urn:xmpp:sid:0',
  /** XEP-0380. */
  encryption: 'urn:xmpp:eme:0',
  /** XEP-0384, the version most clients speak. */
  omemoLegacy: 'eu.siacs.conversations.axolotl',
  /** XEP-0384, current version. */
  omemo: 'urn:xmpp:omemo:2',
  /** XEP-0027. */
  pgpLegacy: 'jabber:x:encrypted',
  /** XEP-0373. */
  openpgp: 'urn:xmpp:openpgp:0',
  /** XEP-0364. */
  otr: 'urn:xmpp:otr:0',
  /** XEP-0424, and its version 0.3 in the wrapping of XEP-0422. */
  retraction: 'urn:xmpp:message-retract:1',
  retractionOld: 'urn:xmpp:message-retract:0',
  fasten: 'urn:xmpp:fasten:0',
  /** XEP-0428, and the namespace it had before. */
  fallback: 'urn:xmpp:fallback:0',
  fallbackOld: 'urn:xmpp:feature-fallback:0',
  /** XEP-0444. */
  reactions: 'urn:xmpp:reactions:0',
  /** XEP-0461. */
  reply: 'urn:xmpp:reply:0',
  /** Our own: see hop.ts. */
  hop: 'urn:wv:hop',
} as const;
