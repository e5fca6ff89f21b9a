// `npm run bench`: this server and others, side by side on this machine; prints a table and keeps it in results.md.

import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reasonOf } from './child.ts';
import { benchCodec, FEW_REPEATS } from './codec.ts';
import { benchCrowd, CROWD, SMALL_CROWD } from './crowd.ts';
import { benchGateway } from './gateway.ts';
import { machine } from './machine.ts';
import { FULL, QUICK } from './measure.ts';
import { benchMessages, profileMessages } from './messages.ts';
import { topOf } from './profile.ts';
import { report } from './report.ts';
import type { Findings } from './row.ts';
import { benchSearch } from './search.ts';
import { benchStore } from './store.ts';
import { releaseXmppServers } from './xmpp-reference.ts';

const RESULTS = join(import.meta.dirname, 'results.md');
const TITLE = `# Results of \`npm run bench\`

Each section is one run, everything in it measured one after another on one machine. Ratios count, absolute times do
not. CPU is the server process's own user and system time; the load comes from another process.
`;
const PROFILE_LINES = 40;

const BENCHMARKS: Readonly<Record<string, (quick: boolean) => Promise<Findings>>> = {
  messages: (quick) => benchMessages(quick ? QUICK : FULL),
  gateway: (quick) => benchGateway(quick ? QUICK : FULL),
  codec: async (quick) => ({ rows: await benchCodec(quick ? FEW_REPEATS : undefined), notes: [] }),
  store: async (quick) =>
    quick
      ? { rows: [], notes: ['The store was left out of this quick run.'] }
      : { rows: await benchStore(), notes: [] },
  search: async (quick) => ({ rows: await benchSearch(quick), notes: [] }),
  crowd: (quick) => benchCrowd(quick ? SMALL_CROWD : CROWD),
};

const HELP = `Usage: npm run bench [-- options]

Measures this server beside Prosody, ejabberd, libwbxml and bare node:http, prints a table and
appends it to bench/results.md. Takes about three minutes. Starts the XMPP servers of
"npm run stack" when they are installed and do not run, and ends them again.

  --only NAME   only this benchmark, may be given again: ${Object.keys(BENCHMARKS).join(', ')}
  --quick       about half a minute, for a look
  --dry         do not write results.md
  --profile     only our server under the load of "messages": where its time goes
  --help        this text
`;

/** A benchmark that fails is told as a note: the others still count. */
async function run(name: string, quick: boolean): Promise<Findings> {
  const benchmark = BENCHMARKS[name];
  if (benchmark === undefined) throw new TypeError(`there is no benchmark ${name}`);
  const started = performance.now();
  process.stderr.write(`${name} …`);
  try {
    return await benchmark(quick);
  } catch (error) {
    process.exitCode = 1;
    return {
      rows: [],
      notes: [`${name} failed: ${reasonOf(error)}`],
    };
  } finally {
    process.stderr.write(` ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  }
}

async function bench(names: readonly string[], quick: boolean, keep: boolean): Promise<void> {
  const about = machine();
  const at = new Date();
  const findings: Findings[] = [];
  try {
    for (const name of names) findings.push(await run(name, quick));
  } finally {
    await releaseXmppServers();
  }
  const seconds = (Date.now() - at.getTime()) / 1000;
  const text = report({ at, seconds, quick, machine: about, findings });
  process.stdout.write(`\n${text}`);
  if (!keep) return;
  if (!existsSync(RESULTS)) writeFileSync(RESULTS, TITLE);
  appendFileSync(RESULTS, `\n${text}`);
}

async function profile(quick: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wvgate-profile-'));
  try {
    const plan = quick ? QUICK : FULL;
    const { cpu, rate } = await profileMessages(plan, directory);
    process.stdout.write(
      `${cpu.toFixed(0)} µs a message under the profiler, ${rate.toFixed(0)} messages/s\n`,
    );
    process.stdout.write(`${topOf(directory, PROFILE_LINES, plan.warmMs).join('\n')}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    dry: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const names = values.only ?? Object.keys(BENCHMARKS);
const unknown = names.find((name) => BENCHMARKS[name] === undefined);
if (values.help) process.stdout.write(HELP);
else if (unknown !== undefined) {
  process.stderr.write(`There is no benchmark "${unknown}".\n\n${HELP}`);
  process.exitCode = 2;
} else if (values.profile) await profile(values.quick);
else await bench(names, values.quick, !values.dry);
