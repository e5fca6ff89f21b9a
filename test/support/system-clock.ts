// The real clock, for tests that are not about time.

import type { Clock } from '../../src/ops/ports.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, task) {
    const timer = setTimeout(task, delay);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
