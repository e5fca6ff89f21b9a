// A gateway in a process of its own: what the server's process gives a gateway (its port, storage, a place in the
// relay) is here on the far side of SSP. The server takes this process for a peer; the gateway does not notice.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from './access/ssp/peer.ts';
import { CoreRequests } from './adapter-host/core-requests.ts';
import { CoreUsers } from './adapter-host/core-users.ts';
import { StateNews } from './adapter-host/state-news.ts';
import { houseConfig, type AdapterConfig } from './config/adapter.ts';
import { systemClock, systemIds } from './ops/clock.ts';
import { startOpsEndpoint, type Readiness } from './ops/endpoint.ts';
import { createMetrics, type MetricsRegistry } from './ops/metrics.ts';
import type { Clock, IdSource, Log } from './ops/ports.ts';
import { packageVersion } from './package-version.ts';
import { isDurable } from './sap/durable.ts';
import { NO_LINKED_ACCOUNTS, type Gateway, type RelayPort } from './sap/port.ts';
import { claimedDomains, targetDomains } from './sap/routing.ts';
import { sspService, type SspService } from './ssp-service.ts';
import { openSqliteStore } from './store/sqlite/open.ts';
import type { Store } from './store/store.ts';
import type { Domain } from './wv/ids.ts';
import { status, type RequestPrimitive, type ResponsePrimitive } from './wv/primitives.ts';
import { OK, result } from './wv/status.ts';

export interface AdapterHostOptions {
  readonly config: AdapterConfig;
  readonly gateway: Gateway;
  /** Names the configuration in errors. */
  readonly source: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly ids?: IdSource;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface AdapterHost {
  readonly addresses: { readonly ssp: Address | undefined; readonly ops: Address };
  readonly metrics: MetricsRegistry;
  readiness(): Readiness;
  /** The gateway ends in order, the server is told, the store is closed. */
  stop(): Promise<void>;
}

const GRACE_MS = 5_000;
const PRUNE_MS = 3_600_000;

/** Starts everything. Rejects with a ConfigError, or with what made starting impossible. */
export async function startAdapterHost(options: AdapterHostOptions): Promise<AdapterHost> {
  const { config, gateway, log, clock = systemClock, ids = systemIds } = options;
  const house = houseConfig(config, gateway, options.source);
  const coreDomain = config.adapter.core as Domain;
  const metrics = createMetrics();
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const file = join(config.data, `adapter-${gateway.name}.sqlite`);
  const store = await openSqliteStore({ file, clock, log, exclusive: true });
  const closing: (() => Promise<void> | void)[] = [() => store.close()];
  try {
    return await build();
  } catch (error) {
    await runAll(closing, log);
    throw error;
  }

  async function build(): Promise<AdapterHost> {
    const { ssp, core } = coreOf(
      sspService(house, house.domain as Domain, {
        // The one peer is listed: none is found while we run.
        registry: { isTaken: () => true, adopt: () => Promise.resolve(), release: () => false },
        waiting: () => 0,
        role: 'core',
        version: packageVersion(),
        clock,
        ids,
        log,
        metrics,
      }),
    );
    closing.push(() => ssp.close());
    const requests = new CoreRequests({ core, clock, patienceMs: config.adapter.patienceSeconds * 1000 });
    const users = new CoreUsers({ ask: (user) => core.consult({ name: 'UserQuery', user }), clock, log });
    const news = new StateNews({
      tell: (state) => core.consult(state),
      health: () => gateway.health(),
      run: ids.random(12),
      clock,
      log,
    });
    const common = {
      clock,
      ids,
      log,
      metrics,
      // SSP has no word for lists of groups: rooms of the server are joined by address only.
      publicGroups: () => Promise.resolve([]),
      // Nor for searching users.
      findUsers: () => Promise.resolve([]),
      // The server tells who left while we were away, as soon as we are back.
      hasJoined: () => true,
      // Content lies with the server, and SSP has no word for asking after it.
      fileLink: () => Promise.resolve(undefined),
      // Accounts are linked with homes, and those are at the server.
      linkedAccounts: NO_LINKED_ACCOUNTS,
    };
    await core.start({
      ...common,
      homeDomain: house.domain as Domain,
      emit: (request) => served(gateway, coreDomain, request, log),
      userExists: () => Promise.resolve(false),
      displayName: () => Promise.resolve(undefined),
      becameUsable: () => news.coreReturned(),
      storage: store.gatewayStorage(core.name),
    });
    closing.push(() => core.stop());
    const port: RelayPort = {
      ...common,
      homeDomain: coreDomain,
      emit: (request) => requests.emit(request),
      userExists: async (user) => (await users.name(user)) !== undefined,
      displayName: (user) => users.name(user),
      becameUsable: () => {
        log.info({ gateway: gateway.name }, 'gateway is usable');
        news.becameUsable();
      },
      storage: store.gatewayStorage(gateway.name),
    };
    const door = await ssp.listen();
    if (door !== undefined) closing.push(() => door.close(GRACE_MS));
    ssp.start([core]);
    closing.push(() => requests.stop());
    closing.push(() => withinGrace(gateway.stop(), clock, log));
    await gateway.start(port);
    news.start();
    closing.push(() => news.stop());
    closing.push(keepStore(store, clock, log));

    let stopping = false;
    const readiness = (): Readiness => ({
      ready: !stopping,
      parts: { core: core.health(), [gateway.name]: stopping ? 'stopping' : gateway.health() },
    });
    const ops = await startOpsEndpoint({ ...config.listen.ops, metrics, readiness, log });
    closing.push(() => ops.close());
    metrics.onCollect(async () => {
      metrics.gauge('gateway_up', gateway.health() === 'up' ? 1 : 0, { gateway: gateway.name });
      for (const [table, rows] of Object.entries(await store.sizes()))
        metrics.gauge('store_rows', rows, { table });
    });
    let stopped: Promise<void> | undefined;
    return {
      addresses: { ssp: door?.address, ops: ops.address },
      metrics,
      readiness,
      stop: () => {
        stopping = true;
        stopped ??= runAll(closing, log);
        return stopped;
      },
    };
  }
}

function coreOf(ssp: SspService | undefined): { readonly ssp: SspService; readonly core: Peer } {
  const core = ssp?.peers[0];
  if (ssp === undefined || core === undefined) throw new TypeError('an adapter always has one peer');
  return { ssp, core };
}

/** A request of the server, as the relay would hand it to a gateway in its own process. */
async function served(
  gateway: Gateway,
  core: Domain,
  request: RequestPrimitive,
  log: Log,
): Promise<ResponsePrimitive> {
  const { primitive } = request;
  if ([...claimedDomains(request)].some((domain) => domain !== core)) return status(result(901));
  if ([...targetDomains(request)].some((domain) => !gateway.domains.includes(domain)))
    return status(result(516));
  if (!gateway.capabilities.has(primitive))
    return status(primitive === 'PresenceAuthResponse' ? OK : result(506));
  try {
    return await gateway.request(request);
  } catch (error) {
    log.error({ err: error, gateway: gateway.name, primitive }, 'request failed');
    // The server's outbox keeps what must not be lost.
    return status(result(isDurable(request) ? 503 : 500));
  }
}

/** Forgets what is too old, now and then. Returns what ends it. */
function keepStore(store: Store, clock: Clock, log: Log): () => void {
  let cancel = (): void => undefined;
  const schedule = (): void => {
    cancel = clock.after(PRUNE_MS, () => {
      store
        .prune(clock.now())
        .catch((error: unknown) => log.error({ err: error }, 'old ids could not be forgotten'));
      schedule();
    });
  };
  schedule();
  return () => cancel();
}

async function withinGrace(task: Promise<void>, clock: Clock, log: Log): Promise<void> {
  let cancel = (): void => undefined;
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(GRACE_MS, () => {
      log.warn({}, 'gateway did not stop in time');
      resolve();
    });
  });
  await Promise.race([task, late]);
  cancel();
}

/** Runs the closers in reverse order; one that fails does not keep the others from running. */
async function runAll(closers: readonly (() => Promise<void> | void)[], log: Log): Promise<void> {
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      log.error({ err: error }, 'part of the adapter did not stop in order');
    }
  }
}
