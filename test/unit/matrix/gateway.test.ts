// The whole gateway before a homeserver that misbehaves.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMatrixGateway, pseudoWatcher } from '../../../adapters/matrix/gateway.ts';
import type { MatrixGatewayConfig } from '../../../adapters/matrix/gateway.ts';
import { generateRegistration, parseRegistration } from '../../../adapters/matrix/registration.ts';
import { NotKnownNow } from '../../../src/sap/port.ts';
import type { Gateway } from '../../../src/sap/port.ts';
import { parseDomain, serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { Domain, GroupAddress, MessageId } from '../../../src/wv/ids.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import type { Store } from '../../../src/store/store.ts';
import type { SendMessageRequest } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeHomeserver, SERVER_NAME } from '../../support/matrix-homeserver.ts';
import { HOME, realClock, TestRelay } from '../../support/matrix-relay.ts';

const ALICE = userAddress('alice', HOME);
const GHOST = '@_impst_alice:hs.test';
const DAVE = userAddress(`dave@${SERVER_NAME}`, parseDomain('matrix.wv.example') as Domain);

let homeserver: FakeHomeserver;
let store: Store;
let relay: TestRelay;
let gateway: Gateway;
let config: MatrixGatewayConfig;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeEach(async () => {
  homeserver = new FakeHomeserver();
  await homeserver.open();
  const port = await freePort();
  const options = { url: `http://127.0.0.1:${port}`, serverName: SERVER_NAME, prefix: '_impst_' };
  config = {
    homeserverUrl: homeserver.url,
    serverName: SERVER_NAME,
    registration: parseRegistration(generateRegistration(options), 'test'),
    listen: { port },
    pseudoDomain: 'matrix.wv.example',
    retry: { tries: 3, baseDelayMs: 5, maxDelayMs: 200, timeoutMs: 1000 },
  };
  store = await openSqliteStore({ file: ':memory:', clock: realClock });
  relay = new TestRelay(store.gatewayStorage('matrix'));
  relay.users.set(ALICE, 'Alice');
  gateway = createMatrixGateway(config);
});
afterEach(async () => {
  await gateway.stop();
  await homeserver.close();
  await store.close();
});

function message(id: string, more: Partial<SendMessageRequest['message']> = {}): SendMessageRequest {
  return {
    primitive: 'SendMessageRequest',
    meta: { service: serviceAddress(HOME), user: ALICE },
    deliveryReport: false,
    message: {
      id: trusted<MessageId>(id),
      sender: { kind: 'user', user: ALICE },
      recipients: [{ kind: 'user', user: DAVE }],
      sentAt: Date.now(),
      expiresAt: Date.now() + 60_000,
      content: { contentType: 'text/plain', encoding: 'none', data: 'hello' },
      ...more,
    },
  };
}

async function send(id: string, more: Partial<SendMessageRequest['message']> = {}): Promise<Result> {
  const answer = await gateway.request(message(id, more));
  return 'result' in answer ? answer.result : OK;
}

async function push(transaction: object): Promise<number> {
  const answer = await fetch(`${config.registration?.url}/_matrix/app/v1/transactions/t${Math.random()}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${config.registration?.hsToken}` },
    body: JSON.stringify(transaction),
  });
  return answer.status;
}

const fromDave = (id: string, body: string, room = '!room1:hs.test'): object => ({
  type: 'm.room.message',
  event_id: id,
  room_id: room,
  sender: `@dave:${SERVER_NAME}`,
  origin_server_ts: Date.now(),
  content: { msgtype: 'm.text', body },
});

describe('sending', () => {
  beforeEach(() => gateway.start(relay));

  it('repeats a send under the same transaction id when the connection broke after it', async () => {
    homeserver.fail('send', 'cut after', { status: 502 }, { status: 503 });
    expect(await send('m1')).toMatchObject({ code: 503 });
    expect(await send('m1')).toMatchObject({ code: 200 });
    const sends = homeserver.all('/send/');
    expect(sends).toHaveLength(4);
    expect(new Set(sends.map(({ path }) => path)).size).toBe(1);
    expect(homeserver.sent.size).toBe(1);
  });

  it('waits as long as the homeserver asks for, and leaves it to the relay when that is long', async () => {
    homeserver.fail('send', { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 50 } });
    expect(await send('m1')).toMatchObject({ code: 200 });
    homeserver.fail('send', {
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED' },
      headers: { 'retry-after': '30' },
    });
    expect(await send('m2')).toEqual({ code: 503, tryAgainAfter: 30 });
    expect(homeserver.all('/send/')).toHaveLength(3);
  });

  it.each([
    [403, 'M_FORBIDDEN', 410],
    [404, 'M_NOT_FOUND', 531],
    [413, 'M_TOO_LARGE', 432],
    [400, 'M_BAD_JSON', 400],
  ])('maps the final answer %i %s to %i', async (status, errcode, code) => {
    homeserver.fail('send', { status, body: { errcode } });
    if (status === 403) homeserver.fail('join', { status, body: { errcode } });
    expect(await send('m1')).toMatchObject({ code });
  });

  it('sends a message whose answer the relay did not see once, even to a homeserver that forgot', async () => {
    expect(await send('m1')).toMatchObject({ code: 200 });
    homeserver.sent.clear();
    expect(await send('m1')).toMatchObject({ code: 200 });
    expect(homeserver.all('/send/')).toHaveLength(1);
  });

  it('knows by its echo a message that was sent before it could be noted', async () => {
    await send('m0');
    const event = {
      ...fromDave('$echo', 'hello'),
      sender: GHOST,
      content: { body: 'x', 'org.wvgate.message': 'm1' },
    };
    expect(await push({ events: [event] })).toBe(200);
    expect(await send('m1')).toMatchObject({ code: 200 });
    expect(homeserver.all('/send/')).toHaveLength(1);
    expect(relay.all('SendMessageRequest')).toEqual([]);
  });

  it('adopts a room whose creation was cut off, instead of making a second one', async () => {
    homeserver.fail('createRoom', 'cut after');
    expect(await send('m1')).toMatchObject({ code: 503 });
    const [created] = homeserver.all('createRoom');
    const event = { ...fromDave('$create', ''), type: 'm.room.create', sender: GHOST, state_key: '' };
    expect(await push({ events: [{ ...event, content: created?.body['creation_content'] }] })).toBe(200);
    await eventually('the portal', async () => (await relay.storage.list('portal ')).length === 1);
    expect(await send('m1')).toMatchObject({ code: 200 });
    expect(homeserver.all('createRoom')).toHaveLength(1);
  });

  it('hears what is written in a room whose creation was cut off after it made a second one', async () => {
    await send('m1');
    const create = {
      type: 'm.room.create',
      sender: GHOST,
      state_key: '',
      content: homeserver.all('createRoom')[0]?.body['creation_content'],
    };
    const events = [
      { ...fromDave('$create', '', '!forgotten:hs.test'), ...create },
      fromDave('$answer', 'here I am', '!forgotten:hs.test'),
    ];
    expect(await push({ events })).toBe(200);
    const request = await eventually('the message', () => relay.all('SendMessageRequest')[0]);
    expect(request).toMatchObject({
      message: { content: { data: 'here I am' }, recipients: [{ user: ALICE }] },
    });
  });

  it('makes one room for many first messages at once', async () => {
    const codes = await Promise.all(['a', 'b', 'c', 'd'].map(async (id) => (await send(id)).code));
    expect(codes).toEqual([200, 200, 200, 200]);
    expect(homeserver.all('createRoom')).toHaveLength(1);
    expect(homeserver.all('register').filter(({ body }) => body['username'] === '_impst_alice')).toHaveLength(
      1,
    );
  });

  it('gives up on a homeserver that does not answer in time, and sends once when it does', async () => {
    homeserver.fail('send', 'hang');
    expect(await send('m1')).toMatchObject({ code: 503 });
    expect(await send('m1')).toMatchObject({ code: 200 });
    expect(homeserver.sent.size).toBe(1);
  });

  it('drops what expired, and dates what is old', async () => {
    expect(await send('m1', { expiresAt: Date.now() - 1 })).toMatchObject({ code: 542 });
    const sentAt = Date.now() - 120_000;
    expect(await send('m2', { sentAt })).toMatchObject({ code: 200 });
    expect(homeserver.all('/send/').map(({ query }) => query.get('ts'))).toEqual([String(sentAt)]);
  });

  it('answers 405 to what it does not serve, and tells each of several recipients apart', async () => {
    const group = { kind: 'group', group: trusted<GroupAddress>('wv:/chess@matrix.wv.example') } as const;
    expect(await send('m1', { recipients: [group] })).toMatchObject({ code: 405 });
    const nobody = {
      kind: 'user',
      user: userAddress('nobody', parseDomain('matrix.wv.example') as Domain),
    } as const;
    expect(await send('m2', { recipients: [{ kind: 'user', user: DAVE }, nobody] })).toMatchObject({
      code: 201,
      details: [{ code: 531, users: [nobody.user] }],
    });
  });
});

describe('receiving', () => {
  beforeEach(async () => {
    await gateway.start(relay);
    await send('m0');
  });

  it('hands on every event once, in order, whatever the transactions', async () => {
    const events = ['one', 'two', 'three'].map((body, at) => fromDave(`$e${at}`, body));
    expect(await push({ events: events.slice(0, 2) })).toBe(200);
    expect(await push({ events })).toBe(200);
    await eventually('three messages', () => relay.all('SendMessageRequest').length === 3);
    expect(relay.all('SendMessageRequest').map((request) => request.message.content.data)).toEqual([
      'one',
      'two',
      'three',
    ]);
    expect(await relay.storage.unhandled()).toEqual([]);
  });

  it('tries again when the relay says not now, and then tells the sender', async () => {
    const answers = [result(503), OK];
    relay.onEmit = () => answers.shift() ?? result(404);
    await push({ events: [fromDave('$e1', 'later'), fromDave('$e2', 'never')] });
    await eventually('a notice', () => homeserver.sent.size === 2);
    const ids = relay.all('SendMessageRequest').map((request) => request.message.id);
    expect(ids).toHaveLength(3);
    expect(ids[0]).toBe(ids[1]);
    expect([...homeserver.sent.values()][1]?.content).toMatchObject({ msgtype: 'm.notice' });
  });

  it('tells the sender when the relay itself fails', async () => {
    relay.onEmit = () => Promise.reject(new Error('bug'));
    await push({ events: [fromDave('$e1', 'hello')] });
    await eventually('a notice', () => homeserver.sent.size === 2);
    expect([...homeserver.sent.values()][1]?.content).toMatchObject({
      body: 'Not delivered: an internal error.',
    });
  });

  it('does not follow a room into one that does not continue it: the next message makes a new room', async () => {
    const tombstone = {
      ...fromDave('$t', ''),
      type: 'm.room.tombstone',
      state_key: '',
      content: { replacement_room: '!evil:hs.test' },
    };
    await push({ events: [tombstone] });
    await eventually('it left both', () => homeserver.all('/leave').length === 2);
    await eventually('it is over', async () =>
      (await relay.storage.list('portal '))[0]?.[1].includes('ended'),
    );
    await send('m1');
    expect(homeserver.all('createRoom')).toHaveLength(2);
    expect(homeserver.all('!evil:hs.test/send')).toEqual([]);
  });

  it('keeps an invitation until the server can say whether the user exists', async () => {
    let asked = 0;
    relay.userExists = (user) => {
      asked++;
      return asked < 2 ? Promise.reject(new NotKnownNow('away')) : Promise.resolve(relay.users.has(user));
    };
    const invitation = {
      ...fromDave('$i', '', '!later:hs.test'),
      type: 'm.room.member',
      state_key: GHOST,
      content: { membership: 'invite', is_direct: true },
    };
    await push({ events: [invitation] });
    await eventually('it joined', () => homeserver.all('/join/').length === 1);
    expect(homeserver.all('/rooms/!later:hs.test/leave')).toEqual([]);
  });

  it('refuses invitations by the ghosts of other bridges', async () => {
    const invitation = {
      ...fromDave('$i', '', '!other:hs.test'),
      type: 'm.room.member',
      sender: '@_xmpp_romeo:hs.test',
      state_key: GHOST,
      content: { membership: 'invite', is_direct: true },
    };
    await push({ events: [invitation] });
    await eventually('it left', () => homeserver.all('/rooms/!other:hs.test/leave').length === 1);
    expect(homeserver.all('/join/')).toEqual([]);
  });

  it('is not stopped by events that nobody can understand', async () => {
    const odd = [null, 7, {}, { type: 'm.room.message' }, { ...fromDave('$odd', ''), content: null }];
    expect(
      await push({ events: [...odd, fromDave('$e1', 'hello')], ephemeral: [null, { type: 'm.receipt' }] }),
    ).toBe(200);
    await eventually('the message', () => relay.all('SendMessageRequest').length === 1);
  });

  it('reports a read receipt once, for everything before it, to those who asked', async () => {
    await gateway.request({ ...message('r1'), deliveryReport: true });
    await send('r2');
    await gateway.request({ ...message('r3'), deliveryReport: true });
    const receipt = {
      type: 'm.receipt',
      room_id: '!room1:hs.test',
      content: { $event2: { 'm.read': { '@dave:hs.test': {} } } },
    };
    await push({ ephemeral: [receipt] });
    await push({ 'de.sorunome.msc2409.ephemeral': [receipt] });
    await push({ events: [fromDave('$last', 'a reply')] });
    await push({ ephemeral: [{ ...receipt, content: { $last: { 'm.read': { '@dave:hs.test': {} } } } }] });
    await eventually('both reports', () => relay.all('DeliveryStatusReport').length === 2);
    expect(relay.all('DeliveryStatusReport').map(({ messageId }) => messageId)).toEqual(['r1', 'r3']);
  });
});

describe('presence that the homeserver did not push', () => {
  beforeEach(async () => {
    await gateway.start(relay);
    await send('m1');
    homeserver.fail('presence', { status: 403, body: { errcode: 'M_FORBIDDEN' } });
    await gateway.request({
      primitive: 'SubscribeRequest',
      meta: { service: serviceAddress(HOME), user: ALICE },
      watcher: ALICE,
      publishers: [DAVE],
    });
    await eventually('the first look', () => homeserver.all('/presence/').length === 1);
    expect(relay.all('PresenceNotification')).toEqual([]);
  });
  const seen = () =>
    relay.all('PresenceNotification').map(({ attributes }) => attributes.OnlineStatus?.value);

  it('is looked at when the user joins', async () => {
    const join = {
      ...fromDave('$j', ''),
      type: 'm.room.member',
      state_key: `@dave:${SERVER_NAME}`,
      content: { membership: 'join' },
    };
    await push({ events: [join] });
    await eventually('the presence', () => seen().length === 1);
    expect(seen()).toEqual(['T']);
  });

  it('is looked at after events that were held back', async () => {
    await push({ events: [{ ...fromDave('$late', 'hello'), unsigned: { age: 60_000 } }] });
    await eventually('the presence', () => seen().length === 1);
    expect(seen()).toEqual(['T']);
  });
});

it('shows presence again that the homeserver could not take', async () => {
  await gateway.start(relay);
  await send('m1');
  homeserver.fail('presence', { status: 500 }, 'cut before');
  await gateway.request({
    primitive: 'PresenceNotification',
    meta: { service: serviceAddress(HOME), user: ALICE },
    publisher: ALICE,
    watchers: [pseudoWatcher(config)],
    attributes: { OnlineStatus: { valid: true, value: 'T' } },
  });
  const shown = () => (homeserver.presence.get(GHOST) as { presence?: string } | undefined)?.presence;
  await eventually('it is shown', () => shown() === 'online');
});

describe('the link', () => {
  const warnings = (): string[] =>
    relay.log.lines.filter(({ level }) => level === 'warn').map(({ text }) => text);

  it('keeps trying when the homeserver is away, and tells the relay when it is back', async () => {
    await homeserver.close();
    await gateway.start(relay);
    expect(gateway.health()).toBe('down');
    expect(warnings()).toEqual([expect.stringContaining('cannot be reached (ECONNREFUSED)')]);
    expect(await send('m1')).toMatchObject({ code: 503 });
    await homeserver.open();
    await eventually('up', () => gateway.health() === 'up');
    expect(relay.usable).toBe(1);
    expect(await send('m1')).toMatchObject({ code: 200 });
    await homeserver.close();
    expect(await send('m2')).toMatchObject({ code: 503 });
    expect(gateway.health()).toBe('down');
    await homeserver.open();
    await eventually('up again', () => relay.usable === 2);
  });

  it('says that the token is refused', async () => {
    homeserver.fail('whoami', { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    await gateway.start(relay);
    expect(warnings()).toEqual([expect.stringContaining('refuses our as_token')]);
    expect(JSON.stringify(relay.log.lines)).not.toContain(config.registration?.asToken);
  });

  it('says that the server name is wrong', async () => {
    homeserver.self = '@_impst_bot:other.test';
    await gateway.start(relay);
    expect(warnings()).toEqual([expect.stringContaining('wrong serverName?')]);
  });

  it('says that the URL is not a homeserver', async () => {
    homeserver.fail('versions', { status: 404, body: {} });
    await gateway.start(relay);
    expect(warnings()).toEqual([expect.stringContaining('wrong homeserverUrl?')]);
  });

  it('says that ghosts are not ours', async () => {
    homeserver.fail(
      'whoami',
      { status: 200, body: { user_id: homeserver.self } },
      {
        status: 403,
        body: { errcode: 'M_FORBIDDEN', error: 'Application service cannot masquerade as this user' },
      },
    );
    await gateway.start(relay);
    expect(warnings()).toEqual([expect.stringContaining('@_impst_:hs.test is not ours')]);
  });

  it('says that the homeserver is too old', async () => {
    homeserver.fail('versions', { status: 200, body: { versions: ['r0.5.0', 'r0.6.1'] } });
    await gateway.start(relay);
    expect(warnings()).toEqual([expect.stringContaining('too old: it speaks r0.6.1')]);
  });

  it('says that the namespace is not ours, and that the homeserver does not reach us', async () => {
    homeserver.fail('register', { status: 400, body: { errcode: 'M_EXCLUSIVE' } });
    homeserver.fail('ping', { status: 502, body: { errcode: 'M_CONNECTION_FAILED' } });
    await gateway.start(relay);
    await eventually('degraded', () => gateway.health() === 'degraded');
    expect(warnings()).toEqual([
      expect.stringContaining('outside the namespace'),
      expect.stringContaining(`does not reach us at ${config.registration?.url}`),
    ]);
    expect(relay.usable).toBe(1);
    await eventually('up', () => gateway.health() === 'up');
    expect(relay.usable).toBe(1);
  });

  it('fails to start when its port is taken, and leaves nothing behind', async () => {
    await gateway.start(relay);
    const second = createMatrixGateway(config);
    await expect(second.start(new TestRelay())).rejects.toThrow('EADDRINUSE');
    expect(second.health()).toBe('down');
  });
});
