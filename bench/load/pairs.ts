// The shape of every load: pairs that take turns, counted together, until the parent asks for the end.

import { answering } from '../answering.ts';

/** One pair: each call gets one item all the way through. */
export interface Pair {
  turn(): Promise<void>;
  close(): void;
}

/**
 * Opens the pairs, then lets each take turn after turn. One failure fails the whole load at the next count. `more`: what
 * else the parent may ask.
 */
export function runPairs<Task>(
  open: (task: Task) => Promise<readonly Pair[]>,
  more: Readonly<Record<string, () => unknown>> = {},
): void {
  let pairs: readonly Pair[] = [];
  let count = 0;
  let stopped = false;
  let failure: unknown;

  async function repeat(pair: Pair): Promise<void> {
    while (!stopped) {
      await pair.turn();
      count += 1;
    }
  }

  answering(
    {
      async start(task: Task) {
        pairs = await open(task);
        for (const pair of pairs) {
          repeat(pair).catch((error: unknown) => {
            if (!stopped) failure ??= error;
          });
        }
      },
      count() {
        if (failure !== undefined) throw failure;
        return count;
      },
      ...more,
    },
    () => {
      stopped = true;
      for (const pair of pairs) pair.close();
    },
  );
}
