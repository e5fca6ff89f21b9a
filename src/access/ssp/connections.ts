// Connections to peers: kept open and shared by documents, never by peers that must prove different names.

import { Agent as HttpAgent, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import {
  checkServerIdentity,
  createSecureContext,
  getCACertificates,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls';

export interface ConnectionOptions {
  readonly tls?: {
    /** Authorities beside those that node:tls trusts anyway, PEM. */
    readonly ca?: string | Buffer;
    /** Our own certificate, for peers that want one, PEM. */
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
  };
  /** Connections to one peer at once. */
  readonly maxSockets: number;
  /** Of these kept open while nothing is to be sent. */
  readonly maxFreeSockets: number;
  /** How long such a one is kept, ms. */
  readonly idle: number;
}

/** What a certificate must show travels with the request to where connections are chosen and made. */
interface NamedArgs extends ClientRequestArgs {
  readonly certificateNames?: readonly string[];
}

/**
 * A connection belongs to the names it was checked for, and so does a TLS session to be resumed: node:tls does not look
 * at the certificate again then.
 */
class PeerAgent extends HttpsAgent {
  override getName(options: NamedArgs = {}): string {
    return `${super.getName(options)}:${(options.certificateNames ?? []).join()}`;
  }
}

/** @throws Error for a certificate, a key or authorities that cannot be used. */
export class Connections {
  readonly #pooled: Readonly<Record<string, HttpAgent>>;
  readonly #fresh: Readonly<Record<string, HttpAgent>>;

  constructor({ tls, maxSockets, maxFreeSockets, idle }: ConnectionOptions) {
    const secureContext = contextOf(tls);
    const pooled = {
      keepAlive: true,
      maxSockets,
      maxFreeSockets,
      timeout: idle,
      scheduling: 'lifo',
    } as const;
    const fresh = { keepAlive: false, maxSockets };
    const secure = { secureContext, rejectUnauthorized: true };
    this.#pooled = { 'http:': new HttpAgent(pooled), 'https:': new PeerAgent({ ...pooled, ...secure }) };
    this.#fresh = { 'http:': new HttpAgent(fresh), 'https:': new PeerAgent({ ...fresh, ...secure }) };
  }

  /** Where a request to this URL gets its connection; `fresh`: none that waited for it. undefined: neither HTTP nor HTTPS. */
  agent(url: URL, fresh: boolean): HttpAgent | undefined {
    return (fresh ? this.#fresh : this.#pooled)[url.protocol];
  }

  /** Ends what is idle, now and from now on. */
  closeIdle(): void {
    for (const agent of Object.values(this.#pooled)) {
      agent.maxFreeSockets = 0;
      for (const sockets of Object.values(agent.freeSockets)) {
        for (const socket of sockets ?? []) socket.destroy();
      }
    }
  }
}

function contextOf(tls: ConnectionOptions['tls'] = {}): SecureContext {
  const { ca, cert, key } = tls;
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}

/** What node:http is told of the other end. */
export function destination(url: URL, certificateNames: readonly string[]): NamedArgs & TlsChecks {
  const host = hostOf(url);
  const names = certificateNames.length === 0 ? [host] : certificateNames;
  return {
    host,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: `${url.pathname}${url.search}`,
    servername: isIP(host) === 0 ? host : '',
    certificateNames: [...names].sort(),
    checkServerIdentity: (_host, certificate) => checkNames(names, certificate),
  };
}

interface TlsChecks {
  readonly servername: string;
  readonly checkServerIdentity: typeof checkServerIdentity;
}

/** Without the brackets of IPv6, and without the dot at the end that names in the DNS may have. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

/** Every name must be there (RFC 6125): the one that was looked up, and the domain that it was looked up for. */
function checkNames(names: readonly string[], certificate: PeerCertificate): Error | undefined {
  for (const name of names) {
    const error = checkServerIdentity(name, certificate) as NodeJS.ErrnoException | undefined;
    if (error === undefined) continue;
    const words = (error as { reason?: string }).reason ?? error.message;
    return Object.assign(new Error(`${name}: ${words}`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  }
  return undefined;
}
