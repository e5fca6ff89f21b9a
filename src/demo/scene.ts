// A scene is a list of steps; a step acts and waits for what its observer really sees.

import type { LogTail } from './log-tail.ts';
import type { Observation, Transcript } from './transcript.ts';

export interface Step extends Observation {
  /** Resolves when it was observed; rejects with the reason why it was not. */
  readonly play: () => Promise<unknown>;
}

export interface Scene {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** How long a client waits for what it is meant to see, ms. */
export const DEADLINE_MS = 20_000;

export interface Score {
  readonly seen: number;
  readonly steps: number;
}

/** Plays a scene; its first step that is not observed ends it, for the others build on it. */
export async function play(
  { title, steps }: Scene,
  transcript: Transcript,
  log: Pick<LogTail, 'last'>,
): Promise<Score> {
  transcript.heading(title);
  let seen = 0;
  for (const step of steps) {
    const started = performance.now();
    try {
      await step.play();
    } catch (error) {
      transcript.missed(step, error instanceof Error ? error.message : String(error), log.last());
      const left = steps.length - seen - 1;
      if (left > 0) transcript.bad(`  the ${left} steps that follow in this scene were left out`);
      break;
    }
    transcript.seen(step, performance.now() - started);
    seen += 1;
  }
  return { seen, steps: steps.length };
}

/** Begins to look, then acts, then waits: nothing that comes at once is missed. */
export async function seenAfter<T>(look: Promise<T>, act: () => Promise<unknown>): Promise<T> {
  await act();
  return await look;
}
