// What nobody should send: every field of every event that the gateway reads, missing, null and of every wrong type;
// floods; and what other versions of Matrix may bring. The transaction is taken, the next event is handled, and nothing
// comes out that was not put in.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMatrixGateway } from '../../../adapters/matrix/gateway.ts';
import { generateRegistration, parseRegistration } from '../../../adapters/matrix/registration.ts';
import type { Gateway } from '../../../src/sap/port.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { parseUser, userAddress } from '../../../src/wv/address.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeHomeserver, SERVER_NAME } from '../../support/matrix-homeserver.ts';
import { HOME, realClock, TestRelay } from '../../support/matrix-relay.ts';
import { freePort } from '../../support/ssp/two-houses.ts';

const ALICE = userAddress('alice', HOME);
const GHOST = `@_impst_alice:${SERVER_NAME}`;
const DAVE = `@dave:${SERVER_NAME}`;
const ROOM = `!room:${SERVER_NAME}`;
const HS_TOKEN = 'the-homeservers-token';

let homeserver: FakeHomeserver;
let store: Store;
let relay: TestRelay;
let gateway: Gateway;
let url: string;
let count = 0;

beforeEach(async () => {
  homeserver = new FakeHomeserver();
  await homeserver.open();
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const text = generateRegistration({ url, serverName: SERVER_NAME, prefix: '_impst_' });
  store = await openSqliteStore({ file: ':memory:', clock: realClock });
  relay = new TestRelay(store.gatewayStorage('matrix'));
  relay.users.set(ALICE, 'Alice');
  gateway = createMatrixGateway({
    homeserverUrl: homeserver.url,
    serverName: SERVER_NAME,
    registration: { ...parseRegistration(text, 'test'), hsToken: HS_TOKEN },
    listen: { port },
    pseudoDomain: 'matrix.wv.example',
    retry: { tries: 2, baseDelayMs: 5, maxDelayMs: 50, timeoutMs: 1000 },
  });
  await gateway.start(relay);
  expect(await push({ events: [invitation()] })).toBe(200);
  await eventually('the chat', async () => (await relay.storage.list('portal ')).length === 1);
});
afterEach(async () => {
  await gateway.stop();
  await homeserver.close();
  await store.close();
});

async function push(transaction: unknown, token = HS_TOKEN): Promise<number> {
  count += 1;
  const answer = await fetch(`${url}/_matrix/app/v1/transactions/t${count}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}` },
    body: typeof transaction === 'string' ? transaction : JSON.stringify(transaction),
  });
  return answer.status;
}

interface Event {
  readonly [key: string]: unknown;
}

function event(type: string, content: object, more: object = {}): Event {
  count += 1;
  return {
    type,
    event_id: `$${type}${count}`,
    room_id: ROOM,
    sender: DAVE,
    origin_server_ts: Date.now(),
    unsigned: { age: 5 },
    content,
    ...more,
  };
}

const message = (body: string, more: object = {}): Event =>
  event('m.room.message', { msgtype: 'm.text', body }, more);
const invitation = (room = ROOM, ghost = GHOST): Event =>
  event('m.room.member', { membership: 'invite', is_direct: true }, { room_id: room, state_key: ghost });

/** Pushes them, then a good message, and waits until that one has come. */
async function survives(transaction: {
  events?: readonly unknown[];
  ephemeral?: readonly unknown[];
}): Promise<void> {
  count += 1;
  const body = `good ${count}`;
  expect(await push({ ...transaction, events: [...(transaction.events ?? []), message(body)] })).toBe(200);
  await eventually(
    () => `${body} comes through`,
    () => relay.all('SendMessageRequest').some((request) => request.message.content.data === body),
  );
}

/** Whatever came out is whole, comes from Dave, and is for Alice. */
function expectSound(): void {
  for (const { message: crossed } of relay.all('SendMessageRequest')) {
    expect(crossed.sender).toEqual({ kind: 'user', user: 'wv:dave%40hs.test@matrix.wv.example' });
    expect(crossed.recipients).toEqual([{ kind: 'user', user: ALICE }]);
    expect(typeof crossed.content.data).toBe('string');
    expect(crossed.content.data).not.toMatch(/undefined|\[object|NaN/);
    expect(Number.isFinite(crossed.sentAt)).toBe(true);
    expect(crossed.sentAt).toBeLessThanOrEqual(Date.now());
  }
  for (const { publisher } of relay.all('PresenceNotification'))
    expect(parseUser(publisher, HOME)).toBe(publisher);
  expect(relay.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
}

const WRONG = [null, true, 0, -1, 1e308, '', ' ', 'x', '\u0000', [], [null], {}, { a: 1 }, [[[]]]] as const;

/** The value with one of its fields, at any depth, left out or made wrong. */
function* spoiled(value: Event): Generator<Event> {
  for (const [key, field] of Object.entries(value)) {
    const { [key]: _left, ...rest } = value;
    yield rest;
    for (const wrong of WRONG) yield { ...value, [key]: wrong };
    if (typeof field !== 'object' || field === null || Array.isArray(field)) continue;
    for (const inner of spoiled(field as Event)) yield { ...value, [key]: inner };
  }
}

/** Each under an id of its own, as far as the id is not what is wrong. */
const named = (value: Event): Event => {
  count += 1;
  return typeof value['event_id'] === 'string' && value['event_id'].length > 3
    ? { ...value, event_id: `$spoiled${count}` }
    : value;
};

const relation = { rel_type: 'm.replace', event_id: '$original' };
const reply = { 'm.in_reply_to': { event_id: '$original' } };
const info = { mimetype: 'image/png', size: 10, w: 1, h: 1, thumbnail_info: { w: 1 } };
const SAMPLES: readonly (readonly [string, () => Event])[] = [
  ['a text', () => message('spoiled')],
  [
    'a formatted text',
    () =>
      event('m.room.message', {
        msgtype: 'm.text',
        body: 'b',
        format: 'org.matrix.custom.html',
        formatted_body: '<b>b</b>',
      }),
  ],
  [
    'an edit',
    () =>
      event('m.room.message', {
        msgtype: 'm.text',
        body: '* b',
        'm.new_content': { msgtype: 'm.text', body: 'b' },
        'm.relates_to': relation,
      }),
  ],
  ['a reply', () => event('m.room.message', { msgtype: 'm.text', body: '> a\n\nb', 'm.relates_to': reply })],
  [
    'a picture from nowhere',
    () =>
      event('m.room.message', { msgtype: 'm.image', body: 'a.png', url: 'mxc://nowhere.test/nothing', info }),
  ],
  ['a place', () => event('m.room.message', { msgtype: 'm.location', body: 'here', geo_uri: 'geo:1,2' })],
  ['a sticker', () => event('m.sticker', { body: 'hi', url: 'mxc://nowhere.test/nothing', info })],
  ['an invitation', () => invitation(`!other:${SERVER_NAME}`, `@_impst_nobody:${SERVER_NAME}`)],
  ['a new name', () => event('m.room.member', { membership: 'join', displayname: 'D' }, { state_key: DAVE })],
  [
    'the making of a room',
    () =>
      event(
        'm.room.create',
        { creator: GHOST, room_version: '12', 'org.wvgate.portal': { peer: DAVE } },
        { sender: GHOST, state_key: '', room_id: '!made' },
      ),
  ],
  [
    'our own echo',
    () =>
      event(
        'm.room.message',
        { msgtype: 'm.text', body: 'b', 'org.wvgate.message': 'id' },
        { sender: GHOST },
      ),
  ],
];

describe('each field of an event that is left out or wrong', () => {
  it.each(SAMPLES)('does no harm in %s', { timeout: 60_000 }, async (_, sample) => {
    await survives({ events: [...spoiled(sample())].map(named) });
    expectSound();
  });

  it.each<[string, object]>([
    ['a receipt', { type: 'm.receipt', room_id: ROOM, content: { $a: { 'm.read': { [DAVE]: { ts: 1 } } } } }],
    [
      'presence',
      {
        type: 'm.presence',
        sender: DAVE,
        content: { presence: 'online', status_msg: 'x', last_active_ago: 1 },
      },
    ],
    ['typing', { type: 'm.typing', room_id: ROOM, content: { user_ids: [DAVE] } }],
  ])('does no harm in %s', async (_, sample) => {
    await survives({ ephemeral: [...spoiled(sample as Event)] });
    expectSound();
  });

  it('does no harm in a transaction', async () => {
    const whole = { events: [], ephemeral: [], 'de.sorunome.msc2409.ephemeral': [] };
    for (const body of [...spoiled(whole), ...WRONG]) expect(await push(JSON.stringify(body))).toBe(200);
    await survives({});
    const warnings = relay.log.lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ text }) => text)).toEqual([expect.stringContaining('malformed transaction')]);
  });
});

describe('what goes beyond all bounds', () => {
  it('is no use without the right token, and is logged once', async () => {
    for (let turn = 0; turn < 50; turn++)
      expect(await push({ events: [message('forged')] }, 'guess')).toBe(403);
    await survives({});
    expect(relay.all('SendMessageRequest')).toHaveLength(1);
    expect(relay.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('is taken when it is large, deep, of unknown kinds, or of rooms of other versions', async () => {
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    const raw = JSON.stringify({
      events: [message('deep', { content: { msgtype: 'm.text', body: 'deep', extra: 'HERE' } })],
    });
    expect(await push(raw.replace('"HERE"', deep))).toBe(200);
    await survives({
      events: [
        message('x'.repeat(64 * 1024)),
        event('m.unheard.of', { body: 'x' }),
        event('m.room.message', { msgtype: 'm.unheard.of', body: 'an unknown kind' }),
        event('m.room.create', { room_version: '99' }, { state_key: '', room_id: '!v99' }),
        message('in version 12', { room_id: '!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM' }),
        message('in version 1', { event_id: '$143273582443PhrSn:example.org' }),
      ],
    });
    expectSound();
    expect(relay.all('SendMessageRequest').map(({ message: { content } }) => content.data)).toContain(
      'in version 1',
    );
  });

  it('is handled once when it is replayed, and in its order', async () => {
    const events = Array.from({ length: 20 }, (_, at) => message(`number ${at}`));
    for (const again of [events.slice(0, 10), events, events.slice(5, 15), events])
      await push({ events: again });
    await survives({});
    const texts = relay.all('SendMessageRequest').map(({ message: { content } }) => content.data);
    expect(texts.slice(0, 20)).toEqual(events.map((_, at) => `number ${at}`));
    expect(texts).toHaveLength(21);
  });

  it('costs little when it is a thousand invitations', { timeout: 60_000 }, async () => {
    const before = homeserver.asked.length;
    const flood = (at: number) =>
      invitation(`!flood${at}:${SERVER_NAME}`, `@_impst_nobody${at}:${SERVER_NAME}`);
    const events = Array.from({ length: 1000 }, (_, at) => flood(at));
    for (let first = 0; first < events.length; first += 100)
      expect(await push({ events: events.slice(first, first + 100) })).toBe(200);
    await survives({});
    const refused = () => new Set(homeserver.all('/leave').map(({ path }) => path)).size;
    await eventually('all are refused', () => refused() === 1000, 30_000);
    expect(homeserver.all('register').length).toBeLessThan(40);
    expect(homeserver.asked.length - before).toBeLessThan(1200);
    const warnings = relay.log.lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ text }) => text)).toEqual([expect.stringContaining('too many invitations')]);
  });
});
