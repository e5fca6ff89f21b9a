// The run with groups: four people make groups, come and go, write, whisper, invite, answer and forward, all at the
// same time, while their server is killed. After each restart everything that was answered must be there.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elements } from '../csp-variants.ts';
import { getMembers } from '../group-variants.ts';
import { texts } from '../phone-scene.ts';
import { freePorts, GatewayProcess, whole } from './gateway-process.ts';
import { GroupBooks } from './group-books.ts';
import { GroupPerson, type Company } from './group-person.ts';
import { GroupPhone } from './group-phone.ts';
import { seeded, type Random } from './random.ts';

export interface GroupRun {
  /** Each ends with a kill. */
  readonly rounds: number;
  readonly seed: number;
  /** Ends a run that hangs, ms. */
  readonly deadlineMs: number;
  readonly onProgress?: (line: string) => void;
}

export interface GroupRunReport {
  readonly kills: number;
  readonly groups: number;
  readonly invitations: number;
  /** Messages that were answered 200. */
  readonly messages: number;
  readonly violations: readonly string[];
  /** Where the server's log and data are; kept only when something is wrong. */
  readonly folder: string;
}

const DOMAIN = 'wv.kill';
const NAMES = ['ann', 'bea', 'cy', 'dan'] as const;
const PASSWORD = 'kill-secret';
const SHORTEST_MS = 60;
const LONGEST_MS = 500;
/** One kill in so many hits the server once more while it starts. */
const KILLED_AGAIN = 4;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function runGroupKills(options: GroupRun): Promise<GroupRunReport> {
  const books = new GroupBooks();
  const folder = await mkdtemp(join(tmpdir(), 'wvgate-kill-groups-'));
  const ports = await freePorts();
  const gateway = new GatewayProcess(
    folder,
    whole({
      domain: DOMAIN,
      users: NAMES.map((name) => ({ name, password: PASSWORD })),
      login: { userBurst: 100, sourceBurst: 100 },
    }),
    ports,
  );
  gateway.onCrash = (how) => books.violation(`the server ended by itself: ${how}`);
  let kills = 0;
  const kill = async (): Promise<void> => {
    kills += 1;
    await gateway.kill();
    gateway.start();
  };
  const over = AbortSignal.timeout(options.deadlineMs);
  const random = seeded(options.seed + 2);
  const phones = NAMES.map(
    (name) =>
      new GroupPhone(name, `wv:${name}@${DOMAIN}`, {
        books,
        port: ports.csp,
        kills: () => kills,
        random,
        over,
      }),
  );
  try {
    gateway.start();
    await gateway.ready();
    for (const phone of phones) await phone.login(PASSWORD);
    const people = company(phones, books, options.seed);
    const moments = seeded(options.seed + 1);
    for (let round = 1; round <= options.rounds && books.violations.length === 0; round += 1) {
      await liveAndDie(people, gateway, kill, moments);
      await verify(people, books);
      options.onProgress?.(`round ${round}: ${books.accepted} messages, ${books.groups.size} groups`);
    }
    await settle(people, gateway, books);
  } catch (error) {
    books.violation(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  for (const phone of phones) phone.close();
  const how = await gateway.stop();
  if (how !== '0') books.violation(`the server did not stop in order: ${how}`);
  const { violations, groups, invitations, accepted } = books;
  if (violations.length === 0) await rm(folder, { recursive: true, force: true });
  return {
    kills,
    groups: groups.size,
    invitations: invitations.size,
    messages: accepted,
    violations,
    folder,
  };
}

function company(phones: readonly GroupPhone[], books: GroupBooks, seed: number): readonly GroupPerson[] {
  const people: GroupPerson[] = [];
  const random = seeded(seed);
  let count = 0;
  const unique = (kind: string): string => `${kind}${(count += 1)}`;
  const shared: Company = { books, random, domain: DOMAIN, people, unique };
  for (const phone of phones) people.push(new GroupPerson(phone, shared));
  return people;
}

/** Everybody is busy while the server is killed; returns when each has the answer to his last deed. */
async function liveAndDie(
  people: readonly GroupPerson[],
  gateway: GatewayProcess,
  kill: () => Promise<void>,
  moments: Random,
): Promise<void> {
  let isOver = false;
  const busy = Promise.all(
    people.map(async (person) => {
      while (!isOver) await person.act();
    }),
  );
  try {
    await pause(SHORTEST_MS + moments.below(LONGEST_MS));
    await kill();
    if (moments.below(KILLED_AGAIN) === 0) {
      await pause(moments.below(1_000));
      await kill();
    }
    await gateway.ready();
  } finally {
    isOver = true;
    await busy;
  }
}

/** Nobody does anything: the groups are as the answers said, and what was sent has come. */
async function verify(people: readonly GroupPerson[], books: GroupBooks): Promise<void> {
  for (const person of people) await person.phone.fetch(Infinity);
  // Twice: what the first ones forwarded is there only now.
  for (const person of people) await person.phone.fetch(Infinity);
  for (const [group, { owner, inside, members }] of books.groups) {
    const admin = people.find(({ name }) => name === owner);
    if (admin === undefined) continue;
    const joined = await admin.phone.ask(elements('GetJoinedUsers-Request', elements('GroupID', group)));
    compare(
      books,
      `joined to ${group}`,
      inside,
      namesIn(texts(joined.heard.content, 'UserID'), texts(joined.heard.content, 'SName')),
    );
    const list = await admin.phone.ask(getMembers(group));
    compare(books, `members of ${group}`, members, namesIn(texts(list.heard.content, 'UserID'), []));
  }
  books.balance();
}

const namesIn = (addresses: readonly string[], screenNames: readonly string[]): ReadonlySet<string> =>
  new Set([...addresses.map((address) => /^wv:([^@]*)@/.exec(address)?.[1] ?? address), ...screenNames]);

function compare(
  books: GroupBooks,
  what: string,
  wanted: ReadonlySet<string>,
  there: ReadonlySet<string>,
): void {
  const [expected, found] = [wanted, there].map((names) => [...names].toSorted().join(', '));
  if (expected !== found) books.violation(`${what}: ${found} rather than ${expected}`);
}

/** Every invitation that is still open can be answered, and then nothing waits for anybody. */
async function settle(
  people: readonly GroupPerson[],
  gateway: GatewayProcess,
  books: GroupBooks,
): Promise<void> {
  for (const person of people) while (await person.answer());
  await verify(people, books);
  for (const { id, answered } of books.invitations.values()) {
    if (answered === undefined) books.violation(`${id} was never answered`);
  }
  const waiting = await gateway.waiting();
  if (waiting !== 0) books.violation(`${waiting ?? 'an unknown number of'} entries still wait`);
}
