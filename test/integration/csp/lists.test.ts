// Contact lists over the wire: csp-transactions section 3, with each of its status codes.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { elements, manageList, property, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Heard } from '../../support/phone.ts';
import { codeOf, detailsOf, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { contacts: { maxLists: 4, maxContacts: 5 } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const at = (user: string, list: string): string => user.replace('@', `/${list}@`);
const create = (list: string, ...parts: string[]): string =>
  elements('CreateList-Request', elements('ContactList', list) + parts.join(''));
const nicknames = (list: string, ...contacts: (readonly [string, string])[]): string =>
  elements(
    list,
    contacts
      .map(([name, user]) => elements('NickName', elements('Name', name) + elements('UserID', user)))
      .join(''),
  );
const properties = (values: Readonly<Record<string, string>>): string =>
  elements(
    'ContactListProperties',
    Object.entries(values)
      .map(([name, value]) => property(name, value))
      .join(''),
  );
const contactsIn = (content: Element | undefined): string[] => texts(child(content, 'NickList'), 'UserID');
const shown = ({ content }: Heard): string[] => (content?.children ?? []).map(({ name }) => name);
/** 1.3 answers a created list with a response of its own. */
const succeeded = (heard: Heard): boolean =>
  heard.content?.name === 'CreateList-Response' || codeOf(heard) === 200;

describe.each(VERSIONS)('contact lists in CSP %s (%s)', (version, _encoding, habits) => {
  it('CreateList makes a list; 701 when it exists; GetList tells of it', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const made = await phone.say(create(at(ann, 'pals'), nicknames('NickList', ['Bea', bea])));
    expect(made.content?.name).toBe(version === '1.3' ? 'CreateList-Response' : 'Status');
    expect(succeeded(made)).toBe(true);
    expect(codeOf(await phone.say(create(at(ann, 'Pals'))))).toBe(701);
    const heard = await phone.say(android.getList());
    expect(texts(heard.content, 'ContactList')).toContain(at(ann, 'pals'));
    const inOneList = version === '1.3' ? ['ContactListIDList', 'DefaultContactList'] : undefined;
    if (inOneList !== undefined) expect(shown(heard)).toEqual(inOneList);
  });

  it('752 for a bad property or name, 403 for a list of somebody else', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const own = at(ann, 'pals');
    expect(codeOf(await phone.say(create(own, properties({ Colour: 'red' }))))).toBe(752);
    expect(codeOf(await phone.say(create(at(ann, 'a b'))))).toBe(752);
    expect(codeOf(await phone.say(create('no list at all')))).toBe(752);
    expect(codeOf(await phone.say(create(at(bea, 'mine'))))).toBe(403);
    expect(codeOf(await phone.say(manageList(at(bea, '~pep1.0_privatelist'))))).toBe(700);
  });

  it('753 for a list too many, 754 for a contact too many', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    const far = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, `wv:${name}@far.test`] as const);
    expect(codeOf(await phone.say(create(at(ann, 'l1'), nicknames('NickList', ...far))))).toBe(754);
    expect(succeeded(await phone.say(create(at(ann, 'l1'), nicknames('NickList', ...far.slice(1)))))).toBe(
      true,
    );
    const more = await phone.say(manageList(at(ann, 'l1'), nicknames('AddNickList', ...far.slice(0, 1))));
    expect(codeOf(more)).toBe(754);
    for (const name of ['l2', 'l3']) expect(succeeded(await phone.say(create(at(ann, name))))).toBe(true);
    expect(codeOf(await phone.say(create(at(ann, 'l4'))))).toBe(753);
  });

  it('201 with 531 for unknown contacts beside known ones; the known ones are there', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const ghost = 'wv:ghost@wv.test';
    const heard = await phone.say(create(at(ann, 'mix'), nicknames('NickList', ['B', bea], ['G', ghost])));
    expect(codeOf(heard)).toBe(201);
    expect(detailsOf(heard)).toEqual([`531 ${ghost}`]);
    const read = await phone.say(manageList(at(ann, 'mix'), elements('ReceiveList', 'T')));
    expect(contactsIn(read.content)).toEqual([bea]);
  });

  it('700 for a list that is not there', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    expect(codeOf(await phone.say(manageList(at(ann, 'none'))))).toBe(700);
    expect(
      codeOf(await phone.say(elements('DeleteList-Request', elements('ContactList', at(ann, 'none'))))),
    ).toBe(700);
  });

  it('deleting the default list makes another one the default', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    await phone.say(create(at(ann, 'heir')));
    const gone = elements('DeleteList-Request', elements('ContactList', at(ann, '~pep1.0_privatelist')));
    expect(codeOf(await phone.say(gone))).toBe(200);
    const { content } = await phone.say(android.getList());
    expect(childText(content, 'DefaultContactList')).toBe(at(ann, 'heir'));
  });

  it('Default T moves the flag, Default F on the default list is 752', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    await phone.say(create(at(ann, 'next')));
    const set = (list: string, value: string) =>
      phone.say(manageList(at(ann, list), properties({ Default: value, DisplayName: 'Næxt' })));
    expect(codeOf(await set('next', 'T'))).toBe(200);
    const { content } = await phone.say(android.getList());
    expect(childText(content, 'DefaultContactList')).toBe(at(ann, 'next'));
    expect(codeOf(await set('next', 'F'))).toBe(752);
    const read = await phone.say(manageList(at(ann, 'next'), elements('ReceiveList', 'T')));
    expect(texts(read.content, 'Value')).toEqual(['Næxt', 'T']);
  });

  it('without ReceiveList the answer holds what was asked about: all, what was added, nothing, or properties', async () => {
    const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
    const phone = await scene.online(ann, habits);
    const list = at(ann, '~pep1.0_privatelist');
    await phone.say(manageList(list, nicknames('AddNickList', ['Bea', bea])));
    const added = await phone.say(manageList(list, nicknames('AddNickList', ['Cy', cy])));
    expect(contactsIn(added.content)).toEqual([cy]);
    const whole = await phone.say(manageList(list));
    expect(contactsIn(whole.content)).toEqual([bea, cy]);
    expect(shown(whole)).toEqual(['Result', 'NickList', 'ContactListProperties']);
    const changed = await phone.say(manageList(list, properties({ DisplayName: 'Friends' })));
    expect(shown(changed)).toEqual(['Result', 'ContactListProperties']);
    const removed = await phone.say(manageList(list, elements('RemoveNickList', elements('UserID', bea))));
    expect(contactsIn(removed.content)).toEqual([]);
    expect(shown(removed)).toEqual(['Result', 'NickList']);
  });

  it('ReceiveList F brings the Result alone', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const list = at(ann, '~pep1.0_privatelist');
    const request = manageList(list, nicknames('AddNickList', ['Bea', bea]), elements('ReceiveList', 'F'));
    expect(shown(await phone.say(request))).toEqual(['Result']);
  });

  it('all parts of one ListManage are done, and adding a contact again renames it', async () => {
    const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
    const phone = await scene.online(ann, habits);
    const list = at(ann, '~pep1.0_privatelist');
    await phone.say(manageList(list, nicknames('AddNickList', ['Bea', bea])));
    const request = manageList(
      list,
      nicknames('AddNickList', ['Cy', cy], ['Beatrice', bea]),
      properties({ DisplayName: 'All' }),
      elements('ReceiveList', 'T'),
    );
    const heard = await phone.say(request);
    expect(texts(child(heard.content, 'NickList'), 'Name').toSorted()).toEqual(['Beatrice', 'Cy']);
    expect(texts(heard.content, 'Value')).toContain('All');
  });
});

describe('contact lists', () => {
  it('survive a restart, with nicknames, order and default', async () => {
    const own = await startScene();
    try {
      const [ann, bea, cy] = await own.people('ann', 'bea', 'cy');
      const phone = await own.online(ann, HABITS.android);
      const made = create(
        at(ann, 'pals'),
        nicknames('NickList', ['Cy', cy], ['B & B', bea]).replace('&', '&amp;'),
        properties({ DisplayName: 'Pals', Default: 'T' }),
      );
      await phone.say(made);
      await own.restart();
      const again = own.again(phone);
      const { content } = await again.say(android.getList());
      expect(childText(content, 'DefaultContactList')).toBe(at(ann, 'pals'));
      const read = await again.say(manageList(at(ann, 'pals'), elements('ReceiveList', 'T')));
      expect(contactsIn(read.content)).toEqual([cy, bea]);
      expect(texts(child(read.content, 'NickList'), 'Name')).toEqual(['Cy', 'B & B']);
    } finally {
      await own.stop();
    }
  });
});
