// Presence of Matrix users for WV watchers (bridging.md 3.4): who watches whom is durable, what was seen last is not.
// The homeserver pushes the presence of those only who share a room with a ghost, hence the portal on subscription.

import type { RelayPort } from '../../src/sap/port.ts';
import { domainOf, serviceAddress } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import { isEmptyPresence, select, WITHDRAWN } from '../../src/wv/presence.ts';
import type { AttributeFilter, PresenceAttributeName, PresenceAttributes } from '../../src/wv/presence.ts';
import type {
  GetPresenceRequest,
  GetPresenceResponse,
  SubscribeRequest,
  UnsubscribeRequest,
} from '../../src/wv/primitives.ts';
import { combine, OK } from '../../src/wv/status.ts';
import type { DetailedResult, Result } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, resultOf } from './errors.ts';
import type { PresenceUpdate } from './events.ts';
import type { MatrixUserId } from './ids.ts';
import { reasonOf } from './inbox.ts';
import { Lru } from './lru.ts';
import type { Portals } from './portals.ts';
import { changed, fromMatrix } from './presence-map.ts';
import { SerialQueues } from './queues.ts';

/** Users whose last presence is kept in memory. */
const REMEMBERED = 20_000;
/** A presence request is answered from the cache after that, in ms. */
const FETCH_DEADLINE_MS = 3000;
/** What was kept by the homeserver comes in many transactions: one look after them, in ms. */
const LOOK_AROUND_MS = 1000;
/** Looks at the same time. */
const LANES = 4;

export interface WatchingOptions {
  readonly relay: RelayPort;
  readonly pseudoDomain: Domain;
  readonly portalOnSubscribe: boolean;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly portals: Pick<Portals, 'find' | 'ensure'>;
}

type Watchers = Map<UserAddress, AttributeFilter | undefined>;

export class Watching {
  readonly #options: WatchingOptions;
  /** Bounded by the contact lists of the WV users. */
  readonly #watchers = new Map<MatrixUserId, Watchers>();
  readonly #last = new Lru<MatrixUserId, PresenceAttributes>(REMEMBERED);
  /** Looks under way. */
  readonly #looks = new SerialQueues();
  #lane = 0;
  #cancelLookAround: (() => void) | undefined;

  constructor(options: WatchingOptions) {
    this.#options = options;
  }

  /** Reads the table of watchers. */
  async load(): Promise<void> {
    for (const [key, filter] of await this.#options.relay.storage.list('watch ')) {
      const [, peer, watcher] = key.split(' ');
      this.#remember(peer as MatrixUserId, watcher as UserAddress, parseFilter(filter));
    }
  }

  /** Waits for what was begun. */
  async settled(): Promise<void> {
    await this.#looks.settled();
  }

  /** Takes a subscription; the first notification follows the answer. */
  async subscribe(request: SubscribeRequest): Promise<Result> {
    const outcomes = await Promise.all(
      request.publishers.map((publisher) => this.#subscribe(request.watcher, publisher, request.attributes)),
    );
    const failures = outcomes.filter((outcome) => outcome !== undefined);
    return combine(outcomes.length - failures.length, failures);
  }

  async unsubscribe(request: UnsubscribeRequest): Promise<Result> {
    for (const publisher of request.publishers) {
      const peer = this.#options.addresses.peerOf(publisher);
      if (peer !== undefined) await this.#forget(peer, request.watcher);
    }
    return OK;
  }

  async get(request: GetPresenceRequest): Promise<GetPresenceResponse> {
    const failures: DetailedResult[] = [];
    const values = await Promise.all(
      request.publishers.map(async (publisher) => {
        const peer = this.#options.addresses.peerOf(publisher);
        if (peer === undefined) {
          failures.push({ code: 531, users: [publisher] });
          return [];
        }
        const seen = (await this.#look(request.watcher, peer)) ?? { OnlineStatus: WITHDRAWN };
        return [{ user: publisher, attributes: select(seen, request.attributes) }];
      }),
    );
    const found = values.flat();
    return { primitive: 'GetPresenceResponse', result: combine(found.length, failures), values: found };
  }

  /** Presence that the homeserver pushed. What did not change is not passed on. */
  async pushed(update: PresenceUpdate): Promise<void> {
    const next = fromMatrix(update.content);
    if (next === undefined || !this.#watchers.has(update.user)) return;
    await this.#learn(update.user, next);
  }

  /** A user came into a portal: only from now on may the ghost look at him. */
  joined(watcher: UserAddress, peer: MatrixUserId): void {
    if (this.#watchers.get(peer)?.has(watcher) !== true) return;
    this.#inBackground(() => this.#look(watcher, peer));
  }

  /** Looks, a little later, at everybody who is watched: presence was lost on its way here. */
  lookAround(): void {
    this.#cancelLookAround ??= this.#options.relay.clock.after(LOOK_AROUND_MS, () => {
      this.#cancelLookAround = undefined;
      for (const [peer, watchers] of this.#watchers) {
        const [watcher] = watchers.keys();
        if (watcher !== undefined) this.#inBackground(() => this.#look(watcher, peer));
      }
    });
  }

  stop(): void {
    this.#cancelLookAround?.();
  }

  async #subscribe(
    watcher: UserAddress,
    publisher: UserAddress,
    filter: AttributeFilter | undefined,
  ): Promise<DetailedResult | undefined> {
    const { addresses, relay } = this.#options;
    const peer = addresses.peerOf(publisher);
    if (peer === undefined) return { code: 531, users: [publisher] };
    if (!(await this.#exists(watcher, peer))) return { code: 531, users: [publisher] };
    await relay.storage.put(`watch ${peer} ${watcher}`, filter === undefined ? '' : [...filter].join(' '));
    this.#remember(peer, watcher, filter);
    this.#inBackground(() => this.#firstLook(watcher, peer, filter));
    return undefined;
  }

  async #exists(watcher: UserAddress, peer: MatrixUserId): Promise<boolean> {
    const { addresses, client, portals } = this.#options;
    if ((await portals.find(watcher, peer)) !== undefined) return true;
    return await client.displayName(addresses.bot, peer).then(
      () => true,
      // Whatever else the homeserver says, the user may well be there.
      (error: unknown) => !(error instanceof HomeserverError && error.status === 404),
    );
  }

  async #firstLook(
    watcher: UserAddress,
    peer: MatrixUserId,
    filter: AttributeFilter | undefined,
  ): Promise<void> {
    const { portalOnSubscribe, portals, relay } = this.#options;
    if (portalOnSubscribe) {
      await portals.ensure(watcher, peer).catch((error: unknown) => {
        if (!(error instanceof HomeserverError)) throw error;
        const { code } = resultOf(error);
        relay.log.info({ peer, errcode: error.errcode, code }, 'matrix: no portal, so no presence of a user');
      });
    }
    const before = this.#last.get(peer);
    const seen = await this.#look(watcher, peer);
    // What was not known before was passed on to all who watch; else it is news to the new watcher.
    if (seen !== undefined && before !== undefined) {
      await this.#notify(peer, new Map([[watcher, filter]]), seen);
    }
  }

  /** What `watcher`'s ghost may see now, else what was seen last; a change is passed on to all who watch. */
  async #look(watcher: UserAddress, peer: MatrixUserId): Promise<PresenceAttributes | undefined> {
    const before = this.#last.get(peer);
    const seen = await this.#fetch(watcher, peer);
    // What was pushed while we asked is newer.
    if (seen !== undefined && this.#last.get(peer) === before) await this.#learn(peer, seen);
    return this.#last.get(peer);
  }

  async #fetch(watcher: UserAddress, peer: MatrixUserId): Promise<PresenceAttributes | undefined> {
    const { client, addresses, portals, relay } = this.#options;
    try {
      // Only who shares a room may ask; a ghost that was never made shares none.
      const hasPortal = (await portals.find(watcher, peer)) !== undefined;
      const as = hasPortal ? addresses.ghostOf(watcher) : undefined;
      return fromMatrix(await client.presence(as ?? addresses.bot, peer, FETCH_DEADLINE_MS));
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      relay.log.debug({ peer, errcode: error.errcode }, 'matrix: presence not visible');
      return undefined;
    }
  }

  /** Every watcher knows what `#last` holds. */
  async #learn(peer: MatrixUserId, next: PresenceAttributes): Promise<void> {
    const difference = changed(this.#last.get(peer), next);
    if (isEmptyPresence(difference)) {
      this.#options.relay.metrics.count('matrix_presence_total', { to: 'wv', outcome: 'unchanged' });
      return;
    }
    this.#last.set(peer, next);
    const watchers = this.#watchers.get(peer);
    if (watchers !== undefined) await this.#notify(peer, watchers, difference);
  }

  /** One notification per domain and filter of the watchers. */
  async #notify(peer: MatrixUserId, watchers: Watchers, values: PresenceAttributes): Promise<void> {
    const publisher = this.#options.addresses.addressOf(peer);
    if (publisher === undefined) return;
    const groups = new Map<string, UserAddress[]>();
    for (const [watcher, filter] of watchers) {
      const key = `${domainOf(watcher)} ${filter === undefined ? '' : [...filter].join(' ')}`;
      groups.set(key, [...(groups.get(key) ?? []), watcher]);
    }
    for (const members of groups.values()) {
      const [first] = members;
      const attributes = select(values, first === undefined ? undefined : watchers.get(first));
      if (!isEmptyPresence(attributes)) await this.#emit(publisher, members, attributes);
    }
  }

  async #emit(
    publisher: UserAddress,
    watchers: readonly UserAddress[],
    attributes: PresenceAttributes,
  ): Promise<void> {
    const { relay, pseudoDomain } = this.#options;
    const meta = { service: serviceAddress(pseudoDomain), user: publisher };
    await relay.emit({ primitive: 'PresenceNotification', meta, publisher, watchers, attributes });
    relay.metrics.count('matrix_presence_total', { to: 'wv', outcome: 'passed' });
  }

  #remember(peer: MatrixUserId, watcher: UserAddress, filter: AttributeFilter | undefined): void {
    const watchers = this.#watchers.get(peer) ?? new Map<UserAddress, AttributeFilter | undefined>();
    this.#watchers.set(peer, watchers.set(watcher, filter));
  }

  async #forget(peer: MatrixUserId, watcher: UserAddress): Promise<void> {
    await this.#options.relay.storage.delete(`watch ${peer} ${watcher}`);
    const watchers = this.#watchers.get(peer);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#watchers.delete(peer);
  }

  /** In few lanes: after an outage the relay repeats every subscription at once. */
  #inBackground(work: () => Promise<unknown>): void {
    const { log } = this.#options.relay;
    this.#lane = (this.#lane + 1) % LANES;
    this.#looks.run(String(this.#lane), work).catch((error: unknown) => {
      log.error({ error: reasonOf(error) }, 'matrix: a subscription failed');
    });
  }
}

function parseFilter(stored: string): AttributeFilter | undefined {
  return stored === '' ? undefined : new Set(stored.split(' ') as PresenceAttributeName[]);
}
