// When a home is read anew after a failed write.

import { expect, it } from 'vitest';
import { watchHomeWrites } from '../../../src/services/home-writes.ts';
import type { Store } from '../../../src/store/store.ts';
import { trusted, type UserAddress } from '../../../src/wv/ids.ts';

const ANN = trusted<UserAddress>('wv:ann@wv.test');

/** A store whose presence writes end when the test says so. */
function slowStore() {
  const ends: { done: () => void; fail: () => void }[] = [];
  const putPresence = (): Promise<void> =>
    new Promise((done, reject) => ends.push({ done, fail: () => reject(new Error('disk full')) }));
  const renewed: UserAddress[] = [];
  const store = watchHomeWrites({ putPresence } as unknown as Store, async (owner) => {
    renewed.push(owner);
  });
  return { ends, renewed, store };
}

it('reads the home anew before the failure is told', async () => {
  const { ends, renewed, store } = slowStore();
  const write = store.putPresence(ANN, {});
  ends[0]?.fail();
  await expect(write).rejects.toThrow('disk full');
  expect(renewed).toEqual([ANN]);
});

it('waits for the other writes of that home, which the store would not show yet', async () => {
  const { ends, renewed, store } = slowStore();
  const [first, second] = [store.putPresence(ANN, {}), store.putPresence(ANN, {})];
  ends[0]?.fail();
  await expect(first).rejects.toThrow('disk full');
  expect(renewed).toEqual([]);
  ends[1]?.done();
  await second;
  expect(renewed).toEqual([ANN]);
});

it('leaves it alone when nothing failed', async () => {
  const { ends, renewed, store } = slowStore();
  const write = store.putPresence(ANN, {});
  ends[0]?.done();
  await write;
  expect(renewed).toEqual([]);
});
