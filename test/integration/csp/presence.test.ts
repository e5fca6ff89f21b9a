// Presence over the wire: csp-transactions section 5, with each of its status codes.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import {
  elements,
  manageList,
  sublist,
  subscribe,
  updatePresence,
  users,
  VERSIONS,
} from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import {
  all,
  attribute,
  codeOf,
  detailsOf,
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

const GHOST = 'wv:ghost@wv.test';
const FAR = 'wv:zoe@elsewhere.test';

interface Pair {
  readonly ann: string;
  readonly bea: string;
  readonly publisher: Phone;
  readonly watcher: Phone;
}

/** Ann lets Bea see everything. */
async function friends(habits: Habits): Promise<Pair> {
  const [ann, bea] = await scene.people('ann', 'bea');
  const publisher = await scene.online(ann, habits);
  const watcher = await scene.online(bea, habits);
  await publisher.say(android.authorize(bea, true));
  return { ann, bea, publisher, watcher };
}

/** Attribute → value, or `-` where it was withdrawn; of one user, over all notifications. */
function told(came: readonly Element[], user: string): Record<string, string | undefined> {
  const entries = came
    .flatMap((each) => all(each, 'Presence'))
    .filter((presence) => childText(presence, 'UserID') === user)
    .flatMap((presence) => child(presence, 'PresenceSubList')?.children ?? [])
    .map((each) => [
      each.name,
      childText(each, 'Qualifier') === 'F' ? '-' : childText(each, 'PresenceValue'),
    ]);
  return Object.fromEntries(entries);
}

const unsubscribe = (...ids: string[]): string => elements('UnsubscribePresence-Request', users(...ids));
const cancel = (user: string): string => elements('CancelAuth-Request', elements('UserID', user));

describe.each(VERSIONS)('presence in CSP %s (%s)', (version, _encoding, habits) => {
  it('UpdatePresence changes what is named only; 751 for a value outside its enumeration', async () => {
    const { ann, publisher, watcher } = await friends(habits);
    await publisher.say(updatePresence(version, { StatusText: 'one', UserAvailability: 'DISCREET' }));
    await watcher.say(subscribe(ann));
    await drain(watcher);
    expect(codeOf(await publisher.say(updatePresence(version, { StatusText: 'two' })))).toBe(200);
    expect(told(await drain(watcher), ann)).toEqual({ StatusText: 'two' });
    expect(codeOf(await publisher.say(updatePresence(version, { UserAvailability: 'ASLEEP' })))).toBe(751);
    expect(codeOf(await publisher.say('<UpdatePresence-Request/>'))).toBe(400);
    expect(await drain(watcher)).toEqual([]);
  });

  it('an attribute of Qualifier F is withdrawn', async () => {
    const { ann, publisher, watcher } = await friends(habits);
    await publisher.say(updatePresence(version, { StatusText: 'here' }));
    await watcher.say(subscribe(ann));
    await drain(watcher);
    const gone = sublist(version, '<StatusText><Qualifier>F</Qualifier></StatusText>');
    await publisher.say(elements('UpdatePresence-Request', gone));
    expect(told(await drain(watcher), ann)).toEqual({ StatusText: '-' });
  });

  it('only the newest value waits for a watcher who does not poll', async () => {
    const { ann, publisher, watcher } = await friends(habits);
    await watcher.say(subscribe(ann));
    await drain(watcher);
    for (const text of ['one', 'two', 'three'])
      await publisher.say(updatePresence(version, { StatusText: text }));
    const came = await drain(watcher);
    expect(came).toHaveLength(1);
    expect(told(came, ann)).toEqual({ StatusText: 'three' });
  });

  it('531 for an unknown user, 516 for a domain nobody reaches, 201 with details where a part succeeded', async () => {
    const { ann, watcher } = await friends(habits);
    expect(codeOf(await watcher.say(subscribe(GHOST)))).toBe(531);
    expect(codeOf(await watcher.say(subscribe(FAR)))).toBe(516);
    const mixed = await watcher.say(subscribe(ann, GHOST, FAR));
    expect(codeOf(mixed)).toBe(201);
    expect(detailsOf(mixed).toSorted()).toEqual([`516 ${FAR}`, `531 ${GHOST}`]);
    expect(codeOf(await watcher.say(subscribe(GHOST, FAR)))).toBe(900);
    expect(codeOf(await watcher.say(subscribe('wv:a@b@c')))).toBe(901);
  });

  it('700 for a contact list that is not there', async () => {
    const { bea, watcher } = await friends(habits);
    const request = elements(
      'SubscribePresence-Request',
      elements('ContactList', bea.replace('@', '/none@')),
    );
    expect(codeOf(await watcher.say(request))).toBe(700);
  });

  it('754 for more users at once than a user may have contacts', async () => {
    const small = await startScene({ config: { contacts: { maxContacts: 2 } } });
    try {
      const phone = await small.online(await small.person(), habits);
      const many = ['a', 'b', 'c'].map((name) => `wv:${name}@wv.test`);
      expect(codeOf(await phone.say(subscribe(...many)))).toBe(754);
      expect(codeOf(await phone.say(elements('GetPresence-Request', users(...many))))).toBe(754);
    } finally {
      await small.stop();
    }
  });

  it('a subscription of some attributes brings those only; subscribing again replaces the set', async () => {
    const { ann, publisher, watcher } = await friends(habits);
    const some = (names: string) =>
      elements('SubscribePresence-Request', users(ann) + sublist(version, names));
    await watcher.say(some('<StatusText/><OnlineStatus/>'));
    expect(told(await drain(watcher), ann)).toEqual({ OnlineStatus: 'T' });
    await publisher.say(updatePresence(version, { StatusText: 'seen', UserAvailability: 'DISCREET' }));
    expect(told(await drain(watcher), ann)).toEqual({ StatusText: 'seen' });
    await watcher.say(some('<UserAvailability/>'));
    expect(told(await drain(watcher), ann)).toEqual({ UserAvailability: 'DISCREET' });
  });

  it('UnsubscribePresence ends it', async () => {
    const { ann, publisher, watcher } = await friends(habits);
    await watcher.say(subscribe(ann));
    await drain(watcher);
    expect(codeOf(await watcher.say(unsubscribe(ann)))).toBe(200);
    await publisher.say(updatePresence(version, { StatusText: 'unseen' }));
    expect(await drain(watcher)).toEqual([]);
  });

  it('contacts removed from a list are unsubscribed', async () => {
    const { ann, bea, publisher, watcher } = await friends(habits);
    const list = bea.replace('@', '/~pep1.0_privatelist@');
    await watcher.say(android.addContact(list, ann, 'Ann'));
    await watcher.say(android.subscribe(list));
    await drain(watcher);
    await watcher.say(manageList(list, elements('RemoveNickList', elements('UserID', ann))));
    await publisher.say(updatePresence(version, { StatusText: 'unseen' }));
    expect(await drain(watcher)).toEqual([]);
  });

  it('GetPresence by user and by list: what may be seen, with 201 for what cannot', async () => {
    const { ann, bea, publisher, watcher } = await friends(habits);
    await publisher.say(updatePresence(version, { StatusText: 'look' }));
    const byName = await watcher.say(elements('GetPresence-Request', users(ann, GHOST)));
    expect(codeOf(byName)).toBe(201);
    expect(detailsOf(byName)).toEqual([`531 ${GHOST}`]);
    expect(attribute(byName.content, ann, 'StatusText')).toBe('look');
    const list = bea.replace('@', '/~pep1.0_privatelist@');
    await watcher.say(android.addContact(list, ann, 'Ann'));
    const some = elements('ContactList', list) + sublist(version, '<StatusText/>');
    const byList = await watcher.say(elements('GetPresence-Request', some));
    expect(codeOf(byList)).toBe(200);
    expect(told(byList.content === undefined ? [] : [byList.content], ann)).toEqual({ StatusText: 'look' });
  });

  it('without authorization nothing but the Alias is seen', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const publisher = await scene.online(ann, habits);
    await publisher.say(updatePresence(version, { StatusText: 'private' }));
    const watcher = await scene.online(bea, habits);
    await watcher.say(subscribe(ann));
    expect(Object.keys(told(await drain(watcher), ann))).toEqual(['Alias']);
  });

  it('PresenceAuth-Request goes to the user who is asked; a granted subset is all that is seen', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const publisher = await scene.online(ann, habits);
    const watcher = await scene.online(bea, habits);
    await watcher.say(subscribe(ann));
    expect(childText(named(await drain(publisher), 'PresenceAuth-Request'), 'UserID')).toBe(bea);
    const subset =
      elements('UserID', bea) + elements('Acceptance', 'T') + sublist(version, '<OnlineStatus/>');
    expect(codeOf(await publisher.say(elements('PresenceAuth-User', subset)))).toBe(200);
    expect(told(await drain(watcher), ann)).toMatchObject({ OnlineStatus: 'T' });
    await publisher.say(updatePresence(version, { StatusText: 'private' }));
    expect(await drain(watcher)).toEqual([]);
  });

  it('a refusal is told as a withheld OnlineStatus; CancelAuth takes a grant back', async () => {
    const { ann, bea, publisher, watcher } = await friends(habits);
    await watcher.say(subscribe(ann));
    await drain(watcher);
    expect(codeOf(await publisher.say(cancel(bea)))).toBe(200);
    expect(told(await drain(watcher), ann)).toMatchObject({ OnlineStatus: '-', UserAvailability: '-' });
    await publisher.say(android.authorize(bea, false));
    expect(told(await drain(watcher), ann)).toEqual({ OnlineStatus: '-' });
    expect(codeOf(await publisher.say(cancel('wv:a@b@c')))).toBe(531);
    expect(codeOf(await publisher.say(android.authorize('wv:a@b@c', true)))).toBe(531);
  });

  it('GetWatcherList names who watches now', async () => {
    const { ann, bea, publisher, watcher } = await friends(habits);
    const list = async () => (await publisher.say('<GetWatcherList-Request/>')).content;
    expect(texts(await list(), 'UserID')).toEqual([]);
    await watcher.say(subscribe(ann));
    const shown = await list();
    expect(shown?.name).toBe('GetWatcherList-Response');
    expect(texts(shown, 'UserID')).toEqual([bea]);
    if (version !== '1.1') expect(texts(shown, 'WatcherStatus')).toEqual(['CURRENT_SUBSCRIBER']);
    await watcher.say(unsubscribe(ann));
    expect(texts(await list(), 'UserID')).toEqual([]);
  });

  it('a notification that was not acknowledged is repeated once, with the newest values', async () => {
    const { ann, publisher, watcher } = await friends(habits);
    await watcher.say(subscribe(ann));
    await drain(watcher);
    await publisher.say(updatePresence(version, { StatusText: 'old', UserAvailability: 'DISCREET' }));
    expect((await pollOnly(watcher)).content?.name).toBe('PresenceNotification-Request');
    await publisher.say(updatePresence(version, { StatusText: 'new' }));
    scene.clock.advance(61_000);
    const repeated = await pollOnly(watcher);
    expect(told(repeated.content === undefined ? [] : [repeated.content], ann)).toEqual({
      StatusText: 'new',
      UserAvailability: 'DISCREET',
    });
    scene.clock.advance(600_000);
    expect((await pollOnly(watcher)).body).toHaveLength(0);
  });

  it('two clients of one user: online until both are gone, the newest client speaks', async () => {
    const { ann, publisher, watcher } = await friends(habits);
    const second = await scene.online(ann, habits, { clientId: '<ClientID><URL>second</URL></ClientID>' });
    await watcher.say(subscribe(ann));
    await drain(watcher);
    await publisher.say(android.logout());
    expect(told(await drain(watcher), ann)).not.toMatchObject({ OnlineStatus: 'F' });
    await second.say(android.logout());
    expect(told(await drain(watcher), ann)).toMatchObject({ OnlineStatus: 'F' });
  });
});

describe('reactive questions', () => {
  it('are not put to a client that negotiated service without REACT, but to the next one that did', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const deaf = await scene.online(ann, HABITS.android);
    const only = '<PresenceFeat><ContListFunc/></PresenceFeat>';
    await deaf.say(elements('Service-Request', elements('Functions', elements('WVCSPFeat', only))));
    const watcher = await scene.online(bea, HABITS.android);
    await watcher.say(subscribe(ann));
    expect(await drain(deaf)).toEqual([]);
    const next = await scene.online(ann, HABITS.android, { clientId: '<ClientID><URL>n</URL></ClientID>' });
    expect(childText(named(await drain(next), 'PresenceAuth-Request'), 'UserID')).toBe(bea);
  });

  it('survive a restart unanswered', async () => {
    const own = await startScene();
    try {
      const [ann, bea] = await own.people('ann', 'bea');
      const watcher = await own.online(bea, HABITS.android);
      await watcher.say(subscribe(ann));
      await own.restart();
      const publisher = await own.online(ann, HABITS.android);
      expect(childText(named(await drain(publisher), 'PresenceAuth-Request'), 'UserID')).toBe(bea);
    } finally {
      await own.stop();
    }
  });
});
