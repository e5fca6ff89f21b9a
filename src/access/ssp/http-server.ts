// SSP documents that come in: POSTs, whose answers are a status and nothing else (ssp.md section 3). The answer in
// SSP is a POST of our own.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Log, Metrics } from '../../ops/ports.ts';
import { plainAddress } from '../address-list.ts';
import {
  discard,
  EMPTY,
  mediaType,
  readBody,
  refuse,
  respond,
  startHttpListener,
  type HttpEndpoint,
  type ListenerOptions,
  type ServerTls,
} from '../http-listener.ts';
import { authorizedNames } from './certificate-names.ts';
import { SSP_CONTENT_TYPE } from './document.ts';
import type { Caller, DocumentSink } from './transport.ts';

export interface SspHandlerOptions {
  /** Largest document, octets; more is answered 413. */
  readonly maxBody: number;
  readonly sink: DocumentSink;
  /** Where a request comes from, when proxies stand in front. Default: the other end of the connection. */
  readonly addressOf?: (request: IncomingMessage) => string;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Whether those who call must show a certificate. One that no authority of ours signed is never believed. */
export type ClientCertificates = 'none' | 'optional' | 'required';

export interface SspHttpOptions
  extends Omit<ListenerOptions, 'tls'>, Omit<SspHandlerOptions, 'log' | 'metrics'> {
  /** PEM. Absent = plain HTTP. */
  readonly tls?: {
    readonly cert: string | Buffer;
    readonly key: string | Buffer;
    readonly clientCertificates: ClientCertificates;
    /** The authorities that sign certificates of callers: these and no others. */
    readonly ca?: string | Buffer;
  };
}

/** Requests of one connection that may wait for their answer at once; more are answered 503. */
const MAX_PIPELINED = 100;
/** Also of those who do not know the type that SSP has. */
const XML_TYPES: ReadonlySet<string> = new Set([SSP_CONTENT_TYPE, 'text/xml', 'application/xml']);

/** A listener for SSP alone, on any path. Rejects when the address cannot be had. */
export function startSspHttp(options: SspHttpOptions): Promise<HttpEndpoint> {
  const { tls, ...others } = options;
  const serve = sspServing(options);
  return startHttpListener(
    'SSP',
    { ...others, ...(tls === undefined ? {} : { tls: serverTls(tls) }) },
    serve,
  );
}

/** Serves SSP on a listener of somebody else's. */
export function sspHandler(
  options: SspHandlerOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const serve = sspServing(options);
  return (request, response) => {
    serve(request, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'SSP request failed');
      respond(response, 500, 'text/plain', EMPTY);
    });
  };
}

function serverTls({ cert, key, ca, clientCertificates }: NonNullable<SspHttpOptions['tls']>): ServerTls {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    requestCert: clientCertificates !== 'none',
    rejectUnauthorized: clientCertificates === 'required',
    // Without any, node:tls would believe every public authority.
    ca: ca ?? [],
  };
}

function sspServing(
  options: SspHandlerOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const waiting = new WeakMap<Socket, number>();
  return async (request, response) => {
    const { socket } = request;
    response.once('close', () =>
      options.metrics.count('ssp_http_answers_total', { status: outcome(response) }),
    );
    const refusal = refusalOf(request);
    if (refusal !== undefined) return refuse(request, response, refusal, allowedMethods(request));
    if (request.method !== 'POST') return greet(request, response);
    const document = await readBody(request, options.maxBody);
    if (document === 'gone') return;
    if (document === 'too large') return refuse(request, response, 413);
    const before = waiting.get(socket) ?? 0;
    if (before >= MAX_PIPELINED) return respond(response, 503, 'text/plain', EMPTY);
    waiting.set(socket, before + 1);
    response.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    const { status, retryAfterSeconds } = await options.sink(document, callerOf(options, request));
    if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', Math.ceil(retryAfterSeconds));
    respond(response, status, 'text/plain', EMPTY);
  };
}

/** What can be told from the headers alone; undefined = nothing against it. */
function refusalOf(request: IncomingMessage): number | undefined {
  const { method = '', headers } = request;
  if (!allowedMethods(request).split(', ').includes(method)) return 405;
  if (method !== 'POST') return undefined;
  if (!XML_TYPES.has(mediaType(headers['content-type']))) return 415;
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  return coding === '' || coding === 'identity' ? undefined : 415;
}

/** `/` can be fetched too: those who look whether somebody listens here find that somebody does. */
function allowedMethods({ url = '/' }: IncomingMessage): string {
  return /^(?:https?:\/\/[^/?#]*)?\/?(?:\?.*)?$/i.test(url) ? 'GET, HEAD, POST' : 'POST';
}

async function greet(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A GET with a body is odd, but its octets must not be taken for the next request.
  await discard(request);
  respond(response, 200, 'text/plain', EMPTY);
}

function callerOf({ addressOf }: SspHandlerOptions, request: IncomingMessage): Caller {
  const { socket } = request;
  const address = addressOf?.(request) ?? plainAddress(socket.remoteAddress ?? '');
  const names = socket instanceof TLSSocket ? authorizedNames(socket) : undefined;
  return names === undefined ? { address } : { address, certificateNames: names };
}

/** For the metrics: what the caller was told, or that he went before. */
function outcome({ headersSent, statusCode }: ServerResponse): string {
  return headersSent ? String(statusCode) : 'gone';
}
