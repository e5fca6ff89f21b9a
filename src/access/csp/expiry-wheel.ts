// When to look whether a session has expired: one timer for all of them, no work for those that are not due.

import type { CspSession } from './session.ts';

/** More seconds between two turns than a busy server misses: the clock was set. They are not counted one by one. */
const CLOCK_LEAP_S = 3_600;

export class ExpiryWheel {
  /** Seconds since the epoch → sessions to look at then; each stands in one place. */
  private readonly slots = new Map<number, Set<CspSession>>();
  private turned: number;

  constructor(now: number) {
    this.turned = Math.floor(now / 1000);
  }

  /** Puts a session where its idle time will be over, if nothing is heard of it. */
  schedule(session: CspSession): void {
    this.remove(session);
    session.examineAt = Math.ceil(session.lastActivity / 1000) + session.keepAlive + 1;
    const due = this.slots.get(session.examineAt);
    if (due === undefined) this.slots.set(session.examineAt, new Set([session]));
    else due.add(session);
  }

  remove(session: CspSession): void {
    const due = this.slots.get(session.examineAt);
    if (due?.delete(session) === true && due.size === 0) this.slots.delete(session.examineAt);
  }

  /** Takes out what is to be looked at before now (ms); everything, where the clock was put back. */
  turn(now: number): readonly CspSession[] {
    const second = Math.floor(now / 1000);
    const passed = second - this.turned;
    const leapt = passed < 0 || passed > CLOCK_LEAP_S;
    const seconds = leapt
      ? [...this.slots.keys()].filter((at) => passed < 0 || at < second)
      : Array.from({ length: passed }, (_, index) => this.turned + index);
    this.turned = second;
    return seconds.flatMap((at) => {
      const due = this.slots.get(at) ?? [];
      this.slots.delete(at);
      return [...due];
    });
  }
}
