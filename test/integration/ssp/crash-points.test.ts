// A server dies at each call of its store, before or after it took effect, while its users and those of another server
// write, watch, come and go: nothing that was answered is lost or doubled at either. All calls: WVGATE_LONG=1.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CrashWorld } from '../../support/ssp/kill/crash-world.ts';
import { recovered } from '../../support/ssp/kill/matrix.ts';
import { OTHER, type SideName } from '../../support/ssp/kill/world.ts';
import type { Death } from '../../support/mortal-disk.ts';

const SEED = 20_261_125;
/** Steps of this size through the calls; different ones for each side and death, so that together they see most. */
const LONG = process.env.WVGATE_LONG === '1';
const STEP = LONG ? 1 : 5;
/** More calls than the story makes. */
const MANY = 400;

let world: CrashWorld;
let round = 0;

beforeAll(async () => {
  world = await CrashWorld.start(SEED);
}, 60_000);
afterAll(async () => {
  expect(await world.stop()).toEqual([]);
}, 30_000);

/** Everybody does everything that there is to do with the other server. */
async function play(status: string): Promise<void> {
  const [ann, bea] = [world.side('a').person, world.side('b').person];
  await Promise.all([
    ann.write(bea).then(() => ann.write(bea)),
    bea.write(ann),
    ann.tell(status),
    bea.tell(status),
    ann.comeOrGo(bea),
    bea.comeOrGo(ann),
  ]);
}

/** False when the story has fewer calls. */
async function playWithDeath(victim: SideName, call: number, death: Death): Promise<boolean> {
  round += 1;
  const status = `round ${round}`;
  world.arm(victim, call, death);
  await play(status);
  await recovered({ ledger: world.ledger, side: (name) => world.side(name) }, status);
  return world.disarm(victim);
}

const cases = (['a', 'b'] as const).flatMap((victim, side) =>
  (['before', 'after'] as const).map((death, at) => ({ victim, death, first: 1 + 2 * side + at })),
);

describe('a federated story', () => {
  it.each(cases)(
    'survives a death of $victim $death each call of its store',
    async ({ victim, death, first }) => {
      let deaths = 0;
      for (let call = LONG ? 1 : first; call < MANY; call += STEP) {
        const died = await playWithDeath(victim, call, death).catch((error: unknown) => {
          const words = error instanceof Error ? error.message : String(error);
          throw new Error(`death of ${victim} ${death} call ${call}: ${words}`, { cause: error });
        });
        expect(world.ledger.violations(), `death of ${victim} ${death} call ${call}`).toEqual([]);
        if (!died) break;
        deaths += 1;
      }
      expect(deaths).toBeGreaterThan(3);
      expect(world.side(OTHER[victim]).disk.dead).toBe(false);
    },
    LONG ? 1_800_000 : 180_000,
  );
});
