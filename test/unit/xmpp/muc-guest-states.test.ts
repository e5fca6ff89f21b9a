// The life of a guest in a room, row by row.

import { describe, expect, test } from 'vitest';
import { stepOf } from '../../../adapters/xmpp/muc-guest/states.ts';
import type { GuestEvent, GuestState } from '../../../adapters/xmpp/muc-guest/states.ts';

const EVENTS: readonly GuestEvent[] = [
  'entered',
  'refused',
  'clash',
  'late',
  'removed',
  'evicted',
  'lost',
  'leave',
];

describe('a guest', () => {
  test('who waits for an answer gets one, whatever ends the waiting', () => {
    for (const event of EVENTS) {
      const step = stepOf('joining', event);
      const ends = step !== undefined && step.next !== 'joining';
      if (ends) expect([event, step.effects]).toEqual([event, expect.arrayContaining(['answer'])]);
    }
  });

  test('who is out for good is forgotten, and told unless it was his wish or he waits for an answer', () => {
    for (const state of ['joining', 'in', 'rejoining', 'leaving'] as const satisfies readonly GuestState[]) {
      for (const event of EVENTS) {
        const step = stepOf(state, event);
        if (step?.next !== 'gone') continue;
        expect(step.effects).toContain('forget');
        if (state === 'in' || state === 'rejoining') expect(step.effects).toContain('tell');
        else expect(step.effects).not.toContain('tell');
      }
    }
  });

  test('who was put out never comes back by himself; who is out for technical reasons does', () => {
    for (const state of ['in', 'rejoining'] as const) {
      expect(stepOf(state, 'removed')?.effects).not.toContain('again');
      expect(stepOf(state, 'evicted')?.effects).toContain('again');
    }
  });

  test('who leaves is counted in no more, even when the room lets him in late', () => {
    expect(stepOf('leaving', 'entered')).toEqual({ next: 'leaving', effects: ['withdraw'] });
    expect(stepOf('leaving', 'lost')).toEqual({ next: 'leaving', effects: [] });
  });

  test('who is gone stays gone', () => {
    for (const event of EVENTS) expect(stepOf('gone', event)).toBeUndefined();
  });
});
