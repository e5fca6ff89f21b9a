// The one file that speaks to matrix-appservice-bridge: its Bridge, its intents, its third-party look-ups. Inbound
// events do not go through it (it answers before its handlers are done); see transactions.ts and inbox.ts.

import { AppServiceRegistration, Bridge, Logger } from 'matrix-appservice-bridge';
import type { AppService } from 'matrix-appservice-bridge';
import type { MatrixSettings } from './config.ts';
import { HomeserverError } from './errors.ts';
import type { MatrixUserId } from './ids.ts';
import type { Registration } from './registration.ts';
import type { ThirdParty } from './third-party.ts';

export interface HomeserverRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path with every part already percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly timeoutMs: number;
}

/** One try of one request, as a ghost or as the bot. Rejects with HomeserverError. */
export type SendToHomeserver = (user: MatrixUserId, request: HomeserverRequest) => Promise<unknown>;

export interface OpenBridge {
  readonly send: SendToHomeserver;
  /** Takes transactions from now on. Rejects when the port cannot be had. */
  listen(face: AppService): Promise<void>;
  close(): Promise<void>;
}

function libraryRegistration(registration: Registration): AppServiceRegistration {
  return AppServiceRegistration.fromObject({
    id: registration.id,
    url: registration.url,
    as_token: registration.asToken,
    hs_token: registration.hsToken,
    sender_localpart: registration.senderLocalpart,
    rate_limited: false,
    protocols: ['imps'],
    namespaces: { users: [{ regex: registration.userNamespace, exclusive: true }], aliases: [], rooms: [] },
  });
}

const DROP = (): void => undefined;

/** Opens the library's bridge with its stores, echo and event handling left out. */
export async function openBridge(settings: MatrixSettings, thirdParty: ThirdParty): Promise<OpenBridge> {
  // COMPAT(matrix-appservice-bridge): its log lines hold whole answers of the homeserver, hence message bodies;
  // every failure is logged by us, without them.
  Logger.configure({ console: 'off' });
  const bridge = new Bridge({
    homeserverUrl: settings.homeserverUrl,
    domain: settings.serverName,
    registration: libraryRegistration(settings.registration),
    disableStores: true,
    // Ghost ids arrive escaped; a second escape would change them.
    escapeUserIds: false,
    controller: {
      onEvent: DROP,
      onLog: DROP,
      thirdPartyLookup: {
        protocols: ['imps'],
        getProtocol: () => Promise.resolve(thirdParty.protocol()),
        getUser: (_protocol, fields) => thirdParty.users(fields),
        // COMPAT(matrix-appservice-bridge): its types call the users found here locations.
        parseUser: (user) => Promise.resolve(thirdParty.usersOf(user) as never[]),
        getLocation: () => Promise.resolve([]),
        parseLocation: () => Promise.resolve([]),
      },
    },
  });
  await bridge.initialise();
  return {
    send: (user, request) => sendThrough(bridge, user, request),
    listen: (face) => bridge.listen(settings.port, settings.host, undefined, face),
    close: () => bridge.close(),
  };
}

async function sendThrough(bridge: Bridge, user: MatrixUserId, request: HomeserverRequest): Promise<unknown> {
  const { method, path, query, body, timeoutMs } = request;
  try {
    const answer: unknown = await bridge
      .getIntent(user)
      .matrixClient.doRequest(method, path, { ...query }, body ?? null, timeoutMs);
    return answer;
  } catch (error) {
    throw homeserverError(error);
  }
}

/** Connection failures after which the homeserver certainly saw nothing. */
const NEVER_ARRIVED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** The library rejects with a MatrixError, with the bare response (no JSON), or with a socket error. */
function homeserverError(error: unknown): HomeserverError {
  const facts = (typeof error === 'object' && error !== null ? error : {}) as Readonly<
    Record<string, unknown>
  >;
  const status = typeof facts['statusCode'] === 'number' ? facts['statusCode'] : 0;
  if (status > 0) {
    const retryAfterMs = retryAfter(facts);
    return new HomeserverError({
      status,
      errcode: typeof facts['errcode'] === 'string' ? facts['errcode'] : 'M_UNKNOWN',
      ...(typeof facts['error'] === 'string' ? { reason: facts['error'] } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  const code = typeof facts['code'] === 'string' ? facts['code'] : 'no answer';
  return new HomeserverError({ status: 0, errcode: code, untouched: NEVER_ARRIVED.has(code) });
}

function retryAfter(facts: Readonly<Record<string, unknown>>): number | undefined {
  const parsed = facts['retryAfterMs'];
  if (typeof parsed === 'number' && parsed >= 0) return parsed;
  const headers = facts['headers'];
  const header = typeof headers === 'object' && headers !== null ? Object.entries(headers) : [];
  const seconds = Number(header.find(([name]) => name === 'retry-after')?.[1]);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
