// Profiles and terminals.

import type { ClientId, UserAddress } from '../../wv/ids.ts';
import { EMPTY_PROFILE, type Profile, type ProfileStore, type Terminal } from '../profiles.ts';
import { decodeJson, encodeBoolean, encodeJson, optional } from './columns.ts';
import type { Database } from './database.ts';
import type { UserSearchArea } from './user-search.ts';

export interface ProfileArea extends Omit<ProfileStore, 'searchUsers'> {
  /** Inside a write, after something that users are found by changed elsewhere. */
  readonly reindex: (user: UserAddress) => void;
}

interface ProfileRow {
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly email: string | null;
  readonly mobile_number: string | null;
  readonly public: string;
  readonly preferences: string;
  readonly findable: string;
  readonly network_presence: number;
}

interface TerminalRow {
  readonly client_id: ClientId;
  readonly type: string | null;
  readonly capabilities: string | null;
  readonly seen_at: number;
}

const COLUMNS =
  'first_name, last_name, email, mobile_number, public, preferences, findable, network_presence';

export function profileArea(db: Database, search: Pick<UserSearchArea, 'index'>): ProfileArea {
  const exists = db.prepare<{ found: 1 }>('SELECT 1 AS found FROM users WHERE address = ?');
  const profiles = {
    of: db.prepare<ProfileRow>(`SELECT ${COLUMNS} FROM profiles WHERE user = ?`),
    put: db.prepare(
      `INSERT INTO profiles (user, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (user) DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name,
         email = excluded.email, mobile_number = excluded.mobile_number, public = excluded.public,
         preferences = excluded.preferences, findable = excluded.findable,
         network_presence = excluded.network_presence`,
    ),
    withNumber: db.prepare<{ user: UserAddress }>(
      'SELECT user FROM profiles WHERE mobile_number = ? ORDER BY user LIMIT ?',
    ),
  };
  const terminals = {
    put: db.prepare(
      `INSERT INTO terminals (user, client_id, type, capabilities, seen_at)
         SELECT address, ?, ?, ?, ? FROM users WHERE address = ?
       ON CONFLICT (user, client_id) DO UPDATE SET type = coalesce(excluded.type, type),
         capabilities = coalesce(excluded.capabilities, capabilities), seen_at = excluded.seen_at`,
    ),
    shrink: db.prepare(
      `DELETE FROM terminals WHERE user = ?1 AND client_id NOT IN
         (SELECT client_id FROM terminals WHERE user = ?1 ORDER BY seen_at DESC, client_id LIMIT ?2)`,
    ),
    of: db.prepare<TerminalRow>(
      'SELECT client_id, type, capabilities, seen_at FROM terminals WHERE user = ? ORDER BY seen_at DESC, client_id',
    ),
  };
  const inactive = db.prepare<{ address: UserAddress }>(
    `SELECT address FROM users WHERE active = 0
       AND EXISTS (SELECT 1 FROM sessions WHERE sessions.user = users.address)`,
  );

  function profileOf(user: UserAddress): Profile {
    const row = profiles.of.get(user);
    return row === undefined ? EMPTY_PROFILE : decodeProfile(row);
  }

  function put(user: UserAddress, profile: Profile): void {
    profiles.put.run(
      user,
      profile.firstName ?? null,
      profile.lastName ?? null,
      profile.email ?? null,
      profile.mobileNumber ?? null,
      encodeJson(profile.publicProfile),
      encodeJson(profile.preferences),
      encodeJson(profile.findable),
      encodeBoolean(profile.networkPresence),
    );
    search.index(user, profile);
  }

  return {
    reindex: (user) => search.index(user, profileOf(user)),
    getProfile: (user) => db.read(() => (exists.get(user) === undefined ? undefined : profileOf(user))),
    changeProfile: (user, change) =>
      db.writeTogether(() => {
        if (exists.get(user) === undefined) return false;
        put(user, change(profileOf(user)));
        return true;
      }),
    usersWithNumber: (number, limit) =>
      db.read(() => profiles.withNumber.all(number, limit).map(({ user }) => user)),
    noteTerminal: (user, { clientId, type, capabilities, seenAt }, limit) =>
      db.writeTogether(() => {
        terminals.put.run(clientId, type ?? null, capabilities ?? null, seenAt, user);
        terminals.shrink.run(user, limit);
      }),
    terminalsOf: (user) => db.read(() => terminals.of.all(user).map(decodeTerminal)),
    inactiveWithSessions: () => db.read(() => inactive.all().map(({ address }) => address)),
  };
}

function decodeProfile(row: ProfileRow): Profile {
  return {
    ...optional('firstName', row.first_name),
    ...optional('lastName', row.last_name),
    ...optional('email', row.email),
    ...optional('mobileNumber', row.mobile_number),
    publicProfile: decodeJson<Profile['publicProfile']>(row.public),
    preferences: decodeJson<Profile['preferences']>(row.preferences),
    findable: { ...EMPTY_PROFILE.findable, ...decodeJson<Partial<Profile['findable']>>(row.findable) },
    networkPresence: row.network_presence === 1,
  };
}

function decodeTerminal(row: TerminalRow): Terminal {
  return {
    clientId: row.client_id,
    ...optional('type', row.type),
    ...optional('capabilities', row.capabilities),
    seenAt: row.seen_at,
  };
}
