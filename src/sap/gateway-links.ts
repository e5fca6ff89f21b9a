// Connects gateways with the house: each gets its port, and its networks are told the state of presence again when
// it comes back (design section 5: a peer that returns is resynchronised once).

import type { Clock, IdSource, Log, Metrics } from '../ops/ports.ts';
import type { Attachments } from '../services/content/attachments.ts';
import type { Homes } from '../services/home.ts';
import type { LinkedAccounts } from '../services/linked-accounts.ts';
import type { Publishing } from '../services/presence/publishing.ts';
import type { Search } from '../services/search.ts';
import { shownName } from '../services/presence/values.ts';
import type { Store } from '../store/store.ts';
import type { Domain, UserAddress } from '../wv/ids.ts';
import type { Outbox } from './outbox.ts';
import type { FoundUser, Gateway, RelayPort } from './port.ts';
import type { Relay } from './relay.ts';

export interface GatewayLinksDependencies {
  readonly store: Store;
  readonly homes: Homes;
  readonly relay: Relay;
  readonly outbox: Outbox;
  readonly search: Pick<Search, 'findUsers'>;
  readonly publishing: Publishing;
  /** Groups behind a domain that are still to be told who left. */
  readonly departures: { repeat(domains: readonly Domain[]): Promise<void> };
  /** Subscriptions of local users to repeat: what their sessions watch behind a domain. */
  readonly sessions: { resubscribe(domains: readonly Domain[], user?: UserAddress): Promise<void> };
  /** The content service's part in it; absent without one. */
  readonly attachments?: Pick<Attachments, 'offered'>;
  readonly linkedAccounts: Pick<LinkedAccounts, 'portFor'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Watchers resynchronised a second, and in how many seconds those that are read at once are told. */
const TELLINGS_PER_SECOND = 1_000;
const BATCH_SECONDS = 0.05;
/** Time a gateway gets to end in order. */
const STOP_MS = 5_000;

export class GatewayLinks {
  private readonly deps: GatewayLinksDependencies;
  private readonly gateways: Gateway[] = [];
  /** Per gateway: the resynchronisation under way is obsolete when the number moved on. */
  private readonly rounds = new Map<string, number>();

  constructor(deps: GatewayLinksDependencies) {
    this.deps = deps;
  }

  async start(gateways: readonly Gateway[]): Promise<void> {
    for (const gateway of gateways) await this.add(gateway);
  }

  /** Starts one more. */
  async add(gateway: Gateway): Promise<void> {
    this.gateways.push(gateway);
    await gateway.start(this.portFor(gateway));
  }

  /** The gateway is not used any more. */
  remove(gateway: Gateway): void {
    this.rounds.set(gateway.name, -1);
    const at = this.gateways.indexOf(gateway);
    if (at >= 0) this.gateways.splice(at, 1);
  }

  async stop(): Promise<void> {
    for (const gateway of this.gateways) this.rounds.set(gateway.name, -1);
    await Promise.all(this.gateways.map((gateway) => this.withDeadline(gateway)));
  }

  private withDeadline(gateway: Gateway): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.deps.log.warn({ gateway: gateway.name }, 'gateway did not stop in time');
        resolve();
      }, STOP_MS);
      gateway
        .stop()
        .catch((error: unknown) =>
          this.deps.log.error({ err: error, gateway: gateway.name }, 'gateway stop failed'),
        )
        .finally(() => {
          clearTimeout(late);
          resolve();
        });
    });
  }

  private portFor(gateway: Gateway): RelayPort {
    const { store, homes, relay, clock, ids, log, metrics } = this.deps;
    return {
      homeDomain: homes.domain,
      emit: (request) => relay.emit(gateway, request),
      userExists: async (user) => (await homes.get(user)) !== undefined,
      publicGroups: (after, limit) => store.searchGroups({}, after, limit),
      findUsers: (query, limit) => this.findUsers(query, limit),
      displayName: async (user) => {
        const home = await homes.get(user);
        return home === undefined ? undefined : shownName(home);
      },
      hasJoined: (user, clientId, group) =>
        [...(homes.peek(user)?.clients ?? [])].some(
          (client) => (clientId === undefined || client.clientId === clientId) && client.hasJoined(group),
        ),
      becameUsable: () => this.becameUsable(gateway),
      fileLink: async (content, validity) =>
        await this.deps.attachments?.offered(content, clock.now() + validity),
      linkedAccounts: {
        ...this.deps.linkedAccounts.portFor(gateway.name),
        becameUsable: (user) => this.accountBecameUsable(gateway, user),
      },
      storage: store.gatewayStorage(gateway.name),
      clock,
      ids,
      log,
      metrics,
    };
  }

  private async findUsers(query: string, limit: number): Promise<readonly FoundUser[]> {
    const { search, homes } = this.deps;
    const found: FoundUser[] = [];
    for (const user of await search.findUsers(query, limit)) {
      const home = await homes.get(user);
      if (home !== undefined) found.push({ user, name: shownName(home) });
    }
    return found;
  }

  private becameUsable(gateway: Gateway): void {
    const round = (this.rounds.get(gateway.name) ?? 0) + 1;
    this.rounds.set(gateway.name, round);
    this.deps.log.info({ gateway: gateway.name }, 'gateway is usable');
    this.deps.outbox.retryNow(gateway.name);
    this.resynchronize(gateway, round).catch((error: unknown) => {
      this.deps.log.error({ err: error, gateway: gateway.name }, 'gateway could not be resynchronised');
    });
  }

  private accountBecameUsable(gateway: Gateway, user: UserAddress): void {
    this.deps.outbox.retryNow(gateway.name);
    this.deps.sessions.resubscribe(gateway.domains, user).catch((error: unknown) => {
      this.deps.log.error({ err: error, user }, 'subscriptions of a linked account could not be repeated');
    });
  }

  private async resynchronize(gateway: Gateway, round: number): Promise<void> {
    const { departures, sessions } = this.deps;
    await Promise.all([departures.repeat(gateway.domains), sessions.resubscribe(gateway.domains)]);
    const { tellingsPerSecond: perSecond = TELLINGS_PER_SECOND } = gateway;
    const batch = Math.ceil(perSecond * BATCH_SECONDS);
    for (const domain of gateway.domains) {
      let after: UserAddress | undefined;
      for (;;) {
        const pairs = await this.deps.store.watchersIn(domain, after, batch);
        if (pairs.length === 0 || this.rounds.get(gateway.name) !== round) break;
        for (const { publisher, watcher } of pairs) {
          await this.deps.publishing.resynchronize(publisher, watcher);
          after = publisher;
        }
        await new Promise<void>((resolve) => {
          this.deps.clock.after((batch / perSecond) * 1000, resolve);
        });
      }
    }
  }
}
