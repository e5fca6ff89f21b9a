// Durable state of the gateways: values, message links, inbox.

import type { Clock } from '../../ops/ports.ts';
import type { MessageId } from '../../wv/ids.ts';
import type { GatewayStorage, InboxEvent } from '../gateway-storage.ts';
import type { Store } from '../store.ts';
import type { Database } from './database.ts';

export type GatewayArea = Pick<Store, 'gatewayStorage'>;

interface ValueRow {
  readonly key: string;
  readonly value: string;
}

interface RemoteRow {
  readonly conversation: string;
  readonly remote_id: string;
}

export function gatewayArea(db: Database, clock: Clock): GatewayArea {
  const values = valueStatements(db);
  const links = linkStatements(db);
  const inbox = inboxStatements(db);
  return {
    gatewayStorage: (name) => ({
      ...valuesOf(db, values, name),
      ...linksOf(db, links, name, clock),
      ...inboxOf(db, inbox, name, clock),
    }),
  };
}

type Values = Pick<GatewayStorage, 'get' | 'put' | 'delete' | 'list'>;

function valueStatements(db: Database) {
  return {
    get: db.prepare<{ value: string }>('SELECT value FROM gateway_values WHERE gateway = ? AND key = ?'),
    put: db.prepare(
      `INSERT INTO gateway_values (gateway, key, value) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value`,
    ),
    remove: db.prepare('DELETE FROM gateway_values WHERE gateway = ? AND key = ?'),
    from: db.prepare<ValueRow>(
      'SELECT key, value FROM gateway_values WHERE gateway = ? AND key >= ? ORDER BY key',
    ),
  };
}

function valuesOf(db: Database, values: ReturnType<typeof valueStatements>, gateway: string): Values {
  function list(prefix: string): readonly (readonly [string, string])[] {
    const found: (readonly [string, string])[] = [];
    for (const { key, value } of values.from.iterate(gateway, prefix)) {
      if (!key.startsWith(prefix)) break;
      found.push([key, value]);
    }
    return found;
  }
  return {
    get: (key) => db.read(() => values.get.get(gateway, key)?.value),
    put: (key, value) => db.write(() => void values.put.run(gateway, key, value)),
    delete: (key) => db.write(() => void values.remove.run(gateway, key)),
    list: (prefix) => db.read(() => list(prefix)),
  };
}

type Links = Pick<GatewayStorage, 'link' | 'messageOf' | 'remoteOf'>;

function linkStatements(db: Database) {
  return {
    put: db.prepare(
      `INSERT INTO links (gateway, conversation, remote_id, message_id, linked_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    message: db.prepare<{ message_id: MessageId }>(
      'SELECT message_id FROM links WHERE gateway = ? AND conversation = ? AND remote_id = ?',
    ),
    // The first of several: the answer to the same question stays the same.
    remote: db.prepare<RemoteRow>(
      'SELECT conversation, remote_id FROM links WHERE gateway = ? AND message_id = ? ORDER BY id LIMIT 1',
    ),
  };
}

function linksOf(
  db: Database,
  links: ReturnType<typeof linkStatements>,
  gateway: string,
  clock: Clock,
): Links {
  return {
    link: (conversation, remoteId, messageId) =>
      db.write(() => links.put.run(gateway, conversation, remoteId, messageId, clock.now()) === 1),
    messageOf: (conversation, remoteId) =>
      db.read(() => links.message.get(gateway, conversation, remoteId)?.message_id),
    remoteOf: (messageId) =>
      db.read(() => {
        const row = links.remote.get(gateway, messageId);
        return row === undefined ? undefined : { conversation: row.conversation, remoteId: row.remote_id };
      }),
  };
}

type Inbox = Pick<GatewayStorage, 'receive' | 'unhandled' | 'handled'>;

function inboxStatements(db: Database) {
  return {
    put: db.prepare(
      `INSERT INTO inbox (gateway, id, conversation, payload, received_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    unhandled: db.prepare<InboxEvent>(
      'SELECT id, conversation, payload FROM inbox WHERE gateway = ? AND payload IS NOT NULL ORDER BY seq',
    ),
    handled: db.prepare('UPDATE inbox SET payload = NULL WHERE gateway = ? AND id = ?'),
  };
}

function inboxOf(
  db: Database,
  inbox: ReturnType<typeof inboxStatements>,
  gateway: string,
  clock: Clock,
): Inbox {
  function isNew({ id, conversation, payload }: InboxEvent): boolean {
    return inbox.put.run(gateway, id, conversation, payload, clock.now()) === 1;
  }
  return {
    receive: (events) => db.writeTogether(() => events.filter(isNew)),
    unhandled: () =>
      db.read(() =>
        inbox.unhandled.all(gateway).map(({ id, conversation, payload }) => ({ id, conversation, payload })),
      ),
    handled: (id) => db.write(() => void inbox.handled.run(gateway, id)),
  };
}
