// What the HTTP doors of CSP and SSP have in common: listening, patience, an end in order, answers to what is no HTTP,
// bodies. On node:http itself: this is the hot path, and phones care about every header.

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import type { Log, Metrics } from '../ops/ports.ts';
import { plainAddress } from './address-list.ts';
import { inRequest } from './request-scope.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly tls?: ServerTls;
  /** Seconds an idle connection stays open. */
  readonly idleSeconds: number;
  /** Connections at once; more are closed. */
  readonly maxConnections: number;
  /** Of these from one IP address; more are closed. Default: as many as there may be at all. */
  readonly maxConnectionsPerAddress?: number;
  readonly patience?: Partial<HttpPatience>;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface ServerTls extends Pick<
  TlsOptions,
  'ca' | 'requestCert' | 'rejectUnauthorized' | 'minVersion'
> {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
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
/** Milliseconds until a connection that got its last word is closed, even if the other side keeps it open. */
const LINGER = 2_000;
/** The body of an answer that has none. */
export const EMPTY = Buffer.alloc(0);

/**
 * Listens, and has every request served. `protocol` names the door in the log. What `serve` throws costs its request
 * a 500. Rejects when the address cannot be had.
 */
export async function startHttpListener(
  protocol: string,
  options: ListenerOptions,
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<HttpEndpoint> {
  const underWay = new Answers();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    underWay.add(response);
    inRequest(() => serve(request, response)).catch((error: unknown) => {
      options.log.error({ err: error }, `${protocol} request failed`);
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
      : createHttpsServer({ ...settings, ...options.tls, handshakeTimeout: patience.headers }, listener);
  server.timeout = patience.silence;
  limitConnections(server, options);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    options.metrics.count('http_bad_requests_total');
    underWay.whenDone(socket, () => hangUp(socket, error.code));
  });
  const address = await listen(server, options.host, options.port);
  server.on('error', (error) => options.log.error({ err: error }, `${protocol} listener`));
  return {
    address,
    close: (graceMs) => {
      underWay.areLast();
      return close(server, graceMs);
    },
  };
}

/** Connections beyond a limit are closed before anything is read of them. */
function limitConnections(server: Server, options: ListenerOptions): void {
  const { maxConnections, maxConnectionsPerAddress = maxConnections, metrics } = options;
  const refused = (limit: string) => metrics.count('http_connections_refused_total', { limit });
  const open = new Map<string, number>();
  server.maxConnections = maxConnections;
  server.on('drop', () => refused('all'));
  server.on('connection', (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    if (count <= maxConnectionsPerAddress) return;
    refused('address');
    socket.destroy();
  });
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

/** What cannot be read as HTTP ends the connection, with a word about it, whether or not the client hangs up too. */
function hangUp(socket: Duplex, errorCode = ''): void {
  const status = CLIENT_ERRORS[errorCode] ?? '400 Bad Request';
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  const lingering = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(lingering));
}

/** A content type without its parameters, in lower case; '' = there is none. */
export function mediaType(contentType = ''): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** Answers with an HTTP error and ends the connection: for what is no message of the protocol at all. */
export async function refuse(
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
export function discard(request: IncomingMessage): Promise<void> {
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
export function respond(response: ServerResponse, code: number, contentType: string, body: Uint8Array): void {
  if (response.headersSent) return;
  response.writeHead(code, { 'Content-Type': contentType, 'Content-Length': body.length });
  response.end(body);
}

/** The whole body, unless it is too large or the client went away. */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer | 'too large' | 'gone'> {
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
