// Wrong passwords in a row, by account. Times are milliseconds since the epoch.

import type { Migration } from '../migrate.ts';

export const failedLogins: Migration = {
  version: 3,
  sql: `
    CREATE TABLE failed_logins (
      user TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
      failures INTEGER NOT NULL,
      locked_until INTEGER
    ) STRICT, WITHOUT ROWID;
  `,
};
