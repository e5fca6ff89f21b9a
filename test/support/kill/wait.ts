// Waiting for what other processes do.

import { setTimeout as pause } from 'node:timers/promises';

const LOOK_MS = 50;

/** Looks until there is something to see. Rejects after `deadlineMs`, saying `what` did not come. */
export async function eventually<T>(
  what: () => string,
  look: () => Promise<T | undefined> | T | undefined,
  deadlineMs: number,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs / 1000} s: ${what()}`);
    await pause(LOOK_MS);
  }
}
