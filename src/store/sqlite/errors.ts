// What can go wrong in the store, as one small error class, and its mapping from SQLite's result codes
// (sqlite.org/rescode.html).

/**
 * - `busy`: another process held the write lock longer than the busy timeout; nothing was written, try again.
 * - `full`: no room on the disk; nothing was written.
 * - `missing`: the write names a user or list that does not exist.
 * - `corrupt`: the file is damaged or not a database.
 * - `newer`: the file was written by a newer wvgate.
 * - `in-use`: another server has the file.
 * - `closed`: the store was closed before.
 * - `failed`: anything else; see `cause`.
 */
export type StoreErrorCode =
  'busy' | 'full' | 'missing' | 'corrupt' | 'newer' | 'in-use' | 'closed' | 'failed';

/** Why the store refused. Never carries stored values. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.code = code;
  }
}

/** Extended result code SQLITE_CONSTRAINT_FOREIGNKEY. */
const FOREIGN_KEY = 787;

const BY_PRIMARY_CODE: Readonly<Record<number, StoreErrorCode>> = {
  5: 'busy',
  6: 'busy',
  11: 'corrupt',
  13: 'full',
  26: 'corrupt',
};

function codeOf(error: unknown): StoreErrorCode {
  if (typeof error !== 'object' || error === null) return 'failed';
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  // Node's own words for a statement or database used after close().
  if (code === 'ERR_INVALID_STATE') return 'closed';
  if (typeof errcode !== 'number') return 'failed';
  return errcode === FOREIGN_KEY ? 'missing' : (BY_PRIMARY_CODE[errcode & 0xff] ?? 'failed');
}

/** Wraps whatever was thrown under a database call; a StoreError stays as it is. */
export function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreError(codeOf(error), `store: ${reason}`, error);
}
