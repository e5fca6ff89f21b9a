// Requests to a homeserver as one linked account, through matrix-js-sdk's HTTP API: one try each, with a deadline; a
// failure is a HomeserverError, like those of the application service. The library's own sync would say that it is
// further on before what came is on disk, so the account has a loop of its own (sync-loop.ts).

import {
  ConnectionError,
  HTTPError,
  MatrixError,
  safeGetRetryAfterMs,
} from 'matrix-js-sdk/lib/http-api/errors.js';
import { FetchHttpApi } from 'matrix-js-sdk/lib/http-api/fetch.js';
import type { IHttpOpts } from 'matrix-js-sdk/lib/http-api/interface.js';
import type { Method } from 'matrix-js-sdk/lib/http-api/method.js';
import { TypedEventEmitter } from 'matrix-js-sdk/lib/models/typed-event-emitter.js';
import type { HomeserverRequest, SendToHomeserver } from '../bridge.ts';
import { HomeserverError } from '../errors.ts';
import { isRecord } from '../events.ts';
import type { MatrixUserId } from '../ids.ts';
import type { AccountHomeserver } from './settings.ts';

type Api = FetchHttpApi<IHttpOpts>;

/** Octets of an answer that are read. */
const MAX_ANSWER = 33_554_432;
const LOGIN_MS = 15_000;

/** What a homeserver knows us by, for one account. */
export class AccountSession {
  /** The user is always that of the token, whoever a caller names. */
  readonly send: SendToHomeserver;
  readonly #api: Api;
  readonly #onUnknownToken: () => void;
  readonly #closed = new AbortController();

  /** @param onUnknownToken told of every 401 */
  constructor(homeserver: AccountHomeserver, token: string, onUnknownToken: () => void) {
    this.#api = apiOf(homeserver, token);
    this.#onUnknownToken = onUnknownToken;
    this.send = (_user, request) => this.#send(request);
  }

  /** Ends what is under way; nothing is sent any more. */
  close(): void {
    this.#closed.abort();
  }

  async #send(wanted: HomeserverRequest): Promise<unknown> {
    try {
      return await requestJson(this.#api, wanted, this.#closed.signal);
    } catch (error) {
      if (error instanceof HomeserverError && error.status === 401) this.#onUnknownToken();
      throw error;
    }
  }
}

/** Ends a token at the homeserver, and with it the device. */
export async function logOut(homeserver: AccountHomeserver, token: string): Promise<void> {
  const path = '/_matrix/client/v3/logout';
  await requestJson(apiOf(homeserver, token), { method: 'POST', path, body: {}, timeoutMs: LOGIN_MS });
}

export interface Login {
  readonly user: MatrixUserId;
  readonly password: string;
  /** The same one when it is tried again: a token that was given and lost is replaced, not left behind. */
  readonly device: string;
}

/**
 * Logs in with a password (m.login.password) and gives the token.
 * @throws HomeserverError; 403: the password is wrong, or the homeserver takes none
 */
export async function logIn(homeserver: AccountHomeserver, login: Login): Promise<string> {
  const answer = await requestJson(apiOf(homeserver), {
    method: 'POST',
    path: '/_matrix/client/v3/login',
    timeoutMs: LOGIN_MS,
    body: {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: login.user },
      password: login.password,
      device_id: login.device,
      initial_device_display_name: 'wvgate',
    },
  });
  const token = isRecord(answer) ? answer['access_token'] : undefined;
  if (typeof token !== 'string' || token === '')
    throw new HomeserverError({ status: 502, errcode: 'M_UNKNOWN', reason: 'login: malformed answer' });
  return token;
}

/** The library's way to a homeserver: it forms requests and reads errors; what it reads is bounded here. */
function apiOf({ url }: AccountHomeserver, accessToken?: string): Api {
  return new FetchHttpApi(new TypedEventEmitter(), {
    baseUrl: url,
    prefix: '',
    onlyData: true,
    fetchFn: boundedFetch,
    ...(accessToken === undefined ? {} : { accessToken }),
  });
}

async function requestJson(
  api: Api,
  { method, path, query, body, timeoutMs }: HomeserverRequest,
  abortSignal?: AbortSignal,
): Promise<unknown> {
  const options = {
    prefix: '',
    localTimeoutMs: timeoutMs,
    ...(abortSignal === undefined ? {} : { abortSignal }),
  };
  const content = body as Parameters<Api['request']>[3];
  try {
    return api.opts.accessToken === undefined
      ? await api.request<unknown>(method as Method, path, query, content, options)
      : await api.authedRequest<object>(method as Method, path, query, content, options);
  } catch (error) {
    throw failureOf(error);
  }
}

function failureOf(error: unknown): HomeserverError {
  const cause = error instanceof ConnectionError ? error.cause : error;
  if (cause instanceof HomeserverError) return cause;
  if (error instanceof SyntaxError) return new HomeserverError({ status: 502, errcode: 'not JSON' });
  if (!(error instanceof HTTPError) || error.httpStatus === undefined)
    return new HomeserverError({ status: 0, errcode: 'no answer' }, error);
  const { errcode, error: reason } = error instanceof MatrixError ? error.data : {};
  const retryAfterMs = safeGetRetryAfterMs(error, Number.NaN);
  return new HomeserverError({
    status: error.httpStatus,
    errcode: typeof errcode === 'string' ? errcode : 'M_UNKNOWN',
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(Number.isFinite(retryAfterMs) && retryAfterMs >= 0 ? { retryAfterMs } : {}),
  });
}

/** As `fetch`, but reads no more than MAX_ANSWER octets. */
async function boundedFetch(resource: Parameters<typeof fetch>[0], options?: RequestInit): Promise<Response> {
  const { body, status, statusText, headers } = await fetch(resource, options);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new HomeserverError({ status: 502, errcode: 'answer too large' });
    chunks.push(chunk);
  }
  return new Response(size === 0 ? null : Buffer.concat(chunks, size), { status, statusText, headers });
}
