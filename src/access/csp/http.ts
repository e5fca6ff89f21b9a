// The HTTP binding of CSP (csp-transport section 1; client-quirks section 1). On node:http itself: this is the hot
// path, and phones care about every header.

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Log, Metrics } from '../../ops/ports.ts';
import { contentKind } from './codec/codec.ts';
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
  readonly csp: CspServer;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface HttpEndpoint {
  readonly address: { readonly host: string; readonly port: number };
  /** Stops accepting, finishes what is under way (at most `graceMs`), closes. */
  close(graceMs: number): Promise<void>;
}

/** The time a client gets to send a whole request: slow phones, not slow attackers. */
const REQUEST_TIMEOUT_MS = 120_000;
const HEADERS_TIMEOUT_MS = 30_000;

export async function startCspHttp(options: HttpOptions): Promise<HttpEndpoint> {
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    serve(options, request, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'CSP request failed');
      respond(response, 500, 'text/plain', Buffer.alloc(0));
    });
  };
  const settings = {
    keepAliveTimeout: options.idleSeconds * 1000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    maxHeaderSize: 16_384,
    noDelay: true,
  };
  const server =
    options.tls === undefined
      ? createHttpServer(settings, listener)
      : createHttpsServer({ ...settings, ...options.tls }, listener);
  server.maxConnections = options.maxConnections;
  server.on('clientError', (_error, socket) => {
    options.metrics.count('http_bad_requests_total');
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });
  const address = await listen(server, options.host, options.port);
  return { address, close: (graceMs) => close(server, graceMs) };
}

async function serve(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = pathOf(request.url ?? '/');
  const encoding = contentKind(request.headers['content-type']);
  if (request.method !== 'POST')
    return refuse(request, response, path === '/' || path === options.path ? 405 : 404);
  if (path !== '/' && path !== options.path && path !== `${options.path}/`)
    return refuse(request, response, 404);
  if (encoding === undefined) return refuse(request, response, 415);
  const body = await readBody(request, options.maxBody);
  if (body === 'gone') return;
  if (body === 'too large') return refuse(request, response, 413);
  const answer = await options.csp.handle({
    encoding,
    body,
    remote: { address: request.socket.remoteAddress ?? '', userAgent: request.headers['user-agent'] },
  });
  if (response.destroyed) return answer.lost();
  response.once('close', () => {
    if (!response.writableFinished) answer.lost();
  });
  respond(response, 200, request.headers['content-type'] ?? 'text/xml', answer.body);
}

/** COMPAT(WAP gateways, J2ME): the request line may hold the whole URL (RFC 9112 section 3.2.2), even without a path. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1)[0];
  return path === undefined || path === '' ? '/' : path;
}

/** HTTP errors are for what is no CSP message at all: phones take them for transport faults. */
function refuse(request: IncomingMessage, response: ServerResponse, code: number): void {
  request.resume();
  response.setHeader('Connection', 'close');
  if (code === 405) response.setHeader('Allow', 'POST');
  respond(response, code, 'text/plain', Buffer.alloc(0));
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
