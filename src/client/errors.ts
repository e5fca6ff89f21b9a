// What goes wrong between a client and its server: an answer that is no success, or no answer at all.

import { STATUS } from '../wv/status.ts';

/** The entities of a request that a code is about (csp-transactions section 0, rule 5). */
export interface Detail {
  readonly code: number;
  readonly description?: string;
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly lists: readonly string[];
  readonly messages: readonly string[];
  readonly domains: readonly string[];
}

/** What a request came to. Codes 200 to 299 are successes; 201 comes with details. */
export interface Outcome {
  readonly code: number;
  readonly description?: string;
  readonly details: readonly Detail[];
}

/** The server's answer is no success. */
export class WvError extends Error {
  override readonly name = 'WvError';
  readonly code: number;
  readonly description: string;
  readonly details: readonly Detail[];

  constructor(outcome: Outcome, what: string) {
    const description =
      outcome.description ?? (STATUS as Readonly<Record<number, string>>)[outcome.code] ?? '';
    super(`${what}: ${outcome.code} ${description}`);
    this.code = outcome.code;
    this.description = description;
    this.details = outcome.details;
  }
}

export type TransportFailure = 'unreachable' | 'timeout' | 'http' | 'malformed' | 'empty' | 'closed';

/** There is no answer, or none that can be understood. Whether the server acted on the request is unknown. */
export class WvTransportError extends Error {
  override readonly name = 'WvTransportError';
  readonly failure: TransportFailure;
  /** The HTTP status, when that is what failed. */
  readonly status: number | undefined;

  constructor(failure: TransportFailure, what: string, more: { status?: number; cause?: unknown } = {}) {
    super(`${what}: ${failure}`, more.cause === undefined ? {} : { cause: more.cause });
    this.failure = failure;
    this.status = more.status;
  }
}
