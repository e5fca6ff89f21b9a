// The HTTP binding of CSP (csp-transport section 1; client-quirks section 1). On node:http itself: this is the hot
// path, and phones care about every header.

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Log, Metrics } from '../../ops/ports.ts';
import { inRequest } from '../request-scope.ts';
import { contentKind, type Encoding } from './codec/codec.ts';
import type { CallState } from './cir/http-calls.ts';
import type { Origins } from './origin.ts';
import type { CspServer } from './server.ts';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Where CSP is served; `/` is served too. Content type decides, not the path, so both are one door. */
  readonly path: string;
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** Largest request body, octets. */
  readonly maxBody: number;
  /** Seconds an idle connection stays open. COMPAT(Android): a closed one costs its next request 5 s. */
  readonly idleSeconds: number;
  readonly maxConnections: number;
  readonly patience?: Partial<HttpPatience>;
  readonly csp: Pick<CspServer, 'handle'>;
  readonly origins: Origins;
  /** Tells a client that asks at `/cir/<token>` whether something waits (SHTTP). */
  readonly calls: { ask(token: string): CallState };
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface HttpEndpoint {
  readonly address: { readonly host: string; readonly port: number };
  /** Stops accepting, finishes what is under way (at most `graceMs`), closes. */
  close(graceMs: number): Promise<void>;
}

/** How long a client may take, ms: slow phones, not slow attackers. */
export interface HttpPatience {
  /** From the first octet of a request to its last. */
  readonly request: number;
  /** Until the last octet of the headers; counts from the beginning of a new connection too. */
  readonly headers: number;
  /** Without an octet in either direction while something is under way: a client that does not take its answer. */
  readonly silence: number;
}

const PATIENCE: HttpPatience = { request: 120_000, headers: 30_000, silence: 300_000 };
/** Of a request that is refused, this much is still taken, so that the answer is not lost in a connection reset. */
const MAX_DISCARDED = 4_194_304;
const EMPTY = Buffer.alloc(0);

export async function startCspHttp(options: HttpOptions): Promise<HttpEndpoint> {
  const underWay = new Answers();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    underWay.add(response);
    inRequest(() => serve(options, request, response)).catch((error: unknown) => {
      options.log.error({ err: error }, 'CSP request failed');
      respond(response, 500, 'text/plain', EMPTY);
    });
  };
  const patience = { ...PATIENCE, ...options.patience };
  const settings = {
    keepAliveTimeout: options.idleSeconds * 1000,
    requestTimeout: patience.request,
    headersTimeout: patience.headers,
    connectionsCheckingInterval: Math.ceil(Math.min(patience.request, patience.headers) / 4),
    maxHeaderSize: 16_384,
    noDelay: true,
  };
  const server =
    options.tls === undefined
      ? createHttpServer(settings, listener)
      : createHttpsServer({ ...settings, ...options.tls }, listener);
  server.timeout = patience.silence;
  server.maxConnections = options.maxConnections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    options.metrics.count('http_bad_requests_total');
    underWay.whenDone(socket, () => hangUp(socket, error.code));
  });
  const address = await listen(server, options.host, options.port);
  server.on('error', (error) => options.log.error({ err: error }, 'CSP listener'));
  return {
    address,
    close: (graceMs) => {
      underWay.areLast();
      return close(server, graceMs);
    },
  };
}

/** The answers that are owed on each connection: requests may be pipelined, and followed by garbage. */
class Answers {
  readonly #owed = new WeakMap<Duplex, Set<ServerResponse>>();
  readonly #all = new Set<ServerResponse>();

  add(response: ServerResponse): void {
    const { socket } = response.req;
    const owed = this.#owed.get(socket) ?? new Set();
    this.#owed.set(socket, owed.add(response));
    this.#all.add(response);
    response.once('close', () => {
      owed.delete(response);
      this.#all.delete(response);
    });
  }

  /** The server stops: connections end with the answers they are owed, and do not stay open for another request. */
  areLast(): void {
    for (const response of this.#all) {
      if (!response.headersSent) response.setHeader('Connection', 'close');
      else response.once('close', () => response.req.socket.destroySoon());
    }
  }

  /** Runs `then` after all requests that arrived in full on this connection were answered. */
  whenDone(socket: Duplex, then: () => void): void {
    const last = [...(this.#owed.get(socket) ?? [])].findLast(({ req }) => req.complete);
    if (last === undefined) then();
    else last.once('close', then);
  }
}

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** What cannot be read as HTTP ends the connection, with a word about it. */
function hangUp(socket: Duplex, errorCode = ''): void {
  const status = CLIENT_ERRORS[errorCode] ?? '400 Bad Request';
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  else socket.destroy();
}

async function serve(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const token = CALL_PATH.exec(pathOf(request.url ?? '/'))?.[1];
  if (token !== undefined) return answerCall(options, request, response, token);
  const contentType = request.headers['content-type'];
  const refusal = refusalOf(options, request);
  if (refusal !== undefined) return refuse(request, response, refusal);
  const body = await readBody(request, options.maxBody);
  if (body === 'gone') return;
  if (body === 'too large') return refuse(request, response, 413);
  const named = contentKind(contentType);
  const encoding = named ?? sniffed(body);
  if (encoding === undefined) return refuse(request, response, 415);
  const answer = await options.csp.handle({
    encoding,
    body,
    remote: { ...options.origins.of(request), userAgent: request.headers['user-agent'] },
    waitSeconds: wishedWait(request.headers['prefer']),
    onGone: (listener) => {
      response.once('close', listener);
      return () => response.off('close', listener);
    },
  });
  if (response.destroyed) return answer.lost();
  // Node tells 'finish' of a broken connection too, and calls such an answer finished.
  let sent = false;
  response.prependOnceListener('finish', () => (sent = !request.socket.destroyed));
  response.once('close', () => {
    if (!sent) answer.lost();
  });
  const answered = named === undefined ? undefined : contentType;
  respond(response, 200, answered ?? `application/vnd.wv.csp.${encoding}`, answer.body);
}

/** What can be told from the headers alone; undefined = nothing against it. */
function refusalOf(
  { path: own }: HttpOptions,
  { method, url, headers }: IncomingMessage,
): number | undefined {
  const path = pathOf(url ?? '/');
  if (path !== '/' && path !== own && path !== `${own}/`) return 404;
  if (method !== 'POST') return 405;
  return /^\s*application\/vnd\.wv\.ssp/i.test(headers['content-type'] ?? '') ? 415 : undefined;
}

/**
 * COMPAT(J2ME, scripts): a missing or meaningless Content-Type is made good by the first octet that is not blank:
 * `<` of XML, or a WBXML version from 1.1 to 1.3.
 */
function sniffed(body: Uint8Array): Encoding | undefined {
  const first = body.find((octet) => octet !== 0x20 && octet !== 0x09 && octet !== 0x0a && octet !== 0x0d);
  if (first === undefined) return undefined;
  if (first === 0x3c) return 'xml';
  return first >= 0x01 && first <= 0x03 ? 'wbxml' : undefined;
}

/** `Prefer: wait=SECONDS` (RFC 7240 section 4.3): how long a client lets its poll be held. */
function wishedWait(prefer: string | string[] | undefined): number | undefined {
  if (prefer === undefined) return undefined;
  const wait = /(?:^|[,;\s])wait\s*=\s*(\d{1,4})(?=$|[,;\s])/i.exec(String(prefer))?.[1];
  return wait === undefined ? undefined : Number(wait);
}

/** Below it, the address of a session for SHTTP; see cir/http-calls.ts. */
const CALL_PATH = /^\/cir\/([\w-]{1,100})$/;
const CALL_CODES: Readonly<Record<CallState, number>> = { waiting: 200, nothing: 204, unknown: 404 };

/** 200 = poll now; anything else = nothing waits. WAP gateways and proxies must not remember it. */
async function answerCall(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
  token: string,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(request, response, 405, 'GET, HEAD');
  // A GET with a body is odd, but its octets must not be taken for the next request.
  await discard(request);
  const code = CALL_CODES[options.calls.ask(token)];
  response.setHeader('Cache-Control', 'no-store');
  if (code === 204) response.writeHead(204).end();
  else respond(response, code, 'text/plain', EMPTY);
}

/** COMPAT(WAP gateways, J2ME): the request line may hold the whole URL (RFC 9112 section 3.2.2), even without a path. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1)[0];
  return path === undefined || path === '' ? '/' : path;
}

/** HTTP errors are for what is no CSP message at all: phones take them for transport faults. */
async function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  allow = 'POST',
): Promise<void> {
  await discard(request);
  response.setHeader('Connection', 'close');
  if (code === 405) response.setHeader('Allow', allow);
  respond(response, code, 'text/plain', EMPTY);
}

/** Resolves when the rest of the request was taken, or is more than anybody sends by mistake. */
function discard(request: IncomingMessage): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (request.readableEnded || request.destroyed || announced > MAX_DISCARDED) {
    request.resume();
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    let left = MAX_DISCARDED;
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) resolve();
    });
    request.once('end', resolve);
    request.once('close', resolve);
  });
}

/** Always a Content-Length, never chunked, never compressed (client-quirks section 1). */
function respond(response: ServerResponse, code: number, contentType: string, body: Uint8Array): void {
  if (response.headersSent) return;
  response.writeHead(code, { 'Content-Type': contentType, 'Content-Length': body.length });
  response.end(body);
}

/** The whole body, unless it is too large or the client went away. */
function readBody(request: IncomingMessage, limit: number): Promise<Buffer | 'too large' | 'gone'> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.resolve('too large');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.removeAllListeners('data');
        resolve('too large');
      } else chunks.push(chunk);
    });
    request.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.on('error', () => resolve('gone'));
    request.on('close', () => resolve('gone'));
  });
}

function listen(server: Server, host: string, port: number): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ host, port: bound });
    });
  });
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
