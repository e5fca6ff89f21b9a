// The defaults satisfy all clients at once: one server as it comes, every version, both encodings, every family of
// phones, and all of them hold the same conversation.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WvClient } from '../../../src/client/client.ts';
import { nodeDigest } from '../../../src/client/node-digest.ts';
import { stcp } from '../../../src/client/stcp.ts';
import { childText, type Element } from '../../../src/wv/element.ts';
import { simple } from '../../../src/wv/presence.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { startTestHouse, type TestHouse } from '../../support/house.ts';
import { android, movistar, s60 } from '../../support/phone-messages.ts';
import { HABITS, Phone, type Habits } from '../../support/phone.ts';
import { all, attribute, codeOf, drain, named } from '../../support/phone-scene.ts';

let house: TestHouse;
beforeAll(async () => {
  house = await startTestHouse({ users: ['ann', 'bea', 'cy', 'dan', 'eve', 'fay', 'gil'] });
});
const ending: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});
afterAll(() => house.stop());

const address = (name: string): string => `wv:${name}@${house.domain}`;

interface Talker {
  readonly name: string;
  readonly user: string;
  readonly client: WvClient;
}

async function talker(
  name: string,
  version: CspVersion,
  encoding: 'xml' | 'wbxml',
  login: '2-way' | '4-way',
): Promise<Talker> {
  const client = new WvClient({
    url: house.url,
    user: name,
    password: `${name}-secret`,
    version,
    encoding,
    login,
    digest: nodeDigest,
    cir: stcp(),
  });
  client.on('error', ({ error }) => expect.soft(error, name).toBeUndefined());
  await client.connect();
  ending.push(() => client.logout());
  return { name, user: address(name), client };
}

/** Every ordered pair. */
function pairs<T>(of: readonly T[]): [T, T][] {
  return of.flatMap((from) => of.filter((to) => to !== from).map((to): [T, T] => [from, to]));
}

describe('one server with its defaults', () => {
  it('lets a client in XML 1.1, one in WBXML 1.2 and one in XML 1.3 hold the same conversation', async () => {
    const talkers = [
      await talker('ann', '1.1', 'xml', '2-way'),
      await talker('bea', '1.2', 'wbxml', '4-way'),
      await talker('cy', '1.3', 'xml', '2-way'),
    ];
    // Lists, subscription, authorization: everybody with everybody.
    for (const { client, user } of talkers) {
      const list = user.replace('@', '/friends@');
      const contacts = talkers.filter((other) => other.user !== user).map((other) => ({ user: other.user }));
      await client.createList(list, { contacts });
      expect((await client.getLists()).lists).toContain(list);
      expect((await client.manageList(list)).contacts.map((contact) => contact.user)).toEqual(
        contacts.map((contact) => contact.user),
      );
    }
    for (const [watcher, publisher] of pairs(talkers)) {
      const asked = publisher.client.next('authorization', ({ user }) => user === watcher.user);
      const online = watcher.client.next(
        'presence',
        ({ user, attributes }) => user === publisher.user && attributes.OnlineStatus?.value === 'T',
      );
      await watcher.client.subscribe({ users: [publisher.user] });
      expect((await asked).user).toBe(watcher.user);
      await publisher.client.answerAuthorization(watcher.user, true);
      await online;
    }
    // Presence of each to each.
    for (const { name, user, client } of talkers) {
      const seen = talkers
        .filter((other) => other.user !== user)
        .map((other) =>
          other.client.next(
            'presence',
            (told) => told.user === user && told.attributes.StatusText?.value === `it is ${name}`,
          ),
        );
      await client.updatePresence({
        StatusText: simple(`it is ${name}`),
        UserAvailability: simple('DISCREET'),
      });
      await Promise.all(seen);
      expect((await client.getWatchers()).map((watcher) => watcher.user).toSorted()).toEqual(
        talkers
          .map((other) => other.user)
          .filter((other) => other !== user)
          .toSorted(),
      );
    }
    // Messages of each to each, acknowledged, with reports.
    for (const [from, to] of pairs(talkers)) {
      const text = `${from.name} → ${to.name}: <grüße> & "😀"\n`;
      const message = to.client.next('message');
      const report = from.client.next('report');
      const sent = await from.client.sendMessage({
        to: { user: to.user },
        content: text,
        deliveryReport: true,
      });
      expect(await message).toMatchObject({ id: sent.id, text, from: { user: from.user } });
      expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id: sent.id } });
    }
    for (const { client } of talkers) expect(await client.getMessages()).toEqual([]);
    // Logout: the others see it.
    const [ann, ...others] = talkers;
    const gone = others.map(({ client }) =>
      client.next(
        'presence',
        (told) => told.user === ann?.user && told.attributes.OnlineStatus?.value === 'F',
      ),
    );
    await ann?.client.logout();
    await Promise.all(gone);
  });

  it('lets an Android in XML and in WBXML, an S60 and a Movistar client hold the same conversation', async () => {
    const port = house.house.addresses.csp.port;
    const phone = (habits: Habits): Phone => {
      const made = new Phone(port, habits);
      ending.push(() => made.close());
      return made;
    };
    const dan = phone(HABITS.android);
    const eve = phone({ ...HABITS.androidWbxml, version: '1.3' });
    const fay = phone(HABITS.s60);
    const gil = phone(HABITS.movistarCsharp);
    const phones = { dan, eve, fay, gil };
    const names = Object.keys(phones) as (keyof typeof phones)[];
    const secret = (name: string): string => `${name}-secret`;

    await dan.say(android.login('Dan', secret('dan'), HABITS.android.clientId));
    await eve.say(android.login('wv:eve', secret('eve'), ''));
    await fay.say(s60.login(address('fay'), secret('fay'), HABITS.s60.clientId));
    await gil.say(movistar.login(address('gil'), secret('gil'), HABITS.movistarCsharp.clientId));
    for (const each of [dan, eve]) await each.say(android.capability());
    await fay.say(s60.capability(HABITS.s60.clientId));
    await gil.say(movistar.capability(''));
    for (const each of [dan, eve, gil]) {
      expect(all((await each.say(android.service())).content, 'AllFunctions')).toHaveLength(1);
    }
    await fay.say(s60.service(HABITS.s60.clientId));

    for (const name of names) {
      const own = await phones[name].say(android.ownPresence(address(name)));
      expect(attribute(own.content, address(name), 'Alias')).toBe(name);
      const list = address(name).replace('@', '/~pep1.0_privatelist@');
      expect(codeOf(await phones[name].say(android.subscribe(list)))).toBe(200);
      for (const other of names.filter((each) => each !== name)) {
        expect(codeOf(await phones[name].say(android.addContact(list, address(other), other)))).toBe(200);
      }
    }
    const told = new Map<string, Element[]>();
    for (const name of names) {
      const came = await drain(phones[name]);
      told.set(name, came);
      const asked = came.filter((it) => it.name === 'PresenceAuth-Request');
      expect(asked.map((ask) => childText(ask, 'UserID') ?? '').toSorted()).toEqual(
        names
          .filter((each) => each !== name)
          .map(address)
          .toSorted(),
      );
      for (const ask of asked) {
        const answer = android.authorize(childText(ask, 'UserID') ?? '', true);
        expect(codeOf(await phones[name].say(answer))).toBe(200);
      }
    }
    for (const name of names) {
      const came = [...(told.get(name) ?? []), ...(await drain(phones[name]))];
      for (const other of names.filter((each) => each !== name)) {
        const seen = came.map((it) => attribute(it, address(other), 'OnlineStatus'));
        expect(seen, `${name} sees ${other}`).toContain('T');
      }
    }
    for (const [from, to] of pairs(names)) {
      const text = `${from} to ${to}: "5 > 3" & 😀`;
      expect(codeOf(await phones[from].say(android.sendMessage(address(from), address(to), text)))).toBe(200);
      expect(childText(named(await drain(phones[to]), 'NewMessage'), 'ContentData')).toBe(text);
    }
    for (const name of names) {
      expect(codeOf(await phones[name].say(android.logout()))).toBe(200);
      for (const heard of phones[name].heard) {
        expect(heard.status).toBe(200);
        expect(heard.chunked).toBe(false);
        expect(heard.transactions.length).toBeLessThanOrEqual(name === 'fay' ? 3 : 1);
      }
    }
  });
});
