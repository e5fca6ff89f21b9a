// The real clock, set to another time of day: timers run as always, and what is reckoned from `now` jumps.

import type { Clock } from '../../src/ops/ports.ts';
import { systemClock } from './system-clock.ts';

export class SkewedClock implements Clock {
  #skew: number;

  /** Milliseconds ahead of the real time; negative: behind. */
  constructor(skew = 0) {
    this.#skew = skew;
  }

  now(): number {
    return Date.now() + this.#skew;
  }

  after(delay: number, task: () => void): () => void {
    return systemClock.after(delay, task);
  }

  /** So much time passes at once, ms. */
  skip(ms: number): void {
    this.#skew += ms;
  }
}
