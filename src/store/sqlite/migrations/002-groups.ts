// Groups with their people, joined clients, reject lists and histories. Times are milliseconds since the epoch.

import type { Migration } from '../migrate.ts';

export const groups: Migration = {
  version: 2,
  sql: `
    -- owner: NULL for the operator's groups. properties: JSON object. search_*: NULL unless the group is searchable.
    CREATE TABLE group_homes (
      id INTEGER PRIMARY KEY,
      address TEXT NOT NULL UNIQUE,
      owner TEXT,
      created_at INTEGER NOT NULL,
      properties TEXT NOT NULL,
      welcome_note TEXT,
      expires_at INTEGER,
      search_name TEXT,
      search_topic TEXT
    ) STRICT;
    CREATE INDEX group_homes_by_owner ON group_homes (owner);
    CREATE INDEX group_homes_by_expiry ON group_homes (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX group_homes_searchable ON group_homes (address, search_name, search_topic)
      WHERE search_name IS NOT NULL;

    -- privilege: NULL for visitors. Users of other domains too, so there is no reference to users.
    CREATE TABLE group_people (
      group_id INTEGER NOT NULL REFERENCES group_homes ON DELETE CASCADE,
      user TEXT NOT NULL,
      privilege TEXT,
      auto_join INTEGER NOT NULL,
      private_messaging INTEGER NOT NULL,
      show_id INTEGER NOT NULL,
      PRIMARY KEY (group_id, user)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX group_people_by_user ON group_people (user, auto_join);

    -- id gives the order of joining. domain: the user's.
    CREATE TABLE group_joined (
      id INTEGER PRIMARY KEY,
      group_id INTEGER NOT NULL REFERENCES group_homes ON DELETE CASCADE,
      user TEXT NOT NULL,
      client_id TEXT NOT NULL,
      domain TEXT NOT NULL,
      screen_name TEXT NOT NULL,
      subscribed INTEGER NOT NULL,
      UNIQUE (group_id, user, client_id)
    ) STRICT;
    CREATE INDEX group_joined_by_client ON group_joined (user, client_id);
    CREATE INDEX group_joined_by_domain ON group_joined (domain, user, client_id);

    CREATE TABLE group_rejected (
      group_id INTEGER NOT NULL REFERENCES group_homes ON DELETE CASCADE,
      user TEXT NOT NULL,
      PRIMARY KEY (group_id, user)
    ) STRICT, WITHOUT ROWID;

    -- message: JSON of Message. AUTOINCREMENT: the order stays right also after the newest went.
    CREATE TABLE group_history (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      group_id INTEGER NOT NULL REFERENCES group_homes ON DELETE CASCADE,
      message_id TEXT NOT NULL,
      message TEXT NOT NULL,
      UNIQUE (group_id, message_id)
    ) STRICT;
    CREATE INDEX group_history_by_group ON group_history (group_id, seq);

    -- What a user was in groups must not fall to a later user of the same name; his own groups end in order.
    CREATE TRIGGER group_people_of_removed_users AFTER DELETE ON users BEGIN
      DELETE FROM group_people WHERE user = OLD.address;
      DELETE FROM group_joined WHERE user = OLD.address;
      DELETE FROM group_rejected WHERE user = OLD.address;
      UPDATE group_homes SET expires_at = 0 WHERE owner = OLD.address;
    END;
  `,
};
