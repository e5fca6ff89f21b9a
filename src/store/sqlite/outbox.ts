// What waits for a gateway or peer.

import type { Clock } from '../../ops/ports.ts';
import type { OutboxEntry, Store } from '../store.ts';
import type { Database } from './database.ts';

export type OutboxArea = Pick<
  Store,
  'enqueueOutbox' | 'outboxOf' | 'outboxDone' | 'outboxRetry' | 'outboxDestinations'
>;

interface OutboxRow {
  readonly seq: number;
  readonly destination: string;
  readonly conversation: string;
  readonly payload: string;
  readonly attempts: number;
  readonly not_before: number;
  readonly expires_at: number;
}

function decodeEntry(row: OutboxRow): OutboxEntry {
  const { seq, destination, conversation, payload, attempts, not_before, expires_at } = row;
  return { seq, destination, conversation, payload, attempts, notBefore: not_before, expiresAt: expires_at };
}

export function outboxArea(db: Database, clock: Clock): OutboxArea {
  const put = db.prepare(
    `INSERT INTO outbox (destination, conversation, payload, attempts, not_before, expires_at)
     VALUES (?, ?, ?, 0, 0, ?)`,
  );
  const remember = db.prepare(
    `INSERT INTO seen (recipient, kind, message_id, seen_at) VALUES (?, 'outbox', ?, ?) ON CONFLICT DO NOTHING`,
  );
  const of = db.prepare<OutboxRow>(
    `SELECT seq, destination, conversation, payload, attempts, not_before, expires_at FROM outbox
     WHERE destination = ? AND seq > ? ORDER BY seq LIMIT ?`,
  );
  const destinations = db.prepare<{ readonly destination: string }>(
    'SELECT DISTINCT destination FROM outbox',
  );
  const done = db.prepare('DELETE FROM outbox WHERE seq = ?');
  const retry = db.prepare('UPDATE outbox SET attempts = ?, not_before = ? WHERE seq = ?');
  return {
    enqueueOutbox: (entries) =>
      db.writeTogether(() => {
        for (const { destination, conversation, payload, expiresAt, key } of entries) {
          if (remember.run(destination, key, clock.now()) === 0) continue;
          put.run(destination, conversation, payload, expiresAt);
        }
      }),
    outboxOf: (destination, afterSeq, limit) =>
      db.read(() => of.all(destination, afterSeq, limit).map(decodeEntry)),
    outboxDestinations: () => db.read(() => destinations.all().map(({ destination }) => destination)),
    outboxDone: (seq) => db.write(() => void done.run(seq)),
    outboxRetry: (seq, attempts, notBefore) => db.write(() => void retry.run(attempts, notBefore, seq)),
  };
}
