// The real clock and the real source of ids.

import { randomFillSync } from 'node:crypto';
import type { Clock, IdSource } from './ports.ts';

/** setTimeout's largest delay; a longer one would fire at once. */
const MAX_DELAY = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, task) {
    const timer = setTimeout(task, Math.min(Math.max(0, delay), MAX_DELAY));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Random octets are drawn from the system in blocks: a draw costs as much as the rest of a small request. */
const POOL_BYTES = 4_096;

class RandomPool implements IdSource {
  private readonly pool = Buffer.alloc(POOL_BYTES);
  private used = POOL_BYTES;

  random(bytes: number): string {
    if (bytes > POOL_BYTES) throw new RangeError(`more than ${POOL_BYTES} random octets at once`);
    if (this.used + bytes > POOL_BYTES) {
      randomFillSync(this.pool);
      this.used = 0;
    }
    const part = this.pool.subarray(this.used, this.used + bytes);
    this.used += bytes;
    const text = part.toString('base64url');
    // What was handed out may grant access: it does not stay in memory here.
    part.fill(0);
    return text;
  }
}

export const systemIds: IdSource = new RandomPool();
