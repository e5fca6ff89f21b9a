// Users who were removed, until the running server has cleared up after them.

import type { Migration } from '../migrate.ts';

export const removedUsers: Migration = {
  version: 7,
  sql: `
    CREATE TABLE removed_users (address TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  `,
};
