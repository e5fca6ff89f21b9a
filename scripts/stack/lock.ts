// One `stack up` or `down` at a time: a lock file that names its owner, and is void once the owner has ended.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LOCK_FILE, STACK_DIR } from './layout.ts';
import { bootId, startTicks } from './process.ts';
import type { Progress } from './progress.ts';

/** The first run fetches several hundred megabytes: whoever waits for it needs patience. */
const LOCK_WAIT_MS = 20 * 60_000;
const POLL_MS = 200;

const identity = (pid: number): string => `${pid} ${startTicks(pid) ?? 'ended'} ${bootId()}`;

function take(): boolean {
  try {
    const file = openSync(LOCK_FILE, 'wx', 0o600);
    writeSync(file, identity(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock whose owner has ended. An empty one is being written at this very moment. */
function removeIfVoid(): void {
  let owner: string;
  try {
    owner = readFileSync(LOCK_FILE, 'utf8');
  } catch {
    return;
  }
  if (owner !== '' && owner !== identity(Number.parseInt(owner, 10))) rmSync(LOCK_FILE, { force: true });
}

/**
 * Does something while no other process changes the stack.
 *
 * @throws when another process has held the lock for twenty minutes
 */
export async function withLock<T>(progress: Progress, work: () => Promise<T>): Promise<T> {
  mkdirSync(STACK_DIR, { recursive: true });
  if (!take()) {
    await progress.step('waiting for another stack command', async () => {
      const deadline = performance.now() + LOCK_WAIT_MS;
      do {
        if (performance.now() > deadline)
          throw new Error('another stack command has not ended in 20 minutes');
        removeIfVoid();
        await delay(POLL_MS);
      } while (!take());
    });
  }
  const release = (): void => rmSync(LOCK_FILE, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}
