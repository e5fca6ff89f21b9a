// The store on SQLite: the contract, and what only a file can show.

import { cpuTime } from '../support/cpu-time.ts';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/ops/ports.ts';
import { openDatabase, type Database } from '../../src/store/sqlite/database.ts';
import { SCHEMA_VERSION } from '../../src/store/sqlite/migrate.ts';
import { homesAndQueues } from '../../src/store/sqlite/migrations/001-homes-and-queues.ts';
import { openSqliteStore, sqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { profileContract } from '../contract/profiles.ts';
import { storeContract, type StoreUnderTest } from '../contract/store.ts';
import { list, message, messageId, user, userRecord } from '../support/store-samples.ts';
import { systemClock as clock } from '../support/system-clock.ts';

async function openEmpty(): Promise<StoreUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'wvgate-store-'));
  const file = join(directory, 'wvgate.db');
  let store = await openSqliteStore({ file, clock });
  return {
    store,
    async reopen() {
      await store.close();
      store = await openSqliteStore({ file, clock });
      return store;
    },
    async dispose() {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
}

storeContract('SqliteStore', openEmpty);
profileContract('SqliteStore', openEmpty);

let directory = '';
let file = '';
const opened: { close(): unknown }[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wvgate-store-'));
  file = join(directory, 'data', 'wvgate.db');
});

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  for (const open of opened.splice(0)) await open.close();
  rmSync(directory, { recursive: true });
});

async function open(options: { exclusive?: boolean; busyTimeout?: number; log?: Log } = {}): Promise<Store> {
  const store = await openSqliteStore({ file, clock, ...options });
  opened.push(store);
  return store;
}

function database(options: { busyTimeout?: number; log?: Log } = {}): Database {
  const db = openDatabase({ file, clock, ...options });
  opened.push(db);
  return db;
}

function raw(): DatabaseSync {
  const connection = new DatabaseSync(file);
  opened.push({ close: () => connection.isOpen && connection.close() });
  return connection;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

/** Starts the writer; `lines` fills with what it printed, `reached(n)` resolves at the n-th line. */
function startWriter() {
  const script = join(import.meta.dirname, '../support/store-writer.ts');
  const child = spawn(process.execPath, ['--no-warnings', script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const reached = (count: number) =>
    new Promise<void>((resolve, reject) => {
      reader.on('line', () => lines.length >= count && resolve());
      reader.on('close', () => reject(new Error(`the writer ended after ${lines.length} lines`)));
    });
  reader.on('line', (line) => lines.push(line));
  return { child, lines, reached };
}

function recordingLog(): { log: Log; texts: string[] } {
  const texts: string[] = [];
  const record = (_: object, text: string) => void texts.push(text);
  return { log: { debug: record, info: record, warn: record, error: record }, texts };
}

describe('durability', () => {
  it.each([1, 2, 3, 4, 5])('keeps every acknowledged message of a killed process, round %i', async () => {
    const { child, lines, reached } = startWriter();
    await reached(2 + Math.floor(Math.random() * 2000));
    await kill(child);
    const acknowledged = lines.filter((line) => line.endsWith(';')).map((line) => line.slice(0, -1));
    expect(acknowledged.length).toBeGreaterThan(0);
    const store = await open();
    const stored = new Set<string>();
    for (let writer = 0; writer < 20; writer++) {
      const entries = await store.queueOf(user(`user${writer}`), 0, 1_000_000);
      for (const entry of entries) stored.add(entry.messageId);
    }
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });

  it('has journal mode WAL, and synchronous FULL', () => {
    const db = database();
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
  });

  it('lets only the owner read its files, and creates their directory', async () => {
    await open();
    const modes = ['', '-wal', '-shm', '-lock'].map((end) => statSync(`${file}${end}`).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600, 0o600]);
    expect(statSync(join(directory, 'data')).mode & 0o077).toBe(0);
  });
});

describe('group commit', () => {
  let db: Database;
  let texts: string[];
  beforeEach(() => {
    const recording = recordingLog();
    texts = recording.texts;
    db = database({ busyTimeout: 20, log: recording.log });
    db.exec('CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT) STRICT');
  });
  const insert = (n: number, text = '') => db.prepare('INSERT INTO t VALUES (?, ?)').run(n, text);
  const stored = () =>
    db
      .prepare<{ n: number }>('SELECT n FROM t ORDER BY n')
      .all()
      .map((row) => row.n);

  it('rejects a write that throws, and commits the others of its batch', async () => {
    const outcomes = await Promise.allSettled([
      db.write(() => insert(1)),
      db.write(() => insert(1)),
      db.write(() => insert(2)),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(stored()).toEqual([1, 2]);
  });

  it('leaves nothing of a write of several statements that throws midway', async () => {
    const halfway = db.writeTogether(() => {
      insert(1);
      throw new Error('midway');
    });
    const others = [db.write(() => insert(2)), db.writeTogether(() => insert(3))];
    await expect(halfway).rejects.toMatchObject({ name: 'StoreError', code: 'failed' });
    await Promise.all(others);
    expect(stored()).toEqual([2, 3]);
  });

  it('counts a queue anew after entries were rolled back', async () => {
    const store = sqliteStore(db, clock);
    db.exec('PRAGMA max_page_count = 1');
    const limit = { remember: false, limit: 1 };
    const entries = [message('m1', 'ann'), message('m2', 'bob', 'x'.repeat(100_000))];
    await expect(store.enqueue(entries, limit)).rejects.toMatchObject({ code: 'full' });
    expect(await store.enqueue([message('m3', 'ann')], limit)).toEqual(['queued']);
    expect(await store.enqueue([message('m4', 'ann')], limit)).toEqual(['full']);
  });

  it('does nothing before the end of the turn, and then everything at once', async () => {
    const writes = [db.write(() => insert(1)), db.write(() => insert(2))];
    expect(stored()).toEqual([]);
    await writes[0];
    expect(stored()).toEqual([1, 2]);
    await writes[1];
  });

  it('commits at once when 256 writes wait', async () => {
    const writes = Array.from({ length: 257 }, (_, n) => db.write(() => insert(n)));
    expect(stored()).toHaveLength(256);
    await Promise.all(writes);
    expect(stored()).toHaveLength(257);
  });

  it('rejects the batch that finds the file locked, and no other', async () => {
    const other = raw();
    other.exec('BEGIN IMMEDIATE');
    const refused = await Promise.allSettled([db.write(() => insert(1)), db.write(() => insert(2))]);
    expect(refused).toMatchObject([{ reason: { code: 'busy' } }, { reason: { code: 'busy' } }]);
    other.exec('ROLLBACK');
    await db.write(() => insert(3));
    expect(stored()).toEqual([3]);
  });

  it('rejects writes that find the disk full, and goes on when there is room', async () => {
    const { max_page_count: unlimited } =
      db.prepare<{ max_page_count: number }>('PRAGMA max_page_count').get() ?? {};
    db.exec('PRAGMA max_page_count = 1'); // SQLite raises this to the present size.
    const large = db.write(() => insert(1, 'x'.repeat(100_000)));
    await expect(large).rejects.toMatchObject({ code: 'full' });
    db.exec(`PRAGMA max_page_count = ${unlimited}`);
    await db.write(() => insert(2));
    expect(stored()).toEqual([2]);
  });

  it('rejects all of a batch whose commit fails, says so in the log, and goes on', async () => {
    db.exec(`PRAGMA foreign_keys = ON;
      CREATE TABLE child (n INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED) STRICT`);
    const outcomes = await Promise.allSettled([
      db.write(() => insert(1)),
      // A deferred constraint is looked at by COMMIT.
      db.write(() => db.prepare('INSERT INTO child VALUES (99)').run()),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    expect(texts).toContain('store: commit failed');
    await db.write(() => insert(2));
    expect(stored()).toEqual([2]);
  });
});

describe('one server per file', () => {
  it('refuses a second server and names the first', async () => {
    await open();
    const second = openSqliteStore({ file, clock });
    await expect(second).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining(`process ${process.pid} `),
    });
  });

  it('takes over at once from a server that was killed', async () => {
    const { child, reached } = startWriter();
    await reached(1);
    await expect(openSqliteStore({ file, clock })).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining(`process ${child.pid} `),
    });
    await kill(child);
    const { log, texts } = recordingLog();
    await open({ log });
    expect(texts).toContain('store: taken over, its server was killed');
  });

  it('frees the file when it closes', async () => {
    await (await open()).close();
    const { log, texts } = recordingLog();
    await open({ log });
    expect(texts).toEqual([]);
  });

  it('lets a tool work beside the server, and the server sees what it did', async () => {
    const server = await open();
    await server.createUser(userRecord('ann'), []);
    await server.enqueue([message('m1', 'ann')], { remember: false, limit: 1 });
    const tool = await open({ exclusive: false });
    await tool.createUser(userRecord('bob'), [list('bob', 'friends')]);
    await tool.deleteUser(user('ann'));
    expect(await server.getUser(user('ann'))).toBeUndefined();
    await tool.createUser(userRecord('ann'), []);
    expect(await server.getUser(user('bob'))).toEqual(userRecord('bob'));
    expect(await server.enqueue([message('m2', 'ann')], { remember: false, limit: 1 })).toEqual(['queued']);
  });

  it('does not migrate beneath a running server', async () => {
    await open();
    raw().exec('PRAGMA user_version = 0');
    await expect(openSqliteStore({ file, clock, exclusive: false })).rejects.toMatchObject({
      code: 'in-use',
    });
  });
});

describe('schema', () => {
  it('is made from nothing, once', async () => {
    const { log, texts } = recordingLog();
    await (await open({ log })).close();
    expect(texts).toHaveLength(SCHEMA_VERSION);
    await open({ log });
    expect(texts).toHaveLength(SCHEMA_VERSION);
    expect(raw().prepare('PRAGMA user_version').get()).toEqual({ user_version: SCHEMA_VERSION });
  });

  it('finds users from before the search', async () => {
    mkdirSync(dirname(file));
    const old = raw();
    old.exec(homesAndQueues.sql);
    const insert = old.prepare('INSERT INTO users VALUES (?, NULL, NULL, ?, 1, 1)');
    insert.run(user('ann'), 'Ann of Old');
    insert.run(user('+34600111222'), null);
    const alias = JSON.stringify({ Alias: { valid: true, value: 'Nightingale' } });
    old.prepare('INSERT INTO presence VALUES (?, ?)').run(user('ann'), alias);
    old.exec('PRAGMA user_version = 1');
    old.close();
    const store = await open();
    for (const [field, text, found] of [
      ['name', 'ann', 'ann'],
      ['alias', 'of old', 'ann'],
      ['published_alias', 'nightingale', 'ann'],
      ['mobile', '600111222', '+34600111222'],
    ] as const) {
      expect(await store.searchUsers({ texts: [{ fields: [field], text }] }, 10)).toEqual([user(found)]);
    }
    await store.changeProfile(user('ann'), (before) => ({ ...before, lastName: 'Lee' }));
    expect(await store.searchUsers({ texts: [{ fields: ['alias'], text: 'of old' }] }, 10)).toHaveLength(1);
  });

  it('is refused when a newer program wrote it', async () => {
    await (await open()).close();
    const connection = raw();
    connection.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    connection.close();
    await expect(openSqliteStore({ file, clock })).rejects.toMatchObject({
      code: 'newer',
      message: expect.stringContaining(`schema version ${SCHEMA_VERSION + 1}`),
    });
  });

  it('uses an index wherever a table grows', () => {
    const db = database();
    const plan = (sql: string) =>
      db
        .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => row.detail)
        .join('; ');
    const indexed = {
      queue_by_recipient: "SELECT * FROM queue WHERE recipient = 'r' AND seq > 1 ORDER BY seq LIMIT 9",
      queue_by_expiry: 'SELECT * FROM queue WHERE expires_at <= 1 ORDER BY expires_at, seq LIMIT 9',
      sent_invitations_by_expiry: 'SELECT invited FROM sent_invitations WHERE expires_at <= 1 LIMIT 9',
      received_invitations_by_expiry: 'SELECT id FROM received_invitations WHERE expires_at <= 1 LIMIT 9',
      outbox_by_destination: "SELECT * FROM outbox WHERE destination = 'd' AND seq > 1 ORDER BY seq LIMIT 9",
      watchers_by_domain: `SELECT publisher, watcher FROM watchers WHERE domain = 'd' AND publisher > 'p'
        ORDER BY publisher, watcher LIMIT 9`,
      inbox_unhandled: "SELECT id FROM inbox WHERE gateway = 'g' AND payload IS NOT NULL ORDER BY seq",
      inbox_handled: 'SELECT seq FROM inbox WHERE payload IS NULL AND received_at < 1 LIMIT 9',
      links_by_message:
        "SELECT remote_id FROM links WHERE gateway = 'g' AND message_id = 'm' ORDER BY id LIMIT 1",
    };
    for (const [index, sql] of Object.entries(indexed)) {
      expect(plan(sql)).toContain(`INDEX ${index}`);
      expect(plan(sql)).not.toContain('TEMP B-TREE');
    }
  });
});

describe('a large server', () => {
  it('opens with 100,000 users and finds one in no time', async () => {
    const seed = database();
    await seed.writeTogether(() => {
      const insert = seed.prepare(
        "INSERT INTO users (address, hash, created_at, active) VALUES (?, 'hash', 1, 1)",
      );
      for (let n = 0; n < 100_000; n++) insert.run(user(`user${n}`));
    });
    seed.close();
    const started = cpuTime();
    const store = await open();
    expect(await store.getUser(user('user77777'))).toBeDefined();
    expect(cpuTime() - started).toBeLessThan(500);
    expect(await store.sizes()).toMatchObject({ users: 100_000 });
  });

  it('counts a long queue once', async () => {
    const store = await open();
    const limit = { remember: false, limit: 3000 };
    const entries = Array.from({ length: 3001 }, (_, n) => message(`m${n}`, 'ann'));
    const outcomes = await store.enqueue(entries, limit);
    expect(outcomes.filter((outcome) => outcome === 'queued')).toHaveLength(3000);
    await store.dequeue(user('ann'), messageId('m0'), 'message');
    expect(await store.enqueue([message('n1', 'ann')], limit)).toEqual(['queued']);
    expect(await store.enqueue([message('n2', 'ann')], limit)).toEqual(['full']);
  });
});
