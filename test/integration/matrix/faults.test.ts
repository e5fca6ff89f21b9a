// The whole server beside a homeserver at its worst: what was accepted on either side arrives on the other once and in
// order. Ten times as long: WVGATE_LONG=1.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { seeded } from '../../support/kill/random.ts';
import { CrashWorld } from '../../support/matrix/crash-world.ts';
import type { Fault, Script } from '../../support/matrix/homeserver.ts';
import type { PushScript, Transaction } from '../../support/matrix/pusher.ts';

const SEED = 20_261_124;
const ROUNDS = process.env.WVGATE_LONG === '1' ? 200 : 20;
/** By so much the server's time is ahead each time that somebody looks, ms: back-off is waited for, not slept through. */
const JUMP_MS = 100;
/** What Synapse says in a storm. */
const RETRY_AFTER_MS = 300;

let world: CrashWorld;
beforeAll(async () => {
  world = await CrashWorld.start(SEED);
  world.dave.renew();
  world.dave.invite(world.ghost);
  await world.dave.together(world.ghost);
}, 60_000);
afterAll(async () => {
  expect(await world.stop()).toEqual([]);
}, 30_000);

/** Both write as many messages as there are rounds, and all is well in the end. */
async function talk(weather: Script, post: PushScript = {}): Promise<void> {
  world.weather = weather;
  world.post = post;
  const { ann, dave } = world;
  for (let round = 0; round < ROUNDS; round++) {
    dave.write(ann.name);
    await ann.write(dave);
  }
  await world.recovered(JUMP_MS);
  world.weather = () => undefined;
  world.post = {};
  expect(world.ledger.violations()).toEqual([]);
  expect(dave.notices).toEqual([]);
}

/** Every `nth` send goes wrong. */
function every(nth: number, fault: Fault): Script {
  let count = 0;
  return ({ name }) => {
    if (name !== 'send') return undefined;
    count += 1;
    return count % nth === 0 ? fault : undefined;
  };
}

describe('a homeserver', () => {
  it.each<[string, Script]>([
    ['takes sends and drops the connection', every(2, 'cut after')],
    ['drops the connection before it takes a send', every(2, 'cut before')],
    ['answers 502 after success', every(2, { status: 502, after: true })],
    ['answers 500 after success, without JSON', every(3, { status: 500, after: true })],
    ['is overloaded', every(2, { status: 503 })],
    ['asks to wait by its body', every(2, limited({ body: { retry_after_ms: RETRY_AFTER_MS } }))],
    ['asks to wait by a header', every(2, limited({ headers: { 'retry-after': '1' } }))],
    ['refuses the token for a moment', every(4, { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } })],
  ])('that %s gets, and hands on, everything once and in order', { timeout: 120_000 }, async (_, weather) => {
    await talk(weather);
  });

  it(
    'that answers 429 to everything for a while is asked only as often as it wants',
    { timeout: 120_000 },
    async () => {
      const before = world.homeserver.calls.length;
      const storm = 30;
      let left = storm;
      await talk(({ name }) => {
        if (name !== 'send' || left <= 0) return undefined;
        left -= 1;
        return limited({ body: { retry_after_ms: RETRY_AFTER_MS } });
      });
      const sends = world.homeserver.calls.slice(before).filter(({ name }) => name === 'send');
      expect(sends).toHaveLength(ROUNDS + storm);
    },
  );

  it(
    'that is silent for 31 s, before or after it took a send, loses and doubles nothing',
    { timeout: 120_000 },
    async () => {
      for (const fault of ['hang before', 'hang after'] as const) {
        let hung = 0;
        world.weather = ({ name }) => (name === 'send' && (hung += 1) <= 2 ? fault : undefined);
        await world.ann.write(world.dave);
        await eventually('it hangs', () => hung > 0);
        world.jump(31_000);
        world.homeserver.release();
        await world.recovered(JUMP_MS);
        expect(world.ledger.violations()).toEqual([]);
      }
    },
  );

  it.each<[string, PushScript]>([
    ['does not see the answer', { mishap: (_, tries) => (tries < 2 ? 'lost after' : undefined) }],
    ['cannot reach us', { mishap: (_, tries) => (tries < 3 ? 'lost before' : undefined) }],
    ['pushes every transaction twice', { again: (transaction) => [transaction] }],
    [
      'pushes old transactions behind new ones, under new names',
      { again: (_, past) => past.slice(-5).map(renamed).toReversed() },
    ],
    [
      'pushes old events together with new ones',
      { again: (now, past) => [merged([now, ...past.slice(-3)])] },
    ],
  ])('that %s is heard once and in order', { timeout: 120_000 }, async (_, post) => {
    await talk(() => undefined, post);
  });

  it('that does all of this at random is bridged once and in order', { timeout: 600_000 }, async () => {
    const random = seeded(SEED);
    const faults: readonly Fault[] = [
      'cut before',
      'cut after',
      { status: 502, after: true },
      { status: 503 },
      limited({ body: { retry_after_ms: RETRY_AFTER_MS } }),
    ];
    await talk(() => (random.below(4) === 0 ? faults[random.below(faults.length)] : undefined), {
      mishap: (_, tries) => (tries < 3 && random.below(3) === 0 ? 'lost after' : undefined),
      again: (_, past) => (random.below(3) === 0 ? past.slice(-3) : []),
    });
  });
});

function limited(how: {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}): Fault {
  return { status: 429, ...how, body: { errcode: 'M_LIMIT_EXCEEDED', ...how.body } };
}

const renamed = (transaction: Transaction): Transaction => ({
  ...transaction,
  id: `again-${transaction.id}`,
});

function merged(transactions: readonly Transaction[]): Transaction {
  return {
    id: transactions.map(({ id }) => id).join('+'),
    events: transactions.flatMap(({ events }) => events),
    ephemeral: transactions.flatMap(({ ephemeral }) => ephemeral),
  };
}
