// The real clock and the real source of ids.

import { randomBytes } from 'node:crypto';
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

export const systemIds: IdSource = {
  random: (bytes) => randomBytes(bytes).toString('base64url'),
};
