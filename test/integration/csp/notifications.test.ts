// The general notifications of 1.3: csp-transactions section 11.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { childText, type Element } from '../../../src/wv/element.ts';
import { elements, manageList, property, sublist, subscribe, users } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import {
  codeOf,
  detailsOf,
  drain,
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

const BOTH: readonly Habits[] = [
  { ...HABITS.android, version: '1.3' },
  { ...HABITS.androidWbxml, version: '1.3' },
];
const types = (...names: string[]): string =>
  elements('NotificationTypeList', elements('NotificationType', ...names));
const want = (...names: string[]): string => elements('SubscribeNotification-Request', types(...names));
const unwant = (...names: string[]): string => elements('UnsubscribeNotification-Request', types(...names));

/** Type and subject of each notification. */
const told = (came: readonly Element[]): string[] =>
  came
    .filter(({ name }) => name === 'Notification-Request')
    .map((each) =>
      [
        childText(each, 'NotificationType'),
        ...texts(each, 'ContactList'),
        ...texts(each, 'UserID'),
        ...texts(each, 'BlockListInUse'),
        ...texts(each, 'GrantListInUse'),
        ...texts(each, 'DefaultList'),
      ].join(' '),
    );

/** Two clients of one user; the first changes things, the second wants to hear of them. */
async function twoClients(habits: Habits): Promise<{ ann: string; first: Phone; second: Phone }> {
  const ann = await scene.person('ann');
  const first = await scene.online(ann, habits);
  const second = await scene.online(ann, habits, { clientId: '<ClientID><URL>second</URL></ClientID>' });
  return { ann, first, second };
}

describe.each(BOTH)('notifications in CSP 1.3, $encoding', (habits) => {
  it('CLCR, CLC, CLD: the other client hears which contact list was created, changed, deleted', async () => {
    const { ann, first, second } = await twoClients(habits);
    const bea = await scene.person('bea');
    expect(codeOf(await second.say(want('CLCR', 'CLC', 'CLD')))).toBe(200);
    expect(codeOf(await first.say(want('CLCR', 'CLC', 'CLD')))).toBe(200);
    const list = ann.replace('@', '/pals@');
    await first.say(elements('CreateList-Request', elements('ContactList', list)));
    expect(told(await drain(second))).toEqual([`CLCR ${list}`]);
    await first.say(android.addContact(list, bea, 'Bea'));
    await first.say(android.removeContact(list, bea));
    await first.say(manageList(list, elements('ContactListProperties', property('DisplayName', 'Friends'))));
    // What waits is told once; the client reads the list as it is now.
    expect(told(await drain(second))).toEqual([`CLC ${list}`]);
    await first.say(android.readList(list));
    expect(told(await drain(second))).toEqual([]);
    await first.say(elements('DeleteList-Request', elements('ContactList', list)));
    expect(told(await drain(second))).toEqual([`CLD ${list}`]);
    // Nobody hears of his own doing.
    expect(told(await drain(first))).toEqual([]);
  });

  it('nothing is told of what was refused', async () => {
    const { ann, first, second } = await twoClients(habits);
    await second.say(want());
    const none = ann.replace('@', '/none@');
    expect(codeOf(await first.say(android.addContact(none, ann, 'x')))).toBe(700);
    expect(codeOf(await first.say(elements('DeleteList-Request', elements('ContactList', none))))).toBe(700);
    expect(told(await drain(second))).toEqual([]);
  });

  it('BLC, BLUC, GLC, GLUC: block and grant list, and whether they are in use', async () => {
    const { first, second } = await twoClients(habits);
    const bea = await scene.person('bea');
    await second.say(want('BLC', 'BLUC', 'GLC', 'GLUC'));
    await first.say(android.block(bea));
    expect(told(await drain(second))).toEqual(['BLUC T', 'BLC']);
    await first.say(android.block(bea));
    expect(told(await drain(second))).toEqual([]);
    const grant = elements('GrantList', elements('AddList', elements('UserID', bea)));
    await first.say(elements('BlockEntity-Request', elements('GrantListInUse', 'T') + grant));
    expect(told(await drain(second))).toEqual(['GLUC T', 'GLC']);
  });

  it('AC: whom an authorization is for', async () => {
    const { ann, first, second } = await twoClients(habits);
    const bea = await scene.person('bea');
    await second.say(want('AC'));
    const attributes = sublist('1.3', '<OnlineStatus/>');
    await first.say(
      elements(
        'CreateAttributeList-Request',
        attributes + elements('UserIDList', elements('UserID', bea)) + elements('DefaultList', 'F'),
      ),
    );
    expect(told(await drain(second))).toEqual([`AC ${bea} F`]);
    await (await scene.online(bea, habits)).say(subscribe(ann));
    await first.say(android.authorize(bea, true));
    expect(told(await drain(second))).toEqual([`AC ${bea}`]);
  });

  it('ANU: who wants to see presence is asked about in a notification, to who wants those', async () => {
    const { ann, first, second } = await twoClients(habits);
    const bea = await scene.person('bea');
    await second.say(want('ANU'));
    await (
      await scene.online(bea, habits)
    ).say(elements('SubscribePresence-Request', elements('UserIDList', elements('UserID', ann))));
    expect(told(await drain(second))).toEqual([`ANU ${bea}`]);
    const asked = await drain(first);
    expect(asked.map(({ name }) => name)).toEqual(['PresenceAuth-Request']);
  });

  it('an unconfirmed notification comes once more, and no third time', async () => {
    const { first, second } = await twoClients(habits);
    await second.say(want('BLC'));
    await first.say(android.block(await scene.person('bea')));
    expect(told([(await pollOnly(second)).content!])).toEqual(['BLC']);
    expect((await pollOnly(second)).body).toHaveLength(0);
    scene.clock.advance(61_000);
    expect(told([(await pollOnly(second)).content!])).toEqual(['BLC']);
    scene.clock.advance(600_000);
    expect((await pollOnly(second)).body).toHaveLength(0);
  });

  it('UnsubscribeNotification ends it; the types survive a restart until then', async () => {
    const own = await startScene();
    try {
      const ann = await own.person('ann');
      const first = await own.online(ann, habits);
      const second = await own.online(ann, habits, { clientId: '<ClientID><URL>second</URL></ClientID>' });
      await second.say(want('BLC'));
      await own.restart();
      const [firstAgain, secondAgain] = [own.again(first), own.again(second)];
      await firstAgain.say(android.block(await own.person('bea')));
      expect(told(await drain(secondAgain))).toEqual(['BLC']);
      expect(codeOf(await secondAgain.say(unwant()))).toBe(200);
      await firstAgain.say(android.block(await own.person('cy')));
      expect(told(await drain(secondAgain))).toEqual([]);
    } finally {
      await own.stop();
    }
  });

  it('506 for types that are not served, 402 for what is no type, 201 beside some that are', async () => {
    const { first } = await twoClients(habits);
    expect(codeOf(await first.say(want('GC')))).toBe(506);
    expect(codeOf(await first.say(want('ZZZ')))).toBe(402);
    const mixed = await first.say(want('BLC', 'GC'));
    expect([codeOf(mixed), detailsOf(mixed)]).toEqual([201, ['506']]);
    expect(codeOf(await first.say('<SubscribeNotification-Request/>'))).toBe(400);
  });

  it.each(['GetMap-Request', 'GetSegment-Request', 'DropSegment-Request'])('501 for %s', async (name) => {
    const { ann, first } = await twoClients(habits);
    expect(codeOf(await first.say(elements(name, name === 'GetMap-Request' ? users(ann) : '')))).toBe(501);
  });
});

it.each(['1.1', '1.2'] as const)('405 in CSP %s', async (version) => {
  const phone = await scene.online(await scene.person(), { ...HABITS.android, version });
  expect(codeOf(await phone.say(want('BLC')))).toBe(405);
  expect(codeOf(await phone.say(unwant('BLC')))).toBe(405);
});
