// The composition root: a configuration in, a running house out; started and stopped in order.

import { readCertificate } from './tls-files.ts';
import { absentDestinations } from './absent-destinations.ts';
import { Accounts } from './accounts.ts';
import { startStcp, type StcpListener } from './access/csp/cir/stcp.ts';
import { startSudp, type Sudp } from './access/csp/cir/udp.ts';
import { AddressList } from './access/address-list.ts';
import { startCspHttp, type HttpEndpoint } from './access/csp/http.ts';
import { Origins } from './access/csp/origin.ts';
import { CspServer } from './access/csp/server.ts';
import { SessionTable } from './access/csp/session-table.ts';
import { changeList } from './access/csp/list-changes.ts';
import type { CspSettings } from './access/csp/transaction.ts';
import { TRANSACTIONS } from './access/csp/transactions/index.ts';
import { ConfigError, type Config } from './config.ts';
import { configuredGateways, linkableNetworks } from './configured-gateways.ts';
import { databaseFile, operatorToken, passwordKey } from './data-folder.ts';
import { keepHouse } from './housekeeping.ts';
import { systemClock, systemIds } from './ops/clock.ts';
import { startOpsEndpoint, type OpsEndpoint, type Readiness } from './ops/endpoint.ts';
import { createMetrics, type MetricsRegistry } from './ops/metrics.ts';
import type { Clock, IdSource, Log } from './ops/ports.ts';
import { readLogo } from './provider-logo.ts';
import { Authentication } from './sap/authentication.ts';
import { GatewayLinks } from './sap/gateway-links.ts';
import { serveLocally } from './sap/local-homes.ts';
import { Outbox } from './sap/outbox.ts';
import { Passwords } from './sap/passwords.ts';
import type { Gateway } from './sap/port.ts';
import { Relay, type RelayDependencies } from './sap/relay.ts';
import { SecretCipher } from './sap/secret-cipher.ts';
import { buildServices } from './service-elements.ts';
import { watchHomeWrites } from './services/home-writes.ts';
import { LinkedAccounts } from './services/linked-accounts.ts';
import { sendSystemMessage, type SystemMessageDraft } from './services/system-messages.ts';
import { sspService, type SspService } from './ssp-service.ts';
import { startPeers } from './start-peers.ts';
import { packageVersion } from './package-version.ts';
import { peersApi, type PeerOverview } from './web/peers-api.ts';
import { clearRemovedUsers } from './removed-users.ts';
import { numberOwners } from './number-owners.ts';
import { openSqliteStore } from './store/sqlite/open.ts';
import type { Store } from './store/store.ts';
import { operatorApi, type OperatorApiOptions } from './web/operator-api.ts';
import { usersMounts } from './users-web.ts';
import { startWeb, type Mount, type WebEndpoint } from './web/server.ts';
import { parseDomain, serviceAddress } from './wv/address.ts';
import type { Domain, UserAddress } from './wv/ids.ts';
import type { RequestPrimitive } from './wv/primitives.ts';
import { result, type Result } from './wv/status.ts';

export interface HouseOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** Stands before the store: tests break it on purpose. */
  readonly storeFilter?: (store: Store) => Store;
  /** Gateways beside those of the configuration: tests bring their own. */
  readonly gateways?: readonly Gateway[];
}

export interface House {
  readonly addresses: {
    readonly csp: { host: string; port: number };
    /** The door of SSP, when it has one of its own. */
    readonly ssp: { host: string; port: number } | undefined;
    readonly stcp: { host: string; port: number } | undefined;
    readonly ops: { host: string; port: number };
    readonly web: { host: string; port: number } | undefined;
  };
  readonly accounts: Accounts;
  readonly store: Store;
  readonly metrics: MetricsRegistry;
  readiness(): Readiness;
  /** Ends all sessions of a user (601); resolves with how many there were. Throws AccountError for no name of ours. */
  forceLogout(name: string): Promise<number>;
  /** A message of the operator to a user, who may answer it. 402 unusable, 507 queue full, 531 unknown user. */
  sendSystemMessage(recipient: UserAddress, draft: SystemMessageDraft): Promise<Result>;
  /** Finishes answers under way, withdraws presence from other networks, closes the store. */
  stop(): Promise<void>;
}

const GRACE_MS = 5_000;
/** Removed users cleared at a time when the server starts. */
const REMOVED_BATCH = 200;
const LOGGED_OUT = result(601, 'Logged out by the operator');

function domainIn(config: Config): Domain {
  const domain = parseDomain(config.domain);
  if (domain === undefined) throw new ConfigError(`domain: ${config.domain} is not a domain name`);
  return domain;
}

function cspSettings(config: Config, stcpPort: number | undefined): CspSettings {
  const { tcp, udp, wapUdp, http } = config.listen.cir;
  const { name, description, url, logo } = config.provider;
  return {
    provider: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(url === undefined ? {} : { url }),
      ...(logo === undefined ? {} : { logo: readLogo(logo) }),
    },
    keepAlive: config.session.keepAlive,
    pollMin: config.session.pollMin,
    stcp:
      tcp === undefined || stcpPort === undefined
        ? undefined
        : { address: tcp.address ?? tcp.host, port: stcpPort },
    sudp: udp,
    wapUdp,
    shttp: http?.url,
    maxEntities: config.contacts.maxContacts,
    maxAttributeLists: config.presence.maxAttributeLists,
    maxJoinedGroups: config.session.maxGroups,
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
  const opened = await openSqliteStore({ file: databaseFile(config), clock, log, exclusive: true });
  const disk = options.storeFilter?.(opened) ?? opened;
  const closing: (() => Promise<void> | void)[] = [() => disk.close()];
  try {
    return await build();
  } catch (error) {
    await runAll(closing, log);
    throw error;
  }

  async function build(): Promise<House> {
    const store = watchHomeWrites(disk, (owner) => renewHome(owner));
    const accounts = new Accounts({ store, passwords, clock, domain, digestLogin: config.digestLogin });
    for (const user of config.users) await accounts.create(user);

    const outbox = new Outbox({ store, clock, log, metrics, service });
    const ssp = sspService(config, domain, {
      registry: {
        isTaken: (name) => relay.owns(name),
        adopt: (peer) => adopt(peer),
        release: (peer) => release(peer),
      },
      waiting: (name) => outbox.held(name),
      version: packageVersion(),
      clock,
      ids,
      log,
      metrics,
    });
    if (ssp !== undefined) closing.push(() => ssp.close());
    const own = [...configuredGateways(config), ...(options.gateways ?? [])];
    const gateways: readonly Gateway[] = [...own, ...(ssp?.peers ?? [])];
    const local = (request: RequestPrimitive) => serveLocally(services, request);
    const finder: Pick<RelayDependencies, 'find'> =
      ssp === undefined ? {} : { find: (name) => ssp.find(name) };
    const relay = new Relay({ homeDomain: domain, outbox, clock, log, metrics, local, ...finder });
    const services = buildServices(config, domain, { store, outgoing: relay, clock, ids, log, metrics });
    const { homes, publishing, messaging, groups, departures, content } = services;
    const renewHome = (owner: UserAddress): Promise<void> =>
      homes.renew(owner).catch((error: unknown) => {
        log.error({ err: error, user: owner }, 'home could not be read after a failed write');
      });
    await content?.start();
    for (const gateway of gateways) relay.addGateway(gateway);

    const { udp, wapUdp } = config.listen.cir;
    const sudp: Sudp | undefined = udp || wapUdp ? startSudp({ log, metrics }) : undefined;
    if (sudp !== undefined) closing.push(() => sudp.close());
    const sessions = new SessionTable({
      ...services,
      store,
      clock,
      ids,
      log,
      metrics,
      limits: {
        sessionsPerUser: config.session.perUser,
        sessions: config.session.max,
        sameUser: config.session.sameUser,
        heldPolls: { seconds: config.session.longPollSeconds, max: config.session.heldPolls },
      },
      ...(sudp === undefined
        ? {}
        : {
            callByUdp: (address, port, version, cookie) => sudp.channel(address, port).call(version, cookie),
            callByWapPush: (address, version, cookie) => sudp.pushChannel(address).call(version, cookie),
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
      log,
      lockout: config.login.lockout,
      numberOwner: numberOwners(config.users, accounts, store),
      limits: {
        user: { burst: config.login.userBurst, seconds: config.login.userSeconds },
        userInAll: { burst: config.login.userTotalBurst, seconds: config.login.userTotalSeconds },
        source: { burst: config.login.sourceBurst, seconds: config.login.sourceSeconds },
      },
    });
    const linkedAccounts = new LinkedAccounts({
      ...services,
      store,
      cipher: new SecretCipher(passwordKey(config)),
      changeList: (home, list, change) => changeList({ ...services, sessions }, home, list, change),
      networks: linkableNetworks(config),
      clock,
      log,
    });
    const settings = cspSettings(config, stcp?.address.port);
    const csp = new CspServer(
      {
        ...services,
        store,
        authentication,
        sessions,
        linkedAccounts,
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
      linkedAccounts,
      ...(content === undefined ? {} : { attachments: content.attachments }),
      store,
      search: services.search,
      homes,
      relay,
      outbox,
      publishing,
      departures,
      sessions,
      clock,
      ids,
      log,
      metrics,
    });
    const adopt = async (gateway: Gateway): Promise<void> => {
      relay.addGateway(gateway);
      await links.add(gateway);
      outbox.addGateway(gateway);
    };
    const release = (gateway: Gateway): boolean => {
      if (!outbox.removeGateway(gateway)) return false;
      relay.removeGateway(gateway);
      links.remove(gateway);
      return true;
    };
    await links.start(gateways);
    closing.push(() => links.stop());
    const sspDoor = await ssp?.listen();
    if (sspDoor !== undefined) closing.push(() => sspDoor.close(GRACE_MS));
    outbox.start(gateways, relay);
    closing.push(() => outbox.stop());
    const names = new Set(gateways.map(({ name }) => name));
    for (const absent of absentDestinations(await store.outboxDestinations(), names, finder.find)) {
      log.warn({ destination: absent.name }, 'something waits for a destination that is not configured');
      outbox.addGateway(absent);
    }
    if (ssp !== undefined) await startPeers(ssp, { store, sessions, log });
    await sessions.resubscribe([domain]);
    const clearRemoved = (limit: number) => clearRemovedUsers({ ...services, store, sessions, log }, limit);
    while ((await clearRemoved(REMOVED_BATCH)) === REMOVED_BATCH);
    // Clients whose session ended with the last run, or was ending when it did.
    await groups.reconcile((user, clientId) => sessions.isLive(user, clientId));

    const http = await startHttp(csp, sessions, ssp?.handler);
    closing.push(() => http.close(GRACE_MS));
    closing.push(() => sessions.held.close());
    const web = await startUsersWeb(
      usersMounts(config, { ...services, linkedAccounts, authentication, domain, ids }),
    );
    if (web !== undefined) closing.push(() => web.close(GRACE_MS));
    const housekeeping = keepHouse({
      ...services,
      store: disk,
      sessions,
      clearRemoved,
      linkedAccounts,
      clock,
      log,
    });
    closing.push(housekeeping);

    let stopping = false;
    const readiness = (): Readiness => ({
      ready: !stopping,
      parts: Object.fromEntries([
        ['csp', stopping ? 'stopping' : 'up'],
        ...[...own, ...(ssp?.gateways ?? [])].map((gateway) => [gateway.name, gateway.health()]),
      ]),
    });
    const operator = { ...services, accounts, sessions, store, log, peers: ssp?.overview };
    const ops = await startOps(readiness, operatorRouters(operator));
    closing.push(() => ops.close());
    metrics.onCollect(async () => {
      metrics.gauge('sessions', sessions.size);
      metrics.gauge('polls_held', sessions.held.size);
      metrics.gauge('homes_in_memory', homes.size);
      metrics.gauge('groups_in_memory', groups.inMemory);
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
      addresses: {
        csp: http.address,
        ssp: sspDoor?.address,
        stcp: stcp?.address,
        ops: ops.address,
        web: web?.address,
      },
      accounts,
      store,
      metrics,
      readiness,
      forceLogout: (name) => sessions.endAll(accounts.address(name), LOGGED_OUT),
      sendSystemMessage: (recipient, draft) => sendSystemMessage(messaging, recipient, draft, clock.now()),
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

  function startHttp(
    csp: CspServer,
    sessions: SessionTable,
    ssp: SspService['handler'],
  ): Promise<HttpEndpoint> {
    const { host, port, path, tls, maxBody, idleSeconds, maxConnections, trustedProxies } = config.listen.csp;
    const { msisdn } = config.login;
    const origins = new Origins({
      trustedProxies: new AddressList(trustedProxies),
      msisdn: msisdn && {
        headers: msisdn.headers.map((name) => name.toLowerCase()),
        sources: new AddressList(msisdn.sources),
      },
      log,
    });
    return startCspHttp({
      host,
      port,
      path,
      maxBody,
      idleSeconds,
      maxConnections,
      csp,
      origins,
      calls: sessions.httpCalls,
      ...(ssp === undefined ? {} : { ssp: ssp((request) => origins.of(request).address) }),
      log,
      metrics,
      ...(tls === undefined ? {} : { tls: readCertificate(tls, 'listen.csp.tls') }),
    });
  }

  async function startUsersWeb(routers: readonly Mount[]): Promise<WebEndpoint | undefined> {
    const { web } = config.listen;
    if (web === undefined) return undefined;
    const { host, port, tls, maxConnections } = web;
    return startWeb({
      host,
      port,
      maxConnections,
      routers,
      log,
      ...(tls === undefined ? {} : { tls: readCertificate(tls, 'listen.web.tls') }),
    });
  }

  function startOps(readiness: () => Readiness, routers: readonly Mount[]): Promise<OpsEndpoint> {
    return startOpsEndpoint({ ...config.listen.ops, metrics, readiness, routers, log });
  }

  function operatorRouters(
    ports: Omit<OperatorApiOptions, 'token'> & { readonly peers: PeerOverview | undefined },
  ): readonly Mount[] {
    const token = operatorToken(config);
    if (token === undefined) return [];
    const { peers } = ports;
    return [
      { path: '/api/users', router: operatorApi({ ...ports, token }) },
      ...(peers === undefined ? [] : [{ path: '/api/peers', router: peersApi({ peers, token, log }) }]),
    ];
  }
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
