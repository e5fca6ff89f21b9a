// kill -9 of the server before a request to the homeserver takes effect, or after it did and before the answer came; and
// the same with transactions of the homeserver. All kinds of requests: WVGATE_LONG=1.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { KillWorld } from '../../support/matrix/kill-world.ts';
import type { Death } from '../../support/mortal-disk.ts';

const SEED = 20_261_125;
const LONG = process.env.WVGATE_LONG === '1';

/** Kinds of requests that a chat with a new user makes, whoever opens it. */
const KINDS = [
  ['send', 'Ann'],
  ['createRoom', 'Ann'],
  ['profile', 'Ann'],
  ['join', 'Dave'],
  ['members', 'Dave'],
  ['state', 'Dave'],
  ['receipt', 'Dave'],
  ['transaction', 'Dave'],
] as const;
const DEATHS: readonly Death[] = ['before', 'after'];
const ALL = KINDS.flatMap(([kind, opens]) => DEATHS.map((death) => ({ kind, opens, death })));
const cases = LONG
  ? ALL
  : ALL.filter(({ kind, death }) => kind === 'send' || (kind === 'transaction' && death === 'after'));

let world: KillWorld;
beforeAll(async () => {
  world = await KillWorld.start(SEED);
}, 60_000);
afterAll(async () => {
  expect(await world.stop()).toEqual([]);
}, 30_000);

describe('a server that is killed', () => {
  it.each(cases)(
    '$death $kind of a chat that $opens opens loses and doubles nothing',
    { timeout: 120_000 },
    async ({ kind, opens, death }) => {
      const { ann, dave } = world;
      dave.renew();
      world.arm(kind, death);
      if (opens === 'Dave') dave.invite(world.ghost);
      const written = opens === 'Ann' ? ann.write(dave).then(() => ann.write(dave)) : undefined;
      await dave.together(world.ghost);
      dave.write(ann.name);
      dave.write(ann.name);
      await (written ?? ann.write(dave));
      await eventually('it was killed', () => world.isOver);
      await world.recovered();
      expect(world.ledger.violations()).toEqual([]);
      expect(dave.notices).toEqual([]);
    },
  );
});
