// Work that may take longer than whoever asks for it can wait: it goes on, and who asks again later finds it done.

import type { Clock } from '../../src/ops/ports.ts';

export interface LateWorkOptions {
  readonly clock: Clock;
  /** Pieces of work under way at once; more are refused for now. */
  readonly limit: number;
  /** How long somebody waits, in ms. */
  readonly waitMs: number;
  /** Told of work that failed, whether somebody waited or not. */
  readonly onFailure: (error: unknown) => void;
}

export class LateWork<Value> {
  readonly #options: LateWorkOptions;
  readonly #underWay = new Map<string, Promise<Value>>();

  constructor(options: LateWorkOptions) {
    this.#options = options;
  }

  /**
   * The outcome, if it is there in time; undefined: ask again later. Work of one `key` is done once at a time. Rejects
   * as the work does.
   */
  async within(key: string, work: () => Promise<Value>): Promise<Value | undefined> {
    const { clock, waitMs } = this.#options;
    const making = this.#underWay.get(key) ?? this.#begin(key, work);
    if (making === undefined) return undefined;
    const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
    const cancel = clock.after(waitMs, () => giveUp(undefined));
    try {
      return await Promise.race([making, late]);
    } finally {
      cancel();
    }
  }

  #begin(key: string, work: () => Promise<Value>): Promise<Value> | undefined {
    const { limit, onFailure } = this.#options;
    if (this.#underWay.size >= limit) return undefined;
    const making = work().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, making);
    making.catch(onFailure);
    return making;
  }
}
