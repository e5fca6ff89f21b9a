// HTTP as it speaks it, on both sides (observed-peer.md sections 1 and 10).

import {
  createServer,
  request as httpRequest,
  Agent,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { Agent as TlsAgent, createServer as createTlsServer, request as tlsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as tlsConnect } from 'node:tls';

const SSP = 'application/vnd.wv.ssp+xml';
const POST_TIMEOUT_MS = 10_000;

/** One POST, in either direction. `outcome` changes when it is known. */
export interface WireEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  /** In order, spelt as on the wire. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** The HTTP status; closed: no answer came, or none was given. */
  outcome: 'pending' | 'closed' | number;
}

/** What to do with a POST: answer and then go on, refuse as not well formed, or close without a word. */
export type Reaction =
  { readonly kind: 'taken'; readonly afterwards: () => void } | { readonly kind: 400 | 'close' };

export interface Listener {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** PEM. */
export interface Certificate {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/** Listens on loopback. Port 0: any. With a certificate: by HTTPS. */
export async function listen(
  port: number,
  log: WireEntry[],
  react: (body: string) => Reaction,
  certificate?: Certificate,
): Promise<Listener> {
  const serve: RequestListener = (request, response) => {
    const answer = (status: number): void => {
      const head = ['Server', 'Kannel/1.4.5', 'Content-Length', '0'];
      const type = request.headers['content-type'];
      if (type !== undefined) head.push('Content-Type', type);
      response.writeHead(status, [...head, 'Connection', 'Keep-Alive', 'Connection', 'keep-alive']).end();
    };
    bodyOf(request).then(
      (body) => {
        const isSsp = request.headers['content-type']?.startsWith(SSP) ?? false;
        if (request.method !== 'POST' || !isSsp) return answer(200);
        const entry: WireEntry = {
          at: Date.now(),
          direction: 'in',
          headers: pairs(request.rawHeaders),
          body,
          outcome: 'pending',
        };
        log.push(entry);
        const reaction = react(body);
        entry.outcome = reaction.kind === 'taken' ? 200 : reaction.kind === 400 ? 400 : 'closed';
        if (reaction.kind === 'close') return void request.socket.destroy();
        if (reaction.kind === 'taken') response.once('close', reaction.afterwards);
        answer(entry.outcome === 200 ? 200 : 400);
      },
      () => request.socket.destroy(), // The sender went away in the middle of his document.
    );
  };
  const options = { keepAliveTimeout: 60_000 };
  const server =
    certificate === undefined
      ? createServer(options, serve)
      : createTlsServer({ ...options, ...certificate }, serve);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  const scheme = certificate === undefined ? 'http' : 'https';
  return { url: `${scheme}://127.0.0.1:${bound}/`, port: bound, close: () => shut(server) };
}

async function shut(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

export interface PosterOptions {
  /** Tries TLS at an http address first, as it does where it knows only host and port. */
  readonly probesTls: boolean;
  /** PEM: who signed the certificate of an https address. */
  readonly ca: string | undefined;
}

export interface PostIds {
  readonly transactionId?: string | undefined;
  readonly sessionId?: string | undefined;
}

/** Posts documents over connections that stay open: which of them, is chance. */
export class Poster {
  readonly #plain = new Agent({ keepAlive: true, maxSockets: 4 });
  readonly #tls: TlsAgent;
  readonly #log: WireEntry[];
  readonly #options: PosterOptions;
  readonly #probed = new Map<string, Promise<boolean>>();
  #closed = false;

  constructor(log: WireEntry[], options: PosterOptions) {
    this.#log = log;
    this.#options = options;
    this.#tls = new TlsAgent({ keepAlive: true, maxSockets: 4, ca: options.ca });
  }

  /** The HTTP status, or closed. Never rejects. */
  async post(to: string, body: string, { transactionId, sessionId }: PostIds): Promise<number | 'closed'> {
    const url = new URL(to);
    if (this.#options.probesTls && url.protocol === 'http:' && (await this.#speaksTls(url))) {
      url.protocol = 'https:';
    }
    if (this.#closed) return 'closed';
    const headers: [string, string][] = [
      ['Connection', 'keep-alive'],
      ...(transactionId === undefined ? [] : [['x-wv-transactionid', transactionId] as [string, string]]),
      ...(sessionId === undefined ? [] : [['x-wv-sessionid', sessionId] as [string, string]]),
      ['User-Agent', 'Baraza IMPS -- http://www.baraza.im'],
      ['Content-Type', SSP],
      ['Content-Length', String(Buffer.byteLength(body))],
      ['Host', url.host],
    ];
    const entry: WireEntry = { at: Date.now(), direction: 'out', headers, body, outcome: 'pending' };
    this.#log.push(entry);
    entry.outcome = await this.#exchange(url, headers.flat(), body);
    return entry.outcome;
  }

  close(): void {
    this.#closed = true;
    this.#plain.destroy();
    this.#tls.destroy();
  }

  #exchange(url: URL, headers: string[], body: string): Promise<number | 'closed'> {
    const secure = url.protocol === 'https:';
    const request = secure ? tlsRequest : httpRequest;
    const agent = secure ? this.#tls : this.#plain;
    return new Promise((resolve) => {
      const sending = request(url, { method: 'POST', agent, headers, timeout: POST_TIMEOUT_MS });
      sending.once('response', (response) => {
        response.resume();
        response.once('close', () => resolve(response.statusCode ?? 'closed'));
      });
      sending.once('error', () => resolve('closed'));
      sending.once('timeout', () => sending.destroy());
      sending.end(body);
    });
  }

  #speaksTls(url: URL): Promise<boolean> {
    const known = this.#probed.get(url.host);
    if (known !== undefined) return known;
    const probe = new Promise<boolean>((resolve) => {
      const options = { host: url.hostname, port: Number(url.port), ca: this.#options.ca };
      const socket = tlsConnect(options, () => resolve(true));
      socket.once('secureConnect', () => socket.destroy());
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
      socket.setTimeout(POST_TIMEOUT_MS, () => socket.destroy());
    });
    this.#probed.set(url.host, probe);
    return probe;
  }
}
