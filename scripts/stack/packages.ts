// Debian packages: which are there, and the installation of those that are not.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand, tryCommand } from './command.ts';
import { STACK_DIR } from './layout.ts';
import type { Progress } from './progress.ts';
import { Unavailable } from './server.ts';

/** Asks the person at the terminal; true means go on. */
export type Consent = (question: string) => Promise<boolean>;

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const UPDATE_TIMEOUT_MS = 3 * 60_000;
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** Installations run one after the other: dpkg has one lock. */
let queue: Promise<unknown> = Promise.resolve();
let listsAreFresh = false;

async function isInstalled(name: string): Promise<boolean> {
  const query = await tryCommand('dpkg-query', ['-W', '-f', '${db:Status-Status}', name]);
  return query.status === 0 && query.stdout === 'installed';
}

/**
 * Keeps the packages' own services from being started. Debian asks this file before it starts a
 * service; one that is there already stays as it is, ours is removed afterwards.
 */
async function withoutServiceStart<T>(work: () => Promise<T>): Promise<T> {
  if (existsSync(POLICY_FILE)) return await work();
  const remove = (): void => rmSync(POLICY_FILE, { force: true });
  process.once('exit', remove);
  try {
    writeFileSync(POLICY_FILE, '#!/bin/sh\n# wvgate stack: services are not started here\nexit 101\n', {
      mode: 0o755,
    });
    return await work();
  } finally {
    process.removeListener('exit', remove);
    remove();
  }
}

async function install(names: readonly string[], progress: Progress): Promise<void> {
  mkdirSync(STACK_DIR, { recursive: true });
  const logFile = join(STACK_DIR, 'install.log');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (!listsAreFresh) {
    await progress.step('apt-get update', () =>
      runCommand('apt-get', ['update'], { timeoutMs: UPDATE_TIMEOUT_MS, env, logFile }),
    );
    listsAreFresh = true;
  }
  await progress.step(`apt-get install ${names.join(' ')}`, () =>
    withoutServiceStart(() =>
      runCommand('apt-get', ['install', '-y', '--no-install-recommends', ...names], {
        timeoutMs: INSTALL_TIMEOUT_MS,
        env,
        logFile,
      }),
    ),
  );
  // What the packages brought must not come up by itself at the next boot either. A package
  // without a service of its name makes this fail, which does not matter.
  for (const name of names) await tryCommand('update-rc.d', [name, 'disable']);
}

/**
 * Sees to it that Debian packages are installed, asking first.
 *
 * @throws Unavailable when they are not and cannot be
 */
export async function needPackages(
  names: readonly string[],
  progress: Progress,
  consent: Consent,
): Promise<void> {
  const turn = queue.then(async () => {
    const absent: string[] = [];
    for (const name of names) if (!(await isInstalled(name))) absent.push(name);
    if (absent.length === 0) return;
    const remedy = `as root: apt-get install --no-install-recommends ${absent.join(' ')}`;
    if (!existsSync('/usr/bin/apt-get')) {
      throw new Unavailable(`${absent.join(', ')} not installed, and this is not Debian`, 'run it on Debian');
    }
    if (process.getuid?.() !== 0) throw new Unavailable(`${absent.join(', ')} not installed`, remedy);
    if (!(await consent(`Install the Debian package ${absent.join(', ')}?`))) {
      throw new Unavailable(`${absent.join(', ')} not installed, as you wished`, remedy);
    }
    await install(absent, progress).catch((error: unknown) => {
      throw new Unavailable(`installing ${absent.join(', ')} failed: ${String(error)}`, remedy);
    });
  });
  queue = turn.catch(() => undefined);
  await turn;
}
