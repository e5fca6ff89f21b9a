// Some seconds of the fuzz run (test/fuzz) with a seed that does not change.
import { expect, it } from 'vitest';
import { fuzz, isFlat } from '../../fuzz/fuzz.ts';

it('whatever is asked, answers are well formed and the server lives on', { timeout: 60_000 }, async () => {
  const { requests, wrong, errors, memory, exitCode } = await fuzz({ seconds: 8, seed: 1 });
  expect([...wrong]).toEqual([]);
  expect(errors).toEqual([]);
  expect(requests).toBeGreaterThan(200);
  expect(isFlat(memory.slice(memory.length >> 1))).toBe(true);
  expect(exitCode).toBe(0);
});
