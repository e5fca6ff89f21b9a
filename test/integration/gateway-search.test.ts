// Users of the house found for other networks: as far as they let themselves be found.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { trusted } from '../../src/wv/ids.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { EMPTY_PROFILE, type Profile } from '../../src/store/profiles.ts';
import { FakeGateway } from '../support/fake-gateway.ts';
import { startTestHouse, type TestHouse } from '../support/house.ts';

const gateway = new FakeGateway('far.example', []);
let house: TestHouse;

beforeAll(async () => {
  house = await startTestHouse({ users: ['annika', 'bea', 'carla'], gateways: [gateway] });
  const set = (name: string, profile: Partial<Profile>) =>
    house.house.store.changeProfile(trusted<UserAddress>(`wv:${name}@wv.test`), (before) => ({
      ...before,
      ...profile,
    }));
  await set('annika', { firstName: 'Anna', lastName: 'Lee', mobileNumber: '447700900123' });
  const hidden = { ...EMPTY_PROFILE.findable, id: 'nobody', name: 'nobody', mobileNumber: 'nobody' } as const;
  await set('bea', { firstName: 'Anna', lastName: 'Bee', mobileNumber: '447700900124', findable: hidden });
});
afterAll(() => house.stop());

const found = async (query: string, limit = 10): Promise<readonly string[]> =>
  ((await gateway.port?.findUsers(query, limit)) ?? []).map(({ user }) => user);

test.each([
  ['annika', ['wv:annika@wv.test']],
  ['wv:annika', ['wv:annika@wv.test']],
  ['Anna', ['wv:annika@wv.test']],
  ['anna lee', ['wv:annika@wv.test']],
  ['anna bee', []],
  ['bea', []],
  ['+44 7700 900-123', ['wv:annika@wv.test']],
  ['+44 7700 900124', []],
  ['+44', []],
  ['a', []],
  ['', []],
  ['% _ *', []],
])('%j finds %j', async (query, users) => {
  expect(await found(query)).toEqual(users);
});

test('no more than asked for', async () => {
  expect(await found('annika', 0)).toEqual([]);
});
