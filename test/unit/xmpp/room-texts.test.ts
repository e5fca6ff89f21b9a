// What phones are told of messages in rooms of other servers, without a network.

import { beforeEach, describe, expect, test } from 'vitest';
import { IqRequests } from '../../../adapters/xmpp/iq-requests.ts';
import { AddressCodec } from '../../../adapters/xmpp/addresses.ts';
import { hasHopped, hopMark } from '../../../adapters/xmpp/hop.ts';
import { MucGuests } from '../../../adapters/xmpp/muc-guest/muc-guests.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { childOf, stanza, textOf, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress } from '../../../src/wv/ids.ts';
import { result } from '../../../src/wv/status.ts';
import { eventually } from '../../support/eventually.ts';
import { COMPONENT, testBridge } from '../../support/xmpp-bridge.ts';
import type { TestBridge } from '../../support/xmpp-bridge.ts';
import { FakeRoom } from '../../support/xmpp-muc-guest-room.ts';
import { HOME } from '../../support/xmpp-relay.ts';
import { RoomClient } from '../../support/xmpp-muc-guest.ts';

const ROOM = 'tea@muc.example';
const GROUP = trusted<GroupAddress>('wv:/tea@muc.example');
const PUPPET = `ann@${COMPONENT}/imps`;

let room: FakeRoom;
let bridge: TestBridge;
let guests: MucGuests;
let ann: RoomClient;
let bea: RoomClient;

/** The gateway, on the storage of a run before if there was one. */
async function begin(settings: Partial<TestBridge['settings']> = {}): Promise<void> {
  const base = testBridge();
  const old = bridge as TestBridge | undefined;
  const codec = new AddressCodec({
    home: HOME,
    componentDomain: COMPONENT,
    domains: ['xmpp.example'],
    pseudoDomain: 'xmpp.wv.example',
    groupDomains: ['muc.example'],
  });
  const { relay, clock } = old ?? base;
  bridge = { ...base, relay, clock, settings: { ...base.settings, ...settings }, codec, link: room };
  guests = new MucGuests(bridge, new IqRequests(room, clock, 8_000));
  room.deliver = (incoming) => void guests.received(incoming);
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

/** Ann is in a room with two others. */
async function together(settings: Partial<TestBridge['settings']> = {}): Promise<void> {
  bridge = undefined as unknown as TestBridge;
  room = new FakeRoom(ROOM);
  room.add('Nurse');
  room.add('Tybalt');
  await begin(settings);
  await ann.enter('Ann');
  room.sent.splice(0);
}

beforeEach(() => together());

const quiet = () => eventually('all queues are empty', () => bridge.queues.busy === 0);
async function heard(who: RoomClient): Promise<string[]> {
  await quiet();
  return who.heard(bridge.relay);
}
const replace = (id: string): XmlElement => xml(NS.correction, 'replace', { id });
const retract = (id: string): XmlElement => xml(NS.retraction, 'retract', { id });
const stamp = (id: string, by = ROOM): XmlElement => xml(NS.stanzaId, 'stanza-id', { id, by });
const sealed = xml(NS.omemo, 'encrypted', {}, xml(NS.omemo, 'payload', {}, 'AA=='));
const messages = (): readonly XmlElement[] => room.sent.filter(({ name }) => name === 'message');

describe('corrections and withdrawals', () => {
  test('are told once, and only of the author', async () => {
    room.says('Nurse', 'tee', { id: 'n1' });
    room.says('Tybalt', 'no tee', { id: 't1' }, replace('n1'));
    room.says('Nurse', 'tea', { id: 'n2' }, replace('n1'));
    room.says('Nurse', 'teas', { id: 'n3' }, replace('n1'));
    expect(await heard(ann)).toEqual(['Nurse: tee', 'Tybalt: no tee', 'Nurse: edited: tea']);
  });

  test('are known after a restart, and reach who catches up as well as who heard', async () => {
    await bea.enter('Bea');
    room.says('Nurse', 'tea', { id: 'n1' });
    await quiet();
    await begin();
    guests.online();
    await eventually('both are back', () => room.sent.filter(({ name }) => name === 'presence').length >= 2);
    const attrs = { type: 'groupchat', from: `${ROOM}/Nurse`, id: 'n2' };
    const delay = xml(NS.delay, 'delay', { from: ROOM, stamp: new Date(bridge.clock.now()).toISOString() });
    for (const to of [PUPPET, `bea@${COMPONENT}/imps`]) {
      room.hand(
        stanza('message', { ...attrs, to }, retract('n1'), xml(NS.component, 'body', {}, 'gone'), delay),
      );
    }
    expect(await heard(ann)).toEqual(['Nurse: tea', 'Nurse: message withdrawn']);
    expect(await heard(bea)).toEqual(['Nurse: tea', 'Nurse: message withdrawn']);
  });

  test('name a message by the id of the room, which nobody else can give', async () => {
    room.says('Nurse', 'one', { id: 'a' }, stamp('s1'), stamp('s2', 'other@muc.example'));
    room.says('Nurse', 'x', { id: 'b' }, retract('s2'));
    room.says('Nurse', 'y', { id: 'c' }, retract('s1'));
    expect(await heard(ann)).toEqual(['Nurse: one', 'Nurse: message withdrawn']);
  });
});

test('a reply names the author of what it is about, also when that is one of ours', async () => {
  const said = ann.message('who comes?', { sentAt: bridge.clock.now() });
  await guests.send(said);
  await bea.enter('Bea');
  const id = messages()[0]?.attrs['id'] ?? '';
  room.says('Nurse', 'I do', { id: 'r' }, xml(NS.reply, 'reply', { to: `${ROOM}/Ann`, id }));
  expect(await heard(bea)).toEqual(['Nurse: re Ann: who comes? / I do']);
});

test.each([
  [false, []],
  [true, ['Nurse: Nurse reacted 👍 to "tea?"']],
])('reactions reach phones where the operator wants them: %s', async (roomReactions, lines) => {
  await together({ roomReactions });
  room.says('Tybalt', 'tea?', { id: 't1' });
  const reaction = xml(NS.reactions, 'reactions', { id: 't1' }, xml(NS.reactions, 'reaction', {}, '👍'));
  for (const { jid } of [...room.people.values()].filter((person) => person.jid.endsWith('/imps'))) {
    room.hand(stanza('message', { type: 'groupchat', from: `${ROOM}/Nurse`, to: jid, id: 'r1' }, reaction));
  }
  expect(await heard(ann)).toEqual(['Tybalt: tea?', ...lines]);
});

test('a long text comes in parts, whose ids are the same in the history', async () => {
  await together({ splitText: 60 });
  const long = 'Sweet, so would I: yet I should kill thee with much cherishing. Good night';
  room.says('Nurse', long, { id: 'l1' });
  const parts = await heard(ann);
  expect(parts).toHaveLength(2);
  room.remembers(PUPPET, 'Nurse', long, bridge.clock.now(), 'l1');
  expect(await heard(ann)).toEqual(parts);
});

test('/me is told of the nick', async () => {
  room.says('Nurse', '/me pours tea');
  expect(await heard(ann)).toEqual(['Nurse: * Nurse pours tea']);
});

describe('what is encrypted', () => {
  test('is not handed on; its author is told once a day, by one of ours, in private', async () => {
    await bea.enter('Bea');
    room.sent.splice(0);
    room.says('Nurse', 'fallback', { id: 'e1' }, sealed);
    room.says('Nurse', 'fallback', { id: 'e2' }, sealed);
    await eventually('told', () => messages().length > 0);
    await quiet();
    const [told] = messages();
    expect(messages()).toHaveLength(1);
    expect(told?.attrs).toMatchObject({ type: 'chat', to: `${ROOM}/Nurse` });
    expect(textOf(told && childOf(told, 'body'))).toContain('encrypted with OMEMO');
    expect(told && childOf(told, 'no-store', NS.hints)).toBeDefined();
    expect([...(await heard(ann)), ...(await heard(bea))]).toEqual([]);
    bridge.clock.advance(86_400_000);
    room.says('Nurse', 'fallback', { id: 'e3' }, sealed);
    await eventually('told again', () => messages().length === 2);
  });

  test('and old, or of a program, is not answered', async () => {
    room.says('Nurse', 'x', { id: 'e1' }, sealed, xml(NS.hints, 'no-store'));
    room.remembers(PUPPET, 'Nurse', '?OTR:AAAA', bridge.clock.now(), 'e2');
    room.says('Nurse', 'plain', { id: 'p' });
    expect(await heard(ann)).toEqual(['Nurse: plain']);
    expect(messages()).toEqual([]);
  });
});

test('a name that somebody took while ours was away is told', async () => {
  room.remove('Ann', '332');
  room.add('Ann');
  await eventually('back', () => {
    bridge.clock.advance(5_000);
    return room.people.has('Ann (2)');
  });
  expect(await heard(ann)).toEqual([': You are called Ann (2) here now, no longer Ann.']);
});

test('the hop marker is on what ours say and on how they come, and stops no error', async () => {
  await bea.enter('Bea');
  await guests.send(ann.message('hello', { sentAt: bridge.clock.now() }));
  expect(room.sent.filter((element) => hasHopped(element)).map(({ name }) => name)).toEqual([
    'presence',
    'message',
  ]);
  const attrs = { from: 'a@b.example', to: 'c@d.example' };
  expect(hasHopped(stanza('message', { ...attrs, type: 'error' }, hopMark()))).toBe(false);
  expect(hasHopped(stanza('message', attrs))).toBe(false);
});
