// Server processes: started detached, remembered by pid and start time, ended only if still ours.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const processRecord = z.object({
  pid: z.number().int().positive(),
  /** Clock ticks after boot at which the process started: with the pid and the boot, its identity. */
  startTicks: z.string(),
  bootId: z.string(),
  /** What the command line must contain. */
  marker: z.string(),
  /** A digest of the configuration that the process was started with. */
  fingerprint: z.string(),
  version: z.string(),
});

/** What is remembered of a server process that we started. */
export type ProcessRecord = z.infer<typeof processRecord>;

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  readonly logFile: string;
  readonly marker: string;
  readonly fingerprint: string;
}

const TERM_WAIT_MS = 10_000;
const KILL_WAIT_MS = 5_000;
const POLL_MS = 50;

/** The fields of /proc/PID/stat behind the program's name, which may itself contain spaces. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** @returns when a process started, in clock ticks after boot; undefined once it has ended */
export function startTicks(pid: number): string | undefined {
  const fields = statFields(pid);
  // A zombie has ended, whoever forgot to collect it.
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
}

/** @returns the id of this boot of the machine; start times of other boots mean nothing */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** @returns whether the remembered process still runs and really is the one that we started */
export function isOurs(record: ProcessRecord): boolean {
  if (record.bootId !== bootId() || record.startTicks !== startTicks(record.pid)) return false;
  // The command line is empty for a moment while one program replaces another by exec, as on the
  // way into Synapse's tree. The pid and the start time are the same all the while.
  const words = commandLine(record.pid);
  return words === '' || words.includes(record.marker);
}

/** @returns the remembered process if it still runs; a record of one that has ended is removed */
export function runningProcess(processFile: string): ProcessRecord | undefined {
  if (!existsSync(processFile)) return undefined;
  const record = processRecord.parse(JSON.parse(readFileSync(processFile, 'utf8')));
  if (isOurs(record)) return record;
  rmSync(processFile, { force: true });
  return undefined;
}

/** Remembers a server process. Anybody may read it, so that `status` works for every user. */
export function rememberProcess(processFile: string, record: ProcessRecord): void {
  writeFileSync(processFile, `${JSON.stringify(record)}\n`);
}

/**
 * Starts a server in a session of its own, with its output in the log file. The log of the run
 * before is kept beside it with `.1` at the end.
 *
 * @throws when the program cannot be started
 */
export async function startDetached(launch: Launch): Promise<ProcessRecord> {
  if (existsSync(launch.logFile)) renameSync(launch.logFile, `${launch.logFile}.1`);
  const log = openSync(launch.logFile, 'a', 0o600);
  try {
    const { program, args, cwd, env, uid, gid } = launch;
    const child = spawn(program, args, {
      cwd,
      env,
      ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
      detached: true,
      stdio: ['ignore', log, log],
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    child.unref();
    return {
      pid,
      startTicks: startTicks(pid) ?? '',
      bootId: bootId(),
      marker: launch.marker,
      fingerprint: launch.fingerprint,
      version: '',
    };
  } finally {
    closeSync(log);
  }
}

async function endedWithin(record: ProcessRecord, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  while (isOurs(record)) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/**
 * Ends a process that we started: SIGTERM, and SIGKILL if it is still there after ten seconds.
 *
 * @returns how it ended
 */
export async function endProcess(record: ProcessRecord): Promise<'ended' | 'killed' | 'was not running'> {
  if (!isOurs(record)) return 'was not running';
  process.kill(record.pid, 'SIGTERM');
  if (await endedWithin(record, TERM_WAIT_MS)) return 'ended';
  await killProcess(record);
  return 'killed';
}

/** Ends a process that we started with SIGKILL. */
export async function killProcess(record: ProcessRecord): Promise<void> {
  if (isOurs(record)) process.kill(record.pid, 'SIGKILL');
  await endedWithin(record, KILL_WAIT_MS);
}
