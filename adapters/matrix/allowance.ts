// How often somebody on Matrix may have something done: so many times a minute, saved up for at most a minute.

import type { Clock } from '../../src/sap/port.ts';
import { Lru } from './lru.ts';

const MINUTE_MS = 60_000;
/** People remembered. */
const REMEMBERED = 5000;

export class Allowance<Key> {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #left = new Lru<Key, { readonly tokens: number; readonly at: number }>(REMEMBERED);

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** True: once more, which is counted. */
  take(key: Key): boolean {
    const now = this.#clock.now();
    const known = this.#left.get(key) ?? { tokens: this.#perMinute, at: now };
    const gained = ((now - known.at) / MINUTE_MS) * this.#perMinute;
    const tokens = Math.min(this.#perMinute, known.tokens + gained);
    const isAllowed = tokens >= 1;
    this.#left.set(key, { tokens: isAllowed ? tokens - 1 : tokens, at: now });
    return isAllowed;
  }
}
