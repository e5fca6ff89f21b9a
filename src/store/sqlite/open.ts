// The store on SQLite (node:sqlite), put together from its areas.

import type { Store } from '../store.ts';
import { contentArea } from './content.ts';
import { openDatabase, type Database, type DatabaseOptions } from './database.ts';
import { gatewayArea } from './gateways.ts';
import { groupArea } from './groups.ts';
import { housekeepingArea } from './housekeeping.ts';
import { invitationArea } from './invitations.ts';
import { listArea } from './lists.ts';
import { linkedAccountArea } from './linked-accounts.ts';
import { lockoutArea } from './lockouts.ts';
import { owedLeaveArea } from './owed-leaves.ts';
import { outboxArea } from './outbox.ts';
import { presenceArea } from './presence.ts';
import { profileArea } from './profiles.ts';
import { queueArea } from './queue.ts';
import { sessionArea } from './sessions.ts';
import { userSearchArea } from './user-search.ts';
import { userArea } from './users.ts';

export { StoreError, type StoreErrorCode } from './errors.ts';

export type SqliteStoreOptions = DatabaseOptions;

/**
 * Opens the store in a file, creating and migrating it as needed, or in memory (`:memory:`).
 * @throws StoreError (as a rejection) `newer`, `in-use`, `corrupt`, `busy`, `failed`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  return sqliteStore(openDatabase(options), options.clock);
}

/** The store over an open database, which closes with it. */
export function sqliteStore(db: Database, clock: DatabaseOptions['clock']): Store {
  const { index, ...search } = userSearchArea(db);
  const { reindex, ...profiles } = profileArea(db, { index });
  const { insertList, listsOf, ...lists } = listArea(db);
  const { presenceOf, ...presence } = presenceArea(db, { reindex });
  const { clearQueue, clearSeen, ...queue } = queueArea(db, clock);
  return {
    ...userArea(db, {
      lists: { insertList, listsOf },
      presence: { presenceOf },
      queue: { clearQueue, clearSeen },
      profiles: { reindex },
    }),
    ...profiles,
    ...search,
    ...lists,
    ...presence,
    ...lockoutArea(db),
    ...linkedAccountArea(db),
    ...sessionArea(db),
    ...queue,
    ...groupArea(db),
    ...invitationArea(db),
    ...owedLeaveArea(db),
    ...outboxArea(db, clock),
    ...contentArea(db),
    ...gatewayArea(db, clock),
    ...housekeepingArea(db),
    close: async () => db.close(),
  };
}
