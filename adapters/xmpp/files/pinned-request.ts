// One HTTP request to an address that was looked up and checked by us; the connection goes to that very address, so
// that a name that changes its mind meanwhile gains nothing. No redirects are followed here. Knows nothing of XMPP.

import { lookup } from 'node:dns/promises';
import { request as plainRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { AddressGate } from './addresses.ts';

/**
 * `url`: not one we follow; `address`: leads where nobody may send us; `unresolved`: no such host; `redirects`: too
 * many, or one that is not followed; `status`: not a success; `too-large`; `type`: not content that is passed on;
 * `timeout`; `broken`: the connection failed or ended early; `busy`: too many at once.
 */
export type TransferFailure =
  | 'url'
  | 'address'
  | 'unresolved'
  | 'redirects'
  | 'status'
  | 'too-large'
  | 'type'
  | 'timeout'
  | 'broken'
  | 'busy';

/** A file could not be fetched or sent. The message names no address: it may be logged. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  readonly failure: TransferFailure;
  /** Of the answer, when there was one. */
  readonly status: number | undefined;

  constructor(failure: TransferFailure, cause?: unknown, status?: number) {
    super(`file transfer: ${failure}`, cause === undefined ? undefined : { cause });
    this.failure = failure;
    this.status = status;
  }
}

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface TransferRules {
  readonly gate: AddressGate;
  /** `http:` too, not only `https:`. */
  readonly insecure: boolean;
  /** Milliseconds to connect, TLS included. */
  readonly connectMs: number;
  readonly resolve: Resolve;
}

export interface PinnedRequest {
  readonly method: 'GET' | 'PUT';
  readonly headers: OutgoingHttpHeaders;
  readonly body?: Buffer;
  /** Ends the request and the reading of its answer. */
  readonly signal: AbortSignal;
}

const MAX_URL = 2_048;
const MAX_HEADER_BYTES = 16_384;
/** Below it only the two of the web: mail servers and the like must not hear from us. */
const FIRST_FREE_PORT = 1_024;

export async function resolveHost(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The URL, if it is one that we follow. @throws TransferError `url` */
export function checkedUrl(text: string, insecure: boolean, base?: URL): URL {
  const url = text.length > MAX_URL ? null : URL.parse(text, base?.href);
  const schemes = insecure ? ['https:', 'http:'] : ['https:'];
  if (url === null || !schemes.includes(url.protocol)) throw new TransferError('url');
  if (url.username !== '' || url.password !== '') throw new TransferError('url');
  const port = Number(url.port);
  if (port !== 0 && port !== 80 && port !== 443 && port < FIRST_FREE_PORT) throw new TransferError('url');
  return url;
}

/** The answer's head; its body is the caller's to read or destroy. @throws TransferError */
export async function openPinned(
  url: URL,
  rules: TransferRules,
  wanted: PinnedRequest,
): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const address = await pinned(host, rules, wanted.signal);
  const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
  return await new Promise((resolve, reject) => {
    const request = send({
      method: wanted.method,
      host: address,
      port: url.port === '' ? undefined : url.port,
      path: `${url.pathname}${url.search}`,
      headers: { ...wanted.headers, host: url.host },
      ...(isIP(host) === 0 ? { servername: host } : {}),
      agent: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      signal: wanted.signal,
    });
    request.on('socket', (socket) => limitConnecting(socket, url.protocol, rules.connectMs));
    request.on('response', (answer) => {
      // Who reads it sees the error all the same.
      answer.on('error', () => undefined);
      resolve(answer);
    });
    request.on('error', (error) => reject(asTransferError(error, wanted.signal)));
    request.end(wanted.body);
  });
}

/** Errors of sockets and parsers in our words. */
export function asTransferError(error: unknown, signal: AbortSignal): TransferError {
  if (error instanceof TransferError) return error;
  return new TransferError(signal.aborted ? 'timeout' : 'broken', error);
}

/** One that is refused among a name's addresses is enough: such a name is a trap. */
async function pinned(host: string, rules: TransferRules, signal: AbortSignal): Promise<string> {
  const addresses = isIP(host) === 0 ? await lookUp(host, rules.resolve, signal) : [host];
  if (!addresses.every((address) => rules.gate.admits(address, host))) throw new TransferError('address');
  const [first] = addresses;
  if (first === undefined) throw new TransferError('unresolved');
  return first;
}

async function lookUp(host: string, resolve: Resolve, signal: AbortSignal): Promise<readonly string[]> {
  const late = Promise.withResolvers<never>();
  const giveUp = (): void => late.reject(new TransferError('timeout'));
  if (signal.aborted) throw new TransferError('timeout');
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([resolve(host), late.promise]);
  } catch (error) {
    throw error instanceof TransferError ? error : new TransferError('unresolved', error);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function limitConnecting(socket: Socket, protocol: string, connectMs: number): void {
  const timer = setTimeout(() => socket.destroy(new TransferError('timeout')), connectMs);
  timer.unref();
  const done = (): void => clearTimeout(timer);
  socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', done);
  socket.once('close', done);
}
