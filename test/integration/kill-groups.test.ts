// kill -9 of the server while people use groups and invitations: what was answered is there afterwards. By hand, and
// longer: node test/support/kill/groups-run.ts --rounds 100

import { expect, it } from 'vitest';
import { runGroupKills } from '../support/kill/group-scenario.ts';

const ROUNDS = 3;
const SEED = 20_261_122;
const DEADLINE_MS = 60_000;

it(
  'a server that is killed keeps groups, invitations and messages that it has answered for, and repeats none',
  async () => {
    const report = await runGroupKills({ rounds: ROUNDS, seed: SEED, deadlineMs: DEADLINE_MS });
    expect(report.violations, `see ${report.folder}`).toEqual([]);
    expect(report.kills).toBeGreaterThanOrEqual(ROUNDS);
    for (const count of [report.groups, report.invitations, report.messages]) {
      expect(count).toBeGreaterThan(0);
    }
  },
  DEADLINE_MS + 10_000,
);
