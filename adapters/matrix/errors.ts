// Failures of the homeserver, and what they are called on either side (bridging.md 12).

import { result } from '../../src/wv/status.ts';
import type { Result, StatusCode } from '../../src/wv/status.ts';

/** A call that the homeserver refused, or did not answer (`status` 0). */
export class HomeserverError extends Error {
  override readonly name = 'HomeserverError';
  readonly status: number;
  readonly errcode: string;
  /** What the homeserver asked us to wait, in ms. */
  readonly retryAfterMs: number | undefined;
  /** True when the request certainly had no effect: it may be repeated even if it is not idempotent. */
  readonly untouched: boolean;

  constructor(
    facts: { status: number; errcode: string; reason?: string; retryAfterMs?: number; untouched?: boolean },
    cause?: unknown,
  ) {
    super(facts.reason ?? facts.errcode, { cause });
    this.status = facts.status;
    this.errcode = facts.errcode;
    this.retryAfterMs = facts.retryAfterMs;
    this.untouched = facts.untouched ?? facts.status === 429;
  }

  /** True when the same request may work later: it stays in the relay's outbox. */
  get transient(): boolean {
    return isTransient(this);
  }
}

/**
 * 401 counts as transient: it speaks of our token, not of the user, and messages must survive the time until the
 * operator has repaired the registration.
 */
function isTransient(error: HomeserverError): boolean {
  const { status, errcode } = error;
  if (errcode === 'M_RESOURCE_LIMIT_EXCEEDED') return false;
  // As 401 does, it speaks of our registration: the ghost lies outside of the namespace that the homeserver knows.
  if (errcode === 'M_EXCLUSIVE') return true;
  return (
    status === 0 || status === 401 || status === 408 || status === 429 || (status >= 500 && status !== 507)
  );
}

const BY_ERRCODE: Readonly<Record<string, StatusCode>> = {
  M_RESOURCE_LIMIT_EXCEEDED: 507,
  M_TOO_LARGE: 432,
  M_INVALID_USERNAME: 901,
  M_BAD_JSON: 400,
  M_NOT_JSON: 400,
  M_INVALID_PARAM: 402,
  M_UNABLE_TO_AUTHORISE_JOIN: 516,
};

const BY_STATUS: Readonly<Record<number, StatusCode>> = {
  400: 402,
  403: 410,
  404: 531,
  405: 405,
  410: 410,
  413: 432,
  507: 507,
};

/** The WV result of a failed call. 503 says "not now" to the relay; everything else is final. */
export function resultOf(error: HomeserverError): Result {
  if (error.transient) {
    const seconds = error.retryAfterMs === undefined ? undefined : Math.ceil(error.retryAfterMs / 1000);
    return seconds === undefined ? result(503) : { code: 503, tryAgainAfter: seconds };
  }
  return result(BY_ERRCODE[error.errcode] ?? BY_STATUS[error.status] ?? 410);
}

/** Results that say "not now". */
export function isNotNow(outcome: Result): boolean {
  return outcome.code === 408 || outcome.code === 503 || outcome.code === 504;
}

const UNREACHABLE = 'the recipient cannot be reached';

/** What a Matrix user is told. A block (532) reads like absence: never a more precise word (bridging.md 6, 12). */
const REASONS: Partial<Record<StatusCode, string>> = {
  402: 'the message was not understood',
  403: 'this is not permitted',
  405: 'this kind of message is not supported',
  415: 'this kind of content is not supported',
  432: 'the message is too long',
  500: 'an internal error',
  503: 'the service is not available, please try again later',
  504: 'the service did not answer in time, please try again later',
  507: 'the recipient’s message queue is full',
  516: 'the recipient’s domain is not served',
  531: 'there is no such user',
  542: 'the message expired before it could be delivered',
};

/** The notice about a message that did not reach its recipient. */
export function notDelivered(outcome: Result): string {
  return `Not delivered: ${REASONS[outcome.code] ?? UNREACHABLE}.`;
}
