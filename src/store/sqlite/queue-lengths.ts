// How many entries wait for a user: counted once, then kept up to date by the writes of this process.

import type { UserAddress } from '../../wv/ids.ts';
import type { Database } from './database.ts';

/** Users remembered; the ones longest unused are counted again. */
const CAPACITY = 10_000;

/** Valid inside writes only, where nobody else changes the queue. */
export class QueueLengths {
  readonly #db: Database;
  readonly #count;
  readonly #lengths = new Map<UserAddress, number>();
  #generation = -1;

  constructor(db: Database) {
    this.#db = db;
    this.#count = db.prepare<{ length: number }>('SELECT count(*) AS length FROM queue WHERE recipient = ?');
  }

  of(user: UserAddress): number {
    this.#refresh();
    const known = this.#lengths.get(user);
    if (known !== undefined) return known;
    const length = this.#count.get(user)?.length ?? 0;
    this.#remember(user, length);
    return length;
  }

  /** After a write that put in (1) or took out (-1) an entry. */
  changed(user: UserAddress, by: 1 | -1): void {
    this.#refresh();
    const known = this.#lengths.get(user);
    if (known === undefined) return;
    // An empty queue is cheap to count, and most queues are empty: no need to remember those.
    this.#lengths.delete(user);
    if (known + by > 0) this.#lengths.set(user, known + by);
  }

  forget(user: UserAddress): void {
    this.#lengths.delete(user);
  }

  #refresh(): void {
    if (this.#generation === this.#db.generation) return;
    this.#lengths.clear();
    this.#generation = this.#db.generation;
  }

  #remember(user: UserAddress, length: number): void {
    if (this.#lengths.size >= CAPACITY) {
      const [longestUnused] = this.#lengths.keys();
      if (longestUnused !== undefined) this.#lengths.delete(longestUnused);
    }
    this.#lengths.set(user, length);
  }
}
