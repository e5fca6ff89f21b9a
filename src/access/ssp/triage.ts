// What is told of a document before it is read: who may have sent it, and how much time he has had. Reading costs up to
// 0.2 s a document: strangers and floods are turned away without.

import type { Clock } from '../../ops/ports.ts';

/** Octets of a document that strangers may have read: the steps of a set-up are far smaller. */
export const MAX_OF_STRANGERS = 16_384;

const HEAD = 4_096;
const SESSION = /<(?:[\w.-]+:)?Session\s(?:[^<>]*?\s)?sessionID\s*=\s*(?:"([^"&<]*)"|'([^'&<]*)')/i;

/** The session id that a document seems to be in; to be looked at again when it was read. */
export function seemingSessionId(document: Uint8Array): string | undefined {
  const head = Buffer.from(document.buffer, document.byteOffset, Math.min(HEAD, document.length));
  const [, quoted, apostrophed] = SESSION.exec(head.toString('utf8')) ?? [];
  return (quoted ?? apostrophed)?.trim();
}

/** Time that a caller may take, ms: at once, and of every second in the long run. */
export interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

interface Debt {
  ms: number;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Those remembered at once; the longest unused goes. */
const MAX_KEYS = 10_000;

/** How much of our time each caller has taken lately. */
export class TimeShares {
  private readonly clock: Clock;
  private readonly debts = new Map<string, Debt>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Seconds until the caller may take more; 0 = now. */
  wait(key: string, { burst, perSecond }: Allowance): number {
    const debt = this.debts.get(key);
    if (debt === undefined) return 0;
    const over = this.left(debt, perSecond) - burst;
    return over <= 0 ? 0 : Math.ceil(over / perSecond);
  }

  /** He took `ms`. */
  charge(key: string, ms: number, { perSecond }: Allowance): void {
    const debt = this.debts.get(key);
    const before = debt === undefined ? 0 : this.left(debt, perSecond);
    this.debts.delete(key);
    this.debts.set(key, { ms: before + ms, at: this.clock.now() });
    if (this.debts.size > MAX_KEYS) this.debts.delete(this.debts.keys().next().value as string);
  }

  private left({ ms, at }: Debt, perSecond: number): number {
    const passed = Math.max(0, this.clock.now() - at);
    return Math.max(0, ms - (passed * perSecond) / 1000);
  }
}

/** Places for what takes a while, all together and for each key. */
export class Places {
  private readonly taken = new Map<string, number>();
  private readonly limits: { readonly all: number; readonly each: number };
  private all = 0;

  constructor(limits: Places['limits']) {
    this.limits = limits;
  }

  /** What `work` resolves with; undefined when there is no place. */
  async during<T>(key: string, work: () => Promise<T>): Promise<T | undefined> {
    const before = this.taken.get(key) ?? 0;
    if (this.all >= this.limits.all || before >= this.limits.each) return undefined;
    this.all += 1;
    this.taken.set(key, before + 1);
    try {
      return await work();
    } finally {
      this.all -= 1;
      const left = (this.taken.get(key) ?? 1) - 1;
      if (left === 0) this.taken.delete(key);
      else this.taken.set(key, left);
    }
  }
}
