// The cache of pictures made to fit.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Metrics } from '../../../src/ops/ports.ts';
import { Renditions } from '../../../src/services/content/renditions.ts';
import { noisyJpeg } from '../../support/pictures.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';

let folder = '';
let outcomes: string[] = [];
const metrics: Metrics = {
  ...NO_METRICS,
  count: (_name, labels) => void outcomes.push(labels?.['outcome'] ?? ''),
};
const photograph = await noisyJpeg(600, 400);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wvgate-renditions-'));
  outcomes = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

async function open(maxBytes: number): Promise<Renditions> {
  const renditions = new Renditions({ folder, maxBytes, log: SILENT, metrics });
  await renditions.start();
  return renditions;
}

it('makes a picture once, also for those who ask at the same time', async () => {
  const renditions = await open(100_000);
  const wish = { maxBytes: 5_000 };
  const ask = () => renditions.picture(photograph, 'a', wish);
  const [first, second] = await Promise.all([ask(), ask()]);
  const third = await ask();
  expect(outcomes).toEqual(['made']);
  expect(third).toEqual(first);
  expect(second).toEqual(first);
});

it('stays within its size on disk, and forgets what was used longest ago', async () => {
  const renditions = await open(12_000);
  const ask = (identity: string) => renditions.picture(photograph, identity, { maxBytes: 5_000 });
  for (const identity of ['a', 'b', 'a', 'c', 'd']) await ask(identity);
  expect(readdirSync(folder).length).toBeLessThanOrEqual(3);
  await ask('d');
  expect(outcomes).toEqual(['made', 'made', 'made', 'made']);
});

it('tries what failed once only', async () => {
  const renditions = await open(10_000);
  const ask = () => renditions.picture(Buffer.from('no picture'), 'x', { maxBytes: 5_000 });
  expect([await ask(), await ask()]).toEqual([undefined, undefined]);
  expect(outcomes).toEqual(['failed']);
});
