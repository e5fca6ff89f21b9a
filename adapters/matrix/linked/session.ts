// Requests to a homeserver as one linked account (Client-Server API): one try each, with a deadline; a failure is a
// HomeserverError, like those of the application service.

import type { HomeserverRequest, SendToHomeserver } from '../bridge.ts';
import { HomeserverError } from '../errors.ts';
import { isRecord } from '../events.ts';
import type { MatrixUserId } from '../ids.ts';
import type { AccountHomeserver } from './settings.ts';

/** Octets of an answer that are read. */
const MAX_ANSWER = 33_554_432;
const LOGIN_MS = 15_000;

/** What a homeserver knows us by, for one account. */
export class AccountSession {
  /** The user is always that of the token, whoever a caller names. */
  readonly send: SendToHomeserver;
  readonly #homeserver: AccountHomeserver;
  readonly #token: string;
  readonly #onUnknownToken: () => void;
  readonly #closed = new AbortController();

  /** @param onUnknownToken told of every 401 */
  constructor(homeserver: AccountHomeserver, token: string, onUnknownToken: () => void) {
    this.#homeserver = homeserver;
    this.#token = token;
    this.#onUnknownToken = onUnknownToken;
    this.send = (_user, request) => this.#send(request);
  }

  /** Ends what is under way; nothing is sent any more. */
  close(): void {
    this.#closed.abort();
  }

  async #send(wanted: HomeserverRequest): Promise<unknown> {
    try {
      return await requestJson(this.#homeserver, wanted, { token: this.#token, signal: this.#closed.signal });
    } catch (error) {
      if (error instanceof HomeserverError && error.status === 401) this.#onUnknownToken();
      throw error;
    }
  }
}

/** Ends a token at the homeserver, and with it the device. */
export async function logOut(homeserver: AccountHomeserver, token: string): Promise<void> {
  const path = '/_matrix/client/v3/logout';
  await requestJson(homeserver, { method: 'POST', path, body: {}, timeoutMs: LOGIN_MS }, { token });
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
  const answer = await requestJson(homeserver, {
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

interface Manner {
  readonly token?: string;
  readonly signal?: AbortSignal;
}

async function requestJson(
  homeserver: AccountHomeserver,
  { method, path, query, body, timeoutMs }: HomeserverRequest,
  { token, signal }: Manner = {},
): Promise<unknown> {
  const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
  const signals = [AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])];
  try {
    const response = await fetch(`${homeserver.url}${path}${search}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any(signals),
    });
    const answer = await readJson(response);
    if (response.ok) return answer;
    throw refusalOf(response, answer);
  } catch (error) {
    if (error instanceof HomeserverError) throw error;
    throw new HomeserverError({ status: 0, errcode: 'no answer' }, error);
  }
}

function refusalOf(response: Response, answer: unknown): HomeserverError {
  const fields = isRecord(answer) ? answer : {};
  const { errcode, error, retry_after_ms: inBody } = fields;
  const header = Number(response.headers.get('retry-after') ?? Number.NaN) * 1000;
  const retryAfterMs = typeof inBody === 'number' ? inBody : header;
  return new HomeserverError({
    status: response.status,
    errcode: typeof errcode === 'string' ? errcode : 'M_UNKNOWN',
    ...(typeof error === 'string' ? { reason: error } : {}),
    ...(Number.isFinite(retryAfterMs) && retryAfterMs >= 0 ? { retryAfterMs } : {}),
  });
}

/** Undefined where it is no JSON, as of a proxy before the homeserver: its status says enough. */
async function readJson({ body, ok }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new HomeserverError({ status: 502, errcode: 'answer too large' });
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks, size).toString('utf8'));
  } catch {
    if (ok) throw new HomeserverError({ status: 502, errcode: 'not JSON' });
    return undefined;
  }
}
