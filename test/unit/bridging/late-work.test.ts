import { describe, expect, it } from 'vitest';
import { LateWork } from '../../../adapters/bridging/late-work.ts';
import { ManualClock } from '../../support/matrix-clock.ts';

function workshop(limit = 2) {
  const clock = new ManualClock();
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  return { clock, failures, work: new LateWork<string>({ clock, limit, waitMs: 1000, onFailure }) };
}

describe('work that may be late', () => {
  it('gives its outcome when that is there in time', async () => {
    const { work } = workshop();
    expect(await work.within('a', () => Promise.resolve('done'))).toBe('done');
  });

  it('goes on when nobody waits any more, and is not begun twice', async () => {
    const { clock, work } = workshop();
    const { promise, resolve } = Promise.withResolvers<string>();
    let begun = 0;
    const task = (): Promise<string> => {
      begun += 1;
      return promise;
    };
    const first = work.within('a', task);
    await clock.advance(1000);
    expect(await first).toBeUndefined();
    const second = work.within('a', task);
    resolve('done');
    expect(await second).toBe('done');
    expect(begun).toBe(1);
  });

  it('is refused for now when enough is under way', async () => {
    const { work } = workshop(1);
    const { promise, resolve } = Promise.withResolvers<string>();
    const first = work.within('a', () => promise);
    expect(await work.within('b', () => Promise.resolve('b'))).toBeUndefined();
    resolve('a');
    expect(await first).toBe('a');
    expect(await work.within('b', () => Promise.resolve('b'))).toBe('b');
  });

  it('tells of a failure whoever waits, and that it happened', async () => {
    const { failures, work } = workshop();
    await expect(work.within('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(failures).toHaveLength(1);
    expect(await work.within('a', () => Promise.resolve('mended'))).toBe('mended');
  });
});
