// The first schema: homes, sessions, queues, outbox, gateway state. Times are milliseconds since the epoch.

import type { Migration } from '../migrate.ts';

export const homesAndQueues: Migration = {
  version: 1,
  sql: `
    -- Who has the database open as its server; see lease.ts.
    CREATE TABLE lease (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      hostname TEXT NOT NULL,
      pid INTEGER NOT NULL,
      taken_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE users (
      address TEXT PRIMARY KEY,
      hash TEXT,
      cipher TEXT,
      display_name TEXT,
      created_at INTEGER NOT NULL,
      active INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- id gives the order of creation.
    CREATE TABLE lists (
      id INTEGER PRIMARY KEY,
      address TEXT NOT NULL UNIQUE,
      owner TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      display_name TEXT NOT NULL,
      is_default INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX lists_by_owner ON lists (owner, id);

    CREATE TABLE contacts (
      list INTEGER NOT NULL REFERENCES lists ON DELETE CASCADE,
      user TEXT NOT NULL,
      name TEXT NOT NULL,
      position INTEGER NOT NULL,
      PRIMARY KEY (list, user)
    ) STRICT, WITHOUT ROWID;

    -- subject: a user or list address, '' for the default list. attributes: JSON array of names.
    CREATE TABLE attribute_lists (
      owner TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      kind TEXT NOT NULL,
      subject TEXT NOT NULL,
      attributes TEXT NOT NULL,
      PRIMARY KEY (owner, kind, subject)
    ) STRICT, WITHOUT ROWID;

    -- attributes: JSON array of names, NULL for all.
    CREATE TABLE authorizations (
      owner TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      watcher TEXT NOT NULL,
      state TEXT NOT NULL,
      attributes TEXT,
      changed_at INTEGER NOT NULL,
      PRIMARY KEY (owner, watcher)
    ) STRICT, WITHOUT ROWID;

    -- lists: JSON of AccessLists.
    CREATE TABLE access (
      owner TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
      lists TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- attributes: JSON of PresenceAttributes.
    CREATE TABLE presence (
      user TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
      attributes TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- domain: the watcher's. attributes: JSON array of names, NULL for all.
    CREATE TABLE watchers (
      publisher TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      watcher TEXT NOT NULL,
      domain TEXT NOT NULL,
      attributes TEXT,
      since INTEGER NOT NULL,
      PRIMARY KEY (publisher, watcher)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX watchers_by_domain ON watchers (domain, publisher, watcher);

    -- state: JSON that access/csp owns. keep_alive: seconds.
    CREATE TABLE sessions (
      id TEXT PRIMARY KEY,
      user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      client_id TEXT NOT NULL,
      cookie TEXT NOT NULL,
      version TEXT NOT NULL,
      state TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      keep_alive INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_user ON sessions (user);

    -- AUTOINCREMENT: a number is never used twice, also when the queue was empty in between. No reference to
    -- users: what comes for a user who is being deleted runs into its expiry time and is reported.
    CREATE TABLE queue (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      recipient TEXT NOT NULL,
      message_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      item TEXT NOT NULL
    ) STRICT;
    -- Message id first: entries of one time lie together, which saves pages in the log.
    CREATE UNIQUE INDEX queue_by_message ON queue (message_id, recipient, kind);
    CREATE INDEX queue_by_recipient ON queue (recipient, seq);
    CREATE INDEX queue_by_expiry ON queue (expires_at);

    -- What was accepted before, to drop repeats.
    CREATE TABLE seen (
      recipient TEXT NOT NULL,
      kind TEXT NOT NULL,
      message_id TEXT NOT NULL,
      seen_at INTEGER NOT NULL,
      PRIMARY KEY (recipient, kind, message_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seen_by_time ON seen (seen_at);

    CREATE TABLE outbox (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      destination TEXT NOT NULL,
      conversation TEXT NOT NULL,
      payload TEXT NOT NULL,
      attempts INTEGER NOT NULL,
      not_before INTEGER NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX outbox_by_destination ON outbox (destination, seq);

    CREATE TABLE gateway_values (
      gateway TEXT NOT NULL,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (gateway, key)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE links (
      id INTEGER PRIMARY KEY,
      gateway TEXT NOT NULL,
      conversation TEXT NOT NULL,
      remote_id TEXT NOT NULL,
      message_id TEXT NOT NULL,
      linked_at INTEGER NOT NULL,
      UNIQUE (gateway, conversation, remote_id)
    ) STRICT;
    CREATE INDEX links_by_message ON links (gateway, message_id);
    CREATE INDEX links_by_time ON links (linked_at);

    -- payload: NULL once handled; the id stays, to drop repeats.
    CREATE TABLE inbox (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      gateway TEXT NOT NULL,
      id TEXT NOT NULL,
      conversation TEXT NOT NULL,
      payload TEXT,
      received_at INTEGER NOT NULL,
      UNIQUE (gateway, id)
    ) STRICT;
    CREATE INDEX inbox_unhandled ON inbox (gateway, seq) WHERE payload IS NOT NULL;
    CREATE INDEX inbox_handled ON inbox (received_at) WHERE payload IS NULL;
  `,
};
