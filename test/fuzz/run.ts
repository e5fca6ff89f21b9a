// `node scripts/run.mjs test/fuzz/run.ts [--ssp] [--seconds N] [--seed S]`: the long fuzz run, of clients or of another
// server. Ends with code 1 when anything was wrong.
import { parseArgs } from 'node:util';
import { fuzz, isFlat } from './fuzz.ts';
import { fuzzSsp } from './ssp.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, ssp: { type: 'boolean' } },
});
const seconds = Number(values.seconds ?? 600);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(`seed ${seed}, ${seconds} s`);
const run = values.ssp === true ? fuzzSsp : fuzz;
const summary = await run({ seconds, seed, progress: say });
for (const [what, asked] of summary.wrong) say(`WRONG ${what}\n      asked: ${asked.slice(0, 2000)}`);
for (const line of summary.errors) say(`LOG   ${line}`);
const flat = isFlat(summary.memory);
say(`${summary.requests} requests; ${summary.judged ?? 'no'} answers judged by wbxml2xml`);
say(
  `memory ${summary.memory.join(' ')} MB: ${flat ? 'flat' : 'GROWING'}; the server ended with code ${summary.exitCode}`,
);
const good = summary.wrong.size === 0 && summary.errors.length === 0 && flat && summary.exitCode === 0;
process.exitCode = good ? 0 : 1;
