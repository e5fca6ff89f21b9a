// Accounts, and the home as a whole.

import type { UserAddress } from '../../wv/ids.ts';
import type { ServiceName } from '../../wv/profile.ts';
import type { AccountChange, Store, UserRecord } from '../store.ts';
import {
  decodeJson,
  encodeBoolean,
  encodeJson,
  encodeOptionalBoolean,
  encodeOptionalJson,
  optional,
} from './columns.ts';
import type { Database, Statement } from './database.ts';
import type { ListArea } from './lists.ts';
import type { PresenceArea } from './presence.ts';
import type { ProfileArea } from './profiles.ts';
import type { QueueArea } from './queue.ts';

export type UserArea = Pick<
  Store,
  | 'createUser'
  | 'deleteUser'
  | 'removedUsers'
  | 'forgetRemovedUser'
  | 'setCredentials'
  | 'setProfile'
  | 'getUser'
  | 'listUsers'
  | 'loadHome'
>;

/** The areas that a home is made of. */
export interface HomeAreas {
  readonly lists: Pick<ListArea, 'insertList' | 'listsOf'>;
  readonly presence: Pick<PresenceArea, 'presenceOf'>;
  readonly queue: Pick<QueueArea, 'clearQueue' | 'clearSeen'>;
  readonly profiles: Pick<ProfileArea, 'reindex'>;
}

interface UserRow {
  readonly address: UserAddress;
  readonly hash: string | null;
  readonly cipher: string | null;
  readonly display_name: string | null;
  readonly created_at: number;
  readonly active: number;
  readonly services: string | null;
}

const COLUMNS = 'address, hash, cipher, display_name, created_at, active, services';

function decodeUser(row: UserRow): UserRecord {
  return {
    address: row.address,
    credentials: { ...optional('hash', row.hash), ...optional('cipher', row.cipher) },
    ...optional('displayName', row.display_name),
    createdAt: row.created_at,
    active: row.active === 1,
    ...(row.services === null ? {} : { services: decodeJson<ServiceName[]>(row.services) }),
  };
}

export function userArea(db: Database, home: HomeAreas): UserArea {
  const insert = db.prepare(
    `INSERT INTO users (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const remove = db.prepare('DELETE FROM users WHERE address = ?');
  const removed = {
    put: db.prepare('INSERT INTO removed_users (address) VALUES (?) ON CONFLICT DO NOTHING'),
    page: db.prepare<{ address: UserAddress }>('SELECT address FROM removed_users LIMIT ?'),
    forget: db.prepare('DELETE FROM removed_users WHERE address = ?'),
  };
  const update = {
    credentials: db.prepare('UPDATE users SET hash = ?, cipher = ? WHERE address = ?'),
    profile: db.prepare(
      'UPDATE users SET display_name = coalesce(?, display_name), active = coalesce(?, active) WHERE address = ?',
    ),
    services: db.prepare('UPDATE users SET services = ? WHERE address = ?'),
  };
  const select: Record<'one' | 'page', Statement<UserRow>> = {
    one: db.prepare(`SELECT ${COLUMNS} FROM users WHERE address = ?`),
    page: db.prepare(`SELECT ${COLUMNS} FROM users WHERE address > ? ORDER BY address LIMIT ?`),
  };

  function userOf(address: UserAddress): UserRecord | undefined {
    const row = select.one.get(address);
    return row === undefined ? undefined : decodeUser(row);
  }

  function insertUser(user: UserRecord): boolean {
    const { hash = null, cipher = null } = user.credentials;
    const inserted = insert.run(
      user.address,
      hash,
      cipher,
      user.displayName ?? null,
      user.createdAt,
      encodeBoolean(user.active),
      encodeOptionalJson(user.services),
    );
    return inserted === 1;
  }

  function change(user: UserAddress, { displayName, active, services }: AccountChange): boolean {
    if (update.profile.run(displayName ?? null, encodeOptionalBoolean(active), user) === 0) return false;
    if (services !== undefined) update.services.run(services === null ? null : encodeJson(services), user);
    if (displayName !== undefined) home.profiles.reindex(user);
    return true;
  }

  return {
    createUser: (user, lists) =>
      db.writeTogether(() => {
        if (!insertUser(user)) return false;
        // What waits for a removed user of the same name is not for this one.
        home.queue.clearQueue(user.address);
        for (const list of lists) home.lists.insertList(user.address, list);
        home.profiles.reindex(user.address);
        return true;
      }),
    // The rest of the home refers to the user's row and goes with it.
    deleteUser: (user) =>
      db.writeTogether(() => {
        if (remove.run(user) === 0) return false;
        home.queue.clearSeen(user);
        removed.put.run(user);
        return true;
      }),
    removedUsers: (limit) => db.read(() => removed.page.all(limit).map(({ address }) => address)),
    forgetRemovedUser: (user) => db.write(() => void removed.forget.run(user)),
    setCredentials: (user, { hash, cipher }) =>
      db.write(() => update.credentials.run(hash ?? null, cipher ?? null, user) === 1),
    setProfile: (user, changed) => db.writeTogether(() => change(user, changed)),
    getUser: (user) => db.read(() => userOf(user)),
    listUsers: (after, limit) => db.read(() => select.page.all(after ?? '', limit).map(decodeUser)),
    loadHome: (address) =>
      db.read(() => {
        const user = userOf(address);
        if (user === undefined) return undefined;
        return { user, lists: home.lists.listsOf(address), ...home.presence.presenceOf(address) };
      }),
  };
}
