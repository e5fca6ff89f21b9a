// The files of the store: they hold credentials and messages, so only their owner reads them.

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates an empty file with mode 0600, and its directory with 0700, unless they are there. SQLite gives its
 * `-wal` and `-shm` files the mode of the database.
 */
export function createPrivately(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
}
