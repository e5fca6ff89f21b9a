// XML namespaces that the XMPP gateway speaks, each with the document that defines it.

export const NS = {
  /** XEP-0114; also stands for `jabber:client` in what we build and read. */
  component: 'jabber:component:accept',
  /** RFC 6120 section 8.3. */
  stanzaError: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  /** RFC 6121 section 2. */
  roster: 'jabber:iq:roster',
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
  /** XEP-0012. */
  lastActivity: 'jabber:iq:last',
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
  /** XEP-0054. */
  vcard: 'vcard-temp',
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
  /** XEP-0280. */
  carbons: 'urn:xmpp:carbons:2',
  /** XEP-0292. */
  vcard4: 'urn:ietf:params:xml:ns:vcard-4.0',
  /** XEP-0334. */
  hints: 'urn:xmpp:hints',
  /** XEP-0356. */
  privilege1: 'urn:xmpp:privilege:1',
  privilege2: 'urn:xmpp:privilege:2',
  /** XEP-0359. */
  stanzaId: 'urn:xmpp:sid:0',
  /** XEP-0384, the version most clients speak. */
  omemoLegacy: 'eu.siacs.conversations.axolotl',
  /** XEP-0384, current version. */
  omemo: 'urn:xmpp:omemo:2',
} as const;
