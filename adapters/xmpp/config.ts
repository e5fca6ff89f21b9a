// Configuration of the XMPP gateway. Times in milliseconds, sizes in octets of UTF-8.

export interface ReconnectDelays {
  /** Before the first new attempt; doubles with every failure. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
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
  /** A larger incoming stanza ends the stream. Checked after each read, so up to one read (64 KiB) later. */
  readonly maxStanzaBytes?: number;
  readonly reconnect?: ReconnectDelays;
  /** Silence after which the server is pinged (XEP-0199). */
  readonly pingIntervalMs?: number;
  /** How long the server may take to answer a ping, confirmations included, before the stream counts as dead. */
  readonly confirmTimeoutMs?: number;
  /** Reactions (XEP-0444) are told as text. */
  readonly reactions?: boolean;
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
  /** Stanzas that may wait in one conversation; more are refused with resource-constraint. */
  readonly maxConversationQueue?: number;
  /** Octets that may wait for the server to read; above it requests are answered 503. */
  readonly maxWriteBuffer?: number;
  /** How long a message from XMPP is worth delivering. */
  readonly messageValidityMs?: number;
}

/** The configuration with every default filled in. */
export type XmppSettings = Required<Omit<XmppGatewayConfig, 'pseudoDomain'>> & {
  readonly pseudoDomain: string | undefined;
};

const DEFAULTS = {
  name: 'xmpp',
  maxStanzaBytes: 262_144,
  reconnect: { minDelayMs: 500, maxDelayMs: 60_000 },
  pingIntervalMs: 30_000,
  confirmTimeoutMs: 15_000,
  reactions: true,
  splitText: 1_500,
  maxQuotableMessages: 20_000,
  maxRememberedChats: 10_000,
  probeRate: 50,
  presenceWaitMs: 3_000,
  presenceCoalesceMs: 200,
  maxPresencePairs: 50_000,
  maxConversationQueue: 5_000,
  maxWriteBuffer: 8_388_608,
  messageValidityMs: 7 * 86_400_000,
} as const satisfies Partial<XmppGatewayConfig>;

/** Fills in the defaults. */
export function settingsOf(config: XmppGatewayConfig): XmppSettings {
  return { ...DEFAULTS, pseudoDomain: undefined, ...config };
}
