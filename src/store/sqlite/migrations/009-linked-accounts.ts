// Accounts on other networks that users linked with theirs. Times are milliseconds since the epoch.

import type { Migration } from '../migrate.ts';

export const linkedAccounts: Migration = {
  version: 9,
  sql: `
    -- cipher: NULL once the account was unlinked; the row stays until what it left is cleared.
    CREATE TABLE linked_accounts (
      user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      network TEXT NOT NULL,
      account TEXT NOT NULL,
      cipher TEXT,
      linked_at INTEGER NOT NULL,
      watcher TEXT,
      PRIMARY KEY (user, network, account)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX linked_accounts_in_use ON linked_accounts (user, network) WHERE cipher IS NOT NULL;
  `,
};
