// Brings a database to the newest schema. Migrations are numbered and only go forward; PRAGMA user_version holds
// the number of the last one.

import type { DatabaseSync } from 'node:sqlite';
import type { Log } from '../../ops/ports.ts';
import { StoreError } from './errors.ts';
import { homesAndQueues } from './migrations/001-homes-and-queues.ts';
import { groups } from './migrations/002-groups.ts';
import { failedLogins } from './migrations/003-failed-logins.ts';
import { invitations } from './migrations/004-invitations.ts';
import { profilesAndSearch } from './migrations/005-profiles-and-search.ts';
import { content } from './migrations/006-content.ts';
import { removedUsers } from './migrations/007-removed-users.ts';
import { owedLeaves } from './migrations/008-owed-leaves.ts';
import { linkedAccounts } from './migrations/009-linked-accounts.ts';

export interface Migration {
  /** 1, 2, 3, …: the schema version after it. */
  readonly version: number;
  readonly sql: string;
}

/** All migrations, in order. */
export const MIGRATIONS: readonly Migration[] = [
  homesAndQueues,
  groups,
  failedLogins,
  invitations,
  profilesAndSearch,
  content,
  removedUsers,
  owedLeaves,
  linkedAccounts,
];

/** The schema version that this code writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

function versionOf(connection: DatabaseSync): number {
  return Number(connection.prepare('PRAGMA user_version').get()?.['user_version']);
}

/**
 * True when the database is older than the code.
 * @throws StoreError `newer` when the code is older than the database.
 */
export function needsMigration(connection: DatabaseSync): boolean {
  const version = versionOf(connection);
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      'newer',
      `the database has schema version ${version}, this wvgate knows ${SCHEMA_VERSION}: use a newer wvgate`,
    );
  }
  return version < SCHEMA_VERSION;
}

/** Runs what is missing, each migration in a transaction of its own. The caller makes sure that nobody else does. */
export function migrate(connection: DatabaseSync, log: Log | undefined): void {
  for (const migration of MIGRATIONS.slice(versionOf(connection))) {
    runMigration(connection, migration);
    log?.info({ version: migration.version }, 'store: schema migrated');
  }
}

function runMigration(connection: DatabaseSync, { version, sql }: Migration): void {
  connection.exec('BEGIN IMMEDIATE');
  try {
    connection.exec(sql);
    connection.exec(`PRAGMA user_version = ${version}`);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}
