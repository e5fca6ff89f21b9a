// The SHTTP binding of CIR (csp-transport section 2): the client asks an address of its own, told in capability
// negotiation, whether something waits. Nothing is sent to it and no connection is kept.

import { createHash } from 'node:crypto';
import type { Clock, Metrics } from '../../../ops/ports.ts';
import type { SessionId } from '../../../wv/ids.ts';
import type { Capabilities } from '../capabilities.ts';

/** What a client that asks is told. 'unknown' = no session has that address. */
export type CallState = 'waiting' | 'nothing' | 'unknown';

/** As much of a session as is needed here. */
export interface AskingSession {
  readonly id: SessionId;
  readonly capabilities: Pick<Capabilities, 'cir'>;
  readonly outbound: { isReady(now: number): boolean };
  lastActivity: number;
}

/** Addresses of ended sessions that still lead their clients to a poll, which then tells them of the end. */
const REMEMBERED_ENDED = 10_000;

/**
 * The last part of a session's address. It follows from the SessionID, so that it stays the same over a restart, but
 * does not tell it: addresses appear in the logs of proxies.
 */
export function callToken(id: SessionId): string {
  return createHash('sha256').update(`CIR ${id}`).digest('base64url');
}

export class HttpCalls {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #sessions = new Map<string, AskingSession>();
  readonly #ended = new Set<string>();

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** After a negotiation or a restart: a session is known here while it has agreed to ask. */
  follow(session: AskingSession): void {
    if (session.capabilities.cir.includes('SHTTP')) this.#sessions.set(callToken(session.id), session);
    else if (this.#sessions.size > 0) this.#sessions.delete(callToken(session.id));
  }

  /** `told` = the client does not know of the end: the next time it asks it is made to poll, and learns why. */
  end(session: AskingSession, told: boolean): void {
    if (!session.capabilities.cir.includes('SHTTP')) return;
    const token = callToken(session.id);
    this.#sessions.delete(token);
    if (told) return;
    this.#ended.add(token);
    if (this.#ended.size > REMEMBERED_ENDED) this.#ended.delete(this.#ended.values().next().value as string);
  }

  /** Asking keeps the session alive, like any other traffic of the client. */
  ask(token: string): CallState {
    const state = this.#state(token);
    this.#metrics.count('cir_calls_total', { method: 'SHTTP', outcome: state });
    return state;
  }

  #state(token: string): CallState {
    const session = this.#sessions.get(token);
    if (session === undefined) return this.#ended.delete(token) ? 'waiting' : 'unknown';
    const now = this.#clock.now();
    session.lastActivity = now;
    return session.outbound.isReady(now) ? 'waiting' : 'nothing';
  }
}
