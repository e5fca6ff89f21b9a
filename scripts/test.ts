// `npm test`: every suite that can run here, and a word about those that cannot. With WVGATE_REQUIRE_LIVE=1 (CI) a
// live suite that cannot run is a failure.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stackUp } from './stack/control.ts';
import { streamProgress } from './stack/progress.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const required = process.env.WVGATE_REQUIRE_LIVE === '1';
const HELP = `npm test [-- options]: runs the unit, integration and live tests

  --no-live        leave the live tier out (it needs real servers; see npm run stack)
  --only NAME      one tier: unit, integration or live
  other arguments go to vitest (file names, -t PATTERN, …)

Environment: WVGATE_REQUIRE_LIVE=1 makes a live suite that cannot run a failure;
WVGATE_REQUIRE_SAMPLES=1 the same for the protocol samples beside the checkout.
`;

function vitest(projects: readonly string[], rest: readonly string[]): Promise<number> {
  const args = ['vitest', 'run', ...projects.map((name) => `--project=${name}`), ...rest];
  return new Promise((done) => {
    const [program = '', ...more] = args;
    const child = spawn(process.execPath, [...process.execArgv, bin(program), ...more], {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        NODE_OPTIONS: '--disable-warning=ExperimentalWarning --disable-warning=DEP0040',
      },
    });
    child.on('exit', (code) => done(code ?? 1));
  });
}

function bin(name: string): string {
  return resolve(root, 'node_modules', name, 'vitest.mjs');
}

/** True when the live tier can run; says why not otherwise. */
async function prepareLive(): Promise<boolean> {
  process.stdout.write('npm test: bringing up real servers (Prosody, ejabberd, Synapse) …\n');
  try {
    const stack = await stackUp({ progress: streamProgress(process.stdout) });
    const missing = Object.entries(stack.missing ?? {});
    for (const [server, reason] of missing) process.stdout.write(`npm test: no ${server}: ${reason}\n`);
    return missing.length === 0 || !required;
  } catch (error) {
    process.stdout.write(`npm test: the stack did not come up: ${(error as Error).message}\n`);
    return false;
  }
}

async function run(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const onlyAt = argv.indexOf('--only');
  const only = onlyAt >= 0 ? argv[onlyAt + 1] : undefined;
  const rest = argv.filter(
    (arg, i) => arg !== '--no-live' && (onlyAt < 0 || (i !== onlyAt && i !== onlyAt + 1)),
  );
  const wantsLive = only === undefined ? !argv.includes('--no-live') : only === 'live';
  const tiers = only === undefined ? ['unit', 'integration'] : only === 'live' ? [] : [only];
  let code = tiers.length > 0 ? await vitest(tiers, rest) : 0;
  if (!wantsLive) {
    process.stdout.write('npm test: the live tier was left out\n');
    return code;
  }
  if (await prepareLive()) return (await vitest(['live'], rest)) || code;
  process.stdout.write(
    `npm test: the live suites did not run${required ? ': that is a failure here' : ''}\n`,
  );
  if (required) code ||= 1;
  return code;
}

if (!existsSync(resolve(root, 'node_modules'))) throw new Error('node_modules is missing: use npm test');
process.exitCode = await run(process.argv.slice(2));
