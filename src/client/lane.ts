// Jobs one after another, in the order in which they were handed in.

export class Lane {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs a job when all before it are over, however they ended. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(job);
    // The next in line goes on whatever happened here; the caller of this one hears of its error.
    this.#tail = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }
}
