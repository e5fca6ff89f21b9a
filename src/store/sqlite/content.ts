// Shared content: items, links, usage by owner.

import type { UserAddress } from '../../wv/ids.ts';
import type { ContentLink, ContentOwner, ContentRecord, ContentStore, ContentUsage } from '../content.ts';
import { optional } from './columns.ts';
import type { Database } from './database.ts';

interface ContentRow {
  readonly id: string;
  readonly owner: ContentOwner;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly sha256: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly added_by: UserAddress | null;
}

interface LinkRow {
  readonly token: string;
  readonly item: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly audience: string;
}

interface IdRow {
  readonly id: string;
}

const ITEM = 'id, owner, name, type, size, sha256, created_at, expires_at, added_by';
const LINK = 'token, item, created_at, expires_at, audience';

export function contentArea(db: Database): ContentStore {
  return { ...itemArea(db), ...linkArea(db) };
}

type ItemArea = Omit<ContentStore, keyof ReturnType<typeof linkArea>>;

function itemArea(db: Database): ItemArea {
  const items = {
    add: db.prepare(`INSERT INTO content (${ITEM}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    get: db.prepare<ContentRow>(`SELECT ${ITEM} FROM content WHERE id = ?`),
    named: db.prepare<ContentRow>(`SELECT ${ITEM} FROM content WHERE owner = ? AND name = ?`),
    of: db.prepare<ContentRow>(
      `SELECT ${ITEM} FROM content WHERE owner = ? AND name > ? ORDER BY name LIMIT ?`,
    ),
    rename: db.prepare('UPDATE content SET name = ? WHERE id = ?'),
    remove: db.prepare('DELETE FROM content WHERE id = ?'),
    keep: db.prepare('UPDATE content SET expires_at = max(expires_at, ?) WHERE id = ? AND expires_at < ?'),
    ids: db.prepare<IdRow>('SELECT id FROM content WHERE id > ? ORDER BY id LIMIT ?'),
    expired: db.prepare<IdRow>('SELECT id FROM content WHERE expires_at <= ? ORDER BY expires_at LIMIT ?'),
  };
  const usage = db.prepare<ContentUsage>('SELECT items, bytes FROM content_usage WHERE owner = ?');

  function insert(item: ContentRecord): void {
    const { id, owner, name, type, size, sha256, createdAt, expiresAt, addedBy } = item;
    items.add.run(id, owner, name, type, size, sha256, createdAt, expiresAt ?? null, addedBy ?? null);
  }

  return {
    addContent: (item, { replace, limits }) =>
      db.writeTogether(() => {
        const older = items.named.get(item.owner, item.name);
        if (older !== undefined && !replace) return 'taken';
        const used = usage.get(item.owner) ?? { items: 0, bytes: 0 };
        const after = { items: used.items + 1, bytes: used.bytes + item.size };
        if (older !== undefined) {
          after.items -= 1;
          after.bytes -= older.size;
        }
        if (after.items > limits.items || after.bytes > limits.bytes) return 'full';
        if (older !== undefined) items.remove.run(older.id);
        insert(item);
        return 'added';
      }),
    contentItem: (id) => db.read(() => decodeItem(items.get.get(id))),
    contentNamed: (owner, name) => db.read(() => decodeItem(items.named.get(owner, name))),
    contentOf: (owner, after, limit) =>
      db.read(() => items.of.all(owner, after ?? '', limit).map((row) => decoded(row))),
    renameContent: (id, name) =>
      db.writeTogether(() => {
        const row = items.get.get(id);
        if (row === undefined) return 'missing';
        const other = items.named.get(row.owner, name);
        if (other !== undefined && other.id !== id) return 'taken';
        items.rename.run(name, id);
        return 'renamed';
      }),
    deleteContent: (id) => db.writeTogether(() => items.remove.run(id) > 0),
    keepContent: (id, until) => db.write(() => void items.keep.run(until, id, until)),
    contentUsage: (owner) => db.read(() => ({ items: 0, bytes: 0, ...usage.get(owner) })),
    contentIds: (after, limit) => db.read(() => items.ids.all(after, limit).map(({ id }) => id)),
    expiredContent: (now, limit) => db.read(() => items.expired.all(now, limit).map(({ id }) => id)),
  };
}

function linkArea(db: Database) {
  const links = {
    add: db.prepare(`INSERT INTO content_links (${LINK}) SELECT ?, id, ?, ?, ? FROM content WHERE id = ?`),
    get: db.prepare<LinkRow>(`SELECT ${LINK} FROM content_links WHERE token = ?`),
    of: db.prepare<LinkRow>(`SELECT ${LINK} FROM content_links WHERE item = ? ORDER BY created_at, token`),
    remove: db.prepare('DELETE FROM content_links WHERE token = ?'),
    drop: db.prepare(
      `DELETE FROM content_links WHERE token IN
         (SELECT token FROM content_links WHERE expires_at <= ? LIMIT ?)`,
    ),
  };
  return {
    addContentLink: ({ token, item, createdAt, expiresAt, audience }: ContentLink) =>
      db.write(() => links.add.run(token, createdAt, expiresAt, audience, item) > 0),
    contentLink: (token: string) => db.read(() => decodeLink(links.get.get(token))),
    contentLinks: (item: string) => db.read(() => links.of.all(item).map((row) => decodedLink(row))),
    deleteContentLink: (token: string) => db.write(() => links.remove.run(token) > 0),
    dropExpiredLinks: (now: number, limit: number) => db.write(() => links.drop.run(now, limit)),
  };
}

function decodeItem(row: ContentRow | undefined): ContentRecord | undefined {
  return row === undefined ? undefined : decoded(row);
}

function decoded(row: ContentRow): ContentRecord {
  const { id, owner, name, type, size, sha256, created_at, expires_at, added_by } = row;
  return {
    id,
    owner,
    name,
    type,
    size,
    sha256,
    createdAt: created_at,
    ...optional('expiresAt', expires_at),
    ...optional('addedBy', added_by),
  };
}

function decodeLink(row: LinkRow | undefined): ContentLink | undefined {
  return row === undefined ? undefined : decodedLink(row);
}

function decodedLink({ token, item, created_at, expires_at, audience }: LinkRow): ContentLink {
  return { token, item, createdAt: created_at, expiresAt: expires_at, audience };
}
