// Waiting for a condition instead of sleeping.

const POLL_MS = 5;

/** The value that `look` returns once it returns one; polled until the deadline (ms). Throws `what` after it. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false,
  deadlineMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
