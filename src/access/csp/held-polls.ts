// Long polls: Polling-Requests whose answer waits until there is something to say (csp-transport section 1). One a
// session; all of them looked after by the one timer of the session table.

import type { Clock, Metrics } from '../../ops/ports.ts';
import type { CspSession } from './session.ts';

export interface HeldPollLimits {
  /** Longest time a poll is held, seconds; 0 = none is. */
  readonly seconds: number;
  /** Polls held at once; more are answered at once. */
  readonly max: number;
}

/** 'over' = look again what there is to say; 'gone' = the client is no longer there to hear it. */
export type HoldOutcome = 'over' | 'gone';

/** Runs the listener when the client went away; call the result to have it forgotten. */
export type OnGone = (listener: () => void) => () => void;

interface Held {
  readonly until: number;
  readonly release: (outcome: HoldOutcome) => void;
}

export class HeldPolls {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #limits: HeldPollLimits;
  readonly #held = new Map<CspSession, Held>();
  #closed = false;

  constructor(clock: Clock, metrics: Metrics, limits: HeldPollLimits) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#limits = limits;
  }

  get size(): number {
    return this.#held.size;
  }

  /**
   * Seconds to hold a poll of this client that wishes for `wished`; 0 = answer at once. Only for clients that ask for
   * it or are known to stand it: others time out, or send nothing else meanwhile (client-quirks section 1). At most
   * half the keep-alive time, so that no session expires while its client waits.
   */
  patience(session: CspSession, wished: number | undefined): number {
    const own = wished ?? session.quirks.pollPatience;
    return Math.min(this.#limits.seconds, own, Math.floor(session.keepAlive / 2));
  }

  /** Waits until something is ready for the session, its end, a newer poll of it, or for `seconds`. Never rejects. */
  async hold(session: CspSession, seconds: number, onGone: OnGone): Promise<HoldOutcome> {
    const now = this.#clock.now();
    this.release(session);
    if (this.#closed || seconds <= 0 || session.outbound.isReady(now)) return 'over';
    if (this.#held.size >= this.#limits.max) {
      this.#metrics.count('csp_polls_not_held_total');
      return 'over';
    }
    return new Promise((resolve) => {
      const forget = onGone(() => held.release('gone'));
      const held: Held = {
        until: now + seconds * 1000,
        release: (outcome) => {
          forget();
          if (this.#held.get(session) === held) this.#held.delete(session);
          resolve(outcome);
        },
      };
      this.#held.set(session, held);
    });
  }

  /** False when no poll of the session is held. */
  release(session: CspSession): boolean {
    const held = this.#held.get(session);
    held?.release('over');
    return held !== undefined;
  }

  /** Answers what has waited long enough, and what became ready by the passing of time. */
  sweep(now: number): void {
    for (const [session, held] of this.#held) {
      if (held.until <= now || session.outbound.isReady(now)) held.release('over');
    }
  }

  /** Answers all of them, and holds no more: the server stops. */
  close(): void {
    this.#closed = true;
    for (const held of this.#held.values()) held.release('over');
  }
}
