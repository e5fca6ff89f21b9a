// GetWatcherList and GetReactiveAuthStatus over the wire: csp-transactions 5.5 and 5.6.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { childText, type Element } from '../../../src/wv/element.ts';
import { elements, subscribe, users, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS } from '../../support/phone.ts';
import { all, codeOf, drain, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { presence: { maxHistory: 3 } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const watcherList = (period?: number, most?: number): string =>
  elements(
    'GetWatcherList-Request',
    (period === undefined ? '' : elements('HistoryPeriod', String(period))) +
      (most === undefined ? '' : elements('MaxWatcherList', String(most))),
  );
const watchersIn = (answer: Element | undefined): string[] =>
  all(answer, 'Watcher').map(
    (watcher) => `${texts(watcher, 'UserID')[0] ?? ''} ${childText(watcher, 'WatcherStatus') ?? ''}`,
  );

describe.each(VERSIONS)('the watcher list in CSP %s (%s)', (version, encoding, habits) => {
  it('names current watchers, and after them who watched or looked within HistoryPeriod', async () => {
    const [ann, bea, cy, dan] = await scene.people('ann', 'bea', 'cy', 'dan');
    const owner = await scene.online(ann, habits);
    const [b, c, d] = [
      await scene.online(bea, habits),
      await scene.online(cy, habits),
      await scene.online(dan, habits),
    ];
    await b.say(subscribe(ann));
    await c.say(subscribe(ann));
    await c.say(elements('UnsubscribePresence-Request', users(ann)));
    scene.clock.advance(1_000);
    await d.say(elements('GetPresence-Request', users(ann)));
    const { content } = await owner.say(watcherList(60));
    if (version === '1.1') {
      expect(texts(content, 'UserID')).toEqual([bea]);
      return;
    }
    expect(watchersIn(content)).toEqual([
      `${bea} CURRENT_SUBSCRIBER`,
      `${dan} PRESENCE_ACCESS`,
      `${cy} FORMER_SUBSCRIBER`,
    ]);
    expect(texts(content, 'HistoryPeriod')).toEqual(['60']);
    if (version === '1.3') expect(texts(content, 'WatcherCount')).toEqual(['3']);
    // Without HistoryPeriod only who watches now; MaxWatcherList cuts the list.
    expect(watchersIn((await owner.say(watcherList())).content)).toEqual([`${bea} CURRENT_SUBSCRIBER`]);
    expect(watchersIn((await owner.say(watcherList(60, 1))).content)).toEqual([`${bea} CURRENT_SUBSCRIBER`]);
    scene.clock.advance(61_000);
    expect(watchersIn((await owner.say(watcherList(60))).content)).toEqual([`${bea} CURRENT_SUBSCRIBER`]);
  });

  it('knows who watches again as a current watcher only, and never names the owner', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const [owner, watcher] = [await scene.online(ann, habits), await scene.online(bea, habits)];
    await owner.say(android.ownPresence(ann));
    await owner.say(subscribe(ann));
    await watcher.say(subscribe(ann));
    await watcher.say(android.logout());
    const again = await scene.online(bea, habits);
    await again.say(subscribe(ann));
    const { content } = await owner.say(watcherList(60));
    expect(texts(content, 'UserID')).toEqual([bea]);
  });

  it('remembers a bounded number of former watchers, the latest', async () => {
    const [ann, ...others] = await scene.people('ann', 'b', 'c', 'd', 'e');
    const owner = await scene.online(ann, habits);
    for (const each of others) {
      const phone = await scene.online(each, habits);
      await phone.say(elements('GetPresence-Request', users(ann)));
    }
    const { content } = await owner.say(watcherList(60));
    if (version === '1.1') expect(texts(content, 'UserID')).toEqual([]);
    else expect(texts(content, 'UserID')).toEqual(others.slice(1).toReversed());
  });

  it.runIf(encoding === 'xml')('402 for a number that is none', async () => {
    const owner = await scene.online(await scene.person(), habits);
    const request = elements('GetWatcherList-Request', elements('MaxWatcherList', 'many'));
    expect(codeOf(await owner.say(request))).toBe(402);
  });
});

const authStatus = (...ids: string[]): string =>
  elements('GetReactiveAuthStatus-Request', elements('UserID', ...ids));
const states = (answer: Element | undefined): string[] =>
  all(answer, 'ReactiveAuthStatus').map(
    (each) => `${childText(each, 'UserID') ?? ''} ${childText(each, 'ReactiveAuthState') ?? ''}`,
  );

describe.each([HABITS.android, HABITS.androidWbxml])(
  'GetReactiveAuthStatus in CSP 1.2, $encoding',
  (habits) => {
    it('tells what was granted, denied and not answered yet; all of it, or of the named', async () => {
      const [ann, bea, cy, dan, eve] = await scene.people('ann', 'bea', 'cy', 'dan', 'eve');
      const owner = await scene.online(ann, habits);
      for (const each of [bea, cy, dan]) await (await scene.online(each, habits)).say(subscribe(ann));
      await drain(owner);
      await owner.say(android.authorize(bea, true));
      await owner.say(android.authorize(cy, false));
      const expected = [`${bea} GRANTED`, `${cy} DENIED`, `${dan} PENDING`];
      expect(states((await owner.say(authStatus())).content).toSorted()).toEqual(expected.toSorted());
      expect(states((await owner.say(authStatus(cy.toUpperCase()))).content)).toEqual([`${cy} DENIED`]);
      // He was never asked about her.
      const nothing = await owner.say(authStatus(eve));
      expect(nothing.content?.name).toBe('GetReactiveAuthStatus-Response');
      expect(states(nothing.content)).toEqual([]);
    });

    it('531 for an unknown user, 901 for what is no address', async () => {
      const owner = await scene.online(await scene.person(), habits);
      expect(codeOf(await owner.say(authStatus('wv:ghost@wv.test')))).toBe(531);
      expect(codeOf(await owner.say(authStatus('wv:a@b@c')))).toBe(901);
    });
  },
);

it.each([HABITS.s60, VERSIONS[2][2]])(
  '405 in CSP $version, which has no such transaction',
  async (habits) => {
    const owner = await scene.online(await scene.person(), habits);
    expect(codeOf(await owner.say(authStatus()))).toBe(405);
  },
);
