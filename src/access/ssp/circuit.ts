// When a peer that could not be reached is tried again: a circuit breaker (closed, open, half-open) without timers
// and without a clock. Whoever uses it passes the time in, and asks `nextTry` when to come back.

/** `trying`: half-open, one trial is under way and its outcome decides. */
export type CircuitState = 'closed' | 'open' | 'trying';

export interface CircuitOptions {
  /** In [0, 1). */
  readonly random?: () => number;
  /** Upper bound of the first back-off, ms; it doubles with every failure in a row. */
  readonly firstMs?: number;
  /** Upper bound of every back-off, ms. */
  readonly longestMs?: number;
  /** A trial whose outcome nobody told after so long counts as lost, ms: another one is allowed. */
  readonly trialMs?: number;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 300_000;
/** Longer than the longest set-up of a session that a dialect allows. */
const TRIAL_MS = 310_000;
/** A peer that asks to be left alone for longer is asked again anyway: a mistake of its must not last for days. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

export class Circuit {
  private readonly random: () => number;
  private readonly firstMs: number;
  private readonly longestMs: number;
  private readonly trialMs: number;
  private current: CircuitState = 'closed';
  /** Failures in a row; those of requests that were under way together count as one. */
  private failures = 0;
  /** When the circuit got into its state, ms. */
  private since = 0;
  private next = 0;

  constructor(options: CircuitOptions = {}) {
    this.random = options.random ?? Math.random;
    this.firstMs = options.firstMs ?? FIRST_MS;
    this.longestMs = options.longestMs ?? LONGEST_MS;
    this.trialMs = options.trialMs ?? TRIAL_MS;
  }

  get state(): CircuitState {
    return this.current;
  }

  /** When the next try makes sense, ms; undefined = at any time. While a trial is under way: when it counts as lost. */
  get nextTry(): number | undefined {
    return this.current === 'closed' ? undefined : this.next;
  }

  /**
   * True when the peer may be called at `now`. Taking `true` is a promise to call: with an open circuit whose time
   * has come it is the one trial, and everybody else is told false until `succeeded` or `failed` tells its outcome.
   */
  mayTry(now: number): boolean {
    if (this.current === 'closed') return true;
    // An operator may set the clock back: nobody waits for a time that was meant by another clock.
    if (now < this.next && now >= this.since) return false;
    this.become('trying', now, now + this.trialMs);
    return true;
  }

  /** The peer answered. Also the late answer of an earlier request proves that it is there. */
  succeeded(): void {
    this.current = 'closed';
    this.failures = 0;
  }

  /** Nobody was reached at any address, or the peer said that it cannot now. `retryAfterSeconds`: its own word. */
  failed(now: number, retryAfterSeconds = 0): void {
    const asked = now + Math.min(Math.max(0, retryAfterSeconds) * 1_000, LONGEST_RETRY_AFTER_MS);
    if (this.current === 'open') {
      // A request from before the circuit opened: the same failure, seen once more.
      this.next = Math.max(this.next, asked);
      return;
    }
    this.failures += 1;
    this.become('open', now, Math.max(now + this.backOff(), asked));
  }

  /** The operator wants a try at once. What was learnt stays: a failure waits longer than the one before. */
  tryNow(now: number): void {
    if (this.current !== 'closed') this.become('open', now, now);
  }

  private become(state: 'open' | 'trying', now: number, next: number): void {
    this.current = state;
    this.since = now;
    this.next = next;
  }

  /** Full jitter: anything up to the bound, so that peers of a server that fell over do not come back in step. */
  private backOff(): number {
    const bound = Math.min(this.longestMs, this.firstMs * 2 ** Math.min(this.failures - 1, 30));
    return Math.round(this.random() * bound);
  }
}
