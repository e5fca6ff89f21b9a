// Where Synapse comes from: an installed one, a Python environment of our own, or a Debian sid
// tree below data/stack, for Debian stable has no Synapse.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, tryCommand } from './command.ts';
import { serverFolders } from './layout.ts';
import { type Consent, needPackages } from './packages.ts';
import type { Progress } from './progress.ts';
import { Unavailable } from './server.ts';

/** How Synapse is run: by a Python of this machine, or inside a Debian tree. */
export type SynapseProgram =
  { readonly kind: 'python'; readonly python: string } | { readonly kind: 'tree'; readonly root: string };

const { home } = serverFolders('synapse');
const venv = join(home, 'venv');
const root = join(home, 'root');
/** Written last: a tree without it is half made and is made anew. */
const treeIsComplete = join(root, 'wvgate-tree-complete');
const installLog = join(home, 'install.log');

const PROBE_TIMEOUT_MS = 20_000;
const PIP_TIMEOUT_MS = 5 * 60_000;
const TREE_TIMEOUT_MS = 15 * 60_000;

/**
 * The full path of a Python that has Synapse, for its name may be a wrapper that works only in our
 * environment. Other packages are called "synapse" as well, hence the name of the module.
 */
async function pythonWithSynapse(python: string): Promise<string | undefined> {
  const code = [
    'import importlib.util, sys',
    "found = importlib.util.find_spec('synapse.app.homeserver')",
    'print(sys.executable) if found else sys.exit(1)',
  ].join('\n');
  const { status, stdout } = await tryCommand(python, ['-c', code]);
  return status === 0 ? stdout.trim() : undefined;
}

/** The Synapse that is there, without installing anything. */
export async function findSynapse(): Promise<SynapseProgram | undefined> {
  const script = await tryCommand('sh', ['-c', 'command -v synapse_homeserver']);
  const interpreter = script.status === 0 ? interpreterOf(script.stdout.trim()) : undefined;
  for (const name of ['python3', interpreter, join(venv, 'bin', 'python3')]) {
    const python = name === undefined ? undefined : await pythonWithSynapse(name);
    if (python !== undefined) return { kind: 'python', python };
  }
  return existsSync(treeIsComplete) ? { kind: 'tree', root } : undefined;
}

/** The interpreter that a script names behind its `#!`. */
function interpreterOf(script: string): string | undefined {
  return /^#!\s*(\S+)/u.exec(readFileSync(script, 'utf8'))?.[1];
}

/**
 * Sees to it that there is a Synapse.
 *
 * @throws Unavailable when there is none and none can be had
 */
export async function obtainSynapse(progress: Progress, consent: Consent): Promise<void> {
  if ((await findSynapse()) !== undefined) return;
  mkdirSync(home, { recursive: true });
  const remedy = 'install Synapse so that python3 can import it, or run this as root on Debian';
  if (await progress.step('looking for Synapse among the Python packages', pythonPackageExists)) {
    if (!(await consent('Install Synapse into a Python environment under data/stack?'))) {
      throw new Unavailable('Synapse not installed, as you wished', remedy);
    }
    if (await progress.step('installing Synapse with pip', installWithPip)) return;
  }
  if (process.getuid?.() !== 0) {
    throw new Unavailable('not installed, pip cannot get it, and a Debian tree for it takes root', remedy);
  }
  const mirror = await debianMirror();
  if (mirror === undefined) throw new Unavailable('not installed, and apt knows no Debian mirror', remedy);
  if (!(await consent('Make a Debian sid tree with Synapse under data/stack (about 700 MB)?'))) {
    throw new Unavailable('Synapse not installed, as you wished', remedy);
  }
  await needPackages(['debootstrap'], progress, () => Promise.resolve(true));
  await makeTree(mirror, progress).catch((error: unknown) => {
    throw new Unavailable(`making the Debian tree failed: ${String(error)}`, `see ${installLog}`);
  });
}

async function pythonPackageExists(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'wvgate-pip-'));
  try {
    const args = ['-m', 'pip', '--timeout', '5', '--retries', '0', '--disable-pip-version-check'];
    const download = ['download', '--no-deps', '--only-binary', ':all:', '-d', folder, 'matrix-synapse'];
    const options = { timeoutMs: PROBE_TIMEOUT_MS, logFile: installLog };
    return (await tryCommand('python3', [...args, ...download], options)).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function installWithPip(): Promise<boolean> {
  const options = { timeoutMs: PIP_TIMEOUT_MS, logFile: installLog };
  rmSync(venv, { recursive: true, force: true });
  const made = await tryCommand('python3', ['-m', 'venv', venv], options);
  if (made.status !== 0) return false;
  const python = join(venv, 'bin', 'python3');
  const installed = await tryCommand(python, ['-m', 'pip', 'install', 'matrix-synapse'], options);
  return installed.status === 0 && (await pythonWithSynapse(python)) !== undefined;
}

/** The mirror that this machine's apt takes its main packages from. */
async function debianMirror(): Promise<string | undefined> {
  const format = '$(ORIGIN)|$(COMPONENT)|$(SITE)';
  const targets = await tryCommand('apt-get', ['indextargets', '--format', format]);
  const sites = targets.stdout.split('\n').filter((line) => line.startsWith('Debian|main|'));
  const mirrors = sites.map((line) => line.slice('Debian|main|'.length));
  // The security archive has a Debian of its own, without sid.
  return mirrors.find((site) => !site.includes('security'));
}

/** Those of the machine's apt settings without which its mirror might not be reached. */
async function aptSettings(): Promise<string> {
  const dump = await tryCommand('apt-config', ['dump']);
  const wanted = /^Acquire::(?:https?::(?:Proxy|Timeout)|Retries|ForceIPv4|Check-Valid-Until|Check-Date)\b/u;
  return dump.stdout
    .split('\n')
    .filter((line) => wanted.test(line))
    .join('\n');
}

/**
 * The start of a command line that runs what follows in mounts of its own, which end with it: no
 * mount of ours is ever left behind, whatever happens.
 */
export const OWN_MOUNTS = ['--mount', '--propagation', 'private', '--'] as const;

async function makeTree(mirror: string, progress: Progress): Promise<void> {
  rmSync(root, { recursive: true, force: true });
  const options = { timeoutMs: TREE_TIMEOUT_MS, logFile: installLog };
  await progress.step('making a Debian sid tree for Synapse', () =>
    runCommand('unshare', [...OWN_MOUNTS, 'debootstrap', '--variant=minbase', 'sid', root, mirror], options),
  );
  writeFileSync(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  writeFileSync(join(root, 'etc/apt/apt.conf.d/99host'), `${await aptSettings()}\n`);
  const install =
    'apt-get update && apt-get install -y --no-install-recommends matrix-synapse && apt-get clean';
  const inside = 'mount -t proc proc "$1/proc" && exec chroot "$1" sh -c "$2"';
  await progress.step('installing Synapse in that tree', () =>
    runCommand('unshare', [...OWN_MOUNTS, 'sh', '-c', inside, 'sh', root, install], {
      ...options,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LANG: 'C.UTF-8' },
    }),
  );
  writeFileSync(treeIsComplete, '');
}

/** @returns the numeric user and group of a user that a tree's own packages created */
export function userInTree(tree: string, name: string): { uid: number; gid: number } | undefined {
  const passwd = readFileSync(join(tree, 'etc/passwd'), 'utf8').split('\n');
  const fields = passwd.find((line) => line.startsWith(`${name}:`))?.split(':');
  if (fields === undefined) return undefined;
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}
