// Other WV servers of a configuration: their directory, the doors they come in by, and how the house knows them.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpEndpoint } from './access/http-listener.ts';
import { functionsOf, PEER_SERVICES } from './access/ssp/agreement.ts';
import { decodeDocument, encodeDocument } from './access/ssp/codec/index.ts';
import { PeerDirectory } from './access/ssp/directory.ts';
import { SSP_VERSIONS } from './access/ssp/document.ts';
import { createPoster } from './access/ssp/http-client.ts';
import { sspHandler, startSspHttp } from './access/ssp/http-server.ts';
import { Peer } from './access/ssp/peer.ts';
import type { PeerRole, PeerSettings } from './access/ssp/peer-settings.ts';
import { dnsResolver } from './access/ssp/srv.ts';
import { Targets } from './access/ssp/targets.ts';
import { ConfigError, type Config } from './config.ts';
import { isGateway, peerLimits, type PeerConfig, type SspConfig } from './config/ssp.ts';
import type { Clock, IdSource, Log, Metrics } from './ops/ports.ts';
import type { Gateway } from './sap/port.ts';
import { readAuthorities, readCertificate, readPeerTls } from './tls-files.ts';
import type { PeerOverview } from './web/peers-api.ts';
import type { Domain } from './wv/ids.ts';
import type { Result } from './wv/status.ts';

/** What the house does for servers that are found while it runs. */
export interface PeerRegistry {
  /** True for a domain that is ours or behind a gateway. */
  isTaken(domain: Domain): boolean;
  /** Makes it a destination of the relay. */
  adopt(peer: Gateway): Promise<void>;
  /** False while something waits for it. */
  release(peer: Gateway): boolean;
}

export interface SspPorts {
  readonly registry: PeerRegistry;
  /** Requests in the outbox for a destination, for the operator. */
  readonly waiting: (gatewayName: string) => number;
  /** What the listed ones are to us, when not servers of others and gateways, as the configuration says. */
  readonly role?: PeerRole;
  /** Version of this program, told to peers. */
  readonly version: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

export type AddressOf = (request: IncomingMessage) => string;
export type SspHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface SspService {
  /** The listed ones; those found later go to the registry. */
  readonly peers: readonly Peer[];
  /** Those of them that are gateways of ours in processes of their own. */
  readonly gateways: readonly Peer[];
  find(domain: Domain): Promise<Gateway | Result>;
  /** For the CSP door, when it is to be one for SSP, too. `addressOf`: where a request comes from. */
  readonly handler: ((addressOf: AddressOf) => SspHandler) | undefined;
  readonly overview: PeerOverview;
  /** Opens the door of SSP, when it has one of its own. */
  listen(): Promise<HttpEndpoint | undefined>;
  /** Goes on with the sessions of the last run, looks for these peers, and gives each peer its turn. */
  start(wanted: readonly Peer[]): void;
  /** After the peers stopped. */
  close(): void;
}

/** undefined when no other servers are configured. Throws a ConfigError for files that cannot be used. */
export function sspService(config: Config, ownDomain: Domain, ports: SspPorts): SspService | undefined {
  const { ssp } = config;
  if (ssp === undefined) return undefined;
  const { clock, ids, log, metrics, registry } = ports;
  const targets = new Targets({
    resolver: ssp.discovery.enabled ? resolverOf(ssp) : undefined,
    cacheSeconds: ssp.discovery.cacheSeconds,
    clock,
  });
  const poster = createPoster({ version: ports.version, metrics, tls: readPeerTls(ssp.tls) });
  const create = (settings: PeerSettings, entry: PeerConfig | undefined) =>
    new Peer(settings, {
      locate: () => targets.locate({ ...entry, domain: settings.domain }),
      encode: (document, dialect) => encodeDocument(document, dialect, clock.now()),
      poster,
      clock,
      ids,
      log,
      metrics,
    });
  const peers = ssp.peers.map((entry) =>
    create(withRole(settingsOf(config, ssp, ownDomain, entry.domain as Domain, entry), ports.role), entry),
  );
  const validity = config.messages;
  const maxBytes = config.listen.ssp?.maxBody ?? config.listen.csp.maxBody;
  const directory = new PeerDirectory(peers, {
    decode: (octets) =>
      decodeDocument(octets, {
        homeDomain: ownDomain,
        maxBytes,
        now: clock.now(),
        defaultValidity: validity.defaultValidity,
        maxValidity: validity.maxValidity,
      }),
    ...(ssp.federation === 'open'
      ? {
          unlisted: {
            max: ssp.limits.unlistedPeers,
            isTaken: (domain: Domain) => registry.isTaken(domain),
            locate: (domain: Domain) => targets.locate({ domain }),
            create: (domain: Domain) => create(settingsOf(config, ssp, ownDomain, domain), undefined),
            adopt: (peer: Peer) => registry.adopt(peer),
            release: (peer: Peer) => registry.release(peer),
          },
        }
      : {}),
    clock,
    log,
    metrics,
  });
  const door = { sink: directory.accept, log, metrics };
  return {
    peers,
    gateways: peers.filter(({ settings }) => settings.role === 'gateway'),
    find: (domain) => directory.find(domain),
    handler: config.listen.csp.ssp
      ? (addressOf) => sspHandler({ ...door, addressOf, maxBody: config.listen.csp.maxBody })
      : undefined,
    overview: {
      list: () => [...directory.peers].map((peer) => stateOf(peer, ports.waiting(peer.name))),
      retry(domain) {
        const peer = directory.peer(domain);
        targets.forget(domain);
        peer?.retry();
        return peer !== undefined;
      },
    },
    async listen() {
      const { ssp: own } = config.listen;
      if (own === undefined) return undefined;
      const { host, port, maxBody, maxConnections, maxConnectionsPerAddress, idleSeconds } = own;
      return startSspHttp({
        ...door,
        host,
        port,
        maxBody,
        maxConnections,
        maxConnectionsPerAddress,
        idleSeconds,
        ...(own.tls === undefined ? {} : { tls: doorTls(own, own.tls) }),
      });
    },
    start(wanted) {
      for (const peer of peers) peer.resume();
      directory
        .wake(wanted)
        .catch((error: unknown) => log.error({ err: error }, 'peers could not be looked for'));
      directory.start();
    },
    close() {
      directory.stop();
      poster.close();
    },
  };
}

function resolverOf({ discovery }: SspConfig) {
  try {
    return dnsResolver(discovery.servers);
  } catch (error) {
    throw new ConfigError(`ssp.discovery.servers: ${(error as Error).message}`, { cause: error });
  }
}

type Door = NonNullable<Config['listen']['ssp']>;

function doorTls({ clientCertificates, clientCa }: Door, files: NonNullable<Door['tls']>) {
  return {
    ...readCertificate(files, 'listen.ssp.tls'),
    clientCertificates,
    ...(clientCa === undefined ? {} : { ca: readAuthorities(clientCa, 'listen.ssp.clientCa') }),
  };
}

/** What holds for a peer; without an entry, for one that was found by its domain. */
function settingsOf(
  config: Config,
  ssp: SspConfig,
  ownDomain: Domain,
  domain: Domain,
  entry?: PeerConfig,
): PeerSettings {
  const limits = peerLimits(ssp, entry);
  return {
    role: entry !== undefined && isGateway(entry) ? 'gateway' : 'server',
    ownDomain,
    domain,
    domains: [domain, ...((entry?.domains ?? []) as Domain[])],
    listed: entry !== undefined,
    functions: functionsOf(entry?.services ?? PEER_SERVICES),
    versions: entry?.version === undefined ? SSP_VERSIONS : [entry.version],
    dialect: entry?.dialect ?? 'auto',
    suspended: entry?.state === 'suspended',
    clientCertificate: entry?.clientCertificate ?? false,
    timeToLive: ssp.timeToLive,
    requestMs: ssp.requestSeconds * 1000,
    limits: { ...limits, messageBytes: limits.messageBytes ?? config.messages.maxContent },
  };
}

function withRole(settings: PeerSettings, role = settings.role): PeerSettings {
  return { ...settings, role };
}

function stateOf(peer: Peer, waiting: number): ReturnType<PeerOverview['list']>[number] {
  const { domain, domains, listed } = peer.settings;
  return { domain, domains: domains.slice(1), listed, waiting, ...peer.status };
}
