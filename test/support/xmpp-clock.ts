// A clock that tests move.

import type { Clock } from '../../src/sap/port.ts';

export class ManualClock implements Clock {
  #now = 1_700_000_000_000;
  #serial = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly task: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delay: number, task: () => void): () => void {
    this.#serial += 1;
    const serial = this.#serial;
    this.#timers.set(serial, { at: this.#now + delay, task });
    return () => this.#timers.delete(serial);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Moves time on, running what becomes due in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.at <= end)
        .sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].task();
    }
    this.#now = end;
  }
}
