// Configuration of the XMPP gateway. Times in milliseconds, sizes in octets of UTF-8.

import { linkedSettingsOf } from './linked/settings.ts';
import type { LinkedConfig, LinkedSettings } from './linked/settings.ts';
import { fileSettingsOf } from './files/settings.ts';
import type { FileConfig, FileSettings } from './files/settings.ts';

export interface ReconnectDelays {
  /** Before the first new attempt; doubles with every failure. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** After the server refused the secret, or gave our place to another: trying sooner does not help. Default: maxDelayMs. */
  readonly refusedDelayMs?: number;
}

export interface XmppGatewayConfig {
  readonly name?: string;
  /** Where the XMPP server accepts components (XEP-0114). */
  readonly host: string;
  readonly port: number;
  /** The component's own domain, below which our users appear: `imps.xmpp.example`. */
  readonly componentDomain: string;
  /** Shared secret of the component. Never logged. */
  readonly secret: string;
  /** XMPP domains routed here in full: `xmpp.example` makes `bob@xmpp.example` appear as `wv:bob@xmpp.example`. */
  readonly domains: readonly string[];
  /** A domain of ours for all other JIDs: `wv:bob%40jabber.org@xmpp.wv.example`. Without it they are refused (516). */
  readonly pseudoDomain?: string;
  /** A second component whose rooms are our groups: `groups.imps.xmpp.example`. Without it there are no rooms. */
  readonly groupsComponent?: string;
  /** Shared secret of that component; default: `secret`. Never logged. */
  readonly groupsSecret?: string;
  /** Chat services routed here: `muc.xmpp.example` makes the room `tea@muc.xmpp.example` appear as `wv:/tea@muc.xmpp.example`. */
  readonly groupDomains?: readonly string[];
  /** Joining a room that does not exist creates it, where its service lets us. */
  readonly createRooms?: boolean;
  /** Messages of before that a room is asked for when somebody joins. */
  readonly roomHistory?: number;
  /** Occupants known, and listed, of one room of another server; more are in it unseen. */
  readonly maxListedOccupants?: number;
  /** (user, room) pairs: users of ours in rooms of other servers. */
  readonly maxRoomGuests?: number;
  /** How long a room may take to answer; below the 10 s that the relay gives a request. */
  readonly roomWaitMs?: number;
  /** Silence of a room after which a user's being in it is checked (XEP-0410). */
  readonly roomSilenceMs?: number;
  /** Accounts of their own that users speak as. Without it none are linked. */
  readonly linked?: LinkedConfig;
  /** Pictures and other files, both ways. */
  readonly files?: FileConfig;
  /** A larger incoming stanza is refused (policy-violation); one that is 4 times as large ends the stream. */
  readonly maxStanzaBytes?: number;
  readonly reconnect?: ReconnectDelays;
  /** Silence after which the server is pinged (XEP-0199). */
  readonly pingIntervalMs?: number;
  /** How long the server may take to answer a ping, confirmations included, before the stream counts as dead. */
  readonly confirmTimeoutMs?: number;
  /** Reactions (XEP-0444) are told as text. */
  readonly reactions?: boolean;
  /** Suggests WV users to contacts whose server lets us write no roster (XEP-0144). */
  readonly suggestContacts?: boolean;
  /** Those in rooms, too. */
  readonly roomReactions?: boolean;
  /** A longer text from XMPP comes to the phone in parts of at most this many UTF-16 units; 0 = never. */
  readonly splitText?: number;
  /** Messages whose beginning is kept in memory, for quotes. */
  readonly maxQuotableMessages?: number;
  /** Chats whose thread, or users whose language, is remembered. */
  readonly maxRememberedChats?: number;
  /** Presence probes per second. */
  readonly probeRate?: number;
  /** How long a GetPresence waits for the answer to its probe. */
  readonly presenceWaitMs?: number;
  /** Changes of a contact's presence within this time are told as one. */
  readonly presenceCoalesceMs?: number;
  /** (user, contact) pairs whose presence is remembered; the longest unused goes first. */
  readonly maxPresencePairs?: number;
  /** Presence that the relay may tell a second after the stream came back. */
  readonly resyncRate?: number;
  /** Pictures of contacts remembered, by hash, 4 KiB each. */
  readonly maxAvatars?: number;
  /** Descriptions of contacts' clients remembered, by hash. */
  readonly maxCapabilities?: number;
  /** Stanzas that may wait in one conversation; more are refused with resource-constraint. */
  readonly maxConversationQueue?: number;
  /** The same in all conversations together. */
  readonly maxQueued?: number;
  /** Messages and receipts read and not dealt with yet, on disk; more are refused with resource-constraint. */
  readonly maxUnreadStanzas?: number;
  /** Octets that may wait for the server to read; above it requests are answered 503. */
  readonly maxWriteBuffer?: number;
  /** How long a message from XMPP is worth delivering. */
  readonly messageValidityMs?: number;
  /** Rooms in which somebody is; a join of another is refused with resource-constraint. */
  readonly maxRooms?: number;
  /** XMPP users in one room; more are refused with service-unavailable. */
  readonly maxRoomOccupants?: number;
  /** Clients of one user in one room; more are refused with resource-constraint. */
  readonly maxOccupantResources?: number;
  /** Joins of one user in a minute, over all rooms and clients. */
  readonly joinsPerMinute?: number;
  /** How long a group that did not exist is taken not to exist. */
  readonly missingRoomMs?: number;
  /** Domains of other gateways of this server: their users are not taken for users of XMPP once more. */
  readonly elsewhere?: readonly string[];
  /** Who may use the gateway: everybody (`open`), only who registered (`required`); `off`: nobody can register. */
  readonly registration?: 'open' | 'required' | 'off';
  /** Users of XMPP of whom a registration or a privacy list is kept. */
  readonly maxPeople?: number;
  /** Commands, searches and the like of one user of XMPP in a minute. */
  readonly commandsPerMinute?: number;
  /** How long clients may take, after a restart, to say that they are still in their rooms. */
  readonly selfPingWaitMs?: number;
}

/** The configuration with every default filled in. */
export type XmppSettings = Required<
  Omit<XmppGatewayConfig, 'pseudoDomain' | 'groupsComponent' | 'files' | 'linked'>
> & {
  readonly files: FileSettings;
  readonly linked: LinkedSettings | undefined;
  readonly pseudoDomain: string | undefined;
  readonly groupsComponent: string | undefined;
};

const DEFAULTS = {
  name: 'xmpp',
  maxStanzaBytes: 262_144,
  reconnect: { minDelayMs: 500, maxDelayMs: 5_000, refusedDelayMs: 60_000 },
  pingIntervalMs: 30_000,
  confirmTimeoutMs: 15_000,
  reactions: true,
  suggestContacts: false,
  roomReactions: false,
  splitText: 1_500,
  maxQuotableMessages: 20_000,
  maxRememberedChats: 10_000,
  probeRate: 50,
  presenceWaitMs: 3_000,
  presenceCoalesceMs: 200,
  maxPresencePairs: 50_000,
  resyncRate: 1_000,
  maxAvatars: 1_000,
  maxCapabilities: 2_000,
  maxConversationQueue: 5_000,
  maxQueued: 50_000,
  maxUnreadStanzas: 50_000,
  maxWriteBuffer: 8_388_608,
  messageValidityMs: 7 * 86_400_000,
  maxRooms: 10_000,
  maxRoomOccupants: 5_000,
  maxOccupantResources: 16,
  joinsPerMinute: 60,
  missingRoomMs: 30_000,
  elsewhere: [],
  registration: 'open',
  maxPeople: 10_000,
  commandsPerMinute: 30,
  selfPingWaitMs: 15_000,
  groupDomains: [],
  createRooms: false,
  roomHistory: 0,
  maxListedOccupants: 2_000,
  maxRoomGuests: 10_000,
  roomWaitMs: 8_000,
  roomSilenceMs: 300_000,
} as const satisfies Partial<XmppGatewayConfig>;

/** Fills in the defaults. */
export function settingsOf(config: XmppGatewayConfig): XmppSettings {
  const absent = { pseudoDomain: undefined, groupsComponent: undefined };
  const files = fileSettingsOf(config.files);
  return {
    ...DEFAULTS,
    ...absent,
    groupsSecret: config.secret,
    ...config,
    files,
    linked: linkedSettingsOf(config.linked),
  };
}
