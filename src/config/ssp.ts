// Configuration of other WV servers (SSP): who they are, where they are, what they may do, and how much of it.

import { isIP } from 'node:net';
import { z } from 'zod';
import { PEER_SERVICES } from '../access/ssp/agreement.ts';
import { DIALECTS, type DialectName } from '../access/ssp/dialects.ts';
import { SSP_VERSIONS } from '../access/ssp/document.ts';
import { parseDomain } from '../wv/address.ts';
import { seconds } from './values.ts';

export const peerDomain = z
  .string()
  .trim()
  .toLowerCase()
  .refine((text) => parseDomain(text) !== undefined, 'not a domain name');

/** What a certificate may be valid for: names and IP addresses. */
export const certificateName = z
  .string()
  .trim()
  .toLowerCase()
  .refine(
    (text) => parseDomain(text) !== undefined || isIP(text) > 0,
    'neither a host name nor an IP address',
  );

const resolverAddress = z
  .string()
  .refine(
    isResolverAddress,
    'not an IP address with or without a port, such as 192.0.2.53 or [2001:db8::53]:5353',
  );

export const baseUrl = z
  .url({ protocol: /^https?$/ })
  .refine(isBaseUrl, 'must not have a user name, a query or a fragment');

const positive = z.int().min(1);

const LIMITS = {
  requestsPerSecond: 100,
  burst: 500,
  open: 256,
} as const;

/** A whole network stands behind a gateway, which is of our own, and one in this process has no limits. */
export const GATEWAY_LIMITS = {
  requestsPerSecond: 5_000,
  burst: 20_000,
  open: 1_024,
} as const;

/** Without defaults: what is not said of one peer is as for all. */
const limitKeys = {
  requestsPerSecond: positive.describe(
    'Requests a peer may make per second in the long run; then it is told to try again later (503).',
  ),
  burst: positive.describe('Requests it may make at once before that.'),
  messageBytes: positive.describe(
    'Largest content of a message to or from it, bytes (415 beyond). Default: as `messages.maxContent`.',
  ),
  open: positive.describe('Requests under way at once, in each direction.'),
};

const limitsSchema = z.strictObject({
  requestsPerSecond: limitKeys.requestsPerSecond.default(LIMITS.requestsPerSecond),
  burst: limitKeys.burst.default(LIMITS.burst),
  messageBytes: limitKeys.messageBytes.optional(),
  open: limitKeys.open.default(LIMITS.open),
  unlistedPeers: positive
    .default(1_000)
    .describe('Servers that are not listed and are known at once, with `federation: open`.'),
});

const peerSchema = z.strictObject({
  domain: peerDomain.describe('Its domain: the part after @ of its users’ addresses.'),
  domains: z
    .array(peerDomain)
    .default([])
    .describe('More domains that this server speaks for, when it is a hub.'),
  url: baseUrl
    .optional()
    .describe('Where it takes documents, such as https://ssp.operator-b.example:8443/. Default: DNS SRV.'),
  allowPlain: z
    .boolean()
    .default(false)
    .describe(
      'Documents may travel without TLS: needed for an http: URL, and to try HTTP after HTTPS with DNS SRV.',
    ),
  certificateNames: z
    .array(certificateName)
    .optional()
    .describe(
      'Names that its certificate must be valid for besides the host. Default: none with a URL, `domain` with DNS SRV.',
    ),
  clientCertificate: z
    .boolean()
    .default(false)
    .describe(
      'It must show a client certificate for its domain when it posts to us. Needs `listen.ssp.clientCa`.',
    ),
  services: z
    .array(z.enum(PEER_SERVICES))
    .min(1)
    .default([...PEER_SERVICES])
    .describe('What the two servers do for each other; everything else is answered 506.'),
  limits: z
    .strictObject(limitKeys)
    .partial()
    .prefault({})
    .describe('Limits of this peer where they differ from `ssp.limits`.'),
  version: z
    .enum(SSP_VERSIONS)
    .optional()
    .describe('Speak only this version with it. Default: the highest common one.'),
  dialect: z
    .enum(['auto', ...(Object.keys(DIALECTS) as DialectName[])])
    .default('auto')
    .describe('Which implementation it is; `auto` finds out from how it writes.'),
  state: z
    .enum(['live', 'suspended'])
    .default('live')
    .describe('`suspended`: it cannot log in (503), nothing is sent to it, and what is for it waits.'),
  gateway: z
    .boolean()
    .default(false)
    .describe(
      'It is a gateway of ours in a process of its own (`wvgate adapter`): it may ask who exists here and what they are called, and has higher limits.',
    ),
  collective: z
    .boolean()
    .default(false)
    .describe(
      'It is such a gateway, and its watcher wv:gateway@<domain> stands for all users of its network: Matrix.',
    ),
});

/** What is shown to peers and believed of them. */
export const peerTls = z.strictObject({
  ca: z.string().optional().describe('File with further authorities that sign peers’ certificates, PEM.'),
  cert: z.string().optional().describe('File with the client certificate shown to peers, PEM.'),
  key: z.string().optional().describe('File with its private key, PEM.'),
});

export const sspSchema = z.strictObject({
  federation: z
    .enum(['listed', 'open'])
    .default('listed')
    .describe('`open`: also servers that are not listed may log in, and are looked for by DNS SRV.'),
  timeToLive: z
    .int()
    .min(60)
    .default(86_400)
    .describe('How long a session without traffic lasts, as asked for when logging in, seconds.'),
  tls: peerTls.prefault({}).describe('TLS of connections to peers.'),
  discovery: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Look for peers without a URL by DNS SRV `_imps-server._tcp`.'),
      servers: z
        .array(resolverAddress)
        .default([])
        .describe('Resolvers to ask, IP addresses with or without a port. Default: those of the system.'),
      cacheSeconds: seconds.default(300).describe('How long answers of DNS are kept, seconds.'),
    })
    .prefault({}),
  requestSeconds: seconds
    .default(60)
    .describe('How long a peer may take over a request that no user waits for, seconds.'),
  limits: limitsSchema.prefault({}).describe('Limits of each peer.'),
  peers: z.array(peerSchema).default([]).describe('Servers we know.'),
});

export type SspConfig = z.output<typeof sspSchema>;
export type PeerConfig = SspConfig['peers'][number];

/** What holds for one peer. */
export interface PeerLimits {
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly open: number;
  /** Absent = as `messages.maxContent`. */
  readonly messageBytes?: number | undefined;
}

/** The limits of a listed peer; without one those of a server that is not listed. */
export function peerLimits({ limits }: SspConfig, peer?: PeerConfig): PeerLimits {
  const own = peer?.limits ?? {};
  const usual = peer !== undefined && isGateway(peer) ? GATEWAY_LIMITS : limits;
  return {
    requestsPerSecond: own.requestsPerSecond ?? usual.requestsPerSecond,
    burst: own.burst ?? usual.burst,
    open: own.open ?? usual.open,
    messageBytes: own.messageBytes ?? limits.messageBytes,
  };
}

/** It is a gateway of ours in a process of its own. */
export function isGateway({ gateway, collective }: PeerConfig): boolean {
  return gateway || collective;
}

/** Paths of the section become absolute. */
export function withSspPaths(ssp: SspConfig, at: (path: string) => string): SspConfig {
  return { ...ssp, tls: withPeerTlsPaths(ssp.tls, at) };
}

type PeerTls = SspConfig['tls'];

export function withPeerTlsPaths({ ca, cert, key }: PeerTls, at: (path: string) => string): PeerTls {
  return {
    ...(ca === undefined ? {} : { ca: at(ca) }),
    ...(cert === undefined ? {} : { cert: at(cert) }),
    ...(key === undefined ? {} : { key: at(key) }),
  };
}

/** The rest of the configuration, as far as it can contradict this section. */
export interface SspSurroundings {
  readonly ownDomain: string;
  /** Domains behind gateways, with the key that names them. */
  readonly gatewayDomains: readonly (readonly [domain: string, key: string])[];
  /** The listener asks for client certificates of known authorities. */
  readonly asksForCertificates: boolean;
  /** Peers can post to us. */
  readonly hasDoor: boolean;
}

/** What contradicts itself in the section, as `key: reason`. */
export function sspProblems(ssp: SspConfig, around: SspSurroundings): string[] {
  return [
    ...(around.hasDoor
      ? []
      : ['listen.ssp: needed with ssp (or listen.csp.ssp): peers answer by posts of their own']),
    ...connectionProblems(ssp),
    ...domainProblems(ssp, around),
    ...ssp.peers.flatMap((peer, index) =>
      peerProblems(peer, ssp, around).map((problem) => `ssp.peers.${index}.${problem}`),
    ),
  ];
}

function connectionProblems({ tls, federation, discovery }: SspConfig): string[] {
  const problems: string[] = [];
  if (tls.cert !== undefined && tls.key === undefined) problems.push('ssp.tls.key: needed with ssp.tls.cert');
  if (tls.key !== undefined && tls.cert === undefined) problems.push('ssp.tls.cert: needed with ssp.tls.key');
  if (federation === 'open' && !discovery.enabled)
    problems.push('ssp.discovery.enabled: federation `open` finds servers by DNS SRV only');
  return problems;
}

function domainProblems({ peers }: SspConfig, { ownDomain, gatewayDomains }: SspSurroundings): string[] {
  const taken = new Map(gatewayDomains.map(([name, key]) => [name.trim().toLowerCase(), key]));
  taken.set(ownDomain.trim().toLowerCase(), 'domain');
  const problems: string[] = [];
  for (const [name, key] of peers.flatMap(domainsWithKeys)) {
    const other = taken.get(name);
    if (other === undefined) taken.set(name, key);
    else problems.push(`${key}: ${name} is ${other === 'domain' ? 'our own domain' : `also in ${other}`}`);
  }
  return problems;
}

function domainsWithKeys({ domain, domains }: PeerConfig, index: number): (readonly [string, string])[] {
  const key = `ssp.peers.${index}`;
  return [[domain, `${key}.domain`], ...domains.map((more, at) => [more, `${key}.domains.${at}`] as const)];
}

function peerProblems(peer: PeerConfig, { discovery }: SspConfig, around: SspSurroundings): string[] {
  const problems: string[] = [];
  if (peer.url === undefined && !discovery.enabled)
    problems.push('url: needed while ssp.discovery.enabled is false');
  if (peer.url !== undefined && URL.parse(peer.url)?.protocol === 'http:' && !peer.allowPlain)
    problems.push('url: http: travels without TLS; say allowPlain: true if that is meant');
  if (peer.clientCertificate && !around.asksForCertificates)
    problems.push(
      'clientCertificate: nobody is asked for one: set listen.ssp.clientCertificates and clientCa',
    );
  return problems;
}

function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

/** As node:dns takes them: `ip`, `ip:port`, `[ip]:port`. */
function isResolverAddress(text: string): boolean {
  if (isIP(text) > 0) return true;
  const [, v6, v4 = '', port = '53'] = /^(?:\[(.+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const known = v6 === undefined ? isIP(v4) === 4 : isIP(v6) === 6;
  return known && Number(port) > 0 && Number(port) <= 65_535;
}
