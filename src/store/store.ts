// The durable state behind one interface (design sections 4, 5). Each method is one atomic step: when its promise
// resolves, a write is on disk. Implementations group the commits of concurrent calls. SQLite now, PostgreSQL next;
// test/contract/store.ts is the contract both must pass.

import type { ClientId, ListAddress, MessageId, SessionId, UserAddress } from '../wv/ids.ts';
import type { Message } from '../wv/message.ts';
import type { PresenceAttributeName, PresenceAttributes } from '../wv/presence.ts';
import type {
  CancelInviteRequest,
  DeliveryStatusReport,
  InviteRequest,
  InviteResponse,
} from '../wv/primitives.ts';
import type { CspVersion } from '../wv/version.ts';
import type { ServiceName } from '../wv/profile.ts';
import type { ContentStore } from './content.ts';
import type { GatewayStorage } from './gateway-storage.ts';
import type { GroupStore } from './groups.ts';
import type { LinkedAccountStore } from './linked-accounts.ts';
import type { LockoutStore } from './lockouts.ts';
import type { InvitationStore } from './invitations.ts';
import type { OwedLeaveStore } from './owed-leaves.ts';
import type { ProfileStore } from './profiles.ts';

export type * from './groups.ts';
export type { LinkedAccountRecord, LinkedAccountStore } from './linked-accounts.ts';
export type { ReceivedInvitation, SentInvitation } from './invitations.ts';
export type { OwedLeave, OwedLeaveStore } from './owed-leaves.ts';

/** How a user proves who he is. At least one is there for an account that can log in. */
export interface Credentials {
  /** scrypt, for plain (2-way) login; format in sap/authentication.ts. */
  readonly hash?: string;
  /** The password encrypted with the server's key, for digest (4-way) login, which needs the password itself. */
  readonly cipher?: string;
}

export interface UserRecord {
  readonly address: UserAddress;
  readonly credentials: Credentials;
  /** Name from the profile; the Alias presence attribute goes before it. */
  readonly displayName?: string;
  readonly createdAt: number;
  /** An inactive account is refused with 403. */
  readonly active: boolean;
  /** What is subscribed; absent = everything. The rest is refused with 506. */
  readonly services?: readonly ServiceName[];
}

export interface Contact {
  readonly user: UserAddress;
  /** The nickname the owner gave; '' = none. */
  readonly name: string;
}

export interface ContactListRecord {
  readonly address: ListAddress;
  readonly displayName: string;
  readonly isDefault: boolean;
  readonly contacts: readonly Contact[];
}

/** Whom an attribute list is for: one user, the members of one of the owner's lists, or everybody else. */
export type AttributeListSubject =
  | { readonly kind: 'user'; readonly user: UserAddress }
  | { readonly kind: 'list'; readonly list: ListAddress }
  | { readonly kind: 'default' };

export interface AttributeListRecord {
  readonly subject: AttributeListSubject;
  readonly attributes: readonly PresenceAttributeName[];
}

/** The answer (or open question) of a reactive presence authorization. */
export interface AuthorizationRecord {
  readonly watcher: UserAddress;
  readonly state: 'GRANTED' | 'DENIED' | 'PENDING';
  /** What was granted, or asked for while pending; undefined = all attributes. */
  readonly attributes?: readonly PresenceAttributeName[];
  readonly changedAt: number;
}

export interface AccessList {
  readonly inUse: boolean;
  /** Canonical addresses of users, groups or `screen:` pairs. */
  readonly entities: readonly string[];
}

export interface AccessLists {
  readonly block: AccessList;
  readonly grant: AccessList;
}

/** A lasting subscription at the publisher's home. */
export interface WatcherRecord {
  readonly watcher: UserAddress;
  /** undefined = all attributes. */
  readonly attributes?: readonly PresenceAttributeName[];
  readonly since: number;
}

/** Everything of one user's home but the queue and the sessions. */
export interface HomeRecord {
  readonly user: UserRecord;
  readonly lists: readonly ContactListRecord[];
  readonly attributeLists: readonly AttributeListRecord[];
  readonly authorizations: readonly AuthorizationRecord[];
  readonly access: AccessLists;
  readonly presence: PresenceAttributes;
  readonly watchers: readonly WatcherRecord[];
}

export interface SessionRecord {
  readonly id: SessionId;
  readonly user: UserAddress;
  readonly clientId: ClientId;
  readonly cookie: string;
  readonly version: CspVersion;
  /** Capabilities, agreed services, subscriptions: JSON owned by access/csp. */
  readonly state: string;
  readonly createdAt: number;
  /** Idle life, seconds. */
  readonly keepAlive: number;
}

/** Something that waits for a local user until a client of his acknowledged it. */
export type QueueItem =
  | {
      readonly kind: 'message';
      readonly message: Message;
      /** Where a delivery report goes; undefined = none asked. */
      readonly reportTo?: UserAddress;
    }
  | { readonly kind: 'report'; readonly report: DeliveryStatusReport }
  | { readonly kind: 'notice'; readonly notice: Notice };

/** What one user tells another beside messages; kept until a client took it or its time is over. */
export type Notice = InviteRequest | InviteResponse | CancelInviteRequest | SystemMessage;

/** What the operator tells one user (csp-transactions section 11). */
export interface SystemMessage {
  readonly primitive: 'SystemMessage';
  readonly id: MessageId;
  readonly text: string;
  /** Answers to choose from; their ids are 1, 2, 3, … */
  readonly options: readonly string[];
  /** It waits until it is answered: showing it is not enough. */
  readonly requiresResponse: boolean;
  readonly verification?: { readonly question: string; readonly key: string };
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
}

export interface QueueEntry {
  /** Grows with time; gives the order of delivery. */
  readonly seq: number;
  readonly recipient: UserAddress;
  readonly messageId: MessageId;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly item: QueueItem;
}

export type NewQueueEntry = Omit<QueueEntry, 'seq'>;

/** 'repeated': an entry of this kind for this message and recipient was accepted before (within 30 days). */
export type QueueOutcome = 'queued' | 'repeated' | 'full';

/** A request that waits for a gateway or peer. */
export interface OutboxEntry {
  readonly seq: number;
  /** Gateway name. */
  readonly destination: string;
  /** Entries of one conversation go one after another. */
  readonly conversation: string;
  /** The request (sap/durable.ts), as JSON. */
  readonly payload: string;
  readonly attempts: number;
  readonly notBefore: number;
  readonly expiresAt: number;
}

export type NewOutboxEntry = Omit<OutboxEntry, 'seq' | 'attempts' | 'notBefore'> & {
  /** An entry whose key was accepted for this destination within 30 days is a repeat and dropped. */
  readonly key: string;
};

/** What the operator may change of an account; undefined parts stay. `services` null = everything. */
export interface AccountChange {
  readonly displayName?: string;
  readonly active?: boolean;
  readonly services?: readonly ServiceName[] | null;
}

export interface Store
  extends
    GroupStore,
    LockoutStore,
    LinkedAccountStore,
    InvitationStore,
    OwedLeaveStore,
    ProfileStore,
    ContentStore {
  // ---- users and their homes
  /** False when the address is taken. Creates the lists given with it; the queue is empty. */
  createUser(user: UserRecord, lists: readonly ContactListRecord[]): Promise<boolean>;
  /** False when there is no such user. Everything of the home goes with it but the queue, whose senders are still to be told. */
  deleteUser(user: UserAddress): Promise<boolean>;
  /** Users who were deleted and for whom `forgetRemovedUser` was not called yet. */
  removedUsers(limit: number): Promise<readonly UserAddress[]>;
  forgetRemovedUser(user: UserAddress): Promise<void>;
  setCredentials(user: UserAddress, credentials: Credentials): Promise<boolean>;
  setProfile(user: UserAddress, change: AccountChange): Promise<boolean>;
  getUser(user: UserAddress): Promise<UserRecord | undefined>;
  /** Users in address order, after `after`. */
  listUsers(after: UserAddress | undefined, limit: number): Promise<readonly UserRecord[]>;
  loadHome(user: UserAddress): Promise<HomeRecord | undefined>;

  // ---- contact lists
  /** Creates the list or changes its properties; contacts of an existing list stay. */
  putList(owner: UserAddress, list: Omit<ContactListRecord, 'contacts'>): Promise<void>;
  deleteList(list: ListAddress): Promise<void>;
  /** Adds contacts at the end, or renames those that are there. */
  putContacts(list: ListAddress, contacts: readonly Contact[]): Promise<void>;
  removeContacts(list: ListAddress, users: readonly UserAddress[]): Promise<void>;

  // ---- presence and who may see it
  putAttributeList(owner: UserAddress, list: AttributeListRecord): Promise<void>;
  deleteAttributeList(owner: UserAddress, subject: AttributeListSubject): Promise<void>;
  putAuthorization(owner: UserAddress, authorization: AuthorizationRecord): Promise<void>;
  deleteAuthorization(owner: UserAddress, watcher: UserAddress): Promise<void>;
  setAccessLists(owner: UserAddress, access: AccessLists): Promise<void>;
  /** Merges: only the named attributes change. */
  putPresence(user: UserAddress, attributes: PresenceAttributes): Promise<void>;
  putWatcher(publisher: UserAddress, watcher: WatcherRecord): Promise<void>;
  deleteWatcher(publisher: UserAddress, watcher: UserAddress): Promise<void>;
  /** Publishers with watchers in a domain, for resynchronisation: (publisher, watcher) pairs in publisher order. */
  watchersIn(
    domain: string,
    after: UserAddress | undefined,
    limit: number,
  ): Promise<readonly { readonly publisher: UserAddress; readonly watcher: UserAddress }[]>;

  // ---- sessions
  putSession(session: SessionRecord): Promise<void>;
  deleteSession(id: SessionId): Promise<void>;
  allSessions(): Promise<readonly SessionRecord[]>;

  // ---- queues of local users
  /**
   * Queues entries in one commit; one outcome per entry. `remember` = detect repeats (for what comes from other
   * networks; our own fresh ids cannot repeat). `limit` = longest queue of one user, beyond it 'full'.
   */
  enqueue(
    entries: readonly NewQueueEntry[],
    options: { readonly remember: boolean; readonly limit: number },
  ): Promise<readonly QueueOutcome[]>;
  /** A user's queue in order, from after `afterSeq`. */
  queueOf(user: UserAddress, afterSeq: number, limit: number): Promise<readonly QueueEntry[]>;
  /** One entry; of the kind message unless told otherwise. */
  queuedMessage(
    user: UserAddress,
    messageId: MessageId,
    kind?: QueueItem['kind'],
  ): Promise<QueueEntry | undefined>;
  /** Takes an entry out; false when it was not there (any more). */
  dequeue(user: UserAddress, messageId: MessageId, kind: QueueItem['kind']): Promise<boolean>;
  /** Entries whose time is over, oldest first; they stay until dequeued. */
  expiredQueue(now: number, limit: number): Promise<readonly QueueEntry[]>;

  // ---- outbox towards gateways and peers
  enqueueOutbox(entries: readonly NewOutboxEntry[]): Promise<void>;
  /** Entries of a destination in order, from after `afterSeq`. */
  outboxOf(destination: string, afterSeq: number, limit: number): Promise<readonly OutboxEntry[]>;
  /** Names of those for whom something waits. */
  outboxDestinations(): Promise<readonly string[]>;
  outboxDone(seq: number): Promise<void>;
  outboxRetry(seq: number, attempts: number, notBefore: number): Promise<void>;

  // ---- gateways
  gatewayStorage(name: string): GatewayStorage;

  // ---- housekeeping
  /** Rows by table, for metrics. */
  sizes(): Promise<Readonly<Record<string, number>>>;
  /** Drops remembered ids older than 30 days. */
  prune(now: number): Promise<void>;
  /** Finishes what is queued and closes. */
  close(): Promise<void>;
}
