// kill -9 of the gateway while WV, XMPP and Matrix users write to each other: nothing accepted is lost, nothing comes
// twice to a client that acknowledged it, and each sees what another sent him in order. By hand, and longer:
// node test/support/kill/run.ts --messages 5000 --kills 25

import { describe, expect, it } from 'vitest';
import { readStack } from '../../scripts/stack/description.ts';
import { Ledger } from '../support/kill/ledger.ts';
import { runKills } from '../support/kill/scenario.ts';

const MESSAGES = 400;
const KILLS = 6;
const DEADLINE_MS = 240_000;

const { prosody, synapse } = readStack() ?? {};
const isRequired = process.env['WVGATE_REQUIRE_LIVE'] === '1';

describe.each([
  ['in one process', false],
  ['whose gateways have processes of their own', true],
])('a server %s that is killed at random moments', (_, parted) => {
  it.skipIf((prosody === undefined || synapse === undefined) && !isRequired)(
    'loses nothing, repeats nothing, and keeps the order',
    async () => {
      if (prosody === undefined || synapse === undefined) throw new Error('Prosody and Synapse are needed');
      const seed = Number(process.env['WVGATE_KILL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      process.stdout.write(`kill test: again with WVGATE_KILL_SEED=${seed}\n`);
      const report = await runKills({
        xmpp: prosody,
        matrix: synapse,
        messages: MESSAGES,
        kills: KILLS,
        parted,
        seed,
        deadlineMs: DEADLINE_MS,
      });
      expect(report.violations, `seed ${seed}, see ${report.folder}`).toEqual([]);
      expect(report).toMatchObject({ accepted: MESSAGES, arrived: MESSAGES });
      // With more processes a kill costs less time, and all has arrived sooner.
      expect(report.kills).toBeGreaterThanOrEqual(parted ? KILLS / 2 : KILLS);
    },
    DEADLINE_MS + 180_000,
  );
});

describe('the books of the kill test', () => {
  const flow = { from: 'ann', to: 'bea' };

  function books(accepted: number, arrivals: readonly (readonly [number, string?])[]): readonly string[] {
    const ledger = new Ledger('run');
    for (let number = 1; number <= accepted; number++) ledger.noteAccepted(flow);
    for (const [number, id] of arrivals) ledger.noteArrived('bea', ledger.text(flow, number), id);
    return ledger.violations();
  }

  it('balance when all arrived, once and in order', () => {
    expect(books(3, [[1], [2], [3]])).toEqual([]);
    expect(
      books(2, [
        [1, 'a'],
        [2, 'b'],
        [1, 'a'],
      ]),
    ).toEqual([]);
  });

  it('expect no order of what its author sent again', () => {
    const ledger = new Ledger('run');
    for (const number of [1, 3, 2, 4]) {
      ledger.noteAccepted(flow);
      ledger.noteArrived('bea', ledger.text(flow, number));
    }
    expect(ledger.violations()).not.toEqual([]);
    ledger.noteSentAgain(flow, 2);
    expect(ledger.violations()).toEqual([]);
  });

  it('show what is lost, what came twice, and what came too late', () => {
    expect(books(3, [[1], [3]])).toEqual(['ann>bea: lost 2']);
    expect(books(2, [[1], [2], [2]])).toEqual(['bea was shown “run ann>bea 2” twice']);
    expect(
      books(1, [
        [1, 'a'],
        [1, 'b'],
      ]),
    ).toEqual(['bea was shown “run ann>bea 1” twice']);
    expect(books(3, [[1], [3], [2]])).toEqual(['ann>bea: 2 came late: 1 3 2']);
  });
});
