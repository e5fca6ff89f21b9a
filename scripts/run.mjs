// Runs a TypeScript program of the project on the project's own Node, on a machine that has only some Node >= 20
// and npm. Installs the dependencies first when node_modules is missing or older than the lockfile.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const node = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
const stamp = join(root, 'node_modules', '.wvgate-installed');

function isInstalled() {
  if (!existsSync(node) || !existsSync(stamp)) return false;
  return statSync(stamp).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

function install() {
  process.stderr.write('wvgate: installing dependencies (npm ci), about half a minute …\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    process.stderr.write('wvgate: npm ci failed; see above. It needs npm and the npm registry.\n');
    process.exit(npm.status ?? 1);
  }
  rmSync(stamp, { force: true });
  writeFileSync(stamp, '');
  const { mtime } = statSync(join(root, 'package-lock.json'));
  if (statSync(stamp).mtimeMs < mtime.getTime()) utimesSync(stamp, mtime, mtime);
}

if (!isInstalled()) install();
const [program, ...args] = process.argv.slice(2);
if (program === undefined) process.exit(0);
// node:sqlite and type stripping announce themselves as experimental; that is no news to anybody here.
const flags = [
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=DEP0060',
  '--disable-warning=DEP0040',
];
const child = spawn(node, [...flags, resolve(root, program), ...args], {
  stdio: 'inherit',
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// A terminal gives Ctrl-C to the program as well; a second one would end it before it has tidied up.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + 15));
