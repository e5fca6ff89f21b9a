// Queues of local users, and the memory of what was accepted before.

import type { Clock } from '../../ops/ports.ts';
import type { MessageId, UserAddress } from '../../wv/ids.ts';
import type { NewQueueEntry, QueueEntry, QueueItem, QueueOutcome, Store } from '../store.ts';
import { decodeJson, encodeJson } from './columns.ts';
import type { Database } from './database.ts';
import { QueueLengths } from './queue-lengths.ts';

export interface QueueArea extends Pick<
  Store,
  'enqueue' | 'queueOf' | 'queuedMessage' | 'dequeue' | 'expiredQueue'
> {
  /** Inside a write: drops a user's queue and what is remembered for him. */
  readonly clearQueue: (user: UserAddress) => void;
  /** Forgets which ids the user had before. */
  readonly clearSeen: (user: UserAddress) => void;
}

interface QueueRow {
  readonly seq: number;
  readonly recipient: UserAddress;
  readonly message_id: MessageId;
  readonly expires_at: number;
  readonly item: string;
}

type EnqueueOptions = Parameters<Store['enqueue']>[1];

const COLUMNS = 'seq, recipient, message_id, expires_at, item';

function decodeEntry({ seq, recipient, message_id, expires_at, item }: QueueRow): QueueEntry {
  return { seq, recipient, messageId: message_id, expiresAt: expires_at, item: decodeJson<QueueItem>(item) };
}

export function queueArea(db: Database, clock: Clock): QueueArea {
  const queue = queueStatements(db);
  const seen = seenStatements(db);
  const lengths = new QueueLengths(db);

  function wasAccepted({ recipient, messageId, item }: NewQueueEntry, remember: boolean): boolean {
    if (queue.has.get(messageId, recipient, item.kind) !== undefined) return true;
    return remember && seen.has.get(recipient, item.kind, messageId) !== undefined;
  }

  function enqueueOne(entry: NewQueueEntry, { remember, limit }: EnqueueOptions): QueueOutcome {
    const { recipient, messageId, expiresAt, item } = entry;
    // A repeat of what was accepted is fine also when the queue has filled up since.
    if (lengths.of(recipient) >= limit) return wasAccepted(entry, remember) ? 'repeated' : 'full';
    if (remember && seen.put.run(recipient, item.kind, messageId, clock.now()) === 0) return 'repeated';
    if (queue.put.run(recipient, messageId, item.kind, expiresAt, encodeJson(item)) === 0) return 'repeated';
    lengths.changed(recipient, 1);
    return 'queued';
  }

  function dequeue(user: UserAddress, messageId: MessageId, kind: QueueItem['kind']): boolean {
    if (queue.remove.run(messageId, user, kind) === 0) return false;
    lengths.changed(user, -1);
    return true;
  }

  return {
    enqueue(entries, options) {
      const task = () => entries.map((entry) => enqueueOne(entry, options));
      const several = entries.length > 1 || options.remember;
      return several ? db.writeTogether(task) : db.write(task);
    },
    dequeue: (user, messageId, kind) => db.write(() => dequeue(user, messageId, kind)),
    queueOf: (user, afterSeq, limit) => db.read(() => queue.of.all(user, afterSeq, limit).map(decodeEntry)),
    queuedMessage: (user, messageId, kind = 'message') =>
      db.read(() => {
        const row = queue.message.get(messageId, user, kind);
        return row === undefined ? undefined : decodeEntry(row);
      }),
    expiredQueue: (now, limit) => db.read(() => queue.expired.all(now, limit).map(decodeEntry)),
    clearQueue: (user) => {
      queue.clear.run(user);
      lengths.forget(user);
    },
    clearSeen: (user) => void seen.clear.run(user),
  };
}

function queueStatements(db: Database) {
  return {
    put: db.prepare(
      `INSERT INTO queue (recipient, message_id, kind, expires_at, item) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    remove: db.prepare('DELETE FROM queue WHERE message_id = ? AND recipient = ? AND kind = ?'),
    clear: db.prepare('DELETE FROM queue WHERE recipient = ?'),
    has: db.prepare('SELECT 1 FROM queue WHERE message_id = ? AND recipient = ? AND kind = ?'),
    of: db.prepare<QueueRow>(
      `SELECT ${COLUMNS} FROM queue WHERE recipient = ? AND seq > ? ORDER BY seq LIMIT ?`,
    ),
    message: db.prepare<QueueRow>(
      `SELECT ${COLUMNS} FROM queue WHERE message_id = ? AND recipient = ? AND kind = ?`,
    ),
    expired: db.prepare<QueueRow>(
      `SELECT ${COLUMNS} FROM queue WHERE expires_at <= ? ORDER BY expires_at, seq LIMIT ?`,
    ),
  };
}

function seenStatements(db: Database) {
  return {
    put: db.prepare(
      'INSERT INTO seen (recipient, kind, message_id, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    has: db.prepare('SELECT 1 FROM seen WHERE recipient = ? AND kind = ? AND message_id = ?'),
    clear: db.prepare('DELETE FROM seen WHERE recipient = ?'),
  };
}
