// A server dies on both sides of every await on the way of a message through the Matrix gateway: at each call of its
// store, at each request to the homeserver, at each transaction. What was accepted arrives once and in order, both ways,
// and is reported once. All points: WVGATE_LONG=1.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BORDERS, CrashWorld, type Border } from '../../support/matrix/crash-world.ts';
import type { Death } from '../../support/mortal-disk.ts';

const SEED = 20_261_123;
const LONG = process.env.WVGATE_LONG === '1';
/** Steps of this size through the points. */
const STEPS: Readonly<Record<Border, number>> = LONG
  ? { store: 1, homeserver: 1, transaction: 1 }
  : { store: 9, homeserver: 3, transaction: 2 };
/** More points than a story has. */
const MANY = 400;

const cases = BORDERS.flatMap((border) =>
  (['before', 'after'] as const).map((death, at) => ({ border, death, first: LONG ? 1 : 1 + at })),
);

describe.each([
  ['in a chat that is there', 'old'],
  ['in a chat that Dave opens', 'opened by Dave'],
  ['in a chat that Ann opens', 'opened by Ann'],
] as const)('messages both ways %s', (_, chat) => {
  let world: CrashWorld;
  beforeAll(async () => {
    world = await CrashWorld.start(SEED);
    await openChat('opened by Dave');
  }, 60_000);
  afterAll(async () => {
    expect(await world.stop()).toEqual([]);
  }, 30_000);

  async function openChat(how: typeof chat): Promise<void> {
    if (how === 'old') return;
    world.dave.renew();
    if (how === 'opened by Dave') world.dave.invite(world.ghost);
    await world.dave.together(world.ghost);
  }

  async function play(): Promise<void> {
    const { ann, dave } = world;
    const opened = openChat(chat);
    await Promise.all([
      ann.write(dave).then(() => ann.write(dave)),
      opened.then(() => {
        dave.write(ann.name);
        dave.write(ann.name);
      }),
    ]);
  }

  async function playWithDeath(border: Border, point: number, death: Death): Promise<boolean> {
    world.arm(border, point, death);
    await play();
    await world.recovered();
    return await world.disarm();
  }

  it.each(cases)(
    'survive a death $death each passage of the border to the $border',
    async ({ border, death, first }) => {
      let deaths = 0;
      for (let point = first; point < MANY; point += STEPS[border]) {
        const died = await playWithDeath(border, point, death).catch((error: unknown) => {
          const words = error instanceof Error ? error.message : String(error);
          throw new Error(`death ${death} ${point}: ${world.diedAt}: ${words}`, { cause: error });
        });
        expect(world.ledger.violations(), `death ${death} ${point}: ${world.diedAt}`).toEqual([]);
        expect(world.dave.notices, `death ${death} ${point}: ${world.diedAt}`).toEqual([]);
        if (!died) break;
        deaths += 1;
      }
      expect(deaths).toBeGreaterThan(0);
    },
    LONG ? 1_800_000 : 180_000,
  );
});
