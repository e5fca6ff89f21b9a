// Two servers in processes of their own, one of which is killed at each step of what they say to each other: whatever
// was answered to somebody is there in the end, once and in order. All cases: WVGATE_LONG=1.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allDeaths, die, someDeaths, titleOf } from '../../support/ssp/kill/matrix.ts';
import { World } from '../../support/ssp/kill/world.ts';

const SEED = 20_261_123;
const CASE_MS = 150_000;

let world: World;
let round = 0;

beforeAll(async () => {
  world = await World.start(SEED);
}, 60_000);

const deaths = process.env.WVGATE_LONG === '1' ? allDeaths() : someDeaths();

describe('nothing that was answered is lost or doubled', () => {
  it.each(deaths.map((death) => ({ title: titleOf(death), death })))(
    '$title',
    async ({ death }) => {
      round += 1;
      await die(world, death, round).catch((error: unknown) => world.ledger.violation(String(error)));
      expect(world.ledger.violations(), `see ${world.folder}`).toEqual([]);
    },
    CASE_MS,
  );
});

afterAll(async () => {
  expect(await world.stop()).toEqual([]);
}, 60_000);
