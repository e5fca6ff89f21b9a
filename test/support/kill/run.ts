// The kill -9 run by hand: node test/support/kill/run.ts [--messages 5000] [--kills 25] [--seed N] [--parted]

import { parseArgs } from 'node:util';
import { readStack } from '../../../scripts/stack/description.ts';
import { runKills } from './scenario.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '5000' },
    kills: { type: 'string', default: '25' },
    parted: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const { prosody, synapse } = readStack() ?? {};
if (prosody === undefined || synapse === undefined) throw new Error('no servers: npm run stack up');
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const [messages, kills, seed] = [Number(values.messages), Number(values.kills), Number(values.seed)];
say(`${messages} messages, ${kills} kills; again with --seed ${seed}`);
const started = performance.now();
const report = await runKills({
  xmpp: prosody,
  matrix: synapse,
  messages,
  kills,
  seed,
  parted: values.parted,
  deadlineMs: 120_000 + messages * 200,
  onProgress: (line) => say(`${((performance.now() - started) / 1000).toFixed(1)} s  ${line}`),
});
const { accepted, arrived, repeats, violations, folder } = report;
say(
  `${report.kills} kills, ${accepted} accepted, ${arrived} arrived, ${repeats} repeats dropped by their client`,
);
for (const violation of violations) say(`BAD  ${violation}`);
if (report.overtaken > 0)
  say(`${report.overtaken} events were pushed late by the homeserver (push-order.ts)`);
if (violations.length > 0) say(`the gateway's log and data: ${folder}`);
else say('nothing lost, nothing twice, all in order');
process.exit(violations.length === 0 ? 0 : 1);
