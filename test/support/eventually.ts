// Waiting for a condition, with a deadline: tests never sleep.

const STEP_MS = 5;

/** Resolves with the first result of `look` that is not undefined, null or false; rejects at the deadline (ms). */
export async function eventually<T>(
  what: string | (() => string),
  look: () => T | Promise<T>,
  withinMs = 15_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    if (performance.now() > deadline) {
      throw new Error(`not within ${withinMs / 1000} s: ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}
