import { beforeEach, describe, expect, it } from 'vitest';
import { HeldPolls, type HoldOutcome } from '../../../src/access/csp/held-polls.ts';
import { OutboundQueue } from '../../../src/access/csp/outbound.ts';
import type { CspSession } from '../../../src/access/csp/session.ts';
import { result } from '../../../src/wv/status.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NO_METRICS } from '../../support/silence.ts';

let clock: ManualClock;
let polls: HeldPolls;

beforeEach(() => {
  clock = new ManualClock();
  polls = new HeldPolls(clock, NO_METRICS, { seconds: 20, max: 5_000 });
});

/** As much of a session as is looked at. */
function session(pollPatience = 0, keepAlive = 3600): CspSession {
  const outbound = new OutboundQueue();
  outbound.refill([], true);
  return { outbound, keepAlive, quirks: { pollPatience } } as unknown as CspSession;
}

const staying = () => () => {};

/** Holds a poll; `outcomes` has what came of it once it did. */
function held(of: CspSession, outcomes: HoldOutcome[], seconds = 10): Promise<void> {
  return polls.hold(of, seconds, staying).then((outcome) => void outcomes.push(outcome));
}

describe('how long a poll is held', () => {
  it('is what the client asks for, else what its family stands, within the limit and half the keep-alive time', () => {
    expect(polls.patience(session(), undefined)).toBe(0);
    expect(polls.patience(session(15), undefined)).toBe(15);
    expect(polls.patience(session(15), 3)).toBe(3);
    expect(polls.patience(session(), 9999)).toBe(20);
    expect(polls.patience(session(0, 25), 9999)).toBe(12);
    expect(polls.patience(session(0, 1), 20)).toBe(0);
  });

  it('is nothing where long polls are off', () => {
    const off = new HeldPolls(clock, NO_METRICS, { seconds: 0, max: 10 });
    expect(off.patience(session(15), 20)).toBe(0);
  });
});

describe('a held poll', () => {
  it('ends when its time is over', async () => {
    const outcomes: HoldOutcome[] = [];
    const over = held(session(), outcomes);
    polls.sweep(clock.now() + 9_999);
    await Promise.resolve();
    expect(outcomes).toEqual([]);
    polls.sweep(clock.now() + 10_000);
    await over;
    expect(outcomes).toEqual(['over']);
    expect(polls.size).toBe(0);
  });

  it('ends when something becomes ready by the passing of time, and is not begun when something is', async () => {
    const one = session();
    const over = polls.hold(one, 10, staying);
    one.outbound.close(result(601));
    polls.sweep(clock.now());
    expect(await over).toBe('over');
    expect(await polls.hold(one, 10, staying)).toBe('over');
  });

  it('makes room for a newer poll of the session', async () => {
    const one = session();
    const first = polls.hold(one, 10, staying);
    const second = polls.hold(one, 10, staying);
    expect(await first).toBe('over');
    expect(polls.size).toBe(1);
    expect(polls.release(one)).toBe(true);
    expect(await second).toBe('over');
    expect(polls.release(one)).toBe(false);
  });

  it('is forgotten when the client goes away, and listens no more when it is answered', async () => {
    const one = session();
    const listeners = new Set<() => void>();
    const onGone = (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const outcome = polls.hold(one, 10, onGone);
    for (const listener of listeners) listener();
    expect(await outcome).toBe('gone');
    expect([polls.size, listeners.size]).toEqual([0, 0]);
    const answered = polls.hold(one, 10, onGone);
    polls.release(one);
    await answered;
    expect(listeners.size).toBe(0);
  });

  it('needs no timer: 5,000 are held, the next is answered at once, all of them when the server stops', async () => {
    const outcomes: HoldOutcome[] = [];
    const all = Array.from({ length: 5_000 }, () => held(session(), outcomes));
    expect([polls.size, clock.timers]).toEqual([5_000, 0]);
    expect(await polls.hold(session(), 10, staying)).toBe('over');
    expect(outcomes).toHaveLength(0);
    polls.close();
    await Promise.all(all);
    expect(new Set(outcomes)).toEqual(new Set(['over']));
    expect(polls.size).toBe(0);
    expect(await polls.hold(session(), 10, staying)).toBe('over');
  });
});
