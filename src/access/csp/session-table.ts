// All live CSP sessions: start, restore, expiry, calling (CIR), end. One timer for all of them.

import type { Clock, IdSource, Log, Metrics } from '../../ops/ports.ts';
import { domainOf } from '../../wv/address.ts';
import { trusted, type ClientId, type Domain, type SessionId, type UserAddress } from '../../wv/ids.ts';
import type { AttributeFilter } from '../../wv/presence.ts';
import { result, type Result } from '../../wv/status.ts';
import type { CspVersion } from '../../wv/version.ts';
import type { GroupDepartures } from '../../services/group-departures.ts';
import type { Home, Homes } from '../../services/home.ts';
import type { Messaging } from '../../services/messaging.ts';
import type { Publishing } from '../../services/presence/publishing.ts';
import { presenceOf } from '../../services/presence/values.ts';
import type { Watching } from '../../services/presence/watching.ts';
import type { Store } from '../../store/store.ts';
import { displacedBy, refusalOfSession, sessionsOf, type AdmissionLimits } from './admission.ts';
import { HttpCalls } from './cir/http-calls.ts';
import type { CirAttachment, CirChannel, CirDirectory } from './cir/stcp.ts';
import { EndedSessions } from './ended-sessions.ts';
import { ExpiryWheel } from './expiry-wheel.ts';
import { leaveAll } from './group-participation.ts';
import { HeldPolls, type HeldPollLimits } from './held-polls.ts';
import { ENTRY_WINDOW } from './outbound.ts';
import type { Adapter } from './preparation.ts';
import { CspSession } from './session.ts';

export interface SessionTableDependencies {
  readonly store: Store;
  readonly homes: Homes;
  readonly publishing: Publishing;
  readonly watching: Watching;
  readonly messaging: Messaging;
  readonly departures: GroupDepartures;
  /** Makes content fit the clients. */
  readonly content?: { readonly attachments: Adapter };
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Sends one WVCI datagram; undefined = SUDP is off. */
  readonly callByUdp?: (address: string, port: number, version: CspVersion, cookie: string) => void;
  /** Sends one WAP push in a datagram; undefined = WAPUDP is off. */
  readonly callByWapPush?: (address: string, version: CspVersion, cookie: string) => void;
  readonly limits: AdmissionLimits & { readonly heldPolls: HeldPollLimits };
}

const SWEEP_MS = 1_000;
/** Silence after which a client for which something waits is called again (csp-transport section 5). */
const CALL_AGAIN_MS = 45_000;

export class SessionTable implements CirDirectory {
  private readonly deps: SessionTableDependencies;
  private readonly sessions = new Map<SessionId, CspSession>();
  private readonly wheel: ExpiryWheel;
  /** Sessions that were called, while anything is open: calls get lost, and Android drops some polls. */
  private readonly called = new Set<CspSession>();
  private readonly ended = new EndedSessions();
  /** Polls whose answers wait. */
  readonly held: HeldPolls;
  /** Clients that ask whether something waits (SHTTP). */
  readonly httpCalls: HttpCalls;
  private stopSweep: (() => void) | undefined;

  constructor(deps: SessionTableDependencies) {
    this.deps = deps;
    this.held = new HeldPolls(deps.clock, deps.metrics, deps.limits.heldPolls);
    this.httpCalls = new HttpCalls(deps.clock, deps.metrics);
    this.wheel = new ExpiryWheel(deps.clock.now());
  }

  private get adapter(): Adapter | undefined {
    return this.deps.content?.attachments;
  }

  get size(): number {
    return this.sessions.size;
  }

  /** Why this client cannot have a session now; undefined = it can. */
  refusal(home: Home, clientId: ClientId): Result | undefined {
    return refusalOfSession(home, clientId, this.sessions.size, this.deps.limits);
  }

  find(id: string): CspSession | undefined {
    return this.sessions.get(id as SessionId);
  }

  /** Whether this client of the user has a session: who has none cannot be joined to a group. */
  isLive(user: UserAddress, clientId: ClientId): boolean {
    const { clients } = this.deps.homes.peek(user) ?? {};
    return clients?.values().some((client) => client.clientId === clientId) === true;
  }

  /** Why there is no session of that id: 600 expired, 601 ended by the server not long ago, 604 never heard of. */
  whyGone(id: string): 600 | 601 | 604 {
    return this.ended.why(id);
  }

  /** Loads the sessions of before the restart and subscribes again for them. */
  async start(): Promise<void> {
    for (const record of await this.deps.store.allSessions()) {
      const home = await this.deps.homes.get(record.user);
      if (home === undefined) {
        await this.deps.store.deleteSession(record.id);
        continue;
      }
      const session = CspSession.restore(record, home, this.deps.clock.now(), this.adapter);
      this.enter(session);
      // Whether a question was out is not kept: an open one is put again, as at a log-in.
      if (session.reactive) this.askPending(session);
    }
    this.stopSweep = this.deps.clock.after(SWEEP_MS, () => this.sweep());
  }

  /**
   * Subscribes again for live sessions: after a restart (what they watched lived in the memory of the last run)
   * or after a gateway came back; `domains` limits it to publishers there.
   */
  async resubscribe(domains?: readonly Domain[], user?: UserAddress): Promise<void> {
    for (const session of this.sessions.values()) {
      if (user !== undefined && session.home.address !== user) continue;
      for (const [filter, publishers] of groupedInterests(session, domains)) {
        await this.deps.watching.subscribe(session.home.address, publishers, filter);
      }
    }
  }

  stop(): void {
    this.stopSweep?.();
    this.held.close();
    for (const session of this.sessions.values()) session.channel?.close();
  }

  /** A session after a successful login; an older one of the same client ends. */
  async open(login: {
    home: Home;
    clientId: ClientId;
    cookie: string;
    version: CspVersion;
    keepAlive: number;
    remoteAddress: string;
    userAgent?: string | undefined;
  }): Promise<CspSession> {
    const { home } = login;
    const before = presenceOf(home);
    const session = new CspSession({
      ...login,
      adapter: this.adapter,
      id: trusted<SessionId>(this.deps.ids.random(18)),
      since: this.deps.clock.now(),
    });
    // Before anything waits: of log-ins at the same time, each must see the sessions of the others.
    const displaced = displacedBy(home, session.clientId, this.deps.limits);
    for (const [older, reason] of displaced) {
      if (reason !== undefined) this.ended.leaveWord(older.id, result(reason));
      this.withdraw(older, reason);
    }
    this.enter(session);
    await this.deps.store.putSession(session.record());
    for (const [older] of displaced) await this.cleanUp(older);
    this.deps.metrics.count('csp_sessions_opened_total', { family: session.quirks.family });
    this.askPending(session);
    await this.fill(session);
    await this.deps.publishing.announce(home, before);
    return session;
  }

  /**
   * A 1.3 client that lost its session takes it up again (csp-transactions 1.1): what was agreed and what waits is
   * still there, and what was on the way to it comes again.
   */
  async resume(
    session: CspSession,
    login: { cookie: string; keepAlive: number; remoteAddress: string },
  ): Promise<void> {
    this.held.release(session);
    session.channel?.close();
    session.channel = undefined;
    session.cookie = login.cookie;
    session.remoteAddress = login.remoteAddress;
    this.touch(session, true);
    session.outbound.notSent(session.outbound.unconfirmed());
    await this.setKeepAlive(session, login.keepAlive);
  }

  /** Another idle time, in seconds, counted from the last sign of life. */
  async setKeepAlive(session: CspSession, seconds: number): Promise<void> {
    session.keepAlive = seconds;
    if (this.sessions.get(session.id) === session) this.wheel.schedule(session);
    await this.save(session);
  }

  /** Makes the session's negotiated state durable. */
  async save(session: CspSession): Promise<void> {
    // One that was logged out meanwhile must not come back with the next start.
    if (this.sessions.get(session.id) !== session) return;
    this.httpCalls.follow(session);
    await this.deps.store.putSession(session.record());
  }

  /**
   * Ends a session; presence and subscriptions follow. With a reason (600 expired, 601 forced) the client learns
   * it in the answer to its next request.
   */
  async end(session: CspSession, reason?: 600 | 601): Promise<void> {
    if (!this.sessions.has(session.id)) return;
    const before = presenceOf(session.home);
    this.withdraw(session, reason);
    await this.cleanUp(session);
    await this.deps.publishing.announce(session.home, before);
  }

  /** The live sessions of a user, oldest first. */
  sessionsOf(user: UserAddress): readonly CspSession[] {
    const home = this.deps.homes.peek(user);
    return home === undefined ? [] : sessionsOf(home);
  }

  /**
   * Ends all sessions of a user, as `end` does: logged out by the operator, or the account is not active any more.
   * Their clients are called where that is possible, learn the reason by Disconnect when they poll, and 601 from any
   * other request. Resolves with how many there were.
   */
  async endAll(user: UserAddress, reason: Result): Promise<number> {
    const sessions = this.sessionsOf(user);
    for (const session of sessions) {
      this.ended.leaveWord(session.id, reason);
      this.call(session);
      await this.end(session, 601);
    }
    return sessions.length;
  }

  /** What the client of an ended session is to be told with Disconnect; once. */
  takeParting(id: string): Result | undefined {
    return this.ended.takeWord(id);
  }

  /** Any request of the client: its idle time begins anew, a call (CIR) was answered. */
  touch(session: CspSession, polled: boolean): void {
    session.lastActivity = this.deps.clock.now();
    if (polled) session.calledAt = undefined;
  }

  /** Brings waiting entries of the user's queue from the store into the session's window. */
  async fill(session: CspSession): Promise<void> {
    if (!session.outbound.wantsRefill) return;
    // Polls at the same time share one look at the store: of two, the staler could spoil the order.
    session.filling ??= this.refill(session).finally(() => (session.filling = undefined));
    await session.filling;
  }

  private async refill({ home, outbound }: CspSession): Promise<void> {
    outbound.beginRefill();
    // Entries that are out and unconfirmed stand in the store too.
    const limit = ENTRY_WINDOW + outbound.openCount;
    const entries = await this.deps.messaging.waiting(home, 0, limit);
    outbound.refill(entries, entries.length < limit);
  }

  attach(sessionId: string, channel: CirChannel): CirAttachment | undefined {
    const session = this.find(sessionId);
    if (session === undefined) return undefined;
    session.channel?.close();
    session.channel = channel;
    session.lastActivity = this.deps.clock.now();
    session.calledAt = undefined;
    this.called.add(session);
    if (session.outbound.isReady(this.deps.clock.now())) this.deps.clock.after(50, () => this.call(session));
    return {
      touched: () => {
        session.lastActivity = this.deps.clock.now();
      },
      detached: () => {
        if (session.channel === channel) session.channel = undefined;
      },
    };
  }

  private enter(session: CspSession): void {
    this.sessions.set(session.id, session);
    session.home.clients.add(session);
    session.onReady = (ready) => this.call(ready);
    this.httpCalls.follow(session);
    session.onPutOut = (changed) => this.noteChange(changed);
    this.wheel.schedule(session);
  }

  /** Ends a session here and now; `cleanUp` is for what outlives it. */
  private withdraw(session: CspSession, reason?: 600 | 601): void {
    this.sessions.delete(session.id);
    if (reason !== undefined) this.ended.ended(session.id, reason);
    this.called.delete(session);
    this.wheel.remove(session);
    session.home.clients.delete(session);
    session.onReady = undefined;
    session.onPutOut = undefined;
    session.channel?.close();
    this.held.release(session);
    this.httpCalls.end(session, reason === undefined);
  }

  /** What others did to a session is made durable behind their backs: they do not wait for it. */
  private noteChange(session: CspSession): void {
    session.groupsChanged();
    this.save(session).catch((error: unknown) => {
      this.deps.log.error({ err: error, user: session.home.address }, 'session could not be kept');
    });
  }

  /** The record goes last: after a crash in between, the session comes back and ends once more. */
  private async cleanUp(session: CspSession): Promise<void> {
    await leaveAll(this.deps.departures, session);
    await this.deps.store.deleteSession(session.id);
    await this.deps.watching.unsubscribe(session.home, session.interests.keys(), false);
  }

  private askPending(session: CspSession): void {
    for (const record of session.home.authorizations.values()) {
      if (record.state !== 'PENDING') continue;
      session.authorizationAsked(
        record.watcher,
        record.attributes === undefined ? undefined : new Set(record.attributes),
      );
    }
  }

  /** Answers the poll that is held, or calls a silent client once until it polls (csp-transport sections 2, 5). */
  private call(session: CspSession): void {
    if (this.held.release(session)) return;
    const now = this.deps.clock.now();
    if (session.calledAt !== undefined && now - session.calledAt < CALL_AGAIN_MS) return;
    const { capabilities, channel } = session;
    if (channel !== undefined) channel.call(session.version, session.cookie);
    else if (capabilities.cir.includes('SUDP') && this.deps.callByUdp !== undefined) {
      this.deps.callByUdp(session.remoteAddress, capabilities.udpPort, session.version, session.cookie);
    } else if (capabilities.cir.includes('WAPUDP') && this.deps.callByWapPush !== undefined) {
      this.deps.callByWapPush(session.remoteAddress, session.version, session.cookie);
    } else return;
    session.calledAt = now;
    this.called.add(session);
  }

  private sweep(): void {
    const now = this.deps.clock.now();
    for (const session of this.wheel.turn(now)) this.examine(session, now);
    this.held.sweep(now);
    for (const session of this.called) {
      if (!session.outbound.isOpen) this.called.delete(session);
      else if (now - session.lastActivity >= CALL_AGAIN_MS && session.outbound.isReady(now))
        this.call(session);
    }
    this.stopSweep = this.deps.clock.after(SWEEP_MS, () => this.sweep());
  }

  private examine(session: CspSession, now: number): void {
    if (!this.sessions.has(session.id)) return;
    // The clock may have been put back: nothing is known of a time that is still to come.
    if (session.lastActivity > now) session.lastActivity = now;
    if (session.calledAt !== undefined && session.calledAt > now) session.calledAt = undefined;
    if (now - session.lastActivity < session.keepAlive * 1000) {
      this.wheel.schedule(session);
      return;
    }
    this.deps.metrics.count('csp_sessions_expired_total');
    this.end(session, 600).catch((error: unknown) => {
      this.deps.log.error({ err: error, user: session.home.address }, 'session could not be ended');
    });
  }
}

/** What a session watches, by attribute filter: one request for each. */
function groupedInterests(
  session: CspSession,
  domains: readonly Domain[] | undefined,
): Iterable<[AttributeFilter | undefined, UserAddress[]]> {
  const groups = new Map<string, [AttributeFilter | undefined, UserAddress[]]>();
  for (const [publisher, interest] of session.interests) {
    if (domains !== undefined && !domains.includes(domainOf(publisher))) continue;
    const key = interest === 'all' ? 'all' : [...interest].join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [interest === 'all' ? undefined : interest, [publisher]]);
    else group[1].push(publisher);
  }
  return groups.values();
}
