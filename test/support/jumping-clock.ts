// Test support: the time of the day, which a test may move forward at once.

import type { Clock } from '../../src/ops/ports.ts';

interface Task {
  readonly at: number;
  readonly run: () => void;
  timer: NodeJS.Timeout;
}

/** Runs by itself, unlike ManualClock: for whole servers with real sockets. */
export class JumpingClock implements Clock {
  #ahead = 0;
  readonly #tasks = new Set<Task>();

  now(): number {
    return Date.now() + this.#ahead;
  }

  after(delay: number, run: () => void): () => void {
    const at = this.now() + Math.max(0, delay);
    const task: Task = { at, run, timer: setTimeout(() => this.#run(task), delay) };
    task.timer.unref();
    this.#tasks.add(task);
    return () => this.#drop(task);
  }

  /** Moves time on by `ms`, and runs what falls due, in order. */
  jump(ms: number): void {
    this.#ahead += ms;
    const now = this.now();
    const tasks = [...this.#tasks].toSorted((one, other) => one.at - other.at);
    for (const task of tasks) {
      clearTimeout(task.timer);
      if (task.at <= now) {
        if (this.#tasks.has(task)) this.#run(task);
      } else {
        task.timer = setTimeout(() => this.#run(task), task.at - now);
        task.timer.unref();
      }
    }
  }

  #run(task: Task): void {
    this.#tasks.delete(task);
    task.run();
  }

  #drop(task: Task): void {
    clearTimeout(task.timer);
    this.#tasks.delete(task);
  }
}
