// Who comes and goes too often is not followed any more until he is calm: each change costs a penalty that halves with
// time, as routes are damped (RFC 2439). Pure but for the clock that it is given.

import { Lru } from './lru.ts';

/** Halves in so many ms. */
const HALF_LIFE_MS = 2 * 60_000;
/** Above that a user is not followed … */
const SUPPRESS = 5;
/** … until he is below that. */
const REUSE = 2;
/** A user is never held back longer than this penalty takes to fall: about four minutes. */
const MOST = 8;

interface Record {
  readonly penalty: number;
  readonly at: number;
  readonly isHeld: boolean;
}

export class Damping<Key> {
  readonly #records: Lru<Key, Record>;
  readonly #now: () => number;

  /** @param limit users remembered; who is forgotten begins anew */
  constructor(limit: number, now: () => number) {
    this.#records = new Lru(limit);
    this.#now = now;
  }

  /** A change of the user, of some cost. True: he changes too often, and is not to be followed now. */
  changed(key: Key, cost: number): boolean {
    const before = this.#decayed(key);
    const penalty = Math.min(MOST, before.penalty + cost);
    const isHeld = before.isHeld || penalty > SUPPRESS;
    this.#records.set(key, { penalty, at: this.#now(), isHeld });
    return isHeld;
  }

  /** Milliseconds until he may be followed again if he does not change any more; 0 = now. */
  heldFor(key: Key): number {
    const { penalty, isHeld } = this.#decayed(key);
    if (!isHeld || penalty <= REUSE) return 0;
    return Math.ceil(HALF_LIFE_MS * Math.log2(penalty / REUSE));
  }

  #decayed(key: Key): Record {
    const known = this.#records.get(key);
    if (known === undefined) return { penalty: 0, at: this.#now(), isHeld: false };
    const penalty = known.penalty * 2 ** (-(this.#now() - known.at) / HALF_LIFE_MS);
    return { penalty, at: this.#now(), isHeld: known.isHeld && penalty > REUSE };
  }
}
