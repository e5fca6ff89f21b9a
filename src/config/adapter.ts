// Configuration of a gateway in a process of its own (`wvgate adapter`): the sections of the server's configuration that
// it needs, and which server it serves.

import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import {
  checkConfig,
  checkSspDoor,
  ConfigError,
  parsed,
  readYaml,
  withSspDoorPaths,
  type Config,
} from '../config.ts';
import type { Gateway } from '../sap/port.ts';
import { functionsOf, PEER_SERVICES, requestsOf, type PeerService } from '../access/ssp/agreement.ts';
import { matrixSchema, xmppSchema } from './gateways.ts';
import { opsListenerSchema, sspListenerSchema } from './listen.ts';
import { baseUrl, certificateName, peerDomain, peerTls, withPeerTlsPaths } from './ssp.ts';
import { logSchema, seconds } from './values.ts';

/** What an adapter can be. */
export const NETWORKS = ['xmpp', 'matrix'] as const;
export type Network = (typeof NETWORKS)[number];

const adapterSchema = z.strictObject({
  core: peerDomain.describe('Domain of the server that it serves: `domain` there.'),
  url: baseUrl.describe(
    'Where that server takes documents: its `listen.ssp`, such as http://127.0.0.1:8082/.',
  ),
  allowPlain: z
    .boolean()
    .default(false)
    .describe('Documents may travel without TLS: needed for an http: URL. For loopback.'),
  certificateNames: z
    .array(certificateName)
    .optional()
    .describe('Names that the server’s certificate must be valid for besides the host of `url`.'),
  clientCertificate: z
    .boolean()
    .default(false)
    .describe('The server must show a client certificate for its domain. Needs `listen.ssp.clientCa`.'),
  tls: peerTls.prefault({}).describe('TLS of connections to the server.'),
  requestSeconds: seconds
    .default(15)
    .describe('How long the server may take over one request before it is asked again, seconds.'),
  patienceSeconds: seconds
    .default(60)
    .describe(
      'How long messages and the like from the network wait for a server that is away, before their sender is told to try again later, seconds.',
    ),
});

export const adapterConfigSchema = z.strictObject({
  data: z
    .string()
    .default('data')
    .describe(
      'Folder for its database (`adapter-xmpp.sqlite`, `adapter-matrix.sqlite`), relative to this file’s folder or absolute.',
    ),
  adapter: adapterSchema.describe('The server that it serves.'),
  listen: z.strictObject({
    ssp: sspListenerSchema.describe('Door for that server (SSP over HTTP): `ssp.peers[].url` there.'),
    ops: opsListenerSchema.prefault({}),
  }),
  log: logSchema.prefault({}),
  xmpp: xmppSchema.optional().describe('As in the server’s configuration, for `wvgate adapter xmpp`.'),
  matrix: matrixSchema.optional().describe('As in the server’s configuration, for `wvgate adapter matrix`.'),
});

export type AdapterConfig = z.output<typeof adapterConfigSchema>;
export type AdapterConfigInput = z.input<typeof adapterConfigSchema>;

/** Reads and checks the file of an adapter. Throws a ConfigError that names the key. */
export function readAdapterConfig(file: string, network: Network): AdapterConfig {
  return checkAdapterConfig(readYaml(file), network, file, dirname(resolve(file)));
}

/** Checks a configuration given as an object. `source` names it in errors. */
export function checkAdapterConfig(
  input: unknown,
  network: Network,
  source: string,
  base: string,
): AdapterConfig {
  const config = parsed(adapterConfigSchema, input, source);
  const problems = [...networkProblems(config, network), ...connectionProblems(config)];
  if (problems.length > 0)
    throw new ConfigError(problems.map((problem) => `${source}: ${problem}`).join('\n'));
  checkSspDoor(config, source);
  return withPaths(config, base);
}

function networkProblems(config: AdapterConfig, network: Network): string[] {
  return NETWORKS.flatMap((name) => {
    const there = config[name] !== undefined;
    if (name === network) return there ? [] : [`${name}: needed for wvgate adapter ${name}`];
    return there ? [`${name}: wvgate adapter ${network} does not serve it: give it a file of its own`] : [];
  });
}

function connectionProblems({ adapter, listen }: AdapterConfig): string[] {
  const { url, allowPlain, tls, clientCertificate } = adapter;
  const problems: string[] = [];
  if (URL.parse(url)?.protocol === 'http:' && !allowPlain)
    problems.push('adapter.url: http: travels without TLS; say adapter.allowPlain: true if that is meant');
  if (tls.cert !== undefined && tls.key === undefined)
    problems.push('adapter.tls.key: needed with adapter.tls.cert');
  if (tls.key !== undefined && tls.cert === undefined)
    problems.push('adapter.tls.cert: needed with adapter.tls.key');
  if (clientCertificate && listen.ssp.clientCa === undefined)
    problems.push(
      'adapter.clientCertificate: nobody is asked for one: set listen.ssp.clientCertificates and clientCa',
    );
  return problems;
}

/** Paths become absolute, from the folder of the file. */
function withPaths(config: AdapterConfig, base: string): AdapterConfig {
  const at = (path: string) => resolve(base, path);
  const { adapter, listen, matrix } = config;
  return {
    ...config,
    data: at(config.data),
    adapter: { ...adapter, tls: withPeerTlsPaths(adapter.tls, at) },
    listen: { ...listen, ssp: withSspDoorPaths(listen.ssp, at) },
    ...(matrix === undefined ? {} : { matrix: { ...matrix, registration: at(matrix.registration) } }),
  };
}

/** The server says how much it takes; an adapter between has no opinion. */
const NO_LIMITS = {
  requestsPerSecond: 1_000_000,
  burst: 1_000_000,
  open: 4_096,
  messageBytes: 2 ** 30,
} as const;
const LONGEST_VALIDITY = 10 * 365 * 86_400;

/**
 * The same for what serves SSP in every house: a server for the gateway's domains that knows one other.
 * Throws a ConfigError for a gateway that cannot be served so.
 */
export function houseConfig(config: AdapterConfig, gateway: Gateway, source: string): Config {
  const { adapter, data, listen, log } = config;
  const [domain] = gateway.domains;
  const { core, url, allowPlain, certificateNames, clientCertificate, tls, requestSeconds } = adapter;
  if (domain === undefined) throw new ConfigError(`${source}: ${gateway.name}: serves no domain`);
  if (gateway.domains.some((own) => own === core))
    throw new ConfigError(`${source}: adapter.core: ${core} is a domain of the gateway itself`);
  const peer = {
    domain: core,
    url,
    allowPlain,
    clientCertificate,
    services: servicesOf(gateway),
    limits: NO_LIMITS,
    ...(certificateNames === undefined ? {} : { certificateNames }),
  };
  const input = {
    domain,
    data,
    listen,
    log,
    messages: { maxValidity: LONGEST_VALIDITY },
    ssp: { discovery: { enabled: false }, tls, requestSeconds, peers: [peer] },
  };
  return checkConfig(input, source, data);
}

/** Services that a gateway has any part of; the rest of them it answers 506. */
function servicesOf({ capabilities }: Gateway): readonly PeerService[] {
  return PEER_SERVICES.filter((service) =>
    [...requestsOf(functionsOf([service]))].some((name) => capabilities.has(name)),
  );
}
