// Groups with everything of theirs.

import { domainOf } from '../../wv/address.ts';
import type { ClientId, GroupAddress, UserAddress } from '../../wv/ids.ts';
import type { Message } from '../../wv/message.ts';
import type {
  GroupChange,
  GroupCreation,
  GroupPerson,
  GroupProfile,
  GroupRecord,
  GroupSearch,
  GroupState,
  GroupStore,
  JoinedKey,
  JoinedRecord,
  Privilege,
} from '../groups.ts';
import { decodeJson, encodeBoolean, encodeJson, optional } from './columns.ts';
import type { Database } from './database.ts';

interface GroupRow {
  readonly id: number;
  readonly address: GroupAddress;
  readonly owner: UserAddress | null;
  readonly created_at: number;
  readonly properties: string;
  readonly welcome_note: string | null;
  readonly expires_at: number | null;
  readonly search_name: string | null;
  readonly search_topic: string | null;
}

interface PersonRow {
  readonly user: UserAddress;
  readonly privilege: Privilege | null;
  readonly auto_join: number;
  readonly private_messaging: number;
  readonly show_id: number;
}

interface JoinedRow {
  readonly user: UserAddress;
  readonly client_id: ClientId;
  readonly screen_name: string;
  readonly subscribed: number;
}

const COLUMNS =
  'id, address, owner, created_at, properties, welcome_note, expires_at, search_name, search_topic';

function decodeProfile(row: GroupRow): GroupProfile {
  return {
    properties: decodeJson<Record<string, string>>(row.properties),
    ...optional('welcomeNote', row.welcome_note),
    ...optional('expiresAt', row.expires_at),
    ...(row.search_name === null ? {} : { search: { name: row.search_name, topic: row.search_topic ?? '' } }),
  };
}

function decodeRecord(row: GroupRow): GroupRecord {
  return {
    address: row.address,
    ...optional('owner', row.owner),
    createdAt: row.created_at,
    profile: decodeProfile(row),
  };
}

function decodePerson(row: PersonRow): GroupPerson {
  return {
    user: row.user,
    ...optional('privilege', row.privilege),
    settings: {
      autoJoin: row.auto_join === 1,
      privateMessaging: row.private_messaging === 1,
      showId: row.show_id === 1,
    },
  };
}

function decodeJoined({ user, client_id, screen_name, subscribed }: JoinedRow): JoinedRecord {
  return { user, clientId: client_id, screenName: screen_name, subscribed: subscribed === 1 };
}

export function groupArea(db: Database): GroupStore {
  const homes = homeStatements(db);
  const inside = insideStatements(db);
  const history = historyStatements(db);
  const search = searchStatement(db);

  const idOf = (group: GroupAddress): number | undefined => homes.id.get(group)?.id;

  function create(group: GroupState, limits: { perOwner: number; perServer: number }): GroupCreation {
    if (idOf(group.address) !== undefined) return 'exists';
    const { owner = null } = group;
    if (owner !== null && (homes.ofOwner.get(owner)?.rows ?? 0) >= limits.perOwner) return 'owner-full';
    if ((homes.count.get()?.rows ?? 0) >= limits.perServer) return 'server-full';
    homes.insert.run(group.address, owner, group.createdAt, ...profileColumns(group.profile));
    change(group.address, group);
    return 'created';
  }

  function change(address: GroupAddress, wanted: GroupChange): boolean {
    const id = idOf(address);
    if (id === undefined) return false;
    if (wanted.profile !== undefined) homes.update.run(...profileColumns(wanted.profile), id);
    for (const { user, privilege = null, settings } of wanted.people ?? []) {
      const { autoJoin, privateMessaging, showId } = settings;
      const flags = [autoJoin, privateMessaging, showId].map(encodeBoolean);
      inside.putPerson.run(id, user, privilege, ...flags);
    }
    for (const user of wanted.removedPeople ?? []) inside.removePerson.run(id, user);
    for (const { user, clientId, screenName, subscribed } of wanted.joined ?? []) {
      inside.putJoined.run(id, user, clientId, domainOf(user), screenName, encodeBoolean(subscribed));
    }
    for (const { user, clientId } of wanted.left ?? []) inside.removeJoined.run(id, user, clientId);
    for (const user of wanted.rejected ?? []) inside.reject.run(id, user);
    for (const user of wanted.pardoned ?? []) inside.pardon.run(id, user);
    return true;
  }

  function load(address: GroupAddress): GroupState | undefined {
    const row = homes.one.get(address);
    if (row === undefined) return undefined;
    return {
      ...decodeRecord(row),
      people: inside.people.all(row.id).map(decodePerson),
      joined: inside.joined.all(row.id).map(decodeJoined),
      rejected: inside.rejected.all(row.id).map(({ user }) => user),
    };
  }

  function addHistory(address: GroupAddress, message: Message, keep: number): void {
    const id = idOf(address);
    if (id === undefined || history.put.run(id, message.id, encodeJson(message)) === 0) return;
    history.trim.run(id, id, keep);
  }

  const addresses = (rows: readonly { address: GroupAddress }[]) => rows.map(({ address }) => address);

  return {
    createGroup: (group, limits) => db.writeTogether(() => create(group, limits)),
    deleteGroup: (group) => db.write(() => homes.remove.run(group) === 1),
    loadGroup: (group) => db.read(() => load(group)),
    changeGroup: (group, wanted) => db.writeTogether(() => change(group, wanted)),
    expireGroup: (group) => db.write(() => homes.expire.run(group) === 1),
    listGroups: (after, limit) => db.read(() => homes.page.all(after ?? '', limit).map(decodeRecord)),
    expiredGroups: (now, limit) => db.read(() => addresses(homes.expired.all(now, limit))),
    searchGroups: (wanted, after, limit) => db.read(() => addresses(search(wanted, after, limit))),
    groupsJoinedBy: ({ user, clientId }) => db.read(() => addresses(inside.ofClient.all(user, clientId))),
    groupsWith: (user) => db.read(() => addresses(inside.ofUser.all(user, user, user, user))),
    autoJoinGroups: (user) => db.read(() => addresses(inside.autoJoin.all(user))),
    joinedClients: (domain, after, limit) =>
      db.read(() =>
        inside.clients
          .all(domain, after?.user ?? '', after?.clientId ?? '', limit)
          .map(({ user, client_id }): JoinedKey => ({ user, clientId: client_id })),
      ),
    addGroupHistory: (group, message, keep) => db.writeTogether(() => addHistory(group, message, keep)),
    groupHistory: (group, count) =>
      db.read(() =>
        history.newest
          .all(group, count)
          .map(({ message }) => decodeJson<Message>(message))
          .toReversed(),
      ),
  };
}

function profileColumns(profile: GroupProfile) {
  return [
    encodeJson(profile.properties),
    profile.welcomeNote ?? null,
    profile.expiresAt ?? null,
    profile.search?.name ?? null,
    profile.search?.topic ?? null,
  ] as const;
}

function homeStatements(db: Database) {
  return {
    id: db.prepare<{ id: number }>('SELECT id FROM group_homes WHERE address = ?'),
    one: db.prepare<GroupRow>(`SELECT ${COLUMNS} FROM group_homes WHERE address = ?`),
    page: db.prepare<GroupRow>(
      `SELECT ${COLUMNS} FROM group_homes WHERE address > ? ORDER BY address LIMIT ?`,
    ),
    count: db.prepare<{ rows: number }>('SELECT count(*) AS rows FROM group_homes'),
    ofOwner: db.prepare<{ rows: number }>('SELECT count(*) AS rows FROM group_homes WHERE owner = ?'),
    insert: db.prepare(
      `INSERT INTO group_homes
         (address, owner, created_at, properties, welcome_note, expires_at, search_name, search_topic)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    // 0: expireGroup's word is the last.
    update: db.prepare(
      `UPDATE group_homes SET properties = ?, welcome_note = ?,
         expires_at = CASE expires_at WHEN 0 THEN 0 ELSE ? END, search_name = ?, search_topic = ?
       WHERE id = ?`,
    ),
    remove: db.prepare('DELETE FROM group_homes WHERE address = ?'),
    expire: db.prepare('UPDATE group_homes SET expires_at = 0 WHERE address = ?'),
    expired: db.prepare<{ address: GroupAddress }>(
      'SELECT address FROM group_homes WHERE expires_at <= ? ORDER BY expires_at LIMIT ?',
    ),
  };
}

function insideStatements(db: Database) {
  return {
    people: db.prepare<PersonRow>(
      'SELECT user, privilege, auto_join, private_messaging, show_id FROM group_people WHERE group_id = ?',
    ),
    putPerson: db.prepare(
      `INSERT INTO group_people (group_id, user, privilege, auto_join, private_messaging, show_id)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (group_id, user) DO UPDATE SET
         privilege = excluded.privilege, auto_join = excluded.auto_join,
         private_messaging = excluded.private_messaging, show_id = excluded.show_id`,
    ),
    removePerson: db.prepare('DELETE FROM group_people WHERE group_id = ? AND user = ?'),
    joined: db.prepare<JoinedRow>(
      'SELECT user, client_id, screen_name, subscribed FROM group_joined WHERE group_id = ? ORDER BY id',
    ),
    putJoined: db.prepare(
      `INSERT INTO group_joined (group_id, user, client_id, domain, screen_name, subscribed)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (group_id, user, client_id) DO UPDATE SET
         screen_name = excluded.screen_name, subscribed = excluded.subscribed`,
    ),
    removeJoined: db.prepare('DELETE FROM group_joined WHERE group_id = ? AND user = ? AND client_id = ?'),
    rejected: db.prepare<{ user: UserAddress }>(
      'SELECT user FROM group_rejected WHERE group_id = ? ORDER BY user',
    ),
    reject: db.prepare('INSERT INTO group_rejected (group_id, user) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    pardon: db.prepare('DELETE FROM group_rejected WHERE group_id = ? AND user = ?'),
    ofClient: db.prepare<{ address: GroupAddress }>(
      `SELECT address FROM group_joined JOIN group_homes ON group_homes.id = group_id
       WHERE user = ? AND client_id = ? ORDER BY address`,
    ),
    ofUser: db.prepare<{ address: GroupAddress }>(
      `SELECT address FROM group_homes WHERE owner = ? OR id IN (
         SELECT group_id FROM group_people WHERE user = ? UNION
         SELECT group_id FROM group_joined WHERE user = ? UNION
         SELECT group_id FROM group_rejected WHERE user = ?) ORDER BY address`,
    ),
    autoJoin: db.prepare<{ address: GroupAddress }>(
      `SELECT address FROM group_people JOIN group_homes ON group_homes.id = group_id
       WHERE user = ? AND auto_join = 1 ORDER BY address`,
    ),
    clients: db.prepare<JoinedRow>(
      `SELECT DISTINCT user, client_id FROM group_joined
       WHERE domain = ? AND (user, client_id) > (?, ?) ORDER BY user, client_id LIMIT ?`,
    ),
  };
}

function historyStatements(db: Database) {
  return {
    put: db.prepare(
      'INSERT INTO group_history (group_id, message_id, message) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    trim: db.prepare(
      `DELETE FROM group_history WHERE group_id = ? AND seq <=
         (SELECT seq FROM group_history WHERE group_id = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
    ),
    newest: db.prepare<{ message: string }>(
      `SELECT message FROM group_history JOIN group_homes ON group_homes.id = group_id
       WHERE address = ? ORDER BY seq DESC LIMIT ?`,
    ),
  };
}

/** The criteria in the order of the statement's values; each is a JSON array, of which none may fail to match. */
const CRITERIA: readonly (readonly [keyof GroupSearch, matches: string])[] = [
  ['id', 'instr(g.address, wanted.value) > 0'],
  ['name', 'instr(g.search_name, wanted.value) > 0'],
  ['topic', 'instr(g.search_topic, wanted.value) > 0'],
  ['owner', 'g.owner IS wanted.value'],
  [
    'joined',
    `EXISTS (SELECT 1 FROM group_joined AS j
       JOIN group_people AS p ON p.group_id = j.group_id AND p.user = j.user
       WHERE j.group_id = g.id AND j.user = wanted.value AND p.show_id = 1)`,
  ],
  [
    'autoJoin',
    `EXISTS (SELECT 1 FROM group_people AS p
       WHERE p.group_id = g.id AND p.user = wanted.value AND p.auto_join = 1 AND p.show_id = 1)`,
  ],
];

/** Substrings cannot be looked up: the scan is over the index of searchable groups only, in address order. */
function searchStatement(db: Database) {
  const conditions = CRITERIA.map(
    ([, matches]) => `AND NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE NOT (${matches}))`,
  );
  const statement = db.prepare<{ address: GroupAddress }>(
    `SELECT address FROM group_homes AS g
     WHERE search_name IS NOT NULL AND address > ? ${conditions.join(' ')}
     ORDER BY address LIMIT ?`,
  );
  return (search: GroupSearch, after: string | undefined, limit: number) => {
    const wanted = CRITERIA.map(([by]) => encodeJson(search[by] ?? []));
    return statement.all(after ?? '', ...wanted, limit);
  };
}
