// Shared content: what is known of the files, and the links to them. Times are milliseconds since the epoch.

import type { Migration } from '../migrate.ts';

export const content: Migration = {
  version: 6,
  sql: `
    -- owner: a user, a group or the server itself; expires_at: NULL = never.
    CREATE TABLE content (
      id TEXT PRIMARY KEY,
      owner TEXT NOT NULL,
      name TEXT NOT NULL,
      type TEXT NOT NULL,
      size INTEGER NOT NULL,
      sha256 TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER,
      added_by TEXT,
      UNIQUE (owner, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX content_by_expiry ON content (expires_at) WHERE expires_at IS NOT NULL;

    CREATE TABLE content_links (
      token TEXT PRIMARY KEY,
      item TEXT NOT NULL REFERENCES content ON DELETE CASCADE,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      audience TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX content_links_by_item ON content_links (item, created_at);
    CREATE INDEX content_links_by_expiry ON content_links (expires_at);

    -- Octets and items by owner, kept by the triggers: a quota is asked for with every upload.
    CREATE TABLE content_usage (
      owner TEXT PRIMARY KEY,
      items INTEGER NOT NULL,
      bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER content_added AFTER INSERT ON content BEGIN
      INSERT INTO content_usage (owner, items, bytes) VALUES (new.owner, 1, new.size)
        ON CONFLICT (owner) DO UPDATE SET items = items + 1, bytes = bytes + new.size;
    END;
    CREATE TRIGGER content_removed AFTER DELETE ON content BEGIN
      UPDATE content_usage SET items = items - 1, bytes = bytes - old.size WHERE owner = old.owner;
    END;

    -- The files follow when the server starts next.
    CREATE TRIGGER content_of_deleted_user AFTER DELETE ON users BEGIN
      DELETE FROM content WHERE owner = old.address;
    END;
  `,
};
