// Search over 100,000 users with profiles, from the service down: the time of one search in this process.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../src/ops/ports.ts';
import { Homes } from '../src/services/home.ts';
import type { SearchPair } from '../src/services/search-criteria.ts';
import { Search } from '../src/services/search.ts';
import { openSqliteStore } from '../src/store/sqlite/open.ts';
import type { Store } from '../src/store/store.ts';
import { domainOf } from '../src/wv/address.ts';
import { user } from '../test/support/store-samples.ts';
import type { Row } from './row.ts';

const clock: Clock = { now: () => Date.now(), after: () => () => undefined };
const USERS = 100_000;
const FEW_USERS = 10_000;
const BATCH = 2_000;
const ROUNDS = 25;
const FIRST = ['Anna', 'Bert', 'Carla', 'Dieter', 'Emil', 'Frida', 'José', 'Hanna', 'Ivan', 'Klara', 'Lena'];
const LAST = ['Smith', 'Müller', 'García', 'Rossi', 'Novák', 'Jansen', 'Silva', 'Kowalski', 'Dubois'];

/** What people look for: one of all, a few, a common name (536), nobody, a beginning, two things together. */
const SEARCHES: readonly (readonly (readonly [element: string, text: string])[])[] = [
  [['USER_ID', 'user7777']],
  [['USER_MOBILE_NUMBER', '600007777']],
  [['USER_LAST_NAME', 'garcia 77']],
  [['USER_LAST_NAME', 'smith']],
  [['USER_EMAIL_ADDRESS', 'nobody@nowhere.example']],
  [['USER_FIRST_NAME', 'jo']],
  [
    ['USER_LAST_NAME', 'smith'],
    ['USER_FIRST_NAME', 'jose'],
  ],
  [
    ['USER_LAST_NAME', 'smith 77'],
    ['USER_EMAIL_ADDRESS', 'mail.example'],
  ],
];

/** The median of a search, and of the slowest of those above. */
export async function benchSearch(quick: boolean): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'wvgate-bench-'));
  const store = await openSqliteStore({ file: join(directory, 'users.db'), clock });
  try {
    const users = quick ? FEW_USERS : USERS;
    await fill(store, users);
    const times = await measure(store);
    const count = users.toLocaleString('en');
    return [
      { what: `search: one over ${count} users`, ours: median(times), unit: 'ms', aim: '≤ 20' },
      { what: `search: the slowest kind, ${count} users`, ours: Math.max(...times), unit: 'ms', aim: '≤ 20' },
    ];
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
}

async function fill(store: Store, users: number): Promise<void> {
  for (let from = 0; from < users; from += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, (_, n) => addUser(store, from + n)));
  }
}

async function addUser(store: Store, n: number): Promise<void> {
  const address = user(`user${n}`);
  const [firstName = '', lastName = ''] = [FIRST[n % FIRST.length], LAST[n % LAST.length]];
  await store.createUser(
    { address, credentials: {}, createdAt: 1, active: true, displayName: firstName },
    [],
  );
  await store.changeProfile(address, (before) => ({
    ...before,
    firstName,
    lastName: `${lastName} ${n % 500}`,
    email: `${firstName}.${n}@mail.example`,
    mobileNumber: `34600${String(n).padStart(6, '0')}`,
  }));
}

/** The median of each kind of search, milliseconds. */
async function measure(store: Store): Promise<readonly number[]> {
  const homes = new Homes(store, domainOf(user('user1')), 100);
  const limits = { findings: 500, page: 20, maxPage: 100, openPerUser: 5, open: 2_000, life: 600_000 };
  const search = new Search({ store, homes, clock, openAlias: true, limits });
  const medians: number[] = [];
  for (const kind of SEARCHES) {
    const pairs = kind.map(([element, text]): SearchPair => ({ element, text }));
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now();
      await search.begin(user('user1'), pairs);
      times.push(performance.now() - began);
    }
    medians.push(median(times));
  }
  return medians;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
