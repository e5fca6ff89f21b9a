// Group commit: the writes of one turn of the event loop share a transaction, so that they share its fsync.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Log } from '../../ops/ports.ts';
import { StoreError, storeError } from './errors.ts';

/** A batch is committed at once when it reaches this many writes. */
const LARGEST_BATCH = 256;

interface PendingWrite {
  /** Does the work; the function it returns tells the caller, after the commit. */
  readonly run: () => () => void;
  readonly reject: (error: StoreError) => void;
  readonly atomic: boolean;
}

/** Thrown inside when a write of several statements stopped midway with no savepoint to go back to. */
class HalfDone extends Error {}

/**
 * Runs writes in batches, in the order in which they were handed in. A write's promise resolves after COMMIT. A
 * write that throws rejects its own promise only; when the transaction itself fails, all of its writes are
 * rejected and the next batch starts afresh.
 *
 * A savepoint makes SQLite copy every page that changes, for a failure that hardly ever comes. So a batch runs
 * without savepoints first, and once more with them when it left a write half done: writes must be repeatable.
 */
export class GroupCommit {
  readonly #connection: DatabaseSync;
  readonly #log: Log | undefined;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  readonly #revert: StatementSync;
  readonly #dataVersion: StatementSync;
  #pending: PendingWrite[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #seenVersion: unknown;
  #closed = false;
  #generation = 0;

  constructor(connection: DatabaseSync, log: Log | undefined) {
    this.#connection = connection;
    this.#log = log;
    this.#begin = connection.prepare('BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
    this.#savepoint = connection.prepare('SAVEPOINT one_write');
    this.#release = connection.prepare('RELEASE one_write');
    this.#revert = connection.prepare('ROLLBACK TO one_write');
    this.#dataVersion = connection.prepare('PRAGMA data_version');
  }

  /**
   * Changes whenever something computed from the tables may be out of date for a reason its owner did not see:
   * a roll-back, or a commit of another process. Look at it inside a write.
   */
  get generation(): number {
    return this.#generation;
  }

  /** Queues a write; it may run twice, the first time in vain. `atomic`: it has several statements, all of which count or none. */
  submit<T>(task: () => T, atomic: boolean): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError('closed', 'store: closed'));
    return new Promise<T>((resolve, reject) => {
      const run = (): (() => void) => {
        const value = task();
        return () => resolve(value);
      };
      this.#pending.push({ run, reject, atomic });
      if (this.#pending.length >= LARGEST_BATCH) this.flush();
      else this.#scheduled ??= setImmediate(() => this.flush());
    });
  }

  /** Commits what is queued, now. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    try {
      for (const tell of this.#transaction(batch)) tell();
    } catch (error) {
      this.#abandon(batch, storeError(error));
    }
  }

  /** Commits what is queued; refuses everything after that. */
  close(): void {
    this.flush();
    this.#closed = true;
  }

  #transaction(batch: readonly PendingWrite[]): readonly (() => void)[] {
    try {
      return this.#run(batch, false);
    } catch (error) {
      if (!(error instanceof HalfDone)) throw error;
      this.#rollBack();
      return this.#run(batch, true);
    }
  }

  #run(batch: readonly PendingWrite[], careful: boolean): readonly (() => void)[] {
    this.#begin.run();
    this.#noticeOthers();
    const outcomes = batch.map((write) => this.#attempt(write, careful));
    this.#commit.run();
    return outcomes;
  }

  #rollBack(): void {
    this.#generation++;
    if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
  }

  #noticeOthers(): void {
    const version = this.#dataVersion.get()?.['data_version'];
    if (version !== this.#seenVersion) this.#generation++;
    this.#seenVersion = version;
  }

  #attempt(write: PendingWrite, careful: boolean): () => void {
    try {
      return write.atomic && careful ? this.#insideSavepoint(write) : write.run();
    } catch (error) {
      // Some errors (disk full, I/O) make SQLite roll the whole transaction back by itself.
      if (!this.#connection.isTransaction) throw error;
      if (write.atomic && !careful) throw new HalfDone();
      this.#generation++;
      const refusal = storeError(error);
      return () => write.reject(refusal);
    }
  }

  #insideSavepoint(write: PendingWrite): () => void {
    this.#savepoint.run();
    try {
      const outcome = write.run();
      this.#release.run();
      return outcome;
    } catch (error) {
      if (this.#connection.isTransaction) {
        this.#revert.run();
        this.#release.run();
      }
      throw error;
    }
  }

  #abandon(batch: readonly PendingWrite[], error: StoreError): void {
    try {
      this.#rollBack();
    } catch (failure) {
      this.#log?.error({ err: failure }, 'store: roll-back failed');
    }
    this.#log?.error({ err: error, code: error.code, writes: batch.length }, 'store: commit failed');
    for (const write of batch) write.reject(error);
  }
}
