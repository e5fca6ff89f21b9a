// Sessions, so that clients go on after a restart of the server.

import type { ClientId, SessionId, UserAddress } from '../../wv/ids.ts';
import type { CspVersion } from '../../wv/version.ts';
import type { SessionRecord, Store } from '../store.ts';
import type { Database } from './database.ts';

export type SessionArea = Pick<Store, 'putSession' | 'deleteSession' | 'allSessions'>;

interface SessionRow {
  readonly id: SessionId;
  readonly user: UserAddress;
  readonly client_id: ClientId;
  readonly cookie: string;
  readonly version: CspVersion;
  readonly state: string;
  readonly created_at: number;
  readonly keep_alive: number;
}

function decodeSession(row: SessionRow): SessionRecord {
  const { id, user, client_id, cookie, version, state, created_at, keep_alive } = row;
  return {
    id,
    user,
    clientId: client_id,
    cookie,
    version,
    state,
    createdAt: created_at,
    keepAlive: keep_alive,
  };
}

export function sessionArea(db: Database): SessionArea {
  const put = db.prepare(
    `INSERT INTO sessions (id, user, client_id, cookie, version, state, created_at, keep_alive)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET
       user = excluded.user, client_id = excluded.client_id, cookie = excluded.cookie, version = excluded.version,
       state = excluded.state, created_at = excluded.created_at, keep_alive = excluded.keep_alive`,
  );
  const remove = db.prepare('DELETE FROM sessions WHERE id = ?');
  const all = db.prepare<SessionRow>(
    `SELECT id, user, client_id, cookie, version, state, created_at, keep_alive FROM sessions
     ORDER BY created_at, id`,
  );
  return {
    putSession: ({ id, user, clientId, cookie, version, state, createdAt, keepAlive }) =>
      db.write(() => void put.run(id, user, clientId, cookie, version, state, createdAt, keepAlive)),
    deleteSession: (id) => db.write(() => void remove.run(id)),
    allSessions: () => db.read(() => all.all().map(decodeSession)),
  };
}
