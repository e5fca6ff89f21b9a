// The publisher's side of the presence service: one user's attributes, who watches them, who may see what.

import { domainOf } from '../../wv/address.ts';
import type { Domain, ServiceAddress, UserAddress } from '../../wv/ids.ts';
import {
  isEmptyPresence,
  PRESENCE_ATTRIBUTES,
  type AttributeFilter,
  type PresenceAttributeName,
  type PresenceAttributes,
} from '../../wv/presence.ts';
import {
  status,
  type GetPresenceRequest,
  type GetPresenceResponse,
  type PresenceAuthResponse,
  type PresenceValue,
  type Status,
  type SubscribeRequest,
  type UnsubscribeRequest,
} from '../../wv/primitives.ts';
import { combine, type DetailedResult, type StatusCode } from '../../wv/status.ts';
import type { AttributeListRecord, AttributeListSubject, Store, WatcherRecord } from '../../store/store.ts';
import type { Clock, Log } from '../../ops/ports.ts';
import { isBlocked } from '../access-control.ts';
import { subjectKey, type Home, type Homes } from '../home.ts';
import type { Outgoing } from '../outgoing.ts';
import { authorized, isUndecided } from './authorized.ts';
import { maskOf, pick, type AttributeMask } from './masks.ts';
import { Pacing } from './pacing.ts';
import { difference, presenceOf, WITHDRAWN } from './values.ts';
import { WatcherGroups } from './watcher-groups.ts';
import type { PastWatching } from './watcher-history.ts';

export interface PublishingDependencies {
  readonly store: Store;
  readonly homes: Homes;
  readonly outgoing: Outgoing;
  readonly clock: Clock;
  readonly log: Log;
  readonly service: ServiceAddress;
  /** Watchers that stand for a whole network: never asked about, shown only what lists allow (bridging 3.5). */
  readonly collectiveWatchers: ReadonlySet<UserAddress>;
  /** Attributes that users of this server see of each other unasked (old phones name contacts by Alias). */
  readonly openAttributes: AttributeMask;
  /** Another domain hears of one user's changes at most that often, milliseconds; 0 = of each. */
  readonly coalesceMs: number;
  readonly limits: {
    readonly watchers: number;
    readonly pendingAuthorizations: number;
    /** Former watchers remembered per user. */
    readonly history: number;
  };
}

/** Watchers named in one notification: it has to fit into one document of a peer. */
const MAX_TOLD = 5_000;

export class Publishing {
  private readonly deps: PublishingDependencies;
  private readonly pacing: Pacing;

  constructor(deps: PublishingDependencies) {
    this.deps = deps;
    this.pacing = new Pacing({
      clock: deps.clock,
      windowMs: deps.coalesceMs,
      tell: (publisher, domain, changed) => {
        this.tellDomain(publisher, domain, changed).catch((error: unknown) => {
          deps.log.error({ err: error, user: publisher, domain }, 'presence could not be told');
        });
      },
    });
  }

  // ---- the user's own doing

  /** UpdatePresence: client attributes were put into the client by the caller, user attributes are stored here. */
  async publish(home: Home, before: PresenceAttributes, own: PresenceAttributes): Promise<void> {
    if (!isEmptyPresence(own)) {
      home.presence = { ...home.presence, ...own };
      await this.deps.store.putPresence(home.address, own);
    }
    await this.announce(home, before);
  }

  /** Tells watchers what changed since `before`: after a publication, a login, a logout. */
  async announce(home: Home, before: PresenceAttributes): Promise<void> {
    const after = presenceOf(home);
    const changed = difference(before, after);
    if (changed === 0 || home.watchers.size === 0) return;
    const groups = this.concerned(home, changed);
    for (const domain of groups.domains()) {
      const paced = domain !== this.deps.homes.domain;
      if (paced && !this.pacing.passes(home.address, domain, changed)) groups.drop(domain);
    }
    await this.tellGroups(home, groups, after);
  }

  /** What changed while the domain was not told of every change. */
  private async tellDomain(publisher: UserAddress, domain: Domain, changed: AttributeMask): Promise<void> {
    const home = await this.deps.homes.get(publisher);
    if (home === undefined) return;
    const groups = this.concerned(home, changed);
    for (const other of groups.domains()) if (other !== domain) groups.drop(other);
    await this.tellGroups(home, groups, presenceOf(home));
  }

  /** The watchers who may see any of what changed. */
  private concerned(home: Home, changed: AttributeMask): WatcherGroups {
    const groups = new WatcherGroups();
    for (const watcher of home.watchers.values()) {
      const mask = changed & this.visible(home, watcher);
      if (mask !== 0) groups.add(domainOf(watcher.watcher), mask, watcher.watcher);
    }
    return groups;
  }

  private async tellGroups(home: Home, groups: WatcherGroups, values: PresenceAttributes): Promise<void> {
    await Promise.all(
      groups.map((mask, watchers) => this.notify(home, watchers, pick(values, mask, WITHDRAWN))),
    );
  }

  async putAttributeList(home: Home, list: AttributeListRecord): Promise<void> {
    await this.reauthorize(home, async () => {
      home.attributeLists.set(subjectKey(list.subject), list);
      for (const watcher of pendingMembers(home, list.subject)) await this.settle(home, watcher);
      await this.deps.store.putAttributeList(home.address, list);
    });
  }

  async deleteAttributeList(home: Home, subject: AttributeListSubject): Promise<void> {
    if (!home.attributeLists.has(subjectKey(subject))) return;
    await this.reauthorize(home, async () => {
      home.attributeLists.delete(subjectKey(subject));
      await this.deps.store.deleteAttributeList(home.address, subject);
    });
  }

  /** The user's answer about a watcher, asked for or not (PresenceAuth-User). */
  async answer(
    home: Home,
    watcher: UserAddress,
    accepted: boolean,
    attributes: AttributeFilter | undefined,
  ): Promise<void> {
    const state = accepted ? 'GRANTED' : 'DENIED';
    await this.reauthorize(home, async () => {
      const record = {
        watcher,
        state,
        changedAt: this.deps.clock.now(),
        ...(accepted && attributes !== undefined ? { attributes: [...attributes] } : {}),
      } as const;
      home.authorizations.set(watcher, record);
      await this.deps.store.putAuthorization(home.address, record);
      await this.tellAnswer(home, watcher, state);
    });
    // A denied local watcher learns it as a withheld OnlineStatus (ssp 16, "Reactive presence").
    if (!accepted && home.watchers.has(watcher))
      await this.notify(home, [watcher], { OnlineStatus: WITHDRAWN });
  }

  /** CancelAuth: withdraws a grant. Quiet when there was none. */
  async cancel(home: Home, watcher: UserAddress): Promise<void> {
    if (!home.authorizations.has(watcher)) return;
    await this.reauthorize(home, async () => {
      home.authorizations.delete(watcher);
      await this.deps.store.deleteAuthorization(home.address, watcher);
      await this.tellAnswer(home, watcher, 'CANCELLED');
    });
  }

  /** Lists or blocks are about to change: watchers are told what they gain and what they lose. */
  async reauthorize(home: Home, change: () => Promise<void>): Promise<void> {
    const before = new Map<UserAddress, AttributeMask>();
    for (const watcher of home.watchers.values()) before.set(watcher.watcher, this.visible(home, watcher));
    await change();
    const values = presenceOf(home);
    const groups = new WatcherGroups();
    for (const watcher of home.watchers.values()) {
      const old = before.get(watcher.watcher) ?? 0;
      const now = this.visible(home, watcher);
      if (now !== old) await this.tellChange(home, watcher.watcher, values, old, now, groups);
    }
    await Promise.all(groups.map((mask, watchers) => this.notify(home, watchers, pick(values, mask))));
  }

  private async tellChange(
    home: Home,
    watcher: UserAddress,
    values: PresenceAttributes,
    old: AttributeMask,
    now: AttributeMask,
    gained: WatcherGroups,
  ): Promise<void> {
    const lost = old & ~now;
    if (lost === 0) {
      gained.add(domainOf(watcher), now & ~old, watcher);
      return;
    }
    await this.notify(home, [watcher], { ...pick(values, now & ~old), ...pick({}, lost, WITHDRAWN) });
  }

  // ---- requests from watchers' homes

  async subscribe(request: SubscribeRequest): Promise<Status> {
    const failures: DetailedResult[] = [];
    let succeeded = 0;
    for (const publisher of request.publishers) {
      const home = await this.deps.homes.get(publisher);
      const refusal = home === undefined ? 531 : await this.admit(home, request);
      if (refusal === undefined) succeeded++;
      else failures.push({ code: refusal, users: [publisher] });
    }
    return status(combine(succeeded, failures));
  }

  private async admit(home: Home, request: SubscribeRequest): Promise<StatusCode | undefined> {
    const { watcher } = request;
    if (isBlocked(home, watcher)) return 532;
    if (!home.watchers.has(watcher) && home.watchers.size >= this.deps.limits.watchers) return 507;
    const record = await this.watch(home, watcher, request.attributes);
    const undecided = isUndecided(home, watcher) && !this.deps.collectiveWatchers.has(watcher);
    const refusal = undecided ? await this.ask(home, watcher, request.attributes) : undefined;
    const visible = this.visible(home, record);
    if (visible !== 0) await this.notify(home, [watcher], pick(presenceOf(home), visible));
    // His network may have missed the answer, and would wait for it for ever.
    else if (home.authorizations.get(watcher)?.state === 'DENIED')
      await this.tellAnswer(home, watcher, 'DENIED');
    return refusal;
  }

  private async watch(
    home: Home,
    watcher: UserAddress,
    attributes: AttributeFilter | undefined,
  ): Promise<WatcherRecord> {
    const record: WatcherRecord = {
      watcher,
      since: home.watchers.get(watcher)?.since ?? this.deps.clock.now(),
      ...(attributes === undefined ? {} : { attributes: [...attributes] }),
    };
    const known = home.watchers.get(watcher);
    home.watchers.set(watcher, record);
    // Subscriptions of local users live and die with their sessions, which subscribe again after a restart.
    const lasting = domainOf(watcher) !== this.deps.homes.domain;
    if (lasting && !sameWatch(known, record)) await this.deps.store.putWatcher(home.address, record);
    return record;
  }

  /** Puts the question to the user's clients now, and to those that log in before it is answered. */
  private async ask(
    home: Home,
    watcher: UserAddress,
    attributes: AttributeFilter | undefined,
  ): Promise<StatusCode | undefined> {
    if (pendingCount(home) >= this.deps.limits.pendingAuthorizations) return 507;
    const record = {
      watcher,
      state: 'PENDING',
      changedAt: this.deps.clock.now(),
      ...(attributes === undefined ? {} : { attributes: [...attributes] }),
    } as const;
    home.authorizations.set(watcher, record);
    await this.deps.store.putAuthorization(home.address, record);
    for (const client of home.clients) if (client.reactive) client.authorizationAsked(watcher, attributes);
    return undefined;
  }

  async unsubscribe(request: UnsubscribeRequest): Promise<Status> {
    for (const publisher of request.publishers) {
      const home = await this.deps.homes.get(publisher);
      if (home === undefined || !home.watchers.delete(request.watcher)) continue;
      this.remember(home, request.watcher, 'FORMER_SUBSCRIBER');
      if (domainOf(request.watcher) !== this.deps.homes.domain) {
        await this.deps.store.deleteWatcher(publisher, request.watcher);
      }
    }
    return status({ code: 200 });
  }

  async getPresence(request: GetPresenceRequest): Promise<GetPresenceResponse> {
    const values: PresenceValue[] = [];
    const failures: DetailedResult[] = [];
    for (const publisher of request.publishers) {
      const home = await this.deps.homes.get(publisher);
      if (home === undefined) {
        failures.push({ code: 531, users: [publisher] });
        continue;
      }
      const mask = maskOf(request.attributes) & this.maySee(home, request.watcher);
      if (mask !== 0) this.remember(home, request.watcher, 'PRESENCE_ACCESS');
      values.push({ user: publisher, attributes: pick(presenceOf(home), mask) });
    }
    return { primitive: 'GetPresenceResponse', result: combine(values.length, failures), values };
  }

  private remember(home: Home, watcher: UserAddress, status: PastWatching): void {
    if (watcher === home.address) return;
    home.watcherHistory.note(watcher, status, this.deps.clock.now(), this.deps.limits.history);
  }

  /** Sends one watcher everything he may see, once: after a gateway or peer came back. */
  async resynchronize(publisher: UserAddress, watcher: UserAddress): Promise<void> {
    const home = await this.deps.homes.get(publisher);
    const record = home?.watchers.get(watcher);
    if (home === undefined || record === undefined) return;
    const mask = this.visible(home, record);
    if (mask !== 0) await this.request(home, [watcher], pick(presenceOf(home), mask));
  }

  private visible(home: Home, watcher: WatcherRecord): AttributeMask {
    return maskOf(watcher.attributes) & this.maySee(home, watcher.watcher);
  }

  private maySee(home: Home, watcher: UserAddress): AttributeMask {
    const neighbour = domainOf(watcher) === this.deps.homes.domain && !isBlocked(home, watcher);
    const collective = this.deps.collectiveWatchers.has(watcher);
    return authorized(home, watcher, collective) | (neighbour ? this.deps.openAttributes : 0);
  }

  /** Waits for nobody but this server: who changes something must not wait for slow networks. */
  private async notify(
    home: Home,
    watchers: readonly UserAddress[],
    attributes: PresenceAttributes,
  ): Promise<void> {
    const telling = this.request(home, watchers, attributes);
    if (watchers.some((watcher) => domainOf(watcher) === this.deps.homes.domain)) await telling;
  }

  private async request(
    home: Home,
    watchers: readonly UserAddress[],
    attributes: PresenceAttributes,
  ): Promise<void> {
    for (let from = 0; from < watchers.length; from += MAX_TOLD) {
      await this.deps.outgoing.request({
        primitive: 'PresenceNotification',
        meta: { service: this.deps.service },
        publisher: home.address,
        watchers: watchers.slice(from, from + MAX_TOLD),
        attributes,
      });
    }
  }

  private async tellAnswer(
    home: Home,
    watcher: UserAddress,
    state: PresenceAuthResponse['state'],
  ): Promise<void> {
    if (domainOf(watcher) === this.deps.homes.domain) return;
    await this.deps.outgoing.request({
      primitive: 'PresenceAuthResponse',
      meta: { service: this.deps.service, user: home.address },
      publisher: home.address,
      watcher,
      state,
    });
  }

  /** A watcher who was waiting for an answer got one through an attribute list. */
  private async settle(home: Home, watcher: UserAddress): Promise<void> {
    home.authorizations.delete(watcher);
    await this.deps.store.deleteAuthorization(home.address, watcher);
    await this.tellAnswer(home, watcher, 'GRANTED');
  }
}

function pendingCount(home: Home): number {
  let count = 0;
  for (const record of home.authorizations.values()) if (record.state === 'PENDING') count++;
  return count;
}

function* pendingMembers(home: Home, subject: AttributeListSubject): Iterable<UserAddress> {
  for (const record of home.authorizations.values()) {
    if (record.state !== 'PENDING') continue;
    const concerned =
      subject.kind === 'default' ||
      (subject.kind === 'user' && subject.user === record.watcher) ||
      (subject.kind === 'list' && home.lists.get(subject.list)?.contacts.has(record.watcher) === true);
    if (concerned) yield record.watcher;
  }
}

function sameWatch(a: WatcherRecord | undefined, b: WatcherRecord): boolean {
  return a !== undefined && a.attributes?.join() === b.attributes?.join();
}

/** The publishable part of UpdatePresence: what belongs to this client, and what belongs to the user. */
export function splitByScope(values: PresenceAttributes): {
  readonly client: PresenceAttributes;
  readonly user: PresenceAttributes;
} {
  const parts: Record<'client' | 'user', Record<string, PresenceAttributes[PresenceAttributeName]>> = {
    client: {},
    user: {},
  };
  for (const name of Object.keys(values) as PresenceAttributeName[]) {
    parts[PRESENCE_ATTRIBUTES[name].scope][name] = values[name];
  }
  return parts as { client: PresenceAttributes; user: PresenceAttributes };
}
