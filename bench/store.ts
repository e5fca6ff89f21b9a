// The store: what a message costs (one enqueue, one dequeue), and how fast a large database opens.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../src/ops/ports.ts';
import { openDatabase } from '../src/store/sqlite/database.ts';
import { openSqliteStore } from '../src/store/sqlite/open.ts';
import type { NewQueueEntry, Store } from '../src/store/store.ts';
import { message, user } from '../test/support/store-samples.ts';
import type { Row } from './row.ts';

const clock: Clock = { now: () => Date.now(), after: () => () => undefined };
const BACKLOG = 20_000;
const USERS = 20_000;
const TEXT = 'x'.repeat(200);

interface Cost {
  /** Pairs a second. */
  readonly rate: number;
  /** CPU of one pair, microseconds. */
  readonly cpu: number;
}

/** Queue rates at concurrency 1 and 64, their CPU, and opening with 100,000 users. */
export async function benchStore(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'wvgate-bench-'));
  try {
    const alone = await benchPairs(join(directory, 'alone.db'), 1, 5_000);
    const grouped = await benchPairs(join(directory, 'grouped.db'), 64, 64_000);
    const bareAlone = benchBare(join(directory, 'bare-alone.db'), 1, 5_000);
    const bareGrouped = benchBare(join(directory, 'bare-grouped.db'), 64, 64_000);
    const opening = await benchOpening(join(directory, 'users.db'), 100_000);
    return [
      pairsRow('1 at a time', alone, bareAlone),
      pairsRow('64 at a time', grouped, bareGrouped),
      {
        what: 'store: CPU of a durable enqueue and dequeue, 64 at a time',
        ours: grouped.cpu,
        reference: { name: 'node:sqlite, one table without indexes', value: bareGrouped.cpu },
        unit: 'µs',
        aim: '≤ 30',
      },
      { what: 'store: open with 100,000 users and find one', ours: opening, unit: 'ms', aim: '≤ 1000' },
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function pairsRow(how: string, ours: Cost, bare: Cost): Row {
  return {
    what: `store: durable enqueue and dequeue, ${how}`,
    ours: ours.rate,
    reference: { name: 'node:sqlite, one table without indexes', value: bare.rate },
    unit: 'pairs/s',
  };
}

async function benchPairs(file: string, concurrency: number, count: number): Promise<Cost> {
  const store = await openSqliteStore({ file, clock });
  await fill(store);
  const rounds = Array.from({ length: count / concurrency }, (_, round) => samples('m', round, concurrency));
  const cost = await measured(count, async () => {
    for (const entries of rounds) await pairs(store, entries);
  });
  await store.close();
  return cost;
}

/** Messages of users who are away: a queue is never empty in real life. */
async function fill(store: Store): Promise<void> {
  for (let round = 0; round < BACKLOG / 1000; round++) {
    await store.enqueue(samples('backlog', round, 1000), { remember: false, limit: BACKLOG });
  }
}

function samples(prefix: string, round: number, count: number): NewQueueEntry[] {
  return Array.from({ length: count }, (_, n) => {
    const recipient = `user${Math.floor(Math.random() * USERS)}`;
    return message(`${prefix}-${round}-${n}-${Math.random().toString(36).slice(2)}`, recipient, TEXT);
  });
}

/** Every entry is its own call, as from so many senders and receivers. */
async function pairs(store: Store, entries: readonly NewQueueEntry[]): Promise<void> {
  const options = { remember: false, limit: 1000 };
  await Promise.all(entries.map((entry) => store.enqueue([entry], options)));
  await Promise.all(entries.map((entry) => store.dequeue(entry.recipient, entry.messageId, 'message')));
}

/** What SQLite itself takes for rows of this size: no order, no expiry, no look-up by message. */
function benchBare(file: string, group: number, count: number): Cost {
  const connection = new DatabaseSync(file);
  connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  connection.exec('CREATE TABLE bare (seq INTEGER PRIMARY KEY, item TEXT NOT NULL) STRICT');
  const insert = connection.prepare('INSERT INTO bare VALUES (?, ?)');
  const remove = connection.prepare('DELETE FROM bare WHERE seq = ?');
  const item = JSON.stringify(message('m', 'user', TEXT));
  const started = start();
  for (let first = 0; first < count; first += group) {
    for (const run of [(seq: number) => insert.run(seq, item), (seq: number) => remove.run(seq)]) {
      connection.exec('BEGIN IMMEDIATE');
      for (let n = 0; n < group; n++) run(first + n);
      connection.exec('COMMIT');
    }
  }
  const cost = started(count);
  connection.close();
  return cost;
}

async function benchOpening(file: string, users: number): Promise<number> {
  const seed = openDatabase({ file, clock });
  await seed.writeTogether(() => {
    const insert = seed.prepare(
      "INSERT INTO users (address, hash, created_at, active) VALUES (?, 'hash', 1, 1)",
    );
    for (let n = 0; n < users; n++) insert.run(user(`user${n}`));
  });
  seed.close();
  const began = performance.now();
  const store = await openSqliteStore({ file, clock });
  await store.getUser(user('user77777'));
  const took = performance.now() - began;
  await store.close();
  return took;
}

async function measured(count: number, task: () => Promise<void>): Promise<Cost> {
  const stop = start();
  await task();
  return stop(count);
}

function start(): (count: number) => Cost {
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  return (count) => {
    const seconds = (performance.now() - began) / 1000;
    const { user: userTime, system } = process.cpuUsage(cpuBefore);
    return { rate: count / seconds, cpu: (userTime + system) / count };
  };
}
