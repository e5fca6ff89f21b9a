// Test support: time that stands still until a test moves it.

import type { Clock } from '../../src/ops/ports.ts';

interface Task {
  at: number;
  readonly run: () => void;
}

/** 2008-05-22T10:56:26Z, the date that client-quirks.md writes as 20080522T105626Z. */
export const START = Date.UTC(2008, 4, 22, 10, 56, 26);

export class ManualClock implements Clock {
  #now = START;
  readonly #tasks = new Set<Task>();

  now(): number {
    return this.#now;
  }

  after(delay: number, run: () => void): () => void {
    const task = { at: this.#now + Math.max(0, delay), run };
    this.#tasks.add(task);
    return () => this.#tasks.delete(task);
  }

  /** Tasks that wait for their time. */
  get timers(): number {
    return this.#tasks.size;
  }

  /** Moves time on by `ms` and runs what falls due, in order. What those tasks start goes on by itself. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
      this.#tasks.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = target;
  }

  /** Another time of day from now on, as when an operator sets the clock; what was planned keeps its distance. */
  set(time: number): void {
    const shift = time - this.#now;
    this.#now = time;
    for (const task of this.#tasks) task.at += shift;
  }

  #next(until: number): Task | undefined {
    let first: Task | undefined;
    for (const task of this.#tasks) {
      if (task.at <= until && (first === undefined || task.at < first.at)) first = task;
    }
    return first;
  }
}
