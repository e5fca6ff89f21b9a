// A bounded table of token buckets: how often somebody may try something.

import type { Clock } from '../ops/ports.ts';

interface Bucket {
  tokens: number;
  updated: number;
}

/** Keys remembered at once; the longest unused goes first, which only makes the limiter kinder. */
const MAX_KEYS = 50_000;

export class RateLimit {
  private readonly clock: Clock;
  private readonly burst: number;
  private readonly perMs: number;
  private readonly buckets = new Map<string, Bucket>();

  /** `burst` tries at once, then one every `seconds`. */
  constructor(clock: Clock, burst: number, seconds: number) {
    this.clock = clock;
    this.burst = burst;
    this.perMs = 1 / (seconds * 1000);
  }

  /** Seconds to wait; 0 = go ahead. Looking costs nothing, `spend` does. */
  wait(key: string): number {
    const bucket = this.refreshed(key);
    return bucket === undefined || bucket.tokens >= 1
      ? 0
      : Math.ceil((1 - bucket.tokens) / this.perMs / 1000);
  }

  /** Takes one try from the key's bucket. */
  spend(key: string): void {
    const bucket = this.refreshed(key) ?? { tokens: this.burst, updated: this.clock.now() };
    bucket.tokens = Math.max(0, bucket.tokens - 1);
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > MAX_KEYS) this.buckets.delete(this.buckets.keys().next().value as string);
  }

  /** The right password was given: earlier tries are forgiven. */
  forgive(key: string): void {
    this.buckets.delete(key);
  }

  private refreshed(key: string): Bucket | undefined {
    const bucket = this.buckets.get(key);
    if (bucket === undefined) return undefined;
    const now = this.clock.now();
    // An operator may set the clock back: that takes nothing away.
    bucket.tokens = Math.min(this.burst, bucket.tokens + Math.max(0, now - bucket.updated) * this.perMs);
    bucket.updated = now;
    return bucket;
  }
}
