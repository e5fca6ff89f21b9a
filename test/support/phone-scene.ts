// Test support: one house, people with accounts of their own, and their phones.

import { scryptSync } from 'node:crypto';
import type { HomeRecord } from '../../src/store/store.ts';
import { child, childText, type Element } from '../../src/wv/element.ts';
import { trusted, type ListAddress } from '../../src/wv/ids.ts';
import { startTestHouse, type TestHouse, type TestHouseOptions } from './house.ts';
import { ManualClock } from './manual-clock.ts';
import { Phone, type Habits, type Heard } from './phone.ts';
import { android } from './phone-messages.ts';

/** The result code of an answer, be it in a Status or in a response of its own; 0 = there is none. */
export function codeOf(heard: Heard): number {
  return Number(childText(child(heard.content, 'Result'), 'Code') ?? 0);
}

/** `code subject…` of each DetailedResult. */
export function detailsOf(heard: Heard): string[] {
  return (child(heard.content, 'Result')?.children ?? [])
    .filter(({ name }) => name === 'DetailedResult')
    .map(({ children }) =>
      children
        .filter(({ name }) => name !== 'Description')
        .map(({ text }) => text)
        .join(' '),
    );
}

/** All elements of a name, at any depth, in document order. */
export function all(element: Element | undefined, name: string): Element[] {
  if (element === undefined) return [];
  const deeper = element.children.flatMap((inner) => all(inner, name));
  return element.name === name ? [element, ...deeper] : deeper;
}

export function texts(element: Element | undefined, name: string): string[] {
  return all(element, name).map(({ text }) => text);
}

/** The value of a presence attribute of one user, in whatever was heard; undefined = not told. */
export function attribute(content: Element | undefined, user: string, name: string): string | undefined {
  const told = all(content, 'Presence').find((each) => childText(each, 'UserID') === user);
  return childText(child(child(told, 'PresenceSubList'), name), 'PresenceValue');
}

/** The account that all others are copies of. */
const PATTERN = 'pattern';
/** Of `sesame`, at the least cost there is. */
const CHEAP_HASH = `scrypt:2:1:1:c2FsdA==:${scryptSync('sesame', 'salt', 32, { N: 2, r: 1, p: 1 }).toString('base64')}`;

export interface OnlineOptions {
  /** Capability negotiation before anything else, as XML. */
  readonly capability?: string;
  /** Another client of the same user needs another id. */
  readonly clientId?: string;
}

export class Scene {
  house: TestHouse;
  readonly clock: ManualClock;
  readonly #phones: Phone[] = [];
  #count = 0;
  #pattern: Promise<HomeRecord> | undefined;

  constructor(house: TestHouse, clock: ManualClock) {
    this.house = house;
    this.clock = clock;
  }

  /** Addresses of people no other test has met: `person('ann')` is `wv:ann7@wv.test`, password `sesame`. */
  async person(name = 'user', displayName?: string): Promise<string> {
    this.#count += 1;
    const own = `${name.toLowerCase()}${this.#count}`;
    await this.#create(own, displayName);
    return `wv:${own}@${this.house.domain}`;
  }

  /** As the server makes accounts, but for the hash of the password: a real one takes longer than most tests. */
  async #create(name: string, displayName: string | undefined): Promise<void> {
    this.#pattern ??= this.#makePattern();
    const { user, lists } = await this.#pattern;
    const { accounts, store } = this.house.house;
    const own = lists.map((list) => ({
      ...list,
      address: trusted<ListAddress>(list.address.replace(`wv:${PATTERN}/`, `wv:${name}/`)),
    }));
    const named = displayName === undefined ? {} : { displayName };
    await store.createUser({ ...user, ...named, address: accounts.address(name) }, own);
  }

  async #makePattern(): Promise<HomeRecord> {
    const { accounts, store } = this.house.house;
    await accounts.create({ name: PATTERN, password: 'sesame' });
    const home = await store.loadHome(accounts.address(PATTERN));
    if (home === undefined) throw new Error('no pattern of an account');
    return { ...home, user: { ...home.user, credentials: { ...home.user.credentials, hash: CHEAP_HASH } } };
  }

  async people<const N extends readonly string[]>(...names: N): Promise<{ [I in keyof N]: string }> {
    const made: string[] = [];
    for (const name of names) made.push(await this.person(name));
    return made as { [I in keyof N]: string };
  }

  phone(habits: Habits): Phone {
    const phone = new Phone(this.house.house.addresses.csp.port, habits);
    this.#phones.push(phone);
    return phone;
  }

  /** A phone that has logged in. */
  async online(user: string, habits: Habits, { capability, clientId }: OnlineOptions = {}): Promise<Phone> {
    const phone = this.phone(habits);
    await phone.say(android.login(user, 'sesame', clientId ?? habits.clientId));
    if (phone.sessionId === '') throw new Error(`${user} cannot log in: ${phone.heard[0]?.xml ?? ''}`);
    if (capability !== undefined) await phone.say(capability);
    return phone;
  }

  /** The same client after the server was restarted: same session, another connection. */
  again(before: Phone): Phone {
    const phone = this.phone(before.habits);
    phone.sessionId = before.sessionId;
    return phone;
  }

  async restart(): Promise<void> {
    this.closePhones();
    this.house = await this.house.restart();
  }

  closePhones(): void {
    for (const phone of this.#phones.splice(0)) phone.close();
  }

  async stop(): Promise<void> {
    this.closePhones();
    await this.house.stop();
  }
}

/** A house whose time stands still. Log-ins are not limited, since all phones share one address. */
export async function startScene(options: TestHouseOptions = {}): Promise<Scene> {
  const clock = new ManualClock();
  const config = { login: { userBurst: 1000, sourceBurst: 1000 }, ...options.config };
  const house = await startTestHouse({ clock, users: [], ...options, config });
  return new Scene(house, clock);
}

/** A poll as the phone posts it; nothing in it is acknowledged. */
export function pollOnly(phone: Phone): Promise<Heard> {
  return phone.post(phone.document('<Polling-Request/>'));
}

/** Polls, and acknowledges as the family does, until nothing comes any more. What came, in order. */
export async function drain(phone: Phone): Promise<Element[]> {
  const came: Element[] = [];
  let pending = [await pollOnly(phone)];
  for (let rounds = 0; pending.length > 0; rounds += 1) {
    if (rounds > 100) throw new Error('the server never stops');
    const next: Heard[] = [];
    for (const heard of pending) {
      const told = heard.transactions.filter(({ mode }) => mode === 'Request');
      if (told.length === 0) continue;
      came.push(...told.flatMap(({ content }) => content ?? []));
      if (phone.habits.acknowledges) next.push(...(await phone.acknowledge(heard)));
      else next.push(await pollOnly(phone));
    }
    pending = next;
  }
  return came;
}

/** The first of what came that has this name. */
export function named(came: readonly Element[], name: string): Element | undefined {
  return came.find((element) => element.name === name);
}
