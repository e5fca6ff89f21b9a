// The relay's port: all that a gateway (adapters/*) knows of the server, and all the server knows of a gateway.
// The contract of ssp.md section 17.

import type { Clock, IdSource, Log, Metrics } from '../ops/ports.ts';
import type { AccountsOfNetwork } from '../services/linked-accounts.ts';
import type { GatewayStorage } from '../store/gateway-storage.ts';
import type { ClientId, Domain, GroupAddress, UserAddress } from '../wv/ids.ts';
import type { MessageContent } from '../wv/message.ts';
import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../wv/primitives.ts';

export type { Clock, IdSource, Log, Metrics } from '../ops/ports.ts';
export type {
  LinkedAccount,
  LinkedAccountNews,
  LinkedAccountsListener,
  LinkedAccountState,
} from '../services/linked-accounts.ts';
export type { AccountGroup } from '../services/account-contacts.ts';
export type { GatewayStorage, InboxEvent } from '../store/gateway-storage.ts';

export type GatewayHealth = 'up' | 'degraded' | 'down';

/**
 * A network behind the relay. The relay calls `request`; the gateway translates, emulates, or answers 405.
 * It never drops a request silently and never throws for what the far side did.
 */
export interface Gateway {
  /** Short name, also the key of its durable state: `xmpp`, `matrix`. */
  readonly name: string;
  /** Domains whose users live behind this gateway. */
  readonly domains: readonly Domain[];
  /** Requests it can serve; the relay answers 506 for the rest. */
  readonly capabilities: ReadonlySet<RequestName>;
  /**
   * True: a message is one request with all its recipients there, and requests of one sender follow each other. Else
   * each recipient gets a request of his own, and only those of the same two parties follow each other.
   */
  readonly takesTogether?: boolean;
  /** How much presence it is told a second when it came back; default 1,000. */
  readonly tellingsPerSecond?: number;
  /**
   * Serves one request. Resolves when the far side took it (for a message: confirmed, so that it may leave the
   * outbox). A response with 408, 503 or 504 means "not now": durable requests are tried again later with the
   * same content. Any other failure is final. The relay calls again after a restart for requests whose answer it
   * did not see, so the same message id must reach the far network under the same foreign id.
   */
  request(request: RequestPrimitive): Promise<ResponsePrimitive>;
  /** A durable request is over, whatever became of it: `request` is not called for it again. */
  concluded?(request: RequestPrimitive): Promise<void>;
  /** Connects; returns when usable or when it keeps trying in the background. Throws only for bad configuration. */
  start(relay: RelayPort): Promise<void>;
  /** Withdraws presence, finishes what is under way (at most a few seconds), disconnects. */
  stop(): Promise<void>;
  health(): GatewayHealth;
}

/** The server cannot say now: it runs in another process, which is not there. To be asked again later. */
export class NotKnownNow extends Error {
  override readonly name = 'NotKnownNow';
}

export interface FoundUser {
  readonly user: UserAddress;
  /** As displayName gives it. */
  readonly name: string;
}

/** What a gateway gets of linked accounts. */
export interface LinkedAccountsPort extends AccountsOfNetwork {
  /** A user's account can be used again: what waits is tried, and what his clients watch is asked for. */
  becameUsable(user: UserAddress): void;
}

/** What a gateway gets from the server. */
export interface RelayPort {
  /** The server's own domain. */
  readonly homeDomain: Domain;
  /**
   * Hands a request from the far network to the relay. When a message's answer is 2xx it is on disk.
   * Repeating a message with the same id is harmless: the answer is the same, nothing is delivered twice.
   */
  emit(request: RequestPrimitive): Promise<ResponsePrimitive>;
  /** True when the user has an account here. Rejects with NotKnownNow. */
  userExists(user: UserAddress): Promise<boolean>;
  /** Groups of this server that anybody may find (Searchable), in address order, after `after`, at most `limit`. */
  publicGroups(after: GroupAddress | undefined, limit: number): Promise<readonly GroupAddress[]>;
  /**
   * Users of this server whose name, id or (with country code) number has the text, as far as they let themselves be
   * found; at most `limit`. Nobody for a text of fewer than two letters. Rejects with NotKnownNow.
   */
  findUsers(query: string, limit: number): Promise<readonly FoundUser[]>;
  /**
   * The name a user wants to be shown by (Alias, else profile name, else user part); undefined = no such user. Rejects
   * with NotKnownNow.
   */
  displayName(user: UserAddress): Promise<string | undefined>;
  /**
   * True when a client of the user is in a group of the gateway's (any of them when `clientId` is undefined). After a
   * restart: a puppet whose clients are all gone has to leave.
   */
  hasJoined(user: UserAddress, clientId: ClientId | undefined, group: GroupAddress): boolean;
  /**
   * Tells the relay that the gateway became usable again: retries waiting outbox entries now and re-announces
   * presence (publishers to the watchers behind the gateway, subscriptions of local users).
   */
  becameUsable(): void;
  /**
   * Keeps content (with its octets in it) for so many milliseconds and resolves with a link to it, the same one when it
   * is asked for again; undefined where no links can be made or it cannot be kept. Never rejects for what the content is.
   */
  fileLink(content: MessageContent, validity: number): Promise<string | undefined>;
  /** Accounts on this network that users linked with theirs; none where the server is another process. */
  readonly linkedAccounts: LinkedAccountsPort;
  readonly storage: GatewayStorage;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Where no accounts can be linked. */
export const NO_LINKED_ACCOUNTS: LinkedAccountsPort = {
  follow: () => () => undefined,
  admit: () => Promise.resolve(),
  showContacts: () => Promise.resolve({ code: 200 }),
  keepToken: () => Promise.resolve(),
  unlink: () => Promise.resolve(false),
  report: () => undefined,
  tell: () => Promise.resolve(),
  becameUsable: () => undefined,
};
