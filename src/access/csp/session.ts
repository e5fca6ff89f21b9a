// One CSP session: a client of a user, what it agreed to, what it watches, and what waits for it.

import type { ClientId, ListAddress, MessageId, SessionId, UserAddress } from '../../wv/ids.ts';
import type { AttributeFilter, PresenceAttributeName, PresenceAttributes } from '../../wv/presence.ts';
import type { GroupChangeNotice, LeaveGroupIndication } from '../../wv/primitives.ts';
import type { Result } from '../../wv/status.ts';
import type { CspVersion } from '../../wv/version.ts';
import type { Client, Interest } from '../../services/client.ts';
import type { Home } from '../../services/home.ts';
import type { ServiceFunction } from '../../sap/discovery.ts';
import type { NewQueueEntry, QueueItem, SessionRecord } from '../../store/store.ts';
import { UNNEGOTIATED, type Capabilities } from './capabilities.ts';
import type { CirChannel } from './cir/stcp.ts';
import type { Change, NotificationType } from './notifications.ts';
import { OutboundQueue } from './outbound.ts';
import { Preparation, type Adapter } from './preparation.ts';
import { quirksOf, type ClientQuirks } from './quirks.ts';

export interface SessionStart {
  readonly id: SessionId;
  readonly home: Home;
  readonly clientId: ClientId;
  readonly cookie: string;
  readonly version: CspVersion;
  readonly keepAlive: number;
  readonly since: number;
  readonly remoteAddress: string;
  readonly userAgent?: string | undefined;
  /** Makes content fit; absent = what does not fit is announced. */
  readonly adapter?: Adapter | undefined;
}

/** The part of a session that survives a restart, as JSON in its record. */
interface KeptState {
  readonly capabilities?: Capabilities;
  readonly services?: readonly ServiceFunction[];
  readonly reactive: boolean;
  readonly interests: readonly (readonly [UserAddress, Kept])[];
  readonly autoLists: readonly (readonly [ListAddress, Kept])[];
  readonly ownPresence: PresenceAttributes;
  readonly remoteAddress: string;
  /** Absent in records of before there were any. */
  readonly notifications?: readonly NotificationType[];
  readonly userAgent?: string;
}
/** Characters kept of a User-Agent. */
const MAX_USER_AGENT = 200;

type Kept = 'all' | readonly PresenceAttributeName[];

const keep = (interest: Interest): Kept => (interest === 'all' ? 'all' : [...interest]);
const unkeep = (kept: Kept): Interest => (kept === 'all' ? 'all' : new Set(kept));

export class CspSession implements Client {
  readonly id: SessionId;
  readonly home: Home;
  readonly clientId: ClientId;
  /** Repeated in every call; another one after the session was taken up again. */
  cookie: string;
  readonly version: CspVersion;
  readonly since: number;
  /** As the client's transport names itself; kept, for after a restart the client is the same one. */
  readonly userAgent: string | undefined;
  readonly quirks: ClientQuirks;
  /** What is made to fit this client before it becomes ready. */
  readonly preparation: Preparation;
  readonly outbound: OutboundQueue;
  /** Seconds without traffic after which the session ends. */
  keepAlive: number;
  lastActivity: number;
  /** When the session table looks whether it has expired, seconds since the epoch. */
  examineAt = 0;
  /** Where the client's requests come from: SUDP calls go there. */
  remoteAddress: string;
  capabilities: Capabilities = UNNEGOTIATED;
  /** What service negotiation agreed; undefined = not negotiated, everything goes. */
  services: ReadonlySet<ServiceFunction> | undefined;
  reactive = true;
  ownPresence: PresenceAttributes = {};
  /** Publishers this client watches. */
  readonly interests = new Map<UserAddress, Interest>();
  /** Lists whose future contacts are watched too (AutoSubscribe). */
  readonly autoLists = new Map<ListAddress, Interest>();
  /** General notifications that this client subscribed to (1.3). */
  readonly notifications = new Set<NotificationType>();
  channel: CirChannel | undefined;
  /** When the client was called last (CIR) without having polled since; undefined = not called. */
  calledAt: number | undefined;
  /** Set by the session table while it reads the user's queue for this client. */
  filling: Promise<void> | undefined;
  /** Set by the session table: something became ready. */
  onReady: ((session: CspSession) => void) | undefined;

  constructor(start: SessionStart) {
    this.id = start.id;
    this.home = start.home;
    this.clientId = start.clientId;
    this.cookie = start.cookie;
    this.version = start.version;
    this.keepAlive = start.keepAlive;
    this.since = start.since;
    this.lastActivity = start.since;
    this.remoteAddress = start.remoteAddress;
    this.userAgent = start.userAgent?.slice(0, MAX_USER_AGENT);
    this.quirks = quirksOf(start.clientId, start.userAgent, start.version);
    this.preparation = new Preparation(
      start.adapter,
      () => this.capabilities,
      () => this.onReady?.(this),
    );
    this.outbound = new OutboundQueue((entry) => this.preparation.isReady(entry));
  }

  /** True after capability negotiation. */
  get hasNegotiated(): boolean {
    return this.capabilities !== UNNEGOTIATED;
  }

  interestIn(publisher: UserAddress): Interest | undefined {
    return this.interests.get(publisher);
  }

  presenceChanged(publisher: UserAddress, attributes: PresenceAttributes): void {
    this.outbound.addPresence(publisher, attributes);
    this.onReady?.(this);
  }

  queued(entry: NewQueueEntry): void {
    this.outbound.addEntry(entry);
    if (this.outbound.hasReady) this.onReady?.(this);
  }

  dequeued(messageId: MessageId, kind: QueueItem['kind']): boolean {
    if (kind === 'message') this.preparation.forget(messageId);
    return this.outbound.removeEntry(messageId, kind);
  }

  authorizationAsked(watcher: UserAddress, attributes: AttributeFilter | undefined): void {
    this.outbound.addAsk(watcher, attributes);
    this.onReady?.(this);
  }

  groupNews(news: GroupChangeNotice | LeaveGroupIndication): void {
    this.outbound.addNews(news);
    this.onReady?.(this);
  }

  /** Tells the user's other clients that asked for this type what this one changed. */
  tellOthers(type: NotificationType, subject: Change['subject'] = {}): void {
    for (const client of this.home.clients) {
      if (client instanceof CspSession && client !== this) client.changed({ type, subject });
    }
  }

  private changed(change: Change): void {
    if (!this.notifications.has(change.type)) return;
    this.outbound.addChange(change);
    this.onReady?.(this);
  }

  disconnect(reason: Result): void {
    this.outbound.close(reason);
    this.onReady?.(this);
  }

  record(): SessionRecord {
    const state: KeptState = {
      ...(this.capabilities === UNNEGOTIATED ? {} : { capabilities: this.capabilities }),
      ...(this.services === undefined ? {} : { services: [...this.services] }),
      reactive: this.reactive,
      interests: [...this.interests].map(([user, interest]) => [user, keep(interest)]),
      autoLists: [...this.autoLists].map(([list, interest]) => [list, keep(interest)]),
      ownPresence: this.ownPresence,
      remoteAddress: this.remoteAddress,
      notifications: [...this.notifications],
      ...(this.userAgent === undefined ? {} : { userAgent: this.userAgent }),
    };
    return {
      id: this.id,
      user: this.home.address,
      clientId: this.clientId,
      cookie: this.cookie,
      version: this.version,
      state: JSON.stringify(state),
      createdAt: this.since,
      keepAlive: this.keepAlive,
    };
  }

  /** A session as it was before a restart; its idle time begins anew. */
  static restore(record: SessionRecord, home: Home, now: number, adapter?: Adapter): CspSession {
    const state = JSON.parse(record.state) as KeptState;
    const session = new CspSession({
      id: record.id,
      home,
      clientId: record.clientId,
      cookie: record.cookie,
      version: record.version,
      keepAlive: record.keepAlive,
      since: record.createdAt,
      remoteAddress: state.remoteAddress,
      userAgent: state.userAgent,
      adapter,
    });
    session.lastActivity = now;
    // What an older version of wvgate did not know has its default.
    session.capabilities =
      state.capabilities === undefined ? UNNEGOTIATED : { ...UNNEGOTIATED, ...state.capabilities };
    session.services = state.services === undefined ? undefined : new Set(state.services);
    session.reactive = state.reactive;
    session.ownPresence = state.ownPresence;
    for (const type of state.notifications ?? []) session.notifications.add(type);
    for (const [user, interest] of state.interests) session.interests.set(user, unkeep(interest));
    for (const [list, interest] of state.autoLists) session.autoLists.set(list, unkeep(interest));
    return session;
  }
}
