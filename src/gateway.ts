// The composition root: a configuration in, a running house out; started and stopped in order.

import { readFileSync } from 'node:fs';
import { createMatrixGateway } from '../adapters/matrix/gateway.ts';
import { createXmppGateway } from '../adapters/xmpp/gateway.ts';
import { Accounts } from './accounts.ts';
import { startStcp, type StcpListener } from './access/csp/cir/stcp.ts';
import { startSudp, type Sudp } from './access/csp/cir/udp.ts';
import { startCspHttp, type HttpEndpoint } from './access/csp/http.ts';
import { CspServer } from './access/csp/server.ts';
import { SessionTable } from './access/csp/session-table.ts';
import type { CspSettings } from './access/csp/transaction.ts';
import { TRANSACTIONS } from './access/csp/transactions/index.ts';
import { ConfigError, type Config } from './config.ts';
import { databaseFile, operatorToken, passwordKey } from './data-folder.ts';
import { systemClock, systemIds } from './ops/clock.ts';
import { startOpsEndpoint, type OpsEndpoint, type Readiness } from './ops/endpoint.ts';
import { createMetrics, type MetricsRegistry } from './ops/metrics.ts';
import type { Clock, IdSource, Log } from './ops/ports.ts';
import { Authentication } from './sap/authentication.ts';
import { GatewayLinks } from './sap/gateway-links.ts';
import { serveLocally } from './sap/local-homes.ts';
import { Outbox } from './sap/outbox.ts';
import { Passwords } from './sap/passwords.ts';
import type { Gateway } from './sap/port.ts';
import { Relay } from './sap/relay.ts';
import { buildServices } from './service-elements.ts';
import type { Messaging } from './services/messaging.ts';
import { openSqliteStore } from './store/sqlite/open.ts';
import type { Store } from './store/store.ts';
import { operatorApi, type OperatorApiOptions } from './web/operator-api.ts';
import { profileApi } from './web/profile-api.ts';
import { startWeb, type Mount, type WebEndpoint } from './web/server.ts';
import { parseDomain, serviceAddress } from './wv/address.ts';
import type { Domain } from './wv/ids.ts';
import type { RequestPrimitive } from './wv/primitives.ts';
import { result } from './wv/status.ts';

export interface HouseOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** Gateways beside those of the configuration: tests bring their own. */
  readonly gateways?: readonly Gateway[];
}

export interface House {
  readonly addresses: {
    readonly csp: { host: string; port: number };
    readonly stcp: { host: string; port: number } | undefined;
    readonly ops: { host: string; port: number };
    readonly web: { host: string; port: number } | undefined;
  };
  readonly accounts: Accounts;
  readonly store: Store;
  readonly metrics: MetricsRegistry;
  readiness(): Readiness;
  /** Finishes answers under way, withdraws presence from other networks, closes the store. */
  stop(): Promise<void>;
}

const GRACE_MS = 5_000;
const EXPIRY_MS = 10_000;
const EXPIRY_BATCH = 200;
const PRUNE_MS = 3_600_000;
const DEACTIVATED = result(403, 'The account was deactivated');

function domainIn(config: Config): Domain {
  const domain = parseDomain(config.domain);
  if (domain === undefined) throw new ConfigError(`domain: ${config.domain} is not a domain name`);
  return domain;
}

/** The gateways of a configuration, not started. Throws for settings that cannot work. */
export function configuredGateways({ xmpp, matrix }: Config): Gateway[] {
  const gateways: Gateway[] = [];
  if (xmpp !== undefined) {
    const { host, port, component, secret, domains, pseudoDomain } = xmpp;
    gateways.push(
      createXmppGateway({
        host,
        port,
        componentDomain: component,
        secret,
        domains,
        ...(pseudoDomain === undefined ? {} : { pseudoDomain }),
      }),
    );
  }
  if (matrix !== undefined) {
    gateways.push(
      createMatrixGateway({
        homeserverUrl: matrix.homeserverUrl,
        serverName: matrix.serverName,
        registrationFile: matrix.registration,
        listen: matrix.listen,
        pseudoDomain: matrix.pseudoDomain,
        presence: { publish: matrix.publishPresence, maxPerSecond: matrix.presencePerSecond },
        receiptsFromDelivery: matrix.receiptsFromDelivery,
      }),
    );
  }
  return gateways;
}

function cspSettings(config: Config, stcpPort: number | undefined): CspSettings {
  const { tcp, udp } = config.listen.cir;
  const { name, description, url } = config.provider;
  return {
    provider: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(url === undefined ? {} : { url }),
    },
    keepAlive: config.session.keepAlive,
    pollMin: config.session.pollMin,
    stcp:
      tcp === undefined || stcpPort === undefined
        ? undefined
        : { address: tcp.address ?? tcp.host, port: stcpPort },
    sudp: udp,
    maxEntities: config.contacts.maxContacts,
  };
}

/** Builds and starts everything. Rejects with a ConfigError, or with what made starting impossible. */
export async function startHouse(options: HouseOptions): Promise<House> {
  const { config, log } = options;
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? systemIds;
  const metrics = createMetrics();
  const domain = domainIn(config);
  const service = serviceAddress(domain);
  const passwords = new Passwords(passwordKey(config));
  const store = await openSqliteStore({ file: databaseFile(config), clock, log, exclusive: true });
  const closing: (() => Promise<void> | void)[] = [() => store.close()];
  try {
    return await build();
  } catch (error) {
    await runAll(closing, log);
    throw error;
  }

  async function build(): Promise<House> {
    const accounts = new Accounts({ store, passwords, clock, domain, digestLogin: config.digestLogin });
    for (const user of config.users) await accounts.create(user);

    const gateways = [...configuredGateways(config), ...(options.gateways ?? [])];
    const outbox = new Outbox({ store, clock, log, metrics, service });
    const local = (request: RequestPrimitive) => serveLocally(services, request);
    const relay = new Relay({ homeDomain: domain, outbox, clock, log, metrics, local });
    const services = buildServices(config, domain, { store, outgoing: relay, clock, ids, log });
    const { homes, publishing, messaging } = services;
    for (const gateway of gateways) relay.addGateway(gateway);

    const sudp: Sudp | undefined = config.listen.cir.udp ? startSudp({ log, metrics }) : undefined;
    if (sudp !== undefined) closing.push(() => sudp.close());
    const sessions = new SessionTable({
      ...services,
      store,
      clock,
      ids,
      log,
      metrics,
      limits: { sessionsPerUser: config.session.perUser, sessions: config.session.max },
      ...(sudp === undefined
        ? {}
        : {
            callByUdp: (address, port, version, cookie) => sudp.channel(address, port).call(version, cookie),
          }),
    });
    await sessions.start();
    closing.push(() => sessions.stop());

    const stcp = await startChannel();
    const authentication = new Authentication({
      store,
      passwords,
      clock,
      ids,
      limits: {
        user: { burst: config.login.userBurst, seconds: config.login.userSeconds },
        source: { burst: config.login.sourceBurst, seconds: config.login.sourceSeconds },
      },
    });
    const settings = cspSettings(config, stcp?.address.port);
    const csp = new CspServer(
      {
        ...services,
        store,
        authentication,
        sessions,
        clock,
        ids,
        log,
        settings,
      },
      TRANSACTIONS,
      metrics,
      { maxBytes: config.listen.csp.maxBody, maxText: config.listen.csp.maxBody },
    );

    const links = new GatewayLinks({
      store,
      homes,
      relay,
      outbox,
      publishing,
      sessions,
      clock,
      ids,
      log,
      metrics,
    });
    outbox.start(gateways, relay);
    closing.push(() => outbox.stop());
    await links.start(gateways);
    closing.push(() => links.stop());
    await sessions.resubscribe([domain]);

    const http = await startHttp(csp);
    closing.push(() => http.close(GRACE_MS));
    const web = await startUsersWeb([
      {
        path: '/api/profile',
        router: profileApi({
          profiles: services.profiles,
          authentication,
          domain,
          selfService: config.profiles.selfService,
        }),
      },
    ]);
    if (web !== undefined) closing.push(() => web.close(GRACE_MS));
    const housekeeping = keepHouse(messaging, sessions);
    closing.push(housekeeping);

    let stopping = false;
    const readiness = (): Readiness => ({
      ready: !stopping,
      parts: Object.fromEntries([
        ['csp', stopping ? 'stopping' : 'up'],
        ...gateways.map((gateway) => [gateway.name, gateway.health()]),
      ]),
    });
    const ops = await startOps(readiness, operatorRouters({ ...services, accounts, sessions, store, log }));
    closing.push(() => ops.close());
    metrics.onCollect(async () => {
      metrics.gauge('sessions', sessions.size);
      metrics.gauge('homes_in_memory', homes.size);
      metrics.gauge('searches_open', services.search.size);
      for (const gateway of gateways) {
        metrics.gauge('gateway_up', gateway.health() === 'up' ? 1 : 0, { gateway: gateway.name });
        metrics.gauge('outbox_entries', outbox.held(gateway.name), { gateway: gateway.name });
      }
      for (const [table, rows] of Object.entries(await store.sizes()))
        metrics.gauge('store_rows', rows, { table });
    });

    let stopped: Promise<void> | undefined;
    return {
      addresses: { csp: http.address, stcp: stcp?.address, ops: ops.address, web: web?.address },
      accounts,
      store,
      metrics,
      readiness,
      stop: () => {
        stopping = true;
        stopped ??= runAll(closing, log);
        return stopped;
      },
    };

    async function startChannel(): Promise<StcpListener | undefined> {
      const { tcp } = config.listen.cir;
      if (tcp === undefined) return undefined;
      const listener = await startStcp({
        host: tcp.host,
        port: tcp.port,
        directory: sessions,
        clock,
        log,
        metrics,
      });
      closing.push(() => listener.close());
      return listener;
    }
  }

  function startHttp(csp: CspServer): Promise<HttpEndpoint> {
    const { host, port, path, tls, maxBody, idleSeconds, maxConnections } = config.listen.csp;
    return startCspHttp({
      host,
      port,
      path,
      maxBody,
      idleSeconds,
      maxConnections,
      csp,
      log,
      metrics,
      ...tlsFiles(tls),
    });
  }

  async function startUsersWeb(routers: readonly Mount[]): Promise<WebEndpoint | undefined> {
    const { web } = config.listen;
    if (web === undefined) return undefined;
    const { host, port, tls, maxConnections } = web;
    return startWeb({ host, port, maxConnections, routers, log, ...tlsFiles(tls) });
  }

  function startOps(readiness: () => Readiness, routers: readonly Mount[]): Promise<OpsEndpoint> {
    return startOpsEndpoint({ ...config.listen.ops, metrics, readiness, routers, log });
  }

  function operatorRouters(ports: Omit<OperatorApiOptions, 'token'>): readonly Mount[] {
    const token = operatorToken(config);
    return token === undefined ? [] : [{ path: '/api/users', router: operatorApi({ ...ports, token }) }];
  }

  /** Expires messages and forgets old ids, now and then. Returns what ends it. */
  function keepHouse(messaging: Messaging, sessions: SessionTable): () => Promise<void> {
    let running: Promise<void> = Promise.resolve();
    let stopped = false;
    let cancel = () => {};
    let lastPrune = 0;
    const round = async (): Promise<void> => {
      while (!stopped && (await messaging.expire(EXPIRY_BATCH)) === EXPIRY_BATCH);
      // Deactivated by the command line, which works beside the server.
      for (const user of await store.inactiveWithSessions()) await sessions.endAll(user, DEACTIVATED);
      if (clock.now() - lastPrune > PRUNE_MS) {
        lastPrune = clock.now();
        await store.prune(lastPrune);
      }
    };
    const schedule = () => {
      cancel = clock.after(EXPIRY_MS, () => {
        running = round()
          .catch((error: unknown) => log.error({ err: error }, 'housekeeping failed'))
          .finally(() => {
            if (!stopped) schedule();
          });
      });
    };
    schedule();
    return async () => {
      stopped = true;
      cancel();
      await running;
    };
  }
}

/** What a listener takes for TLS, read from the files of the configuration. */
function tlsFiles(tls: { cert: string; key: string } | undefined): { tls?: { cert: Buffer; key: Buffer } } {
  return tls === undefined ? {} : { tls: { cert: readFileSync(tls.cert), key: readFileSync(tls.key) } };
}

/** Runs the closers in reverse order; one that fails does not keep the others from running. */
async function runAll(closers: readonly (() => Promise<void> | void)[], log: Log): Promise<void> {
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      log.error({ err: error }, 'part of the house did not stop in order');
    }
  }
}
