// The connection to the SQLite file: opening, durability, prepared statements, reads and grouped writes.

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Clock, Log } from '../../ops/ports.ts';
import { StoreError, storeError } from './errors.ts';
import { createPrivately } from './file.ts';
import { GroupCommit } from './group-commit.ts';
import { signLease, takeLease, unsignLease, type Lease } from './lease.ts';
import { migrate, needsMigration } from './migrate.ts';

export interface DatabaseOptions {
  /** Path, or `:memory:`. */
  readonly file: string;
  readonly clock: Clock;
  readonly log?: Log;
  /** True for the server, of which there is one per file; false for tools that work beside it. Default true. */
  readonly exclusive?: boolean;
  /** How long a write waits for another process that is writing, milliseconds. Default 5000. */
  readonly busyTimeout?: number;
}

/** A prepared statement whose rows are known to be of type Row. */
export interface Statement<Row> {
  get(...parameters: readonly SQLInputValue[]): Row | undefined;
  all(...parameters: readonly SQLInputValue[]): readonly Row[];
  /** Row by row; stop early as you like. */
  iterate(...parameters: readonly SQLInputValue[]): Iterable<Row>;
  /** The number of rows that changed. */
  run(...parameters: readonly SQLInputValue[]): number;
}

// FULL: a commit is on the disk, not only in the operating system. The log is moved into the database every
// 16 MiB rather than 4, because pages that many commits change are then moved once.
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -16384;
  PRAGMA temp_store = MEMORY;
  PRAGMA trusted_schema = OFF;
`;

/** Opens (and creates, migrates, leases) a database. @throws StoreError `newer`, `in-use`, `corrupt`, `busy`, … */
export function openDatabase(options: DatabaseOptions): Database {
  try {
    return connect(options);
  } catch (error) {
    throw storeError(error);
  }
}

function connect({ file, clock, log, exclusive = true, busyTimeout = 5000 }: DatabaseOptions): Database {
  const inMemory = file === ':memory:';
  if (!inMemory) createPrivately(file);
  const connection = new DatabaseSync(file, { timeout: busyTimeout });
  let lease: Lease | undefined;
  try {
    connection.exec(PRAGMAS);
    // Also a tool that finds an old schema may change it only while no server runs.
    if ((needsMigration(connection) || exclusive) && !inMemory) lease = takeLease(connection, file);
    migrate(connection, log);
    if (exclusive) signLease(connection, clock, log);
    else lease?.release();
    return new Database(connection, exclusive ? lease : undefined, log);
  } catch (error) {
    lease?.release();
    connection.close();
    throw error;
  }
}

/**
 * One connection for everything. Reads run at once and see every write whose promise has resolved; a write still
 * waiting for its batch is not visible yet, to anybody.
 */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #lease: Lease | undefined;
  readonly #commits: GroupCommit;

  constructor(connection: DatabaseSync, lease: Lease | undefined, log: Log | undefined) {
    this.#connection = connection;
    this.#lease = lease;
    this.#commits = new GroupCommit(connection, log);
  }

  prepare<Row = never>(sql: string): Statement<Row> {
    return typed<Row>(this.#connection.prepare(sql));
  }

  /** Runs a read; what it throws becomes a rejection with a StoreError. */
  read<T>(task: () => T): Promise<T> {
    try {
      return Promise.resolve(task());
    } catch (error) {
      return Promise.reject(storeError(error));
    }
  }

  /** Queues a write of one statement. Like any write it may run twice, the first time in vain. */
  write<T>(task: () => T): Promise<T> {
    return this.#commits.submit(task, false);
  }

  /** Queues a write of several statements: all or none. */
  writeTogether<T>(task: () => T): Promise<T> {
    return this.#commits.submit(task, true);
  }

  /** See GroupCommit.generation. */
  get generation(): number {
    return this.#commits.generation;
  }

  /** Runs a statement outside of any batch; for tests and maintenance. */
  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** Commits what is queued, closes the file, gives the lease back. */
  close(): void {
    if (!this.#connection.isOpen) return;
    this.#commits.close();
    try {
      if (this.#lease !== undefined) unsignLease(this.#connection);
    } catch (error) {
      throw new StoreError('failed', 'store: could not sign off', error);
    } finally {
      this.#connection.close();
      this.#lease?.release();
    }
  }
}

// The only place where rows get their type: what a statement selects is fixed by its SQL.
function typed<Row>(statement: StatementSync): Statement<Row> {
  return {
    get: (...parameters) => statement.get(...parameters) as Row | undefined,
    all: (...parameters) => statement.all(...parameters) as Row[],
    iterate: (...parameters) => statement.iterate(...parameters) as Iterable<Row>,
    run: (...parameters) => Number(statement.run(...parameters).changes),
  };
}
