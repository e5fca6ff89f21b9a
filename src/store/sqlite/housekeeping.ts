// Table sizes for metrics, and forgetting what was remembered long enough.

import type { Store } from '../store.ts';
import type { Database } from './database.ts';

export type HousekeepingArea = Pick<Store, 'sizes' | 'prune'>;

/** How long ids are remembered to recognise repeats: 30 days, in milliseconds. */
const MEMORY = 30 * 24 * 60 * 60 * 1000;

/** Rows dropped per write: about 10 ms, so that messages do not wait behind housekeeping. */
const CHUNK = 2000;

const TABLES = [
  'users',
  'removed_users',
  'lists',
  'contacts',
  'attribute_lists',
  'authorizations',
  'access',
  'presence',
  'profiles',
  'terminals',
  'watchers',
  'failed_logins',
  'linked_accounts',
  'sessions',
  'queue',
  'group_homes',
  'group_people',
  'group_joined',
  'group_history',
  'seen',
  'sent_invitations',
  'received_invitations',
  'owed_leaves',
  'outbox',
  'content',
  'content_links',
  'gateway_values',
  'links',
  'inbox',
] as const;

// An event that was never handled stays, however old.
const FORGET = [
  `DELETE FROM seen WHERE (recipient, kind, message_id) IN
     (SELECT recipient, kind, message_id FROM seen WHERE seen_at < ? LIMIT ?)`,
  'DELETE FROM links WHERE id IN (SELECT id FROM links WHERE linked_at < ? LIMIT ?)',
  `DELETE FROM inbox WHERE seq IN
     (SELECT seq FROM inbox WHERE payload IS NULL AND received_at < ? LIMIT ?)`,
] as const;

export function housekeepingArea(db: Database): HousekeepingArea {
  const counts = TABLES.map(
    (table) => [table, db.prepare<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`)] as const,
  );
  const forget = FORGET.map((sql) => db.prepare(sql));
  return {
    sizes: () =>
      db.read(() => Object.fromEntries(counts.map(([table, count]) => [table, count.get()?.rows ?? 0]))),
    async prune(now) {
      for (const statement of forget) {
        while ((await db.write(() => statement.run(now - MEMORY, CHUNK))) === CHUNK);
      }
    },
  };
}
