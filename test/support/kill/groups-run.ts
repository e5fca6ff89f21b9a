// The kill -9 run with groups by hand: node test/support/kill/groups-run.ts [--rounds 100] [--seed N]

import { parseArgs } from 'node:util';
import { runGroupKills } from './group-scenario.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
say(`${rounds} rounds; again with --seed ${seed}`);
const started = performance.now();
const { violations, folder, ...counts } = await runGroupKills({
  rounds,
  seed,
  deadlineMs: 60_000 + rounds * 30_000,
  onProgress: (line) => say(`${((performance.now() - started) / 1000).toFixed(1)} s  ${line}`),
});
say(JSON.stringify(counts));
for (const violation of violations) say(`BAD  ${violation}`);
say(violations.length > 0 ? `the server's log and data: ${folder}` : 'nothing lost, nothing twice');
process.exit(violations.length === 0 ? 0 : 1);
