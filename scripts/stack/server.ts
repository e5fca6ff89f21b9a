// What a server of the stack is to the code that starts, stops and describes it.
import { createHash } from 'node:crypto';
import { chownSync, existsSync, readFileSync } from 'node:fs';
import type { Consent } from './packages.ts';
import { tryCommand } from './command.ts';
import type { StackDescription } from './description.ts';
import type { ServerName } from './layout.ts';
import type { Launch, ProcessRecord } from './process.ts';
import type { Progress } from './progress.ts';
import type { StackSecrets } from './secrets.ts';

/** A server cannot be had here: why, and what its reader can do about it. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
  readonly remedy: string;

  constructor(reason: string, remedy: string) {
    super(reason);
    this.remedy = remedy;
  }
}

/** One server of the stack. */
export interface Server {
  readonly name: ServerName;
  /** Every loopback port it listens on. */
  readonly ports: readonly number[];
  /** How long it may take from the start of its process to its first answer. */
  readonly startDeadlineMs: number;
  /** Sees to it that its program is installed. @throws Unavailable */
  obtain(progress: Progress, consent: Consent): Promise<void>;
  /** Writes its configuration and says how it is started. */
  prepare(secrets: StackSecrets): Promise<Launch>;
  /** Whether it answers in its own protocol. */
  answers(): Promise<boolean>;
  /** Creates the accounts that are not there yet. */
  createAccounts(secrets: StackSecrets): Promise<void>;
  /** The version of the running program. */
  version(): Promise<string>;
  /** Its part of the description. */
  describe(record: ProcessRecord, secrets: StackSecrets): Partial<StackDescription>;
}

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The system user a server should run as, so that not everything runs as root.
 *
 * @param folder what that user must be able to reach; a checkout below a private home cannot be
 * @returns undefined when the server has to run as whoever we are
 */
export async function serviceUser(name: string, folder: string): Promise<UserIds | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const uid = Number.parseInt((await tryCommand('id', ['-u', name])).stdout, 10);
  const gid = Number.parseInt((await tryCommand('id', ['-g', name])).stdout, 10);
  if (Number.isNaN(uid) || Number.isNaN(gid)) return undefined;
  const reachable = await tryCommand('test', ['-x', folder], { uid, gid, cwd: '/' });
  return reachable.status === 0 ? { uid, gid } : undefined;
}

/** Gives a file or folder to the user that a server runs as. */
export function giveTo(user: UserIds | undefined, ...paths: readonly string[]): void {
  if (user === undefined) return;
  for (const path of paths) if (existsSync(path)) chownSync(path, user.uid, user.gid);
}

/** A digest that changes when a server has to be restarted for its configuration to count. */
export function fingerprintOf(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** The environment of a server: none of ours but what every program needs. */
export function plainEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    HOME: home,
  };
}

/** @returns the last lines of a log, or a word that there are none */
export function logTail(file: string, lines = 15): string {
  if (!existsSync(file)) return '(no log)';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') || '(empty log)';
}
