// The HTTP binding of CSP (csp-transport section 1; client-quirks section 1).

import type { IncomingMessage, ServerResponse } from 'node:http';
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
} from '../http-listener.ts';
import { SSP_CONTENT_TYPE } from '../ssp/document.ts';
import { contentKind, type Encoding } from './codec/codec.ts';
import type { CallState } from './cir/http-calls.ts';
import type { Origins } from './origin.ts';
import type { CspServer } from './server.ts';

export type { HttpEndpoint } from '../http-listener.ts';

/** COMPAT(Android): an idle connection that was closed costs its next request 5 s. */
export interface HttpOptions extends ListenerOptions {
  /** Where CSP is served; `/` is served too. Content type decides, not the path, so both are one door. */
  readonly path: string;
  /** Largest request body, octets. */
  readonly maxBody: number;
  readonly csp: Pick<CspServer, 'handle'>;
  readonly origins: Origins;
  /** Tells a client that asks at `/cir/<token>` whether something waits (SHTTP). */
  readonly calls: { ask(token: string): CallState };
  /** Serves what has the content type of SSP, on any path. Absent: such requests are answered 415. */
  readonly ssp?: (request: IncomingMessage, response: ServerResponse) => void;
}

export function startCspHttp(options: HttpOptions): Promise<HttpEndpoint> {
  return startHttpListener('CSP', options, (request, response) => serve(options, request, response));
}

/** HTTP errors are for what is no CSP message at all: phones take them for transport faults. */
async function serve(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const token = CALL_PATH.exec(pathOf(request.url ?? '/'))?.[1];
  if (token !== undefined) return answerCall(options, request, response, token);
  const contentType = request.headers['content-type'];
  if (options.ssp !== undefined && mediaType(contentType) === SSP_CONTENT_TYPE)
    return options.ssp(request, response);
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
