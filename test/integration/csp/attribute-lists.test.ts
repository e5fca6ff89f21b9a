// Attribute lists over the wire: csp-transactions section 4, with each of its status codes.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { elements, sublist, subscribe, updatePresence, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS } from '../../support/phone.ts';
import { all, codeOf, detailsOf, drain, startScene, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

interface Target {
  readonly users?: readonly string[];
  readonly lists?: readonly string[];
  readonly everybody?: boolean;
}

const targets = ({ users = [], lists = [], everybody = false }: Target): string =>
  elements('UserID', ...users) +
  elements('ContactList', ...lists) +
  elements('DefaultList', everybody ? 'T' : 'F');

const names = (element: Element | undefined): string[] => (element?.children ?? []).map(({ name }) => name);

describe.each(VERSIONS)('attribute lists in CSP %s (%s)', (version, _encoding, habits) => {
  const create = (attributes: readonly string[], target: Target): string => {
    const empty = attributes.map((name) => `<${name}/>`).join('');
    return elements('CreateAttributeList-Request', sublist(version, empty) + targets(target));
  };
  /** What a watcher was told: attribute → its Qualifier. */
  const told = (came: readonly Element[]): Record<string, string | undefined> =>
    Object.fromEntries(
      came
        .flatMap((each) => all(each, 'PresenceSubList'))
        .flatMap(({ children }) => children)
        .map((attribute) => [attribute.name, childText(attribute, 'Qualifier')]),
    );

  async function watched() {
    const [ann, bea] = await scene.people('ann', 'bea');
    const publisher = await scene.online(ann, habits);
    await publisher.say(updatePresence(version, { StatusText: 'hello', UserAvailability: 'DISCREET' }));
    const watcher = await scene.online(bea, HABITS.android);
    return { ann, bea, publisher, watcher };
  }

  it('a user sees what his list names, without anybody being asked', async () => {
    const { ann, bea, publisher, watcher } = await watched();
    expect(codeOf(await publisher.say(create(['OnlineStatus', 'StatusText'], { users: [bea] })))).toBe(200);
    await watcher.say(subscribe(ann));
    expect(Object.keys(told(await drain(watcher))).toSorted()).toEqual([
      'Alias',
      'OnlineStatus',
      'StatusText',
    ]);
    expect(await drain(publisher)).toEqual([]);
  });

  it('changes take effect at once: gained values are told, lost ones are withdrawn', async () => {
    const { ann, bea, publisher, watcher } = await watched();
    await publisher.say(create(['StatusText'], { users: [bea] }));
    await watcher.say(subscribe(ann));
    await drain(watcher);
    await publisher.say(create(['UserAvailability'], { users: [bea] }));
    expect(told(await drain(watcher))).toEqual({ UserAvailability: 'T', StatusText: 'F' });
    const deleted = elements('DeleteAttributeList-Request', targets({ users: [bea] }));
    expect(codeOf(await publisher.say(deleted))).toBe(200);
    expect(told(await drain(watcher))).toEqual({ UserAvailability: 'F' });
  });

  it('the list of a contact list holds for its members, the default list for everybody else', async () => {
    const { ann, bea, publisher, watcher } = await watched();
    const friends = ann.replace('@', '/~pep1.0_privatelist@');
    expect(codeOf(await publisher.say(create(['StatusText'], { lists: [friends] })))).toBe(200);
    expect(codeOf(await publisher.say(create(['UserAvailability'], { everybody: true })))).toBe(200);
    await watcher.say(subscribe(ann));
    expect(told(await drain(watcher))).toEqual({ UserAvailability: 'T', Alias: 'T' });
    await publisher.say(android.addContact(friends, bea, 'Bea'));
    expect(told(await drain(watcher))).toEqual({ UserAvailability: 'F', StatusText: 'T' });
  });

  it('531 for an unknown user, 700 for an unknown list, 201 where a part succeeded', async () => {
    const { ann, bea, publisher } = await watched();
    const ghost = 'wv:ghost@wv.test';
    const none = ann.replace('@', '/none@');
    expect(codeOf(await publisher.say(create(['Alias'], { users: [ghost] })))).toBe(531);
    expect(codeOf(await publisher.say(create(['Alias'], { lists: [none] })))).toBe(700);
    expect(codeOf(await publisher.say(create(['Alias'], { users: [ghost], lists: [none] })))).toBe(900);
    const mixed = await publisher.say(create(['Alias'], { users: [bea, ghost] }));
    expect(codeOf(mixed)).toBe(201);
    expect(detailsOf(mixed)).toEqual([`531 ${ghost}`]);
  });

  it('GetAttributeList shows what was made, by user, by list and for everybody', async () => {
    const { ann, bea, publisher } = await watched();
    const friends = ann.replace('@', '/~pep1.0_privatelist@');
    await publisher.say(create(['OnlineStatus'], { users: [bea] }));
    await publisher.say(create(['StatusText', 'Alias'], { lists: [friends] }));
    await publisher.say(create(['UserAvailability'], { everybody: true }));
    const everybody = await publisher.say(elements('GetAttributeList-Request', elements('DefaultList', 'T')));
    expect(names(child(child(everybody.content, 'DefaultAttributeList'), 'PresenceSubList'))).toEqual([
      'UserAvailability',
    ]);
    const rest = await publisher.say(elements('GetAttributeList-Request', elements('DefaultList', 'F')));
    expect(codeOf(rest)).toBe(200);
    const shown = all(rest.content, 'Presence').map((presence) => [
      childText(presence, 'UserID') ?? childText(presence, 'ContactList'),
      names(child(presence, 'PresenceSubList')),
    ]);
    expect(shown).toEqual([
      [bea, ['OnlineStatus']],
      [friends, ['StatusText', 'Alias']],
    ]);
  });

  it('an empty list lets nothing be seen, and deleting what is not there is no error', async () => {
    const { ann, bea, publisher, watcher } = await watched();
    await publisher.say(create([], { users: [bea] }));
    await watcher.say(subscribe(ann));
    expect(Object.keys(told(await drain(watcher)))).toEqual(['Alias']);
    const request = elements('DeleteAttributeList-Request', targets({ users: ['wv:ghost@wv.test'] }));
    expect(codeOf(await publisher.say(request))).toBe(200);
  });
});

describe('attribute lists', () => {
  it('survive a restart', async () => {
    const own = await startScene();
    try {
      const [ann, bea] = await own.people('ann', 'bea');
      const publisher = await own.online(ann, HABITS.android);
      const list = sublist('1.2', '<StatusText/>') + targets({ users: [bea] });
      await publisher.say(elements('CreateAttributeList-Request', list));
      await publisher.say(updatePresence('1.2', { StatusText: 'kept' }));
      await own.restart();
      const watcher = await own.online(bea, HABITS.android);
      await watcher.say(subscribe(ann));
      const told = (await drain(watcher)).flatMap((each) => all(each, 'StatusText'));
      expect(told.map((each) => childText(each, 'PresenceValue'))).toEqual(['kept']);
    } finally {
      await own.stop();
    }
  });
});
