// A server of ours and the scripted Baraza, one of which is killed at each step of what they say to each other. Baraza
// does what it gets twice twice: what it took is not sent again, though we died right after. All cases: WVGATE_LONG=1.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  allBarazaDeaths,
  barazaTitle,
  dieWithBaraza,
  someBarazaDeaths,
} from '../../support/ssp/kill/baraza-matrix.ts';
import { BarazaWorld } from '../../support/ssp/kill/baraza-world.ts';

const SEED = 20_261_124;
const CASE_MS = 120_000;

let world: BarazaWorld;

beforeAll(async () => {
  world = await BarazaWorld.start(SEED);
}, 60_000);

const deaths = process.env.WVGATE_LONG === '1' ? allBarazaDeaths() : someBarazaDeaths();

describe('with a Baraza nothing that was answered is lost or doubled', () => {
  it.each(deaths.map((death) => ({ title: barazaTitle(death), death })))(
    '$title',
    async ({ death }) => {
      await dieWithBaraza(world, death).catch((error: unknown) => world.ledger.violation(String(error)));
      expect(world.ledger.violations(), `see ${world.folder}`).toEqual([]);
    },
    CASE_MS,
  );
});

afterAll(async () => {
  expect(await world.stop()).toEqual([]);
}, 60_000);
