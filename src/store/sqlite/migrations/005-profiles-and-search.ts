// Profiles, terminals, and the search over users.

import type { Migration } from '../migrate.ts';
import { USER_SEARCH_FIELDS } from '../../profiles.ts';

const columns = (prefix = ''): string => USER_SEARCH_FIELDS.map((field) => prefix + field).join(', ');

export const profilesAndSearch: Migration = {
  version: 5,
  sql: `
    -- services: JSON array of what is subscribed, NULL for everything.
    ALTER TABLE users ADD COLUMN services TEXT;
    -- Who must not have a session; normally few.
    CREATE INDEX users_inactive ON users (address) WHERE active = 0;

    -- public, preferences, findable: JSON.
    CREATE TABLE profiles (
      user TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
      first_name TEXT,
      last_name TEXT,
      email TEXT,
      mobile_number TEXT,
      public TEXT NOT NULL,
      preferences TEXT NOT NULL,
      findable TEXT NOT NULL,
      network_presence INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Whose number the network has named at a log-in.
    CREATE INDEX profiles_by_number ON profiles (mobile_number) WHERE mobile_number IS NOT NULL;

    -- capabilities: JSON that access/csp owns.
    CREATE TABLE terminals (
      user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      client_id TEXT NOT NULL,
      type TEXT,
      capabilities TEXT,
      seen_at INTEGER NOT NULL,
      PRIMARY KEY (user, client_id)
    ) STRICT, WITHOUT ROWID;

    -- One row a user: what he may be found by. Words stand between two blanks each, also at both ends, so that
    -- the trigram index below knows the beginning and the end of words: see user-search.ts.
    CREATE TABLE user_search (
      id INTEGER PRIMARY KEY,
      user TEXT NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE,
      ${USER_SEARCH_FIELDS.map((field) => `${field} TEXT`).join(', ')},
      age INTEGER
    ) STRICT;
    CREATE INDEX user_search_by_age ON user_search (age) WHERE age IS NOT NULL;

    CREATE VIRTUAL TABLE user_search_text USING fts5 (
      ${columns()},
      content = 'user_search', content_rowid = 'id', tokenize = 'trigram case_sensitive 0 remove_diacritics 1'
    );
    CREATE TRIGGER user_search_added AFTER INSERT ON user_search BEGIN
      INSERT INTO user_search_text (rowid, ${columns()}) VALUES (new.id, ${columns('new.')});
    END;
    CREATE TRIGGER user_search_removed AFTER DELETE ON user_search BEGIN
      INSERT INTO user_search_text (user_search_text, rowid, ${columns()})
        VALUES ('delete', old.id, ${columns('old.')});
    END;
    CREATE TRIGGER user_search_changed AFTER UPDATE ON user_search BEGIN
      INSERT INTO user_search_text (user_search_text, rowid, ${columns()})
        VALUES ('delete', old.id, ${columns('old.')});
      INSERT INTO user_search_text (rowid, ${columns()}) VALUES (new.id, ${columns('new.')});
    END;

    -- Users from before: what is known of them by now.
    INSERT INTO user_search (user, name, mobile, alias, published_alias)
      SELECT address,
             '  ' || substr(address, 4, instr(address, '@') - 4) || '  ',
             CASE WHEN address GLOB 'wv:+[0-9]*@*' THEN '  ' || substr(address, 5, instr(address, '@') - 5) || '  ' END,
             '  ' || replace(display_name, ' ', '  ') || '  ',
             '  ' || replace(json_extract(attributes, '$.Alias.value'), ' ', '  ') || '  '
      FROM users LEFT JOIN presence ON presence.user = users.address;
  `,
};
