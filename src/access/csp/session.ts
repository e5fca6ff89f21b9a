// One CSP session: a client of a user, what it agreed to, what it watches, and what waits for it.

import type { ClientId, GroupAddress, ListAddress, MessageId, SessionId, UserAddress } from '../../wv/ids.ts';
import type { Message } from '../../wv/message.ts';
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

/** A group that the client joined in this session. */
export interface JoinedGroup {
  /** Wants GroupChangeNotice. */
  readonly subscribed: boolean;
  /** How its messages are delivered, where that differs from all others (SetDeliveryMethod with GroupID). */
  readonly delivery?: Partial<Pick<Capabilities, 'deliveryMethod' | 'acceptedContentLength'>>;
}

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
  readonly groups?: readonly (readonly [GroupAddress, JoinedGroup])[];
  readonly autoJoined?: boolean;
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
  /** Where it stands in the wheel (expiry-wheel.ts), seconds since the epoch. */
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
  /** Groups joined in this session. */
  readonly groups = new Map<GroupAddress, JoinedGroup>();
  /** The groups whose AutoJoin property says so have been joined. */
  autoJoined = false;
  /** Groups that put the client out, until it has confirmed that it knows. */
  readonly putOut = new Map<GroupAddress, JoinedGroup>();
  /** Groups that are being joined this moment. */
  readonly entering = new Set<GroupAddress>();
  /** Restored: the homes of its groups have not been asked yet whether it is still in. */
  groupsInDoubt = false;
  /** Groups with AutoJoin are being joined: news come from groups that are not on record yet. */
  autoJoining = false;
  channel: CirChannel | undefined;
  /** When the client was called last (CIR) without having polled since; undefined = not called. */
  calledAt: number | undefined;
  /** Set by the session table while it reads the user's queue for this client. */
  filling: Promise<void> | undefined;
  /** Set by the session table: something became ready. */
  onReady: ((session: CspSession) => void) | undefined;
  /** Set by the session table: the group's home put the client out of a group. */
  onPutOut: ((session: CspSession) => void) | undefined;

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
      (message) => this.capabilitiesFor(message),
      () => this.onReady?.(this),
    );
    this.outbound = new OutboundQueue({
      concerns: (entry) => this.concerns(entry),
      isPrepared: (entry) => this.preparation.isReady(entry),
    });
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

  hasJoined(group: GroupAddress): boolean {
    return this.groups.has(group);
  }

  /** News of a group reaches only the clients that joined it; of its comings and goings, those that want to know. */
  groupNews(news: GroupChangeNotice | LeaveGroupIndication): void {
    const joined = this.groups.get(news.group) ?? (this.autoJoining ? { subscribed: true } : undefined);
    if (joined === undefined) return;
    if (news.primitive === 'GroupChangeNotice') {
      if (!joined.subscribed || this.services?.has('GRCHN') === false) return;
    } else {
      this.groups.delete(news.group);
      this.putOut.set(news.group, joined);
      this.onPutOut?.(this);
    }
    this.outbound.addNews(news);
    this.onReady?.(this);
  }

  /** Tells the user's other clients that asked for this type what this one changed. */
  tellOthers(type: NotificationType, subject: Change['subject'] = {}): void {
    for (const client of this.home.clients) {
      if (client instanceof CspSession && client !== this) client.changed({ type, subject });
    }
  }

  /** Something changed that clients may have asked to hear of. */
  changed(change: Change): void {
    if (!this.notifications.has(change.type)) return;
    this.outbound.addChange(change);
    this.onReady?.(this);
  }

  /** What was agreed, with the delivery that this client chose for the group a message comes from. */
  capabilitiesFor({ sender }: Message): Capabilities {
    const delivery = sender.kind === 'group' ? this.groups.get(sender.group)?.delivery : undefined;
    return delivery === undefined ? this.capabilities : { ...this.capabilities, ...delivery };
  }

  /** A message of a group is for the clients that joined it; where none has, whoever comes first may have it. */
  private concerns({ item }: NewQueueEntry): boolean {
    if (item.kind !== 'message' || item.message.sender.kind !== 'group') return true;
    const { group } = item.message.sender;
    return this.groups.has(group) || !siblings(this).some((session) => session.groups.has(group));
  }

  /** After this client joined or left a group: messages of it may now be for other clients of the user. */
  groupsChanged(): void {
    for (const session of siblings(this)) if (session.outbound.reconsider()) session.onReady?.(session);
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
      // After a restart those who put it out are asked again, and it is told again.
      groups: [...this.putOut, ...this.groups],
      autoJoined: this.autoJoined,
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
    for (const [group, joined] of state.groups ?? []) session.groups.set(group, joined);
    session.groupsInDoubt = session.groups.size > 0;
    session.autoJoined = state.autoJoined ?? false;
    return session;
  }
}

/** Tells a user's clients that asked for this type what changed without any of them. */
export function tellClients(home: Home, type: NotificationType, subject: Change['subject'] = {}): void {
  for (const client of home.clients) if (client instanceof CspSession) client.changed({ type, subject });
}

/** All CSP sessions of the session's user, itself included. */
function siblings({ home }: CspSession): CspSession[] {
  return [...home.clients].filter((client) => client instanceof CspSession);
}
