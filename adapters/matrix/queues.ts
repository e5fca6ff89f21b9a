// One queue per conversation: tasks of one key run one after another, keys run side by side.

/** Keeps nothing for a key whose tasks are done. */
export class SerialQueues {
  readonly #tails = new Map<string, Promise<unknown>>();
  #waiting = 0;

  /** Tasks that run or wait. */
  get size(): number {
    return this.#waiting;
  }

  /** Runs `task` when the earlier tasks of `key` are done, whatever became of them. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    this.#waiting++;
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
    if (this.#tails.get(key) === tail) this.#tails.delete(key);
  }
}
