// Some seconds of the fuzz run between servers (test/fuzz/ssp.ts) with a seed that does not change.
import { expect, it } from 'vitest';
import { isFlat } from '../../fuzz/fuzz.ts';
import { fuzzSsp } from '../../fuzz/ssp.ts';

it(
  'whatever a peer says, what it hears is well formed and the server lives on',
  { timeout: 60_000 },
  async () => {
    const { requests, wrong, errors, memory, exitCode } = await fuzzSsp({ seconds: 8, seed: 1 });
    expect([...wrong]).toEqual([]);
    expect(errors).toEqual([]);
    expect(requests).toBeGreaterThan(200);
    expect(isFlat(memory.slice(memory.length >> 1))).toBe(true);
    expect(exitCode).toBe(0);
  },
);
