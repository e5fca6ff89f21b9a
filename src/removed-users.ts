// What is left of users whose accounts were removed, perhaps by another process (`wvgate user remove`): their sessions,
// their homes in memory, and their places in groups. Whoever gets the name next must not inherit any of it.

import type { SessionTable } from './access/csp/session-table.ts';
import type { Log } from './ops/ports.ts';
import type { Groups } from './services/groups/groups.ts';
import type { Homes } from './services/home.ts';
import type { Messaging } from './services/messaging.ts';
import type { Store } from './store/store.ts';
import { result } from './wv/status.ts';

export interface Remains {
  readonly store: Pick<Store, 'removedUsers' | 'forgetRemovedUser'>;
  readonly sessions: Pick<SessionTable, 'endAll'>;
  readonly homes: Pick<Homes, 'forget'>;
  readonly messaging: Pick<Messaging, 'abandon'>;
  readonly groups: Pick<Groups, 'removeUser'>;
  readonly log: Log;
}

/** At most `limit` users at a time; resolves with how many there were. After a crash in between it is done again. */
export async function clearRemovedUsers(remains: Remains, limit: number): Promise<number> {
  const { store, sessions, homes, messaging, groups, log } = remains;
  const users = await store.removedUsers(limit);
  for (const user of users) {
    await sessions.endAll(user, result(601));
    homes.forget(user);
    await messaging.abandon(user);
    await groups.removeUser(user);
    await store.forgetRemovedUser(user);
    log.info({ user }, 'removed user: sessions ended, groups left');
  }
  return users.length;
}
