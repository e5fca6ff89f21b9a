// Presence and who may see it: attribute lists, authorizations, access lists, values, watchers.

import { domainOf } from '../../wv/address.ts';
import type { UserAddress } from '../../wv/ids.ts';
import type { PresenceAttributeName, PresenceAttributes } from '../../wv/presence.ts';
import type {
  AccessLists,
  AttributeListRecord,
  AttributeListSubject,
  AuthorizationRecord,
  HomeRecord,
  Store,
  WatcherRecord,
} from '../store.ts';
import { decodeJson, encodeJson, encodeOptionalJson, optional } from './columns.ts';
import type { Database } from './database.ts';
import type { ProfileArea } from './profiles.ts';

type StoredPresence = Pick<
  HomeRecord,
  'attributeLists' | 'authorizations' | 'access' | 'presence' | 'watchers'
>;

export interface PresenceArea extends Pick<
  Store,
  | 'putAttributeList'
  | 'deleteAttributeList'
  | 'putAuthorization'
  | 'deleteAuthorization'
  | 'setAccessLists'
  | 'putPresence'
  | 'putWatcher'
  | 'deleteWatcher'
  | 'watchersIn'
> {
  /** This area's part of a home. */
  readonly presenceOf: (owner: UserAddress) => StoredPresence;
}

interface AttributeListRow {
  readonly kind: AttributeListSubject['kind'];
  readonly subject: string;
  readonly attributes: string;
}

interface AuthorizationRow {
  readonly watcher: UserAddress;
  readonly state: AuthorizationRecord['state'];
  readonly attributes: string | null;
  readonly changed_at: number;
}

interface WatcherRow {
  readonly watcher: UserAddress;
  readonly attributes: string | null;
  readonly since: number;
}

interface Pair {
  readonly publisher: UserAddress;
  readonly watcher: UserAddress;
}

const NO_ACCESS_LISTS: AccessLists = Object.freeze({
  block: Object.freeze({ inUse: false, entities: Object.freeze([]) }),
  grant: Object.freeze({ inUse: false, entities: Object.freeze([]) }),
});

export function presenceArea(db: Database, profiles: Pick<ProfileArea, 'reindex'>): PresenceArea {
  const { lists, authorizations, access, presence, watchers } = statements(db);

  function putPresence(user: UserAddress, changed: PresenceAttributes): void {
    const known = presence.of.get(user);
    const merged =
      known === undefined ? changed : { ...decodeJson<PresenceAttributes>(known.attributes), ...changed };
    presence.put.run(user, encodeJson(merged));
    if (changed.Alias !== undefined) profiles.reindex(user);
  }

  /** A page ends with a complete publisher, because the next one starts after him. */
  function watchersIn(domain: string, after: UserAddress | undefined, limit: number): readonly Pair[] {
    const page = watchers.in.all(domain, after ?? '', limit).map(decodePair);
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return page;
    const others = watchers.inOf.all(domain, last.publisher, last.watcher).map(decodePair);
    return [...page, ...others];
  }

  return {
    putAttributeList: (owner, { subject, attributes }) =>
      db.write(() => void lists.put.run(owner, subject.kind, subjectKey(subject), encodeJson(attributes))),
    deleteAttributeList: (owner, subject) =>
      db.write(() => void lists.remove.run(owner, subject.kind, subjectKey(subject))),
    putAuthorization: (owner, { watcher, state, attributes, changedAt }) =>
      db.write(
        () => void authorizations.put.run(owner, watcher, state, encodeOptionalJson(attributes), changedAt),
      ),
    deleteAuthorization: (owner, watcher) => db.write(() => void authorizations.remove.run(owner, watcher)),
    setAccessLists: (owner, chosen) => db.write(() => void access.put.run(owner, encodeJson(chosen))),
    putPresence: (user, changed) => db.writeTogether(() => putPresence(user, changed)),
    putWatcher: (publisher, { watcher, attributes, since }) =>
      db.write(
        () =>
          void watchers.put.run(publisher, watcher, domainOf(watcher), encodeOptionalJson(attributes), since),
      ),
    deleteWatcher: (publisher, watcher) => db.write(() => void watchers.remove.run(publisher, watcher)),
    watchersIn: (domain, after, limit) => db.read(() => watchersIn(domain, after, limit)),
    presenceOf: (owner) => {
      const accessRow = access.of.get(owner);
      const presenceRow = presence.of.get(owner);
      return {
        attributeLists: lists.of.all(owner).map(decodeAttributeList),
        authorizations: authorizations.of.all(owner).map(decodeAuthorization),
        access: accessRow === undefined ? NO_ACCESS_LISTS : decodeJson<AccessLists>(accessRow.lists),
        presence: presenceRow === undefined ? {} : decodeJson<PresenceAttributes>(presenceRow.attributes),
        watchers: watchers.of.all(owner).map(decodeWatcher),
      };
    },
  };
}

function statements(db: Database) {
  return {
    lists: {
      put: db.prepare(
        `INSERT INTO attribute_lists (owner, kind, subject, attributes) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET attributes = excluded.attributes`,
      ),
      remove: db.prepare('DELETE FROM attribute_lists WHERE owner = ? AND kind = ? AND subject = ?'),
      of: db.prepare<AttributeListRow>(
        'SELECT kind, subject, attributes FROM attribute_lists WHERE owner = ? ORDER BY kind, subject',
      ),
    },
    authorizations: {
      put: db.prepare(
        `INSERT INTO authorizations (owner, watcher, state, attributes, changed_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET
           state = excluded.state, attributes = excluded.attributes, changed_at = excluded.changed_at`,
      ),
      remove: db.prepare('DELETE FROM authorizations WHERE owner = ? AND watcher = ?'),
      of: db.prepare<AuthorizationRow>(
        'SELECT watcher, state, attributes, changed_at FROM authorizations WHERE owner = ? ORDER BY watcher',
      ),
    },
    access: {
      put: db.prepare(
        'INSERT INTO access (owner, lists) VALUES (?, ?) ON CONFLICT DO UPDATE SET lists = excluded.lists',
      ),
      of: db.prepare<{ lists: string }>('SELECT lists FROM access WHERE owner = ?'),
    },
    presence: {
      put: db.prepare(
        `INSERT INTO presence (user, attributes) VALUES (?, ?)
         ON CONFLICT DO UPDATE SET attributes = excluded.attributes`,
      ),
      of: db.prepare<{ attributes: string }>('SELECT attributes FROM presence WHERE user = ?'),
    },
    watchers: {
      put: db.prepare(
        `INSERT INTO watchers (publisher, watcher, domain, attributes, since) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET attributes = excluded.attributes, since = excluded.since`,
      ),
      remove: db.prepare('DELETE FROM watchers WHERE publisher = ? AND watcher = ?'),
      of: db.prepare<WatcherRow>(
        'SELECT watcher, attributes, since FROM watchers WHERE publisher = ? ORDER BY watcher',
      ),
      in: db.prepare<Pair>(
        `SELECT publisher, watcher FROM watchers WHERE domain = ? AND publisher > ?
         ORDER BY publisher, watcher LIMIT ?`,
      ),
      inOf: db.prepare<Pair>(
        `SELECT publisher, watcher FROM watchers WHERE domain = ? AND publisher = ? AND watcher > ?
         ORDER BY watcher`,
      ),
    },
  };
}

function subjectKey(subject: AttributeListSubject): string {
  switch (subject.kind) {
    case 'user':
      return subject.user;
    case 'list':
      return subject.list;
    case 'default':
      return '';
  }
}

function decodeAttributeList({ kind, subject, attributes }: AttributeListRow): AttributeListRecord {
  const key = kind === 'default' ? {} : { [kind]: subject };
  return {
    subject: { kind, ...key } as AttributeListSubject,
    attributes: decodeJson<PresenceAttributeName[]>(attributes),
  };
}

function decodeNames(text: string | null): { attributes?: readonly PresenceAttributeName[] } {
  return optional('attributes', text === null ? null : decodeJson<PresenceAttributeName[]>(text));
}

function decodeAuthorization(row: AuthorizationRow): AuthorizationRecord {
  return {
    watcher: row.watcher,
    state: row.state,
    ...decodeNames(row.attributes),
    changedAt: row.changed_at,
  };
}

function decodeWatcher({ watcher, attributes, since }: WatcherRow): WatcherRecord {
  return { watcher, ...decodeNames(attributes), since };
}

function decodePair({ publisher, watcher }: Pair): Pair {
  return { publisher, watcher };
}
