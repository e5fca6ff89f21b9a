// Spreads bursts of the same kind of work (presence probes) over time.

import type { Clock } from '../../src/sap/port.ts';

/** Starts at most `perSecond` tasks a second, at most that many at once. Holds `limit` waiting tasks. */
export class Pacer {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #limit: number;
  readonly #waiting = new Map<string, () => void>();
  #allowance: number;
  #refilledAt: number;
  #ticking: (() => void) | undefined;

  constructor(clock: Clock, perSecond: number, limit: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#limit = limit;
    this.#allowance = perSecond;
    this.#refilledAt = clock.now();
  }

  /** Runs the task now or later; a task of a key that waits already replaces it. False when too many wait. */
  run(key: string, task: () => void): boolean {
    if (!this.#waiting.has(key) && this.#waiting.size >= this.#limit) return false;
    this.#waiting.set(key, task);
    this.#drain();
    return true;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting.clear();
    this.#ticking?.();
    this.#ticking = undefined;
  }

  #drain(): void {
    this.#refill();
    for (const [key, task] of this.#waiting) {
      if (this.#allowance < 1) break;
      this.#allowance -= 1;
      this.#waiting.delete(key);
      task();
    }
    if (this.#waiting.size === 0 || this.#ticking !== undefined) return;
    this.#ticking = this.#clock.after(Math.ceil(1_000 / this.#perSecond), () => {
      this.#ticking = undefined;
      this.#drain();
    });
  }

  #refill(): void {
    const now = this.#clock.now();
    const earned = ((now - this.#refilledAt) * this.#perSecond) / 1_000;
    this.#allowance = Math.min(this.#perSecond, this.#allowance + Math.max(0, earned));
    this.#refilledAt = now;
  }
}
