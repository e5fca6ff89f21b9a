// Our users in rooms of other servers, without a network.

import { beforeEach, describe, expect, test } from 'vitest';
import { IqRequests } from '../../../adapters/xmpp/iq-requests.ts';
import { AddressCodec } from '../../../adapters/xmpp/addresses.ts';
import { MucGuests } from '../../../adapters/xmpp/muc-guest/muc-guests.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, stanza, xml } from '../../../adapters/xmpp/xml.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress } from '../../../src/wv/ids.ts';
import { result } from '../../../src/wv/status.ts';
import { eventually } from '../../support/eventually.ts';
import { COMPONENT, testBridge } from '../../support/xmpp-bridge.ts';
import type { TestBridge } from '../../support/xmpp-bridge.ts';
import { FakeRoom } from '../../support/xmpp-muc-guest-room.ts';
import { HOME } from '../../support/xmpp-relay.ts';
import { RoomClient, TABLET } from '../../support/xmpp-muc-guest.ts';

const GROUP = trusted<GroupAddress>('wv:/tea@muc.example');
const ROOM = 'tea@muc.example';

let room: FakeRoom;
let bridge: TestBridge;
let guests: MucGuests;
let iq: IqRequests;
let ann: RoomClient;
let bea: RoomClient;

/** The gateway's rooms on a storage that may be that of a run before. */
async function begin(settings: Partial<TestBridge['settings']> = {}): Promise<void> {
  const base = testBridge();
  const old = bridge as TestBridge | undefined;
  const relay = old?.relay ?? base.relay;
  const clock = old?.clock ?? base.clock;
  const codec = new AddressCodec({
    home: HOME,
    componentDomain: COMPONENT,
    domains: ['xmpp.example'],
    pseudoDomain: 'xmpp.wv.example',
    groupDomains: ['muc.example'],
  });
  const changed = { ...base.settings, ...settings };
  bridge = { ...base, relay, clock, settings: changed, codec, link: room };
  iq = new IqRequests(room, clock, changed.roomWaitMs);
  guests = new MucGuests(bridge, iq);
  room.deliver = (incoming) => void (guests.received(incoming) || iq.received(incoming));
  await guests.start();
  const server = {
    request: async (request: Parameters<MucGuests['serve']>[0]) =>
      request.primitive === 'SendMessageRequest'
        ? await guests.send(request)
        : ((await guests.serve(request)) ?? { primitive: 'Status' as const, result: result(405) }),
  };
  ann = new RoomClient(server, relay.account('ann', 'Ann'), GROUP);
  bea = new RoomClient(server, relay.account('bea', 'Bea'), GROUP);
}

beforeEach(async () => {
  bridge = undefined as unknown as TestBridge;
  room = new FakeRoom(ROOM);
  room.add('Nurse');
  await begin();
});

const PUPPET = `ann@${COMPONENT}/imps`;
const rows = () => bridge.relay.storage.list('room-guest ');
const quiet = () => eventually('all queues are empty', () => bridge.queues.busy === 0);
const say = (who: RoomClient, text: string, options: { to?: string; report?: boolean } = {}) =>
  who.say(text, { ...options, sentAt: bridge.clock.now() });
/** Time passes, step by step, while things happen. */
async function meanwhile<T>(task: Promise<T>, ms = 9_000): Promise<T> {
  let done = false;
  const finished = task.finally(() => (done = true));
  await eventually('time passes', () => {
    if (!done) bridge.clock.advance(ms / 10);
    return done;
  });
  return finished;
}
async function news(who: RoomClient): Promise<string[]> {
  bridge.clock.advance(1_000);
  await quiet();
  return who.news(bridge.relay);
}
async function heard(who: RoomClient): Promise<string[]> {
  await quiet();
  return who.heard(bridge.relay);
}

describe('joining', () => {
  test('answers with the name and those who are there, oneself known to oneself', async () => {
    const { screenName, joined } = await ann.enter('Ann');
    expect(screenName).toBe('Ann');
    expect(joined).toEqual([{ screenName: 'Nurse' }, { screenName: 'Ann', user: ann.user }]);
    expect(await ann.names()).toEqual(['Nurse', 'Ann']);
  });

  test.each([
    ['conflict', 811],
    ['not-acceptable', 811],
    ['not-authorized', 401],
    ['forbidden', 809],
    ['registration-required', 803],
    ['item-not-found', 800],
    ['gone', 800],
    ['service-unavailable', 817],
    ['resource-constraint', 817],
    ['not-allowed', 805],
    ['remote-server-not-found', 516],
    ['remote-server-timeout', 504],
  ])('%s is %i, and nothing is kept', async (condition, code) => {
    room.refuses = condition;
    expect((await ann.join('Ann')).result.code).toBe(code);
    await eventually('nothing is kept', async () => (await rows()).length === 0);
    expect(guests.size).toBe(0);
    expect(await say(ann, 'hi')).toBe(808);
  });

  test('a room that says nothing is 504, and is told that nobody comes', async () => {
    room.interferes = ({ name }) => name === 'presence';
    expect((await meanwhile(ann.join('Ann'))).result.code).toBe(504);
    expect(room.taken().at(-1)).toContain('type="unavailable"');
    await eventually('nothing is kept', async () => {
      bridge.clock.advance(3_000);
      return (await rows()).length === 0;
    });
  });

  test('a name of one’s own choice is taken or not; without one another is found and told', async () => {
    room.add('Ann');
    expect((await ann.join('Ann')).result.code).toBe(811);
    expect((await ann.enter()).screenName).toBe('Ann (2)');
  });

  test.each(['\u202eAnn', 'a\u0000b', 'x'.repeat(51)])('%j is no screen name (402)', async (name) => {
    expect((await ann.join(name)).result.code).toBe(402);
    expect(room.sent).toEqual([]);
  });

  test('a room that was not there is left again, unless the operator wants rooms to be made', async () => {
    room.codes = ['201'];
    expect((await ann.join('Ann')).result.code).toBe(800);
    expect(room.people.has('Ann')).toBe(false);
    await begin({ createRooms: true });
    room.interferes = (element) => {
      const { from, to, id, type } = element.attrs;
      if (element.name === 'iq' && type === 'set')
        room.hand(stanza('iq', { type: 'result', from: to, to: from, id }));
      return element.name === 'iq';
    };
    expect((await ann.join('Ann')).result.code).toBe(200);
  });

  test('as many as the operator allows', async () => {
    await begin({ maxRoomGuests: 1 });
    await ann.enter('Ann');
    expect((await bea.join('Bea')).result.code).toBe(817);
  });

  test('without a stream is 503, and nothing is kept', async () => {
    room.online = false;
    room.writable = false;
    expect((await ann.join('Ann')).result.code).toBe(503);
    expect(await rows()).toEqual([]);
  });

  test('of 5,000 occupants as many are listed as the operator allows, oneself among them', async () => {
    await begin({ maxListedOccupants: 100 });
    for (let n = 0; n < 5_000; n++)
      room.people.set(`n${n}`, { nick: `n${n}`, jid: `n${n}@x.example/a`, role: 'participant' });
    await ann.enter('Ann');
    const names = await ann.names();
    expect(names).toHaveLength(101);
    expect(names).toContain('Ann');
    expect(await news(ann)).toEqual([]);
  });

  test('two clients share an occupant, who leaves with the last of them', async () => {
    const tablet = new RoomClient(ann.server, ann.user, GROUP, TABLET);
    await ann.enter('Ann');
    expect((await tablet.enter('Other')).screenName).toBe('Ann');
    expect(await ann.leave()).toBe(200);
    expect(await ann.leave()).toBe(808);
    expect(room.people.has('Ann')).toBe(true);
    expect(await tablet.leave()).toBe(200);
    expect(room.people.has('Ann')).toBe(false);
    await eventually('nothing is kept', async () => (await rows()).length === 0);
  });
});

describe('what is told', () => {
  test('who comes and goes, not who comes and goes at once, and only to those who want it', async () => {
    await ann.enter('Ann');
    await bea.join('Bea', false);
    expect(await news(ann)).toEqual(['+Bea']);
    room.add('Romeo');
    room.add('Ghost');
    room.remove('Ghost');
    expect(await news(ann)).toEqual(['+Bea', '+Romeo']);
    room.remove('Romeo');
    expect(await news(ann)).toEqual(['+Bea', '+Romeo', '-Romeo']);
    expect(await news(bea)).toEqual([]);
    expect(await bea.code('SubscribeGroupChangeRequest', {})).toBe(200);
    expect(await bea.ask('GetGroupSubStatusRequest', {})).toMatchObject({ subscribed: true });
    room.add('Romeo');
    expect(await news(bea)).toEqual(['+Romeo']);
    expect(await bea.code('UnsubscribeGroupChangeRequest', {})).toBe(200);
    expect(await bea.ask('GetGroupSubStatusRequest', {})).toMatchObject({ subscribed: false });
  });

  test('a topic once, not the one that was there', async () => {
    room.subject = 'Old';
    await ann.enter('Ann');
    await bea.enter('Bea');
    const change = (to: string) =>
      stanza(
        'message',
        { type: 'groupchat', from: `${ROOM}/Nurse`, to },
        xml(NS.component, 'subject', {}, 'Tea'),
      );
    room.hand(change(PUPPET));
    room.hand(change(`bea@${COMPONENT}/imps`));
    expect(await news(ann)).toEqual(['+Bea', 'Topic=Tea']);
    expect(await news(bea)).toEqual(['Topic=Tea']);
  });

  test.each([
    [['307'], 'out 809'],
    [['301'], 'out 809'],
    [['321'], 'out 809'],
    [['322'], 'out 809'],
  ])('%j: the one who is out, %s, and he does not come back', async (codes, told) => {
    await ann.enter('Ann');
    await bea.enter('Bea');
    room.remove('Ann', ...codes);
    expect(await news(ann)).toContain(told);
    expect(await news(bea)).toEqual(['-Ann']);
    bridge.clock.advance(600_000);
    expect(room.people.has('Ann')).toBe(false);
    expect(await say(ann, 'hi')).toBe(808);
  });

  test('800 when the room ends', async () => {
    await ann.enter('Ann');
    room.hand(room.ending('Ann', PUPPET, ['110'], xml(NS.mucUser, 'destroy')));
    expect(await news(ann)).toEqual(['out 800']);
    expect(guests.size).toBe(0);
  });

  test('another name of an occupant is one who went and one who came', async () => {
    await ann.enter('Ann');
    room.remove('Nurse', '303');
    room.add('Angel');
    expect((await news(ann)).toSorted()).toEqual(['+Angel', '-Nurse']);
  });
});

describe('coming back', () => {
  test.each([[['332']], [['307', '333']], [[]]])('codes %j: he comes back without a word', async (codes) => {
    await ann.enter('Ann');
    room.remove('Ann', ...codes);
    expect(room.people.has('Ann')).toBe(false);
    bridge.clock.advance(3_000);
    expect(room.people.has('Ann')).toBe(true);
    expect(await news(ann)).toEqual([]);
    expect(await say(ann, 'back')).toBe(200);
  });

  test('refused, he is out, and is told once', async () => {
    await ann.enter('Ann');
    room.remove('Ann', '332');
    room.refuses = 'forbidden';
    bridge.clock.advance(3_000);
    expect(await news(ann)).toEqual(['out 809']);
    await eventually('nothing is kept', async () => (await rows()).length === 0);
  });

  test('a service that stays away is given up after a while', async () => {
    await ann.enter('Ann');
    room.remove('Ann', '332');
    room.refuses = 'remote-server-timeout';
    for (let n = 0; n < 20; n++) bridge.clock.advance(300_000);
    expect(await news(ann)).toEqual(['out 800']);
  });

  test('after 300 s of silence the room is asked; one that does not know us is entered again', async () => {
    await ann.enter('Ann');
    const answers = ['', 'item-not-found', 'not-acceptable'];
    room.interferes = (element) => {
      if (element.name !== 'iq') return false;
      const { from, to, id } = element.attrs;
      const answer = answers.shift();
      if (answer === '') room.hand(stanza('iq', { type: 'result', from: to, to: from, id }));
      else if (answer !== undefined) room.fails(element, answer);
      return true;
    };
    for (const left of [2, 1, 0]) {
      await eventually('asked', () => {
        bridge.clock.advance(60_000);
        return answers.length === left;
      });
      await quiet();
    }
    room.people.delete('Ann');
    await eventually('in again', () => {
      bridge.clock.advance(1_000);
      return room.people.has('Ann');
    });
    expect(await news(ann)).toEqual([]);
  });

  test('a lost stream, and a crash, keep everybody in, and what was missed comes once', async () => {
    await ann.enter('Ann');
    room.says('Nurse', 'first', { id: 'm1' });
    expect(await heard(ann)).toEqual(['Nurse: first']);
    for (const what of ['lost stream', 'crash']) {
      if (what === 'crash') await begin();
      else guests.offline();
      expect(await say(ann, 'not now')).toBe(503);
      const sent = room.sent.length;
      room.interferes = (element) => {
        // History comes before the subject.
        if (element.name === 'presence') {
          room.interferes = () => false;
          room.remembers(PUPPET, 'Nurse', 'first', bridge.clock.now(), 'm1');
          room.remembers(PUPPET, 'Nurse', `missed in ${what}`, bridge.clock.now(), `m ${what}`);
          room.remembers(PUPPET, 'Nurse', 'without id', bridge.clock.now());
        }
        return false;
      };
      guests.online();
      expect(room.sent.length).toBeGreaterThan(sent);
      expect(await say(ann, `said after ${what}`)).toBe(200);
    }
    expect(await heard(ann)).toEqual([
      'Nurse: first',
      'Nurse: missed in lost stream',
      'Nurse: missed in crash',
    ]);
    expect(await news(ann)).toEqual([]);
  });

  test('who came and went while the stream was away is told', async () => {
    await ann.enter('Ann');
    guests.offline();
    room.people.delete('Nurse');
    room.people.set('Romeo', { nick: 'Romeo', jid: 'romeo@xmpp.example/x', role: 'participant' });
    guests.online();
    expect((await news(ann)).toSorted()).toEqual(['+Romeo', '-Nurse']);
    expect(await ann.names()).toEqual(['Romeo', 'Ann']);
  });

  test('stopped in order, the room sees everybody leave, and the next run brings them back', async () => {
    await ann.enter('Ann');
    guests.stop();
    expect(room.people.has('Ann')).toBe(false);
    await begin();
    guests.online();
    expect(room.people.has('Ann')).toBe(true);
    expect(await news(ann)).toEqual([]);
  });

  test('after a crash those whose clients are gone leave', async () => {
    await ann.enter('Ann');
    await bea.enter('Bea');
    bridge.relay.joined = (user) => user === bea.user;
    await begin();
    guests.online();
    await eventually('ann left', () => !room.people.has('Ann'));
    expect(room.people.has('Bea')).toBe(true);
    await eventually('one is kept', async () => (await rows()).length === 1);
  });

  test('a leave without a stream is told when there is one', async () => {
    await ann.enter('Ann');
    room.online = false;
    guests.offline();
    expect(await ann.leave()).toBe(200);
    expect(room.people.has('Ann')).toBe(true);
    await begin();
    room.online = true;
    guests.online();
    await eventually('left', () => !room.people.has('Ann'));
    await eventually('nothing is kept', async () => (await rows()).length === 0);
  });

  test('a room that believes somebody to be in it is told the truth', async () => {
    const presence = stanza(
      'presence',
      { from: `${ROOM}/Ann`, to: PUPPET },
      xml(NS.mucUser, 'x', {}, xml(NS.mucUser, 'status', { code: '110' })),
    );
    room.hand(presence);
    expect(room.taken()).toEqual([expect.stringContaining('type="unavailable"')]);
    room.hand(
      stanza(
        'message',
        { type: 'groupchat', from: `${ROOM}/Nurse`, to: PUPPET },
        xml(NS.component, 'body', {}, 'x'),
      ),
    );
    expect(room.taken()).toEqual([expect.stringContaining('recipient-unavailable')]);
  });
});

describe('speaking', () => {
  beforeEach(() => ann.enter('Ann'));

  test('is done when the room shows it; the others of ours hear it once, the author does not', async () => {
    await bea.enter('Bea');
    expect(await say(ann, 'hello')).toBe(200);
    expect(await heard(bea)).toEqual(['Ann: hello']);
    expect(await heard(ann)).toEqual([]);
  });

  test('not shown in time is 503; the same again has the same id', async () => {
    room.interferes = ({ name }) => name === 'message';
    const message = ann.message('hello', { sentAt: bridge.clock.now() });
    expect((await meanwhile(guests.send(message))).result.code).toBe(503);
    const first = room.sent.findLast(({ name }) => name === 'message')?.attrs['id'];
    room.interferes = () => false;
    expect((await guests.send(message)).result.code).toBe(200);
    expect(room.said.map(({ attrs }) => attrs['id'])).toEqual([first]);
  });

  test('shown too late, the same again is not said again', async () => {
    const held: (() => void)[] = [];
    room.interferes = (element) => {
      if (element.name !== 'message') return false;
      held.push(() => room.says('Ann', 'hello', { id: element.attrs['id'] ?? '' }));
      return true;
    };
    const message = ann.message('hello', { sentAt: bridge.clock.now() });
    expect((await meanwhile(guests.send(message))).result.code).toBe(503);
    held[0]?.();
    await eventually('noted', async () => (await guests.send(message)).result.code === 200);
    expect(held).toHaveLength(1);
  });

  test('killed before the room showed it, the history tells that it was said', async () => {
    room.interferes = ({ name }) => name === 'message';
    const message = ann.message('hello', { sentAt: bridge.clock.now() });
    const first = guests.send(message);
    const id = await eventually(
      'said',
      () => room.sent.findLast(({ name }) => name === 'message')?.attrs['id'],
    );
    await begin();
    room.interferes = (element) => {
      if (element.name === 'presence') room.remembers(PUPPET, 'Ann', 'hello', bridge.clock.now(), id);
      return element.name === 'message';
    };
    guests.online();
    expect((await guests.send(message)).result.code).toBe(200);
    expect(room.sent.filter(({ name, attrs }) => name === 'message' && attrs['id'] === id)).toHaveLength(1);
    await meanwhile(first);
  });

  test('a service that changes ids is known by the text', async () => {
    room.rewrites = true;
    expect(await say(ann, 'hello')).toBe(200);
    expect(await say(ann, 'hello')).toBe(200);
  });

  test.each([
    ['forbidden', 816],
    ['item-not-found', 800],
    ['policy-violation', 503],
    ['remote-server-timeout', 503],
  ])('%s is %i', async (condition, code) => {
    room.interferes = (element) => {
      if (element.name === 'message') room.fails(element, condition);
      return element.name === 'message';
    };
    expect(await say(ann, 'hello')).toBe(code);
  });

  test.each([
    ['', 816],
    ['not-acceptable', 503],
  ])('not-acceptable, and a self-ping that brings %j, is %i', async (ping, code) => {
    room.interferes = (element) => {
      const { from, to, id } = element.attrs;
      if (element.name === 'message') room.fails(element, 'not-acceptable');
      else if (element.name === 'iq' && ping === '')
        room.hand(stanza('iq', { type: 'result', from: to, to: from, id }));
      else if (element.name === 'iq') room.fails(element, ping);
      return element.name !== 'presence';
    };
    expect(await say(ann, 'hello')).toBe(code);
  });

  test('a report comes from the group when one is asked for', async () => {
    expect(await say(ann, 'hello', { report: true })).toBe(200);
    expect(bridge.relay.all('DeliveryStatusReport')).toMatchObject([
      { recipient: { kind: 'group', group: GROUP }, outcome: { code: 200 }, sender: ann.user },
    ]);
  });

  test('a whisper goes to one, by the right nick; an error for it is a report', async () => {
    expect(await say(ann, 'psst', { to: 'NURSE' })).toBe(200);
    const [whisper] = room.said;
    expect(whisper?.attrs).toMatchObject({ to: `${ROOM}/Nurse`, type: 'chat' });
    expect(await say(ann, 'psst', { to: 'Nobody' })).toBe(410);
    if (whisper !== undefined) room.fails(whisper, 'item-not-found');
    await eventually('reported', () => bridge.relay.all('DeliveryStatusReport').length === 1);
    expect(bridge.relay.all('DeliveryStatusReport')).toMatchObject([
      { recipient: { group: GROUP, screenName: 'Nurse' }, outcome: { code: 410 } },
    ]);
  });
});

describe('hearing', () => {
  test('a copy for each of ours is one message for all of them', async () => {
    await ann.enter('Ann');
    await bea.enter('Bea');
    room.says('Nurse', 'same');
    room.says('Nurse', 'same');
    await quiet();
    expect(await heard(ann)).toEqual(['Nurse: same', 'Nurse: same']);
    expect(await heard(bea)).toEqual(['Nurse: same', 'Nurse: same']);
    expect(bridge.relay.all('SendMessageRequest')).toHaveLength(2);
  });

  test('when the one who listens leaves, another does, and nothing is lost or doubled', async () => {
    await ann.enter('Ann');
    await bea.enter('Bea');
    room.says('Nurse', '1');
    await ann.leave();
    room.says('Nurse', '2');
    room.remove('Bea', '332');
    await ann.enter('Ann');
    room.says('Nurse', '3');
    expect(await heard(bea)).toEqual(['Nurse: 1', 'Nurse: 2']);
    expect(await heard(ann)).toEqual(['Nurse: 1', 'Nurse: 3']);
  });

  test('whispers are each one’s own', async () => {
    await ann.enter('Ann');
    await bea.enter('Bea');
    room.whispers('Nurse', PUPPET, 'hush');
    expect(await heard(ann)).toEqual(['Nurse > Ann: hush']);
    expect(await heard(bea)).toEqual([]);
  });

  test.each([
    [0, []],
    [1, ['Nurse: old 1']],
  ])('of the history, %i messages', async (roomHistory, lines) => {
    await begin({ roomHistory });
    room.interferes = (element) => {
      if (element.name === 'presence') room.interferes = () => false;
      return false;
    };
    await ann.enter('Ann');
    const stamp = bridge.clock.now() - 1_000;
    room.remembers(PUPPET, 'Nurse', 'old 1', stamp, 'o1');
    room.remembers(PUPPET, 'Nurse', 'old 2', stamp, 'o2');
    room.says('Nurse', 'new');
    expect(await heard(ann)).toEqual([...lines, 'Nurse: new']);
  });

  test('what the relay cannot take now is handed to it again', async () => {
    await ann.enter('Ann');
    let failures = 2;
    bridge.relay.answer = () => (failures-- > 0 ? result(503) : undefined);
    room.says('Nurse', 'hello');
    await eventually('heard', () => {
      bridge.clock.advance(3_000);
      return ann.heard(bridge.relay).includes('Nurse: hello');
    });
  });
});

describe('questions', () => {
  /** The room answers IQ requests by the key `type namespace`; a text is an error condition. */
  function answers(
    table: Readonly<
      Record<string, string | ((query: ReturnType<typeof xml>) => ReturnType<typeof xml> | undefined)>
    >,
  ): void {
    room.interferes = (element) => {
      if (element.name !== 'iq') return false;
      const [query] = elementsOf(element);
      const { from, to, id, type } = element.attrs;
      const answer = query === undefined ? undefined : table[`${type ?? ''} ${query.ns}`];
      if (query === undefined || answer === undefined) room.fails(element, 'service-unavailable');
      else if (typeof answer === 'string') room.fails(element, answer);
      else room.hand(stanza('iq', { type: 'result', from: to, to: from, id }, answer(query)));
      return true;
    };
  }
  const info =
    (...features: readonly string[]) =>
    () =>
      xml(
        NS.discoInfo,
        'query',
        {},
        xml(NS.discoInfo, 'identity', { category: 'conference', type: 'text', name: 'Tea room' }),
        ...features.map((feature) => xml(NS.discoInfo, 'feature', { var: feature })),
      );

  test('properties are read from the description of the room', async () => {
    answers({ [`get ${NS.discoInfo}`]: info('muc_membersonly', 'muc_hidden', 'muc_temporary') });
    const answer = await ann.ask('GetGroupPropsRequest', {});
    expect(answer).toMatchObject({
      properties: expect.arrayContaining([
        { name: 'Name', value: 'Tea room' },
        { name: 'Accesstype', value: 'Restricted' },
        { name: 'Type', value: 'Private' },
        { name: 'AutoDelete', value: 'T' },
      ]) as unknown,
    });
  });

  test.each([
    ['item-not-found', 800],
    ['remote-server-timeout', 504],
  ])('%s is %i', async (condition, code) => {
    answers({ [`get ${NS.discoInfo}`]: condition });
    expect(await ann.code('GetGroupPropsRequest', {})).toBe(code);
  });

  test('a topic is the subject, a name is the owner’s; who is none gets 816', async () => {
    await ann.enter('Ann');
    answers({ [`get ${NS.discoInfo}`]: info(), [`get ${NS.mucOwner}`]: 'forbidden' });
    const set = (name: string, value: string) =>
      ann.code('SetGroupPropsRequest', { properties: [{ name, value }] });
    expect(await set('Topic', 'Tea')).toBe(200);
    expect(await set('Name', 'Other')).toBe(816);
    expect(await set('Name', 'Tea room')).toBe(200);
    const submitted: string[] = [];
    answers({
      [`get ${NS.discoInfo}`]: info(),
      [`get ${NS.mucOwner}`]: () =>
        xml(
          NS.mucOwner,
          'query',
          {},
          xml(
            NS.dataForm,
            'x',
            { type: 'form' },
            xml(NS.dataForm, 'field', { var: 'muc#roomconfig_roomname' }),
          ),
        ),
      [`set ${NS.mucOwner}`]: (query) => {
        submitted.push(JSON.stringify(childOf(query, 'x', NS.dataForm)));
        return undefined;
      },
    });
    expect(await set('name', 'Other')).toBe(200);
    expect(submitted[0]).toContain('Other');
    expect(await set('History', 'T')).toBe(806);
    expect(await set('Bogus', 'T')).toBe(806);
    expect(await bea.code('SetGroupPropsRequest', { properties: [] })).toBe(808);
  });

  test('members and rejected users are affiliations, each change asked for by itself', async () => {
    const changed: string[] = [];
    const items: Readonly<Record<string, string>> = { owner: 'nurse', member: 'romeo', outcast: 'tybalt' };
    answers({
      [`get ${NS.mucAdmin}`]: (query) => {
        const { affiliation = '' } = childOf(query, 'item')?.attrs ?? {};
        const name = items[affiliation];
        const item =
          name === undefined ? undefined : xml(NS.mucAdmin, 'item', { jid: `${name}@xmpp.example` });
        return xml(NS.mucAdmin, 'query', {}, item);
      },
      [`set ${NS.mucAdmin}`]: (query) => {
        const { affiliation = '', jid = '' } = childOf(query, 'item')?.attrs ?? {};
        changed.push(`${affiliation} ${jid}`);
        return undefined;
      },
    });
    const user = (name: string) => trusted<typeof ann.user>(`wv:${name}@xmpp.example`);
    expect(await ann.ask('GetGroupMemberRequest', {})).toMatchObject({
      admins: [user('nurse')],
      moderators: [],
      users: [user('romeo')],
    });
    expect(await ann.ask('RejectListRequest', { add: [user('a')], remove: [user('b')] })).toMatchObject({
      users: [user('tybalt')],
    });
    expect(await ann.code('AddGroupMemberRequest', { users: [user('c'), bea.user] })).toBe(200);
    expect(await ann.code('RemoveGroupMemberRequest', { users: [user('d')] })).toBe(200);
    const access = { admins: [user('e')], moderators: [user('f')], users: [user('g')] };
    expect(await ann.code('MemberAccessRequest', access)).toBe(200);
    expect(changed).toEqual([
      'outcast a@xmpp.example',
      'none b@xmpp.example',
      'member c@xmpp.example',
      `member bea@${COMPONENT}`,
      'none d@xmpp.example',
      'admin e@xmpp.example',
      'member f@xmpp.example',
      'member g@xmpp.example',
    ]);
  });

  test('what only an owner may is 816 for others', async () => {
    answers({
      [`get ${NS.mucAdmin}`]: 'forbidden',
      [`set ${NS.mucAdmin}`]: 'not-allowed',
      [`set ${NS.mucOwner}`]: 'forbidden',
    });
    expect(await ann.code('GetGroupMemberRequest', {})).toBe(816);
    expect(await ann.code('AddGroupMemberRequest', { users: [bea.user] })).toBe(816);
    expect(await ann.code('DeleteGroupRequest', {})).toBe(816);
  });

  test.each([
    ['wv:/x@other.example', 516],
    ['wv:ann/x@muc.example', 901],
    ['wv:/muc.example@xmpp.wv.example', 901],
  ])('%s is no room (%i)', async (group, code) => {
    const lost = new RoomClient(ann.server, ann.user, trusted<GroupAddress>(group));
    expect((await lost.join()).result.code).toBe(code);
  });
});

describe('invitations', () => {
  const invite = (from: string, more: Readonly<Record<string, string>> = {}) =>
    room.hand(
      stanza(
        'message',
        { from: ROOM, to: `ann@${COMPONENT}` },
        xml(
          NS.mucUser,
          'x',
          {},
          xml(NS.mucUser, 'invite', { from, ...more }, xml(NS.mucUser, 'reason', {}, 'tea?')),
        ),
      ),
    );

  test('through the room reach the user, and a refusal goes back', async () => {
    invite('nurse@xmpp.example/desk');
    const request = await bridge.relay.next('InviteRequest');
    expect(request).toMatchObject({ inviteType: 'GR', group: GROUP, note: 'tea?' });
    expect(request.inviting).toEqual({ kind: 'user', user: 'wv:nurse@xmpp.example' });
    const answer = {
      primitive: 'InviteResponse',
      meta: ann.meta,
      inviteId: request.inviteId,
      accepted: false,
      inviting: request.inviting,
      responding: request.invited,
    } as const;
    expect((await guests.serve(answer))?.result.code).toBe(200);
    expect(room.taken().at(-1)).toContain('<decline to="nurse@xmpp.example/desk"/>');
  });

  test('by an occupant come from his screen name', async () => {
    invite(`${ROOM}/Nurse`);
    const { inviting } = await bridge.relay.next('InviteRequest');
    expect(inviting).toEqual({ kind: 'group', group: GROUP, screenName: 'Nurse' });
  });

  test('of ours go through the room when he is in it, else direct; a refusal is told', async () => {
    const request = {
      primitive: 'InviteRequest',
      meta: ann.meta,
      inviteId: 'i1',
      inviteType: 'GR',
      inviting: { kind: 'user', user: ann.user },
      invited: { kind: 'user', user: trusted<typeof ann.user>('wv:romeo@xmpp.example') },
      group: GROUP,
      note: 'come',
    } as const;
    expect((await guests.serve(request))?.result.code).toBe(200);
    expect(room.taken().at(-1)).toContain(
      '<x xmlns="jabber:x:conference" jid="tea@muc.example" reason="come"/>',
    );
    await ann.enter('Ann');
    expect((await guests.serve(request))?.result.code).toBe(200);
    expect(room.taken().at(-1)).toContain('<invite to="romeo@xmpp.example">');
    const decline = xml(
      NS.mucUser,
      'decline',
      { from: 'romeo@xmpp.example/x' },
      xml(NS.mucUser, 'reason', {}, 'no'),
    );
    room.hand(stanza('message', { from: ROOM, to: `ann@${COMPONENT}` }, xml(NS.mucUser, 'x', {}, decline)));
    expect(await bridge.relay.next('InviteResponse')).toMatchObject({
      inviteId: 'i1',
      accepted: false,
      note: 'no',
    });
  });
});
