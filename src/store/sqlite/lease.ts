// One server per database file. The right is a lock that the kernel holds for the process and drops when the
// process ends in whatever way, so a killed server blocks nobody. The row in table `lease` says who has it.

import { DatabaseSync } from 'node:sqlite';
import { hostname } from 'node:os';
import type { Clock, Log } from '../../ops/ports.ts';
import { StoreError, storeError } from './errors.ts';
import { createPrivately } from './file.ts';

export interface Lease {
  /** Gives the right back; harmless when repeated. */
  release(): void;
}

interface Holder {
  readonly hostname: string;
  readonly pid: number;
  readonly taken_at: number;
}

/**
 * Takes the right to use a database file, at once or not at all. A lock file next to the database carries the
 * lock, because a lock on the database itself would keep the command line out.
 * @throws StoreError `in-use`, naming the process that has it.
 */
export function takeLease(connection: DatabaseSync, file: string): Lease {
  const lockFile = `${file}-lock`;
  createPrivately(lockFile);
  const lock = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    // RESERVED, the lock of a writer that never writes.
    lock.exec('BEGIN IMMEDIATE');
  } catch (error) {
    lock.close();
    throw storeError(error).code === 'busy' ? inUse(connection, file) : storeError(error);
  }
  return { release: () => closeOnce(lock) };
}

/** Writes down who has the lease. The tables must be there. */
export function signLease(connection: DatabaseSync, clock: Clock, log: Log | undefined): void {
  const previous = holderOf(connection);
  if (previous !== undefined) {
    log?.warn({ pid: previous.pid, hostname: previous.hostname }, 'store: taken over, its server was killed');
  }
  connection
    .prepare('INSERT OR REPLACE INTO lease (id, hostname, pid, taken_at) VALUES (1, ?, ?, ?)')
    .run(hostname(), process.pid, clock.now());
}

/** Wipes the signature; the lease itself ends with release(). */
export function unsignLease(connection: DatabaseSync): void {
  connection.exec('DELETE FROM lease');
}

function inUse(connection: DatabaseSync, file: string): StoreError {
  const holder = holderOf(connection);
  const who =
    holder === undefined
      ? 'another process'
      : `process ${holder.pid} on ${holder.hostname} since ${new Date(holder.taken_at).toISOString()}`;
  return new StoreError('in-use', `${file} is in use by ${who}: stop that server first`);
}

function holderOf(connection: DatabaseSync): Holder | undefined {
  // Before the first migration there is no such table.
  const tables = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'lease'");
  if (tables.get() === undefined) return undefined;
  return connection.prepare('SELECT hostname, pid, taken_at FROM lease').get() as Holder | undefined;
}

function closeOnce(lock: DatabaseSync): void {
  if (lock.isOpen) lock.close();
}
