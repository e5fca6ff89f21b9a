// Servers and load generators in processes of their own: started, asked, and ended in any case.

import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** What scripts/run.mjs silences too. */
const QUIET = ['ExperimentalWarning', 'DEP0060', 'DEP0040'].map((name) => `--disable-warning=${name}`);
const DEADLINE_MS = 120_000;
const END_MS = 10_000;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Something did not come in time, or a process ended before its time. */
export class ChildError extends Error {
  override readonly name = 'ChildError';
}

export class Child {
  readonly pid: number;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#process = child;
    this.pid = child.pid ?? 0;
    child.on('message', (message) => this.#heard(message as { id: number; value?: unknown; error?: string }));
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#failAll(`ended by itself (${signal ?? code})`);
        resolve();
      });
      child.once('error', (error) => this.#failAll(error.message));
    });
  }

  /** Starts a program below bench/. */
  static start(program: string, nodeOptions: readonly string[] = []): Child {
    const child = fork(join(import.meta.dirname, program), [], {
      execArgv: [...QUIET, ...nodeOptions],
      serialization: 'advanced',
    });
    return new Child(program, child);
  }

  /** @throws ChildError when the child refuses, ends or takes longer than two minutes */
  ask<T>(name: string, task?: unknown): Promise<T> {
    const id = (this.#lastId += 1);
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(this.#error(`gives no answer to ${name}`));
      }, DEADLINE_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      if (!this.#process.connected) this.#failAll('has ended');
      else this.#process.send({ id, name, task });
    }) as Promise<T>;
  }

  /** Lets it stop in order; after ten seconds it is killed. */
  async end(): Promise<void> {
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), END_MS);
    await this.ask('end').catch((error: unknown) => console.warn(String(error)));
    if (this.#process.connected) this.#process.disconnect();
    await this.#exited;
    clearTimeout(kill);
  }

  #heard({ id, value, error }: { id: number; value?: unknown; error?: string }): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(value);
    else waiting.reject(this.#error(error));
  }

  #failAll(reason: string): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#error(reason));
    }
    this.#waiting.clear();
  }

  #error(reason: string): ChildError {
    return new ChildError(`${this.#name}: ${reason}`);
  }
}

/** Runs a task with a child and ends the child, whatever happens. */
export async function withChild<T>(child: Child, task: (child: Child) => Promise<T>): Promise<T> {
  try {
    return await task(child);
  } finally {
    await child.end();
  }
}

/** For a row that says why it has no reference. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
