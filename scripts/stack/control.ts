// Brings the servers of the test stack up and down and keeps their description true.
// The command line (scripts/stack.ts), the tests and the demo all come through here.
import { setTimeout as delay } from 'node:timers/promises';
import { isPortTaken } from './answer.ts';
import { removeStack, type StackDescription, writeStack } from './description.ts';
import { ejabberd } from './ejabberd.ts';
import { createFolders, SERVER_NAMES, serverFolders, type ServerName } from './layout.ts';
import { withLock } from './lock.ts';
import type { Consent } from './packages.ts';
import {
  endProcess,
  isOurs,
  killProcess,
  type ProcessRecord,
  rememberProcess,
  runningProcess,
  startDetached,
} from './process.ts';
import { type Progress, silentProgress } from './progress.ts';
import { prosody } from './prosody.ts';
import { loadSecrets } from './secrets.ts';
import { logTail, type Server, Unavailable } from './server.ts';
import { synapse } from './synapse.ts';

export interface StackOptions {
  /** The servers meant; all of them unless said otherwise. */
  readonly only?: readonly ServerName[];
  readonly progress?: Progress;
  /** Asked before anything is installed; without it everything is. */
  readonly consent?: Consent;
}

export interface ServerStatus {
  readonly name: ServerName;
  /** `silent`: its process runs but does not answer. */
  readonly state: 'running' | 'silent' | 'stopped';
  readonly pid?: number;
  readonly version?: string;
}

const SERVERS: Readonly<Record<ServerName, Server>> = { prosody, ejabberd, synapse };
const READY_POLL_MS = 100;

/** Why a server is missing, per server; for servers that were not asked for nothing is kept. */
type Reasons = Partial<Record<ServerName, string>>;

function reasonOf(error: unknown): string {
  if (error instanceof Unavailable) return `${error.message}. Remedy: ${error.remedy}`;
  return error instanceof Error ? error.message : String(error);
}

async function untilAnswers(server: Server, record: ProcessRecord): Promise<void> {
  const deadline = performance.now() + server.startDeadlineMs;
  while (!(await server.answers())) {
    const late = performance.now() > deadline;
    if (late || !isOurs(record)) {
      const what = late ? `gives no answer after ${server.startDeadlineMs / 1000} s` : 'ended by itself';
      const { logFile } = serverFolders(server.name);
      throw new Error(`${server.name} ${what}. The end of ${logFile}:\n${logTail(logFile)}`);
    }
    await delay(READY_POLL_MS);
  }
}

async function launch(server: Server, progress: Progress): Promise<void> {
  const secrets = loadSecrets();
  const { processFile } = serverFolders(server.name);
  const plan = await server.prepare(secrets);
  for (const port of server.ports) {
    if (await isPortTaken(port)) {
      throw new Unavailable(`port ${port} is taken by another program`, `end what listens there (ss -ltnp)`);
    }
  }
  const record = await startDetached(plan);
  rememberProcess(processFile, record);
  try {
    await progress.step('starting', () => untilAnswers(server, record));
    await progress.step('accounts', () => server.createAccounts(secrets));
  } catch (error) {
    await stop(server.name, progress);
    throw error;
  }
  const version = await server.version();
  rememberProcess(processFile, { ...record, version });
  progress.note(`version ${version} runs as process ${record.pid}`);
}

async function stop(name: ServerName, progress: Progress): Promise<boolean> {
  const { processFile } = serverFolders(name);
  const record = runningProcess(processFile);
  if (record === undefined) return false;
  const how = await progress.step('stopping', () => endProcess(record));
  runningProcess(processFile);
  progress.note(`process ${record.pid} ${how}`);
  return true;
}

/** Starts a server unless the very same one, with the very same configuration, runs and answers. */
async function bringUp(server: Server, progress: Progress, consent: Consent): Promise<void> {
  await server.obtain(progress, consent);
  const folders = serverFolders(server.name);
  createFolders(folders);
  const record = runningProcess(folders.processFile);
  if (record !== undefined) {
    const plan = await server.prepare(loadSecrets());
    const same = plan.fingerprint === record.fingerprint;
    if (same && record.version !== '' && (await server.answers())) return;
    progress.note(same ? 'does not answer: restarting it' : 'its configuration has changed: restarting it');
    await stop(server.name, progress);
  }
  await launch(server, progress);
}

/** Describes what runs now and writes it down. */
function describeStack(reasons: Reasons): StackDescription {
  const secrets = loadSecrets();
  const description: StackDescription = { missing: {} };
  for (const name of SERVER_NAMES) {
    const record = runningProcess(serverFolders(name).processFile);
    if (record === undefined) description.missing[name] = reasons[name] ?? 'not started';
    else Object.assign(description, SERVERS[name].describe(record, secrets));
  }
  if (Object.keys(description.missing).length === SERVER_NAMES.length && Object.keys(reasons).length === 0) {
    removeStack();
  } else {
    writeStack(description);
  }
  return description;
}

/**
 * Installs, configures and starts servers, all at the same time, and waits until each answers.
 * What runs already is kept.
 *
 * @returns what there is now; a server that could not be had is absent, with the reason in `missing`
 */
export async function stackUp(options: StackOptions = {}): Promise<StackDescription> {
  const { only = SERVER_NAMES, progress = silentProgress, consent = () => Promise.resolve(true) } = options;
  return await withLock(progress, async () => {
    const reasons: Reasons = {};
    loadSecrets();
    await Promise.all(
      only.map(async (name) => {
        await bringUp(SERVERS[name], progress.named(name), consent).catch((error: unknown) => {
          reasons[name] = reasonOf(error);
        });
      }),
    );
    return describeStack(reasons);
  });
}

/** Ends servers that this stack started, and no other process. @returns those that were running */
export async function stackDown(options: StackOptions = {}): Promise<ServerName[]> {
  const { only = SERVER_NAMES, progress = silentProgress } = options;
  return await withLock(progress, async () => {
    const ended = await Promise.all(only.map((name) => stop(name, progress.named(name))));
    describeStack({});
    return only.filter((_name, index) => ended[index] === true);
  });
}

/** Looks at every server: whether its process runs and whether it answers. */
export async function stackStatus(): Promise<ServerStatus[]> {
  return await Promise.all(
    SERVER_NAMES.map(async (name): Promise<ServerStatus> => {
      const record = runningProcess(serverFolders(name).processFile);
      if (record === undefined) return { name, state: 'stopped' };
      const state = (await SERVERS[name].answers()) ? 'running' : 'silent';
      return { name, state, pid: record.pid, version: record.version };
    }),
  );
}

/**
 * Stops one server; for tests of what happens while it is away. `startServer` brings it back.
 */
export async function stopServer(name: ServerName, progress: Progress = silentProgress): Promise<void> {
  await stackDown({ only: [name], progress });
}

/** Kills one server, as the kernel does when memory runs out; `startServer` brings it back, on the same data. */
export async function killServer(name: ServerName): Promise<void> {
  const record = runningProcess(serverFolders(name).processFile);
  if (record !== undefined) await killProcess(record);
}

/**
 * Starts one server that is installed already and waits until it answers.
 *
 * @throws when it does not come up
 */
export async function startServer(
  name: ServerName,
  progress: Progress = silentProgress,
): Promise<StackDescription> {
  const consent = (): Promise<boolean> => Promise.resolve(false);
  const description = await stackUp({ only: [name], progress, consent });
  const reason = description.missing[name];
  if (reason !== undefined) throw new Error(`${name} did not start: ${reason}`);
  return description;
}

/**
 * Stops and starts one server, for tests of reconnection. Its data and its ports stay the same,
 * its pid changes.
 *
 * @throws when it does not come back
 */
export async function restartServer(
  name: ServerName,
  progress: Progress = silentProgress,
): Promise<StackDescription> {
  await stopServer(name, progress);
  return await startServer(name, progress);
}
