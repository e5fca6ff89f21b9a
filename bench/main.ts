// `npm run bench`: this server and others, side by side on this machine; prints a table and keeps it in results.md.

import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { reasonOf } from './child.ts';
import { benchCodec, FEW_REPEATS } from './codec.ts';
import { benchCrowd, CROWD, SMALL_CROWD } from './crowd.ts';
import { benchGateway, profileGateway } from './gateway.ts';
import { benchGroups, LARGE_GROUPS, SMALL_GROUPS } from './groups.ts';
import { machine } from './machine.ts';
import { FULL, QUICK, type Plan } from './measure.ts';
import { benchMessages, profileMessages } from './messages.ts';
import { DOMAIN, PEER_DOMAIN } from './load/tasks.ts';
import { A_LITTLE_MATRIX, benchMatrix, MATRIX } from './matrix.ts';
import { A_LITTLE_FLAPPING, benchMatrixPresence, FLAPPING } from './matrix-presence.ts';
import { topOf } from './profile.ts';
import { report } from './report.ts';
import { benchRooms, profileRooms } from './rooms.ts';
import type { Findings } from './row.ts';
import { benchSearch } from './search.ts';
import { benchSspCodec, FEW_SSP_REPEATS } from './ssp-codec.ts';
import { benchSspPeers, FEW_PEERS, PEERS } from './ssp-peers.ts';
import { benchSspSetup, FEW_SETUPS, SETUPS } from './ssp-setup.ts';
import { benchSspMessages, profileSspMessages } from './ssp-messages.ts';
import { benchSoak, SHORT_SOAK, SOAK } from './soak.ts';
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
  rooms: (quick) => benchRooms(quick ? QUICK : FULL),
  codec: async (quick) => ({ rows: await benchCodec(quick ? FEW_REPEATS : undefined), notes: [] }),
  store: async (quick) =>
    quick
      ? { rows: [], notes: ['The store was left out of this quick run.'] }
      : { rows: await benchStore(), notes: [] },
  search: async (quick) => ({ rows: await benchSearch(quick), notes: [] }),
  groups: (quick) => benchGroups(quick ? SMALL_GROUPS : LARGE_GROUPS),
  'ssp-messages': (quick) => benchSspMessages(quick ? QUICK : FULL),
  'ssp-setup': (quick) => benchSspSetup(quick ? FEW_SETUPS : SETUPS),
  'ssp-peers': (quick) => benchSspPeers(quick ? FEW_PEERS : PEERS),
  'ssp-codec': (quick) =>
    Promise.resolve({ rows: benchSspCodec(quick ? FEW_SSP_REPEATS : undefined), notes: [] }),
  'xmpp-soak': (quick) => benchSoak(quick ? SHORT_SOAK : SOAK),
  matrix: (quick) => benchMatrix(quick ? A_LITTLE_MATRIX : MATRIX),
  'matrix-presence': (quick) => benchMatrixPresence(quick ? A_LITTLE_FLAPPING : FLAPPING),
  crowd: (quick) => benchCrowd(quick ? SMALL_CROWD : CROWD),
};

const HELP = `Usage: npm run bench [-- options]

Measures this server beside Prosody, ejabberd, libwbxml and bare node:http, prints a table and
appends it to bench/results.md. Takes about three minutes. Starts the XMPP servers of
"npm run stack" when they are installed and do not run, and ends them again.

  --only NAME   only this benchmark, may be given again: ${Object.keys(BENCHMARKS).join(', ')}
  --quick       about half a minute, for a look
  --dry         do not write results.md
  --profile     only our server under the load of "messages", or with --only of "ssp-messages" (both servers),
                "gateway" or "rooms": where its time goes
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

async function profile(names: readonly string[], quick: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wvgate-profile-'));
  try {
    const plan = quick ? QUICK : FULL;
    if (names.includes('ssp-messages')) {
      const { cpus, rate } = await profileSspMessages(plan, directory);
      tellProfile(join(directory, DOMAIN), plan, cpus[0] ?? Number.NaN, rate);
      tellProfile(join(directory, PEER_DOMAIN), plan, cpus[1] ?? Number.NaN, rate);
      return;
    }
    const profileOf = names.includes('gateway')
      ? profileGateway
      : names.includes('rooms')
        ? profileRooms
        : undefined;
    if (profileOf !== undefined) {
      for (const way of [0, 1] as const) {
        const folder = join(directory, `${way === 0 ? 'first' : 'second'} row`);
        const { cpus, rate } = await profileOf(plan, folder, way);
        tellProfile(folder, plan, cpus[0] ?? Number.NaN, rate);
      }
      return;
    }
    const { cpu, rate } = await profileMessages(plan, directory);
    tellProfile(directory, plan, cpu, rate);
  } finally {
    await releaseXmppServers();
    rmSync(directory, { recursive: true, force: true });
  }
}

function tellProfile(directory: string, { warmMs }: Plan, cpu: number, rate: number): void {
  process.stdout.write(
    `${basename(directory)}: ${cpu.toFixed(0)} µs a message under the profiler, ${rate.toFixed(0)} messages/s\n` +
      `${topOf(directory, PROFILE_LINES, warmMs).join('\n')}\n`,
  );
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
} else if (values.profile) await profile(names, values.quick);
else await bench(names, values.quick, !values.dry);
