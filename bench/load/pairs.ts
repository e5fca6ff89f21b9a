// The shape of every load: pairs that take turns, counted together, until the parent asks for the end.

import { answering } from '../answering.ts';

/** One pair: each call gets one item all the way through. */
export interface Pair {
  /** How long the item took, milliseconds, where that is not the time of the turn. */
  turn(): Promise<number | void>;
  close(): void;
}

/**
 * Opens the pairs, then lets each take turn after turn. One failure fails the whole load at the next count.
 */
export function runPairs<Task>(open: (task: Task) => Promise<readonly Pair[]>): void {
  let pairs: readonly Pair[] = [];
  let count = 0;
  let stopped = false;
  let failure: unknown;
  /** Of the turns since they were asked for, milliseconds. */
  let latencies: number[] = [];

  async function repeat(pair: Pair): Promise<void> {
    while (!stopped) {
      const begun = performance.now();
      const took = await pair.turn();
      latencies.push(took ?? performance.now() - begun);
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
      latencies() {
        const found = latencies;
        latencies = [];
        return found;
      },
    },
    () => {
      stopped = true;
      for (const pair of pairs) pair.close();
    },
  );
}
