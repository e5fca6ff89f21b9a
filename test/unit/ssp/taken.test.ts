// What a peer took that would do it twice is known after a restart.

import { afterEach, beforeEach, expect, it } from 'vitest';
import { TakenNotes } from '../../../src/access/ssp/taken.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SILENT } from '../../support/silence.ts';

let store: Store;
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock();
  store = await openSqliteStore({ file: ':memory:', clock });
});
afterEach(() => store.close());

async function run(): Promise<TakenNotes> {
  const notes = new TakenNotes({ clock, log: SILENT });
  await notes.restore(store.gatewayStorage('ssp:b.test'));
  return notes;
}

it('keeps what was noted, and not what was forgotten, also when both happen at once', async () => {
  const notes = await run();
  const noted = notes.note(['m-1', 'm-2']);
  await notes.forget('m-2');
  await noted;
  await notes.forget('never noted');
  const later = await run();
  expect(['m-1', 'm-2', 'm-3'].map((id) => later.has(id))).toEqual([true, false, false]);
});

it('drops what is older than anything that waits', async () => {
  await (await run()).note(['m-1']);
  clock.advance(31 * 86_400_000);
  expect((await run()).has('m-1')).toBe(false);
  expect(await store.gatewayStorage('ssp:b.test').list('')).toEqual([]);
});

it('goes on without a disk', async () => {
  const notes = await run();
  await store.close();
  await notes.note(['m-1']);
  expect(notes.has('m-1')).toBe(true);
  await notes.saved();
});
