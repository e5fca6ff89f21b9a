// Waiting for a condition, with a deadline: tests never sleep.

export interface Patience {
  /** Default 15 s. */
  readonly withinMs?: number;
}

const STEP_MS = 20;

/** Resolves with the first result of `look` that is not undefined, null or false; rejects at the deadline. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinMs = 15_000 }: Patience = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}
