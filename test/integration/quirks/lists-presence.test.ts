// What real phones need of lists and presence: client-quirks section 4, row by row.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { NAMESPACES } from '../../../src/wv/version.ts';
import { ANDROIDS } from '../../support/csp-variants.ts';
import { android, movistar } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import {
  all,
  attribute,
  codeOf,
  drain,
  named,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const names = (parent: Element | undefined): string[] => (parent?.children ?? []).map(({ name }) => name);
const listOf = (user: string, name: string): string => user.replace('@', `/${name}@`);
const presenceOf = (came: readonly Element[]): Element => ({
  name: 'all',
  text: '',
  children: came.filter(({ name }) => name === 'PresenceNotification-Request'),
});

/** A watcher and a publisher who lets him see everything. */
async function friends(habits: Habits): Promise<{ ann: string; bea: string; watcher: Phone; other: Phone }> {
  const [ann, bea] = await scene.people('ann', 'bea');
  const watcher = await scene.online(ann, habits);
  const other = await scene.online(bea, habits);
  await other.say(android.authorize(ann, true));
  return { ann, bea, watcher, other };
}

describe.each(ANDROIDS)('lists in CSP %s in %s', (version, _encoding, habits) => {
  it('[A] reads its block list from BlockList/EntityList/UserID, with the flags where its version has them', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const before = await phone.say(android.getBlockedList());
    expect(before.content?.name).toBe('GetBlockedList-Response');
    expect(codeOf(await phone.say(android.block('wv:pest@wv.test')))).toBe(200);
    const { content } = await phone.say(android.getBlockedList());
    const list = child(content, 'BlockList');
    expect(texts(child(list, 'EntityList'), 'UserID')).toEqual(['wv:pest@wv.test']);
    const flags = version === '1.3' ? content : undefined;
    expect(childText(flags ?? list, version === '1.3' ? 'BlockListInUse' : 'InUse')).toBe('T');
    expect(
      childText(flags ?? child(content, 'GrantList'), version === '1.3' ? 'GrantListInUse' : 'InUse'),
    ).toBe('F');
  });

  it('the private list is there for every user, as DefaultContactList behind the others', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    await phone.say(movistar.createList(listOf(user, 'work')));
    const { content } = await phone.say(android.getList());
    expect(childText(content, 'DefaultContactList')).toBe(listOf(user, '~pep1.0_privatelist'));
    expect(names(content).at(-1)).toBe('DefaultContactList');
    expect(texts(content, 'ContactList')).toContain(listOf(user, 'work'));
  });

  it('MUST lists are found in any case, and come back in lower case', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    const mixed = listOf(user, '~PEP1.0_subscriptions');
    expect([0, 200]).toContain(codeOf(await phone.say(movistar.createList(mixed))));
    expect(codeOf(await phone.say(movistar.createList(mixed.toLowerCase())))).toBe(701);
    for (const name of ['~PEP1.0_privatelist', '~pep1.0_privatelist', '~PEP1.0_SUBSCRIPTIONS'])
      expect(codeOf(await phone.say(android.readList(listOf(user, name))))).toBe(200);
    const { content } = await phone.say(android.getList());
    expect(texts(content, 'ContactList')).toContain(listOf(user, '~pep1.0_subscriptions'));
    for (const list of texts(content, 'ContactList')) expect(list).toBe(list.toLowerCase());
  });

  it('[A] takes NickName/Name with User/UserID, and empty or absent NickLists', async () => {
    const [user, friend] = await scene.people('ann', 'bea');
    const phone = await scene.online(user, habits);
    const pals = listOf(user, 'pals');
    expect([0, 200]).toContain(codeOf(await phone.say(android.createList(pals, friend, 'Bea <3'))));
    const { content } = await phone.say(android.readList(pals));
    expect(texts(content, 'Name')).toContain('Bea <3');
    expect(texts(content, 'UserID')).toEqual([friend]);
    expect([0, 200]).toContain(codeOf(await phone.say(movistar.createList(listOf(user, 'empty')))));
    const bare = `<CreateList-Request><ContactList>${listOf(user, 'bare')}</ContactList></CreateList-Request>`;
    expect([0, 200]).toContain(codeOf(await phone.say(bare)));
  });

  it('MUST [A] ListManage with ReceiveList T: each NickName has Name and UserID, and the properties follow', async () => {
    const [user, one, two] = await scene.people('ann', 'bea', 'cy');
    const phone = await scene.online(user, habits);
    const list = listOf(user, '~pep1.0_privatelist');
    const bare = `<AddNickList><UserID>${one}</UserID></AddNickList>`;
    await phone.say(
      `<ListManage-Request><ContactList>${list}</ContactList>${bare}<ReceiveList>T</ReceiveList></ListManage-Request>`,
    );
    const { content } = await phone.say(android.addContact(list, two, 'Cy'));
    expect(names(content)).toEqual(['Result', 'NickList', 'ContactListProperties']);
    const nicknames = all(content, 'NickName');
    expect(nicknames.map(names)).toEqual([
      ['Name', 'UserID'],
      ['Name', 'UserID'],
    ]);
    expect(texts(child(content, 'NickList'), 'UserID')).toEqual([one, two]);
    const properties = all(content, 'Property').map((it) => [childText(it, 'Name'), childText(it, 'Value')]);
    expect(Object.fromEntries(properties)).toMatchObject({ DisplayName: 'Contacts', Default: 'T' });
    const removed = await phone.say(android.removeContact(list, one));
    expect(texts(child(removed.content, 'NickList'), 'UserID')).toEqual([two]);
  });

  it('[A] an unknown contact is 531', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    const list = listOf(user, '~pep1.0_privatelist');
    expect(codeOf(await phone.say(android.addContact(list, 'wv:ghost@wv.test', 'Ghost')))).toBe(531);
  });
});

describe.each(ANDROIDS)('presence in CSP %s in %s', (version, _encoding, habits) => {
  it('[A] an empty list can be subscribed to, again and again', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    const list = listOf(user, '~pep1.0_privatelist');
    for (let i = 0; i < 3; i++) expect(codeOf(await phone.say(android.subscribe(list)))).toBe(200);
  });

  it('[A] a repeated subscription gives no error and asks the contact only once', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const watcher = await scene.online(ann, habits);
    const publisher = await scene.online(bea, { ...HABITS.android, version: '1.2' });
    const list = listOf(ann, '~pep1.0_privatelist');
    await watcher.say(android.addContact(list, bea, 'Bea'));
    for (let i = 0; i < 3; i++) expect(codeOf(await watcher.say(android.subscribe(list)))).toBe(200);
    const asked = (await drain(publisher)).filter(({ name }) => name === 'PresenceAuth-Request');
    expect(asked.map((ask) => childText(ask, 'UserID'))).toEqual([ann]);
    await publisher.say(android.authorize(ann, true));
    await watcher.say(android.subscribe(list));
    expect(await drain(publisher)).toEqual([]);
  });

  it('[A] one unknown contact does not spoil the list it is on', async () => {
    const { ann, bea, watcher } = await friends(habits);
    const list = listOf(ann, '~pep1.0_privatelist');
    await watcher.say(android.addContact(list, 'wv:far@elsewhere.test', 'Far'));
    await watcher.say(android.addContact(list, bea, 'Bea'));
    expect(codeOf(await watcher.say(android.subscribe(list)))).toBe(200);
    expect(attribute(presenceOf(await drain(watcher)), bea, 'OnlineStatus')).toBe('T');
  });

  it('AutoSubscribe T: contacts added later are subscribed', async () => {
    const { ann, bea, watcher, other } = await friends(habits);
    const list = listOf(ann, '~pep1.0_privatelist');
    await watcher.say(android.subscribe(list));
    await watcher.say(android.addContact(list, bea, 'Bea'));
    expect(attribute(presenceOf(await drain(watcher)), bea, 'UserAvailability')).toBe('AVAILABLE');
    await other.say(android.updateStatus(version, 'DISCREET', 'thinking'));
    expect(attribute(presenceOf(await drain(watcher)), bea, 'StatusText')).toBe('thinking');
  });

  it('MUST the first notification has Alias, UserAvailability and OnlineStatus T', async () => {
    const { ann, bea, watcher } = await friends(habits);
    const list = listOf(ann, '~pep1.0_privatelist');
    await watcher.say(android.addContact(list, bea, 'Bea'));
    await watcher.say(movistar.subscribe(list, version));
    const told = presenceOf(await drain(watcher));
    expect(attribute(told, bea, 'Alias')).toBe(bea.slice(3, bea.indexOf('@')));
    expect(attribute(told, bea, 'UserAvailability')).toBe('AVAILABLE');
    expect(attribute(told, bea, 'OnlineStatus')).toBe('T');
  });

  it('MUST [A] every attribute has Qualifier T, first', async () => {
    const { ann, bea, watcher } = await friends(habits);
    const list = listOf(ann, '~pep1.0_privatelist');
    await watcher.say(android.addContact(list, bea, 'Bea'));
    await watcher.say(android.subscribe(list));
    const attributes = all(presenceOf(await drain(watcher)), 'PresenceSubList').flatMap(
      ({ children }) => children,
    );
    expect(attributes.length).toBeGreaterThan(2);
    for (const each of attributes) {
      expect(each.children[0]).toMatchObject({ name: 'Qualifier', text: 'T' });
    }
  });

  it('TOLERATE OnlineStatus with nothing but Qualifier T: it means online', async () => {
    const { ann, bea, watcher, other } = await friends(habits);
    const list = listOf(ann, '~pep1.0_privatelist');
    const hidden = '<OnlineStatus><Qualifier>T</Qualifier><PresenceValue>F</PresenceValue></OnlineStatus>';
    const sublist = (content: string) =>
      `<UpdatePresence-Request><PresenceSubList xmlns="${NAMESPACES[version].presence}">${content}` +
      '</PresenceSubList></UpdatePresence-Request>';
    await watcher.say(android.addContact(list, bea, 'Bea'));
    expect(codeOf(await other.say(sublist(hidden)))).toBe(200);
    await watcher.say(android.subscribe(list));
    expect(attribute(presenceOf(await drain(watcher)), bea, 'OnlineStatus')).toBe('F');
    const bare = '<OnlineStatus><Qualifier>T</Qualifier></OnlineStatus>';
    expect(codeOf(await other.say(sublist(bare)))).toBe(200);
    expect(attribute(presenceOf(await drain(watcher)), bea, 'OnlineStatus')).toBe('T');
  });

  it('[A] passes AVAILABLE, DISCREET and NOT_AVAILABLE, and says OnlineStatus F after logout', async () => {
    const { ann, bea, watcher, other } = await friends(habits);
    const list = listOf(ann, '~pep1.0_privatelist');
    await watcher.say(android.addContact(list, bea, 'Bea'));
    await watcher.say(android.subscribe(list));
    await drain(watcher);
    for (const availability of ['DISCREET', 'NOT_AVAILABLE', 'AVAILABLE']) {
      await other.say(android.updateStatus(version, availability, ''));
      expect(attribute(presenceOf(await drain(watcher)), bea, 'UserAvailability')).toBe(availability);
    }
    await other.say(android.logout());
    const told = presenceOf(await drain(watcher));
    expect(attribute(told, bea, 'OnlineStatus')).toBe('F');
    expect(attribute(told, bea, 'UserAvailability')).toBe('NOT_AVAILABLE');
  });

  it('[A] carries a Base64 avatar in StatusContent: Qualifier, DirectContent, ContentType', async () => {
    const { ann, bea, watcher, other } = await friends(habits);
    const list = listOf(ann, '~pep1.0_privatelist');
    await watcher.say(android.addContact(list, bea, 'Bea'));
    await watcher.say(android.subscribe(list));
    const avatar =
      '<StatusContent><Qualifier>T</Qualifier><DirectContent>iVBORw0KGgo=</DirectContent>' +
      '<ContentType>image/png</ContentType></StatusContent>';
    const update =
      `<UpdatePresence-Request><PresenceSubList xmlns="${NAMESPACES[version].presence}">${avatar}` +
      '</PresenceSubList></UpdatePresence-Request>';
    expect(codeOf(await other.say(update))).toBe(200);
    const [content] = all(presenceOf(await drain(watcher)), 'StatusContent');
    expect(content?.children.map(({ name, text }) => [name, text])).toEqual([
      ['Qualifier', 'T'],
      ['DirectContent', 'iVBORw0KGgo='],
      ['ContentType', 'image/png'],
    ]);
  });

  it('a notification is acknowledged with Status 200 and then not repeated', async () => {
    const { ann, bea, watcher } = await friends(habits);
    const list = listOf(ann, '~pep1.0_privatelist');
    await watcher.say(android.addContact(list, bea, 'Bea'));
    await watcher.say(android.subscribe(list));
    expect(named(await drain(watcher), 'PresenceNotification-Request')).toBeDefined();
    scene.clock.advance(120_000);
    expect(await drain(watcher)).toEqual([]);
  });

  it('MUST [P] GetPresence of a contact shows the user with Alias, whatever else may be seen', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const heard = await phone.say(movistar.contactAlias(bea, version));
    expect(codeOf(heard)).toBe(200);
    expect(attribute(heard.content, bea, 'Alias')).toBe(bea.slice(3, bea.indexOf('@')));
  });
});

describe('reactive authorization in CSP 1.2', () => {
  /** What a watcher's wish looks like at the contact's phone: the ask and what it came in. */
  async function wish(habits: Habits) {
    const [ann, bea] = await scene.people('ann', 'bea');
    const watcher = await scene.online(ann, HABITS.android);
    const phone = await scene.online(bea, habits);
    await watcher.say(
      `<SubscribePresence-Request><User><UserID>${bea}</UserID></User></SubscribePresence-Request>`,
    );
    await drain(watcher);
    const heard = await pollOnly(phone);
    const ask = heard.transactions.find(({ content }) => content?.name === 'PresenceAuth-Request');
    expect(childText(ask?.content, 'UserID')).toBe(ann);
    return { ann, bea, watcher, phone, heard, id: ask?.id ?? '' };
  }

  it.each([HABITS.android, HABITS.androidWbxml])(
    '[A] answers Status, and PresenceAuth-User later ($encoding)',
    async (habits) => {
      const { ann, bea, watcher, phone, heard } = await wish(habits);
      await phone.acknowledge(heard);
      expect(codeOf(await phone.say(android.authorize(ann, true)))).toBe(200);
      expect(attribute(presenceOf(await drain(watcher)), bea, 'OnlineStatus')).toBe('T');
    },
  );

  it('[P,H] answers Status in Response mode with the id of the server', async () => {
    const { phone, id } = await wish(HABITS.movistarPython);
    expect((await phone.say(movistar.status(), { mode: 'Response', id })).body).toHaveLength(0);
  });

  it('TOLERATE [C] Status in Request mode with an id of its own, which gets a Status 2xx', async () => {
    const { ann, bea, watcher, phone } = await wish(HABITS.movistarCsharp);
    const heard = await phone.say(movistar.status());
    expect(heard.content?.name).toBe('Status');
    expect(codeOf(heard)).toBe(200);
    expect(codeOf(await phone.say(movistar.authorize(ann, true)))).toBe(200);
    expect(attribute(presenceOf(await drain(watcher)), bea, 'OnlineStatus')).toBe('T');
  });

  it('TOLERATE [J] a Status that quotes a mangled id is harmless', async () => {
    const { ann, phone, id } = await wish(HABITS.movistarJ2me);
    const heard = await phone.say(movistar.status(), { mode: 'Response', id: `D>${id}` });
    expect(heard.status).toBe(200);
    expect(heard.body).toHaveLength(0);
    expect(codeOf(await phone.say(movistar.authorize(ann, false)))).toBe(200);
  });

  it('does not ask again what was answered, even if the question itself was never acknowledged', async () => {
    const { ann, phone } = await wish(HABITS.android);
    expect(codeOf(await phone.say(android.authorize(ann, true)))).toBe(200);
    scene.clock.advance(120_000);
    expect((await drain(phone)).filter(({ name }) => name === 'PresenceAuth-Request')).toEqual([]);
  });

  it('takes PresenceAuth-User in Response mode with the id of the question', async () => {
    const { ann, bea, watcher, phone, id } = await wish(HABITS.android);
    await phone.say(android.authorize(ann, true), { mode: 'Response', id });
    expect(attribute(presenceOf(await drain(watcher)), bea, 'OnlineStatus')).toBe('T');
  });

  it('asks again at the next log-in what was not answered', async () => {
    const { ann, bea, phone, heard } = await wish(HABITS.android);
    await phone.acknowledge(heard);
    const next = await scene.online(bea, HABITS.android);
    const asked = (await drain(next)).filter(({ name }) => name === 'PresenceAuth-Request');
    expect(asked.map((ask) => childText(ask, 'UserID'))).toEqual([ann]);
  });
});

describe('the Movistar clients', () => {
  it('MUST [C] create ~PEP1.0_subscriptions, subscribe with ten attributes, and never subscribe again', async () => {
    const [paco, lola] = await scene.people('paco', 'lola');
    const phone = await scene.online(paco, HABITS.movistarCsharp);
    const friend = await scene.online(lola, HABITS.movistarPython);
    const list = listOf(paco, '~PEP1.0_subscriptions');
    expect(codeOf(await phone.say(movistar.createList(list)))).toBe(200);
    expect(codeOf(await phone.say(movistar.subscribe(list, '1.2')))).toBe(200);
    await friend.say(movistar.updatePresence('1.2'));
    expect(codeOf(await phone.say(movistar.addContact(list, lola, 'Lola')))).toBe(200);
    expect(codeOf(await friend.say(movistar.authorize(paco, true)))).toBe(200);
    const told = presenceOf(await drain(phone));
    expect(attribute(told, lola, 'Alias')).toBe(lola.slice(3, lola.indexOf('@')));
    expect(attribute(told, lola, 'OnlineStatus')).toBe('T');
    expect(all(told, 'CommCap').length).toBeGreaterThan(0);
  });

  it('DeleteContact is accepted in all its parts, even when nothing is there', async () => {
    const [paco, lola] = await scene.people('paco', 'lola');
    const phone = await scene.online(paco, HABITS.movistarPhp);
    for (let i = 0; i < 2; i++) {
      for (const request of movistar.deleteContact(lola)) expect(codeOf(await phone.say(request))).toBe(200);
    }
  });

  it('keep the element of their own namespace in ClientInfo for others to see', async () => {
    const [paco, lola] = await scene.people('paco', 'lola');
    const phone = await scene.online(paco, HABITS.movistarCsharp);
    const friend = await scene.online(lola, HABITS.movistarCsharp);
    await friend.say(movistar.authorize(paco, true));
    expect(codeOf(await friend.say(movistar.updatePresence('1.2')))).toBe(200);
    const heard = await phone.say(movistar.ownPresence(lola));
    expect(attribute(heard.content, lola, 'UserAvailability')).toBe('AVAILABLE');
    expect(texts(heard.content, 'ClientProducer')).toEqual(['Colibria As']);
  });
});
