// Groups of other servers that are still to be told that a client is gone.

import type { Migration } from '../migrate.ts';

export const owedLeaves: Migration = {
  version: 8,
  sql: `
    -- domain: the group's. No reference to users: who was removed leaves, too.
    CREATE TABLE owed_leaves (
      group_address TEXT NOT NULL,
      user TEXT NOT NULL,
      client_id TEXT NOT NULL,
      domain TEXT NOT NULL,
      owed_at INTEGER NOT NULL,
      PRIMARY KEY (group_address, user, client_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX owed_leaves_by_domain ON owed_leaves (domain, owed_at);
    CREATE INDEX owed_leaves_by_time ON owed_leaves (owed_at);
  `,
};
