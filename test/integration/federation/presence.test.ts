// Presence between two servers (ssp sections 6.4, 7 and 16; ir76 6.3: P-01 to P-16).

import { afterEach, describe, expect, it } from 'vitest';
import {
  elements,
  manageList,
  sublist,
  subscribe,
  updatePresence,
  users,
} from '../../support/csp-variants.ts';
import { eventually } from '../../support/eventually.ts';
import { FarServer, ours } from '../../support/far-server.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Phone } from '../../support/phone.ts';
import {
  attribute,
  codeOf,
  detailsOf,
  drain,
  named,
  startScene,
  type Scene,
} from '../../support/phone-scene.ts';
import type { TestHouseOptions } from '../../support/house.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { simple, type PresenceAttributes } from '../../../src/wv/presence.ts';
import { status, type GetPresenceResponse, type PresenceNotification } from '../../../src/wv/primitives.ts';
import { combine, OK, result } from '../../../src/wv/status.ts';

let scene: Scene;
afterEach(() => scene.stop());

async function play(options: TestHouseOptions = {}) {
  const far = new FarServer();
  const other = new FarServer('other.test');
  scene = await startScene({ gateways: [far, other], ...options });
  const [ann, bea] = await scene.people('ann', 'bea');
  const phone = await scene.online(ann, HABITS.android);
  const [zoe, yan] = [far.user('zoe'), far.user('yan')];
  return { far, other, ann, bea, phone, zoe, yan };
}

/** What another server was told: watchers, and the values of some attributes. */
function toldTo(server: FarServer, ...names: (keyof PresenceAttributes)[]) {
  return server
    .had('PresenceNotification')
    .map(({ watchers, attributes }) => [watchers, ...names.map((name) => valueOf(attributes, name))]);
}

function valueOf(attributes: PresenceAttributes, name: keyof PresenceAttributes): string | undefined {
  const told = attributes[name];
  return told?.valid === false ? 'withdrawn' : told?.value;
}

const watch = (server: FarServer, watcher: UserAddress, publisher: string, more: object = {}) =>
  server.asks({ primitive: 'SubscribeRequest', watcher, publishers: [ours(publisher)], ...more }, watcher);

const say = (phone: Phone, text: string) => phone.say(updatePresence('1.2', { StatusText: text }));
const allow = (phone: Phone, watcher: UserAddress) => phone.say(android.authorize(watcher, true));

/** Watchers who see everything, with nothing of before on record. */
async function watched(server: FarServer, phone: Phone, ann: string, watchers: readonly UserAddress[]) {
  for (const watcher of watchers) {
    await allow(phone, watcher);
    expect((await watch(server, watcher, ann)).result).toEqual(OK);
  }
  server.requests.length = 0;
}

describe('users of another server watch one of ours', () => {
  it('are told at once what they may see, where that was decided before (P-01, P-04)', async () => {
    const { far, ann, phone, zoe } = await play();
    await allow(phone, zoe);
    const attributes = new Set(['OnlineStatus'] as const);
    expect((await watch(far, zoe, ann, { attributes })).result).toEqual(OK);
    expect(far.had('PresenceNotification')).toMatchObject([
      { publisher: ann, watchers: [zoe], attributes: { OnlineStatus: { value: 'T' } } },
    ]);
    expect(Object.keys(far.had('PresenceNotification')[0]!.attributes)).toEqual(['OnlineStatus']);
  });

  it('make us ask where nothing was; a grant brings everything, a denial a withheld OnlineStatus (P-02)', async () => {
    const { far, ann, phone, zoe, yan } = await play();
    for (const watcher of [zoe, yan]) expect((await watch(far, watcher, ann)).result).toEqual(OK);
    expect(far.had('PresenceNotification')).toEqual([]);
    expect((await drain(phone)).map(({ name }) => name)).toEqual([
      'PresenceAuth-Request',
      'PresenceAuth-Request',
    ]);
    await phone.say(android.authorize(zoe, true));
    await phone.say(android.authorize(yan, false));
    expect(toldTo(far, 'OnlineStatus')).toEqual([
      [[zoe], 'T'],
      [[yan], 'withdrawn'],
    ]);
  });

  it('of one domain are told together, of each domain apart (P-06)', async () => {
    const { far, other, ann, phone, zoe, yan } = await play();
    const gus = other.user('gus');
    await watched(far, phone, ann, [zoe, yan]);
    await watched(other, phone, ann, [gus]);
    await say(phone, 'busy');
    expect(toldTo(far, 'StatusText')).toEqual([[[zoe, yan], 'busy']]);
    expect(toldTo(other, 'StatusText')).toEqual([[[gus], 'busy']]);
  });

  it('531 for nobody, 532 for who is blocked, 201 when it is one of two (P-12, P-16)', async () => {
    const { far, ann, phone, zoe } = await play();
    expect((await watch(far, zoe, 'wv:ghost@wv.test')).result.code).toBe(531);
    const publishers = [ours(ann), ours('wv:ghost@wv.test')];
    const both = { primitive: 'SubscribeRequest', watcher: zoe, publishers } as const;
    expect((await far.asks(both, zoe)).result.code).toBe(201);
    await phone.say(android.block(zoe));
    expect((await watch(far, zoe, ann)).result.code).toBe(532);
  });

  it('learn that it was revoked, and then nothing more (P-08); likewise when they are blocked (P-16)', async () => {
    const { far, ann, phone, zoe, yan } = await play();
    await watched(far, phone, ann, [zoe, yan]);
    await phone.say(elements('CancelAuth-Request', elements('UserID', zoe)));
    await phone.say(android.block(yan));
    expect(toldTo(far, 'OnlineStatus')).toEqual([
      [[zoe], 'withdrawn'],
      [[yan], 'withdrawn'],
    ]);
    far.requests.length = 0;
    await say(phone, 'alone');
    scene.clock.advance(10_000);
    await phone.say(android.logout());
    expect(toldTo(far)).toEqual([]);
    const get = { primitive: 'GetPresenceRequest', watcher: yan, publishers: [ours(ann)] } as const;
    expect(await far.asks(get, yan)).toMatchObject({ values: [{ user: ann, attributes: {} }] });
  });

  it('are told of a log-out (P-09) and, unsubscribed, of nothing (P-07)', async () => {
    const { far, ann, phone, zoe, yan } = await play();
    await watched(far, phone, ann, [zoe, yan]);
    const end = {
      primitive: 'UnsubscribeRequest',
      watcher: yan,
      publishers: [ours(ann)],
      final: true,
    } as const;
    expect((await far.asks(end, yan)).result).toEqual(OK);
    await phone.say(android.logout());
    expect(toldTo(far, 'OnlineStatus')).toEqual([[[zoe], 'F']]);
  });

  it('subscribing again are not told twice (P-13), and once more when their server comes back (P-14)', async () => {
    const { far, ann, phone, zoe } = await play();
    await watched(far, phone, ann, [zoe]);
    await watch(far, zoe, ann);
    far.requests.length = 0;
    await say(phone, 'one');
    expect(toldTo(far, 'StatusText')).toEqual([[[zoe], 'one']]);
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('resynchronised', () => toldTo(far).length > 0);
    expect(toldTo(far, 'StatusText', 'OnlineStatus')).toEqual([[[zoe], 'one', 'T']]);
  });

  it('do not keep ours waiting, however slow their server is', async () => {
    const { far, ann, phone, zoe } = await play();
    await watched(far, phone, ann, [zoe]);
    far.isSilent();
    expect(codeOf(await say(phone, 'quick'))).toBe(200);
    expect(toldTo(far, 'StatusText')).toEqual([[[zoe], 'quick']]);
  });
});

describe('many changes in a short time', () => {
  it('are two notifications to another domain: the first, and how it stands at last (P-15)', async () => {
    const { far, ann, phone, zoe } = await play();
    await watched(far, phone, ann, [zoe]);
    for (let change = 1; change <= 10; change += 1) {
      await say(phone, `change ${change}`);
      scene.clock.advance(190);
    }
    scene.clock.advance(5_000);
    await eventually('the last', () => toldTo(far).length === 2);
    expect(toldTo(far, 'StatusText')).toEqual([
      [[zoe], 'change 1'],
      [[zoe], 'change 10'],
    ]);
  });

  it('are each told at once to users of this server', async () => {
    const { ann, bea, phone } = await play();
    const watcher = await scene.online(bea, HABITS.android);
    await phone.say(android.authorize(bea, true));
    await watcher.say(subscribe(ann));
    for (const text of ['one', 'two']) {
      await say(phone, text);
      expect(attribute(named(await drain(watcher), 'PresenceNotification-Request'), ann, 'StatusText')).toBe(
        text,
      );
    }
  });

  it('do not leave out an attribute that changed only once, and nothing follows a single change', async () => {
    const { far, ann, phone, zoe } = await play();
    await watched(far, phone, ann, [zoe]);
    await say(phone, 'one');
    await phone.say(updatePresence('1.2', { UserAvailability: 'DISCREET' }));
    await phone.say(updatePresence('1.2', { StatusMood: 'HAPPY' }));
    scene.clock.advance(2_000);
    await eventually('the rest', () => toldTo(far).length === 2);
    expect(toldTo(far, 'StatusText', 'UserAvailability', 'StatusMood')[1]).toEqual([
      [zoe],
      undefined,
      'DISCREET',
      'HAPPY',
    ]);
    far.requests.length = 0;
    scene.clock.advance(10_000);
    await say(phone, 'two');
    scene.clock.advance(10_000);
    await scene.house.house.store.sizes();
    expect(toldTo(far, 'StatusText')).toEqual([[[zoe], 'two']]);
  });

  it('show nothing to who may not see it any more when they are told', async () => {
    const { far, ann, phone, zoe } = await play();
    await watched(far, phone, ann, [zoe]);
    await say(phone, 'one');
    await say(phone, 'secret');
    await phone.say(android.block(zoe));
    scene.clock.advance(5_000);
    await scene.house.house.store.sizes();
    expect(JSON.stringify(far.requests)).not.toContain('secret');
  });

  it('are told one by one where the operator wants that', async () => {
    const { far, ann, phone, zoe } = await play({ config: { presence: { coalesceMs: 0 } } });
    await watched(far, phone, ann, [zoe]);
    for (const text of ['one', 'two', 'three']) await say(phone, text);
    expect(toldTo(far, 'StatusText').map(([, text]) => text)).toEqual(['one', 'two', 'three']);
  });
});

describe('our users watch those of another server', () => {
  const notify = (far: FarServer, publisher: UserAddress, watcher: string, text: string) =>
    far.asks({
      primitive: 'PresenceNotification',
      publisher,
      watchers: [ours(watcher)],
      attributes: { StatusText: simple(text) },
    } satisfies Omit<PresenceNotification, 'meta'>);

  it('a contact list is expanded here: each server hears of its own users, none of the list (P-10)', async () => {
    const { far, other, ann, bea, phone, zoe, yan } = await play();
    const gus = other.user('gus');
    const list = ann.replace('@', '/friends@');
    await phone.say(android.createList(list, bea, 'Bea'));
    const contacts = [zoe, gus, yan].map((user) =>
      elements('NickName', elements('Name', 'X') + elements('UserID', user)),
    );
    await phone.say(manageList(list, elements('AddNickList', contacts.join(''))));
    far.requests.length = 0;
    other.requests.length = 0;
    expect(codeOf(await phone.say(android.subscribe(list)))).toBe(200);
    expect(far.had('SubscribeRequest').map(({ publishers }) => publishers)).toEqual([[zoe, yan]]);
    expect(other.had('SubscribeRequest').map(({ publishers }) => publishers)).toEqual([[gus]]);
    await phone.say(elements('GetPresence-Request', elements('ContactList', list)));
    const request = elements('Recipient', elements('ContactList', list));
    await phone.say(
      elements(
        'SendMessage-Request',
        elements('DeliveryReport', 'F') + elements('MessageInfo', request) + elements('ContentData', 'hi'),
      ),
    );
    await eventually('sent', () => far.had('SendMessageRequest').length > 0);
    expect(far.had('GetPresenceRequest').map(({ publishers }) => publishers)).toEqual([[zoe, yan]]);
    expect(JSON.stringify([...far.requests, ...other.requests])).not.toContain('/friends');
  });

  it.each([531, 532] as const)(
    'who cannot be watched (%i) is named at once, and the others are watched',
    async (code) => {
      const { far, ann, phone, zoe, yan } = await play();
      far.reply = () => status(combine(1, [{ code, users: [yan] }]));
      const heard = await phone.say(subscribe(zoe, yan));
      expect([codeOf(heard), detailsOf(heard)]).toEqual([201, [`${code} ${yan}`]]);
      await notify(far, zoe, ann, 'here');
      const came = named(await drain(phone), 'PresenceNotification-Request');
      expect(attribute(came, zoe, 'StatusText')).toBe('here');
    },
  );

  it.each([
    ['away', (far: FarServer) => far.refuses(503)],
    ['silent', (far: FarServer) => far.isSilent()],
  ] as const)('a server that is %s is asked again when it is back: 200 meanwhile', async (_how, disturb) => {
    const { far, ann, phone, zoe } = await play();
    disturb(far);
    const answer = phone.say(subscribe(zoe));
    await eventually('asked', () => far.had('SubscribeRequest').length > 0);
    scene.clock.advance(10_000);
    expect(codeOf(await answer)).toBe(200);
    far.works();
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('again', () => far.had('SubscribeRequest').length > 0);
    expect(far.had('SubscribeRequest')).toMatchObject([{ watcher: ann, publishers: [zoe] }]);
    await notify(far, zoe, ann, 'back');
    expect(attribute(named(await drain(phone), 'PresenceNotification-Request'), zoe, 'StatusText')).toBe(
      'back',
    );
  });

  it('a publisher who is not watched, or not of that server, is not shown (901)', async () => {
    const { far, other, ann, phone, zoe, yan } = await play();
    await phone.say(subscribe(zoe));
    expect((await notify(far, yan, ann, 'me')).result.code).toBe(200);
    expect((await notify(other, zoe, ann, 'me')).result.code).toBe(901);
    expect(named(await drain(phone), 'PresenceNotification-Request')).toBeUndefined();
  });

  it('the end of the last watching session ends it there, too', async () => {
    const { far, ann, phone, zoe } = await play();
    await phone.say(subscribe(zoe));
    await phone.say(android.logout());
    expect(far.had('UnsubscribeRequest')).toMatchObject([{ watcher: ann, publishers: [zoe], final: false }]);
  });
});

describe('presence of this moment (P-11)', () => {
  const ask = (...ids: string[]) =>
    elements('GetPresence-Request', users(...ids) + sublist('1.2', '<StatusText/>'));
  const tells = (user: UserAddress, text: string): GetPresenceResponse => ({
    primitive: 'GetPresenceResponse',
    result: OK,
    values: [{ user, attributes: { StatusText: simple(text) } }],
  });

  it('of users here and there comes in one answer', async () => {
    const { far, other, ann, phone, zoe } = await play();
    await say(phone, 'me');
    const gus = other.user('gus');
    far.reply = () => tells(zoe, 'Zoe');
    other.reply = () => tells(gus, 'Gus');
    const heard = await phone.say(ask(ann, zoe, gus));
    expect(codeOf(heard)).toBe(200);
    const shown = [ann, zoe, gus].map((user) => attribute(heard.content, user, 'StatusText'));
    expect(shown).toEqual(['me', 'Zoe', 'Gus']);
  });

  it('is waited for five seconds: what came is shown, the rest is named with 504', async () => {
    const { far, other, ann, phone, zoe } = await play();
    const gus = other.user('gus');
    far.isSilent();
    other.reply = () => tells(gus, 'Gus');
    const answer = phone.say(ask(ann, zoe, gus));
    await eventually('asked', () => far.had('GetPresenceRequest').length > 0);
    scene.clock.advance(5_000);
    const heard = await answer;
    expect([codeOf(heard), detailsOf(heard)]).toEqual([201, [`504 ${zoe}`]]);
    expect(attribute(heard.content, gus, 'StatusText')).toBe('Gus');
  });

  it('of nobody who can be asked is the code itself; of who does not exist, 531 in details', async () => {
    const { far, ann, phone, zoe } = await play();
    far.refuses(503);
    expect(codeOf(await phone.say(ask(zoe)))).toBe(503);
    far.reply = () => ({ primitive: 'GetPresenceResponse', result: result(531), values: [] });
    const heard = await phone.say(ask(ann, zoe));
    expect([codeOf(heard), detailsOf(heard)]).toEqual([201, [`531 ${zoe}`]]);
  });
});
