// One queue per conversation: tasks of one key run one after another, keys run side by side.

/** Keeps nothing for a key whose tasks are done. */
export class SerialQueues {
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #counts = new Map<string, number>();
  #waiting = 0;

  /** Tasks that run or wait. */
  get size(): number {
    return this.#waiting;
  }

  /** Those of one key. */
  sizeOf(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Runs `task` when the earlier tasks of `key` are done, whatever became of them. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    this.#waiting++;
    this.#counts.set(key, this.sizeOf(key) + 1);
    const outcome = before.then(task);
    const left = (): void => this.#left(key, tail);
    const tail: Promise<void> = outcome.then(left, left);
    this.#tails.set(key, tail);
    return outcome;
  }

  /** Resolves when everything that was there at the call is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#tails.values());
  }

  #left(key: string, tail: Promise<unknown>): void {
    this.#waiting--;
    this.#counts.set(key, this.sizeOf(key) - 1);
    if (this.#tails.get(key) !== tail) return;
    this.#tails.delete(key);
    this.#counts.delete(key);
  }
}
