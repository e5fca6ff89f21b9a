import { describe, expect, it } from 'vitest';
import { Pacing } from '../../../src/services/presence/pacing.ts';
import { userAddress } from '../../../src/wv/address.ts';
import { trusted, type Domain } from '../../../src/wv/ids.ts';
import { FAR, HOME } from '../../support/home-scene.ts';
import { ManualClock, START } from '../../support/manual-clock.ts';

const [ann, bea] = [userAddress('ann', HOME), userAddress('bea', HOME)];
const OTHER = trusted<Domain>('other.test');

function scene(windowMs = 2_000) {
  const clock = new ManualClock();
  const told: string[] = [];
  const pacing = new Pacing({
    clock,
    windowMs,
    tell: (publisher, domain, changed) => told.push(`${publisher} ${domain} ${changed}`),
  });
  return { clock, pacing, told };
}

describe('pacing of presence', () => {
  it('lets the first change pass, and tells those of the window together when it ends', () => {
    const { clock, pacing, told } = scene();
    expect(pacing.passes(ann, FAR, 1)).toBe(true);
    expect(pacing.passes(ann, FAR, 2)).toBe(false);
    expect(pacing.passes(ann, FAR, 4)).toBe(false);
    clock.advance(1_999);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual([`${ann} ${FAR} 6`]);
  });

  it('keeps the pace after that, and forgets a user who changes nothing more', () => {
    const { clock, pacing, told } = scene();
    pacing.passes(ann, FAR, 1);
    pacing.passes(ann, FAR, 1);
    clock.advance(2_000);
    expect(pacing.passes(ann, FAR, 1)).toBe(false);
    clock.advance(2_000);
    expect(told).toHaveLength(2);
    clock.advance(2_000);
    expect(clock.timers).toBe(0);
    expect(pacing.passes(ann, FAR, 1)).toBe(true);
  });

  it('knows users and domains apart, with one timer for all', () => {
    const { clock, pacing, told } = scene();
    for (const domain of [FAR, OTHER]) {
      for (const user of [ann, bea]) expect(pacing.passes(user, domain, 1)).toBe(true);
    }
    expect(clock.timers).toBe(1);
    clock.advance(1_000);
    expect(pacing.passes(bea, OTHER, 8)).toBe(false);
    clock.advance(1_000);
    expect(told).toEqual([`${bea} ${OTHER} 8`]);
  });

  it('goes on when the clock is set, in either direction', () => {
    for (const time of [START - 86_400_000, START + 86_400_000]) {
      const { clock, pacing, told } = scene();
      pacing.passes(ann, FAR, 1);
      pacing.passes(ann, FAR, 2);
      clock.set(time);
      clock.advance(2_000);
      expect(told).toEqual([`${ann} ${FAR} 2`]);
    }
  });

  it('holds nothing back with a window of 0', () => {
    const { clock, pacing } = scene(0);
    for (let change = 0; change < 3; change += 1) expect(pacing.passes(ann, FAR, 1)).toBe(true);
    expect(clock.timers).toBe(0);
  });
});
