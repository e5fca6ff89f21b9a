// Confirmation by returned pings.

import { beforeEach, describe, expect, test } from 'vitest';
import { Confirmation } from '../../../adapters/xmpp/confirmation.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('confirmation', () => {
  let clock: ManualClock;
  let pings: string[];
  let deaths: number;
  let confirmation: Confirmation;

  beforeEach(() => {
    clock = new ManualClock();
    pings = [];
    deaths = 0;
    const port = {
      ping: (id: string) => pings.push(id) > 0,
      dead: () => {
        deaths += 1;
      },
    };
    confirmation = new Confirmation(port, clock, 1_000);
  });

  test('one ping is under way at a time; the next covers what was written meanwhile', async () => {
    const first = confirmation.confirmed();
    const second = confirmation.confirmed();
    const third = confirmation.confirmed();
    expect(pings).toHaveLength(1);
    expect(confirmation.returned(pings[0])).toBe(true);
    expect(await first).toBe(true);
    expect(pings).toHaveLength(2);
    confirmation.returned(pings[1]);
    expect(await Promise.all([second, third])).toEqual([true, true]);
    expect(pings).toHaveLength(2);
  });

  test('a lost stream confirms nothing', async () => {
    const both = [confirmation.confirmed(), confirmation.confirmed()];
    confirmation.lost();
    expect(await Promise.all(both)).toEqual([false, false]);
    expect(confirmation.returned(pings[0])).toBe(false);
    expect(clock.timers).toBe(0);
  });

  test('a ping that does not come back means a dead stream', async () => {
    const waiting = confirmation.confirmed();
    clock.advance(1_000);
    expect(deaths).toBe(1);
    expect(await waiting).toBe(false);
  });

  test('a foreign id confirms nothing', () => {
    void confirmation.confirmed();
    expect(confirmation.returned('sync-99')).toBe(false);
    expect(confirmation.returned(undefined)).toBe(false);
    expect(confirmation.waiting).toBe(1);
  });
});
