// What the programs that speak SSP without a house share: a door, connections, and the settings of a peer.

import { readFileSync } from 'node:fs';
import type { HttpEndpoint } from '../../src/access/http-listener.ts';
import { functionsOf, PEER_SERVICES } from '../../src/access/ssp/agreement.ts';
import { decodeDocument, encodeDocument } from '../../src/access/ssp/codec/index.ts';
import { SSP_VERSIONS, type SspDocument } from '../../src/access/ssp/document.ts';
import { createPoster } from '../../src/access/ssp/http-client.ts';
import { startSspHttp } from '../../src/access/ssp/http-server.ts';
import type { LinkPorts } from '../../src/access/ssp/link.ts';
import type { PeerSettings } from '../../src/access/ssp/peer-settings.ts';
import type { Acceptance, Caller, Poster } from '../../src/access/ssp/transport.ts';
import { systemClock, systemIds } from '../../src/ops/clock.ts';
import { createLog } from '../../src/ops/log.ts';
import { createMetrics } from '../../src/ops/metrics.ts';
import { trusted, type Domain } from '../../src/wv/ids.ts';

export interface DoorTask {
  readonly port: number;
  /** File names, PEM. */
  readonly tls: { readonly cert: string; readonly key: string };
}

/** Where the other side is, and what its certificate shows. */
export interface OtherSide {
  readonly port: number;
  readonly domain: string;
  /** File name, PEM. */
  readonly ca: string;
}

const MAX_BODY = 1_048_576;
const log = createLog('error');
const metrics = createMetrics();

export function openDoor(
  { port, tls }: DoorTask,
  take: (document: SspDocument, caller: Caller) => Promise<Acceptance>,
): Promise<HttpEndpoint> {
  return startSspHttp({
    host: '127.0.0.1',
    port,
    maxBody: MAX_BODY,
    maxConnections: 1_000,
    idleSeconds: 300,
    tls: { cert: readFileSync(tls.cert), key: readFileSync(tls.key), clientCertificates: 'none' },
    sink: (octets, caller) => take(decode(octets), caller),
    log,
    metrics,
  });
}

function decode(octets: Uint8Array): SspDocument {
  return decodeDocument(octets, {
    homeDomain: trusted<Domain>('nobody.example'),
    maxBytes: MAX_BODY,
    now: systemClock.now(),
    defaultValidity: 86_400,
    maxValidity: 604_800,
  });
}

/** Connections of their own: nothing is kept from other posters. */
export function newPoster({ ca }: OtherSide): Poster {
  return createPoster({ version: 'bench', metrics, tls: { ca: readFileSync(ca) } });
}

export function portsTo({ port, domain }: OtherSide, poster: Poster): LinkPorts {
  const address = { url: new URL(`https://127.0.0.1:${port}/`), certificateNames: ['127.0.0.1', domain] };
  return {
    locate: () => Promise.resolve({ kind: 'found', addresses: [address] }),
    encode: (document, dialect) => encodeDocument(document, dialect, systemClock.now()),
    poster,
    clock: systemClock,
    ids: systemIds,
    log,
    metrics,
  };
}

export function settingsOf(ownDomain: string, domain: string): PeerSettings {
  const peer = trusted<Domain>(domain);
  return {
    ownDomain: trusted<Domain>(ownDomain),
    domain: peer,
    domains: [peer],
    listed: true,
    role: 'server',
    functions: functionsOf(PEER_SERVICES),
    versions: SSP_VERSIONS,
    dialect: 'auto',
    suspended: false,
    clientCertificate: false,
    timeToLive: 86_400,
    requestMs: 60_000,
    limits: { requestsPerSecond: 1_000, burst: 1_000, open: 256, messageBytes: 131_072 },
  };
}
