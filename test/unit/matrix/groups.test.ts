// Groups both ways before a scripted homeserver: what goes wrong on the way, and events of anybody's making.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMatrixGateway } from '../../../adapters/matrix/gateway.ts';
import type { MatrixGatewayConfig } from '../../../adapters/matrix/gateway.ts';
import { generateRegistration, parseRegistration } from '../../../adapters/matrix/registration.ts';
import type { Gateway } from '../../../src/sap/port.ts';
import { serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress, MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { GroupPrimitive, RequestPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeHomeserver, SERVER_NAME } from '../../support/matrix-homeserver.ts';
import { HOME, MemoryStorage, TestRelay } from '../../support/matrix-relay.ts';

const ALICE = userAddress('alice', HOME);
const BOB = userAddress('bob', HOME);
const DAVE_ID = '@dave:hs.test';
const DAVE = 'wv:dave%40hs.test@matrix.wv.example' as UserAddress;
const CHESS = 'wv:/chess%40hs.test@matrix.wv.example' as GroupAddress;
const HIKERS = 'wv:alice/hikers@wv.example' as GroupAddress;
const ROOM = '!chess:hs.test';

type Bare<Request> = Request extends GroupPrimitive ? Omit<Request, 'meta' | 'group'> : never;

let homeserver: FakeHomeserver;
let relay: TestRelay;
let gateway: Gateway;
let config: MatrixGatewayConfig;
let serial = 0;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function begin(storage = new MemoryStorage()): Promise<void> {
  relay = new TestRelay(storage);
  relay.emit = asHome(relay);
  relay.users.set(ALICE, 'Alice').set(BOB, 'Bob');
  gateway = createMatrixGateway(config);
  await gateway.start(relay);
}

beforeEach(async () => {
  homeserver = new FakeHomeserver();
  await homeserver.open();
  homeserver.answer(/^GET .*\/directory\/room\//, () => ({ room_id: ROOM, servers: ['hs.test'] }));
  homeserver.answer(/^GET .*\/joined_members$/, () => ({ joined: { [DAVE_ID]: { display_name: 'Dave' } } }));
  homeserver.answer(/^GET .*\/state\/m\.room\.(?:member|power_levels)\//, () => ({}));
  homeserver.answer(/^PUT .*\/state\//, () => ({ event_id: '$state' }));
  homeserver.answer(/^PUT .*\/redact\//, () => ({ event_id: '$redaction' }));
  const port = await freePort();
  const options = { url: `http://127.0.0.1:${port}`, serverName: SERVER_NAME, prefix: '_impst_' };
  config = {
    homeserverUrl: homeserver.url,
    serverName: SERVER_NAME,
    registration: parseRegistration(generateRegistration(options), 'test'),
    listen: { port },
    pseudoDomain: 'matrix.wv.example',
    retry: { tries: 2, baseDelayMs: 5, maxDelayMs: 50, timeoutMs: 1000 },
  };
  await begin();
});
afterEach(async () => {
  await gateway.stop();
  await homeserver.close();
});

async function ask(
  user: UserAddress,
  request: Bare<GroupPrimitive>,
  group = CHESS,
): Promise<ResponsePrimitive> {
  const meta = { service: serviceAddress(HOME), user };
  return await gateway.request({ ...request, meta, group } as GroupPrimitive);
}

const join = (user: UserAddress, screenName?: string) =>
  ask(user, {
    primitive: 'JoinGroupRequest',
    wantsJoinedList: true,
    subscribe: true,
    ...(screenName === undefined ? {} : { screenName }),
  });

async function say(id: string, group = CHESS): Promise<number> {
  const answer = await gateway.request({
    primitive: 'SendMessageRequest',
    meta: { service: serviceAddress(HOME), user: ALICE },
    deliveryReport: false,
    message: {
      id: trusted<MessageId>(id),
      sender: { kind: 'user', user: ALICE },
      recipients: [{ kind: 'group', group }],
      sentAt: Date.now(),
      expiresAt: Date.now() + 60_000,
      content: { contentType: 'text/plain', encoding: 'none', data: 'hello' },
    },
  });
  return answer.result.code;
}

/** Pushes events; resolves when a later one has been handled. */
async function push(...events: readonly object[]): Promise<void> {
  const transaction = serial++;
  const answer = await fetch(`${config.registration?.url}/_matrix/app/v1/transactions/t${transaction}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${config.registration?.hsToken}` },
    body: JSON.stringify({ events }),
  });
  expect(answer.status).toBe(200);
}

const event = (type: string, content: unknown, more: object = {}): object => ({
  type,
  event_id: `$e${serial++}`,
  room_id: ROOM,
  sender: DAVE_ID,
  origin_server_ts: Date.now(),
  content,
  ...more,
});

const text = (body: string, more: object = {}): object =>
  event('m.room.message', { msgtype: 'm.text', body }, more);

const heard = () => relay.all('SendMessageRequest').map(({ message }) => message.content.data);

describe('a room of Matrix', () => {
  it('says a message once, whatever becomes of the answers', async () => {
    await join(ALICE);
    homeserver.fail('send', 'cut after', { status: 502 });
    expect(await say('m1')).toBe(503);
    expect(await say('m1')).toBe(200);
    expect(await say('m1')).toBe(200);
    expect(homeserver.sent.size).toBe(1);
  });

  it('tells a speaker that the room does not let him speak', async () => {
    await join(ALICE);
    homeserver.fail('send', { status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await say('m1')).toBe(816);
    expect(await say('m2', 'wv:/other%40hs.test@matrix.wv.example' as GroupAddress)).toBe(808);
  });

  it.each([
    [{ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'You are banned from this room' } }, 809],
    [{ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'You are not invited' } }, 803],
    [{ status: 404, body: { errcode: 'M_NOT_FOUND' } }, 800],
  ])('answers a join that is refused with %j by %i, and keeps nothing', async (failure, code) => {
    homeserver.fail('join', failure);
    expect((await join(ALICE)).result.code).toBe(code);
    expect(await relay.storage.list('room-guest ')).toEqual([]);
  });

  it('lets a join that takes long be asked for again', async () => {
    homeserver.fail('join', { status: 504 }, { status: 504 });
    expect((await join(ALICE)).result.code).toBe(503);
    expect((await join(ALICE)).result.code).toBe(200);
  });

  it('knows who is in after a restart, and takes the ghost of a join without end out again', async () => {
    await join(ALICE, 'Ally');
    const storage = relay.storage as MemoryStorage;
    const [[key, row] = ['', '{}']] = await storage.list('room-guest ');
    const lost = {
      ...(JSON.parse(row) as object),
      user: BOB,
      ghost: '@_impst_bob:hs.test',
      state: 'joining',
    };
    await storage.put(key.replace('alice', 'bob'), JSON.stringify(lost));
    await gateway.stop();
    await begin(storage);
    await eventually('Bob’s ghost leaves', () =>
      homeserver.all('/leave').some(({ user }) => user === '@_impst_bob:hs.test'),
    );
    expect(await say('m1')).toBe(200);
    await push(text('welcome back'));
    await eventually('heard', () => heard().length === 1);
  });

  it('hands an event on once, though it is pushed again, and in order', async () => {
    await join(ALICE);
    await join(BOB);
    const [first, second] = [text('one'), text('two')];
    await push(first, second);
    await push(first, second, text('three'));
    await eventually('all', () => heard().length === 3);
    expect(heard()).toEqual(['one', 'two', 'three']);
    expect(relay.all('SendMessageRequest')[0]?.message.recipients).toHaveLength(2);
  });

  it('gives an event to a relay that says "not now" again', async () => {
    await join(ALICE);
    let refusals = 1;
    relay.onEmit = () => (refusals-- > 0 ? result(503) : OK);
    await push(text('later'));
    await eventually('twice', () => heard().length === 2);
  });

  it('does not follow a forged tombstone', async () => {
    await join(ALICE);
    homeserver.answer(/^GET .*!other:hs\.test\/state\/m\.room\.create\//, () => ({
      predecessor: { room_id: '!x:hs' },
    }));
    await push(event('m.room.tombstone', { replacement_room: '!other:hs.test' }, { state_key: '' }));
    await eventually('out', () => relay.all('LeaveGroupIndication').length === 1);
    expect(homeserver.all('!other:hs.test/leave')).toHaveLength(1);
    await eventually('forgotten', async () => (await relay.storage.list('room-guest ')).length === 0);
  });
});

describe('people in a room of Matrix', () => {
  const member = (id: string, content: object, sender = id): object =>
    event('m.room.member', content, { state_key: id, sender });

  it('are told of with their names, and by new ones', async () => {
    await join(ALICE);
    await push(member('@erin:hs.test', { membership: 'join', displayname: 'dave' }));
    await push(member('@erin:hs.test', { membership: 'join', displayname: 'Erin' }));
    await push(member('@erin:hs.test', { membership: 'leave' }));
    await eventually('three notices', () => relay.all('GroupChangeNotice').length === 3);
    const names = (list: readonly { readonly screenName: string }[]) =>
      list.map(({ screenName }) => screenName);
    expect(relay.all('GroupChangeNotice').map(({ joined, left }) => [names(joined), names(left)])).toEqual([
      [['dave (2)'], []],
      [['Erin'], ['dave (2)']],
      [[], ['Erin']],
    ]);
  });

  it('are listed by their power levels, as many as are known', async () => {
    homeserver.answer(/^GET .*\/state\/m\.room\.power_levels\//, () => ({ users: { [DAVE_ID]: 100 } }));
    await join(ALICE);
    expect(await ask(ALICE, { primitive: 'GetGroupMemberRequest' })).toMatchObject({
      admins: [DAVE],
      moderators: [],
      users: [ALICE],
    });
  });

  it('are 5,000 at most', async () => {
    const joined = Object.fromEntries(
      Array.from({ length: 6000 }, (_, n) => [`@user${n}:hs.test`, { display_name: 'Same' }]),
    );
    homeserver.answer(/^GET .*\/joined_members$/, () => ({ joined }));
    const answer = await join(ALICE);
    expect('joined' in answer && answer.joined?.length).toBe(5000);
    await push(
      member('@more:hs.test', { membership: 'join', displayname: 'More' }),
      text('hello', { sender: '@more:hs.test' }),
    );
    await eventually('heard all the same', () => heard().length === 1);
    expect(relay.all('GroupChangeNotice')).toEqual([]);
  });

  it('may invite another user of ours, who may decline', async () => {
    await join(ALICE);
    const ghost = '@_impst_bob:hs.test';
    await push(member(ghost, { membership: 'invite' }, DAVE_ID));
    const [invitation] = await eventually('the invitation', () => {
      const all = relay.all('InviteRequest');
      return all.length === 0 ? undefined : all;
    });
    expect(invitation).toMatchObject({ inviteType: 'GR', group: CHESS, invited: { user: BOB } });
    const declined = await gateway.request({
      primitive: 'InviteResponse',
      meta: { service: serviceAddress(HOME), user: BOB },
      inviteId: invitation?.inviteId ?? '',
      accepted: false,
      inviting: { kind: 'user', user: DAVE },
      responding: { kind: 'user', user: BOB },
    });
    expect(declined.result.code).toBe(200);
    expect(homeserver.all('/leave')).toMatchObject([{ user: ghost }]);
  });

  it('are not brought back when their ghost is put out, and its end is told with the reason', async () => {
    await join(ALICE);
    await push(
      member('@_impst_alice:hs.test', { membership: 'ban', reason: 'enough' }, DAVE_ID),
      text('gone'),
    );
    await eventually('told', () => relay.all('LeaveGroupIndication').length === 1);
    expect(relay.all('LeaveGroupIndication')[0]?.result).toEqual({ code: 809, description: 'enough' });
    expect(homeserver.all('/join/')).toHaveLength(1);
    expect(heard()).toEqual([]);
  });
});

/** Content fields of what the gateway reads, each of them broken in every way. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  'm.room.member': ['membership', 'displayname', 'reason'],
  'm.room.message': ['msgtype', 'body', 'm.relates_to', 'm.new_content', 'info'],
  'm.room.name': ['name'],
  'm.room.topic': ['topic'],
  'm.room.power_levels': ['users', 'users_default', 'ban'],
  'm.sticker': ['body', 'info', 'url'],
};
const GOOD: Readonly<Record<string, unknown>> = {
  membership: 'join',
  displayname: 'Dave',
  reason: 'why not',
  msgtype: 'm.text',
  body: 'text',
  name: 'Name',
  topic: 'Topic',
  users: {},
  users_default: 0,
};
const BROKEN = [
  undefined,
  null,
  7,
  'x',
  '',
  true,
  [],
  {},
  [null],
  { a: null },
  'a'.repeat(60_000),
  '\u0000\u202e',
];

function* malformed(): Generator<object> {
  for (const [type, fields] of Object.entries(FIELDS)) {
    for (const field of fields) {
      for (const value of BROKEN) {
        const content = { ...Object.fromEntries(fields.map((name) => [name, GOOD[name]])), [field]: value };
        yield event(type, content, type.startsWith('m.room.m') ? { state_key: DAVE_ID } : { state_key: '' });
      }
    }
    for (const key of [undefined, null, 7, {}, [], '', 'nobody']) {
      yield event(type, GOOD, { state_key: key });
    }
    for (const content of [undefined, null, 7, 'x', []]) yield event(type, content, { state_key: '' });
  }
}

describe('events of anybody’s making', () => {
  it('change nothing in a room of Matrix, and the next event is heard', async () => {
    await join(ALICE);
    await push(...malformed());
    await push(text('sound'));
    await eventually('the next', () => heard().at(-1) === 'sound');
    expect(relay.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(relay.all('LeaveGroupIndication')).toEqual([]);
  });

  it('change nothing in the room of a group, and the next event is heard', async () => {
    await host();
    await push(event('m.room.member', { membership: 'join', displayname: 'Dave' }, { state_key: DAVE_ID }));
    await push(...malformed());
    await push(event('m.room.member', { membership: 'join', displayname: 'Dave' }, { state_key: DAVE_ID }));
    await push(text('sound'));
    await eventually('the next', () => heard().at(-1) === 'sound');
    expect(relay.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

/** Answers as the home of the group would, in which Ann is, and whoever joins. */
function asHome(home: TestRelay): TestRelay['emit'] {
  const answered = home.emit.bind(home);
  return async (request: RequestPrimitive) => {
    const answer = await answered(request);
    if (answer.result.code !== 200) return answer;
    const joined = [{ screenName: 'Ann' }, { screenName: 'Dave', user: DAVE }];
    if (request.primitive === 'GetGroupPropsRequest') {
      const properties = [{ name: 'Name', value: 'Hikers' }];
      return { primitive: 'GetGroupPropsResponse', result: OK, properties, ownProperties: [] };
    }
    if (request.primitive === 'JoinGroupRequest') {
      return { primitive: 'JoinGroupResponse', result: OK, screenName: request.screenName ?? '', joined };
    }
    return request.primitive === 'GetJoinedUsersRequest'
      ? { primitive: 'GetJoinedUsersResponse', result: OK, joined }
      : answer;
  };
}

/** Lets a group of the server have a room, by the question of the homeserver. */
async function host(): Promise<number> {
  homeserver.answer(/^POST .*\/createRoom$/, () => ({ room_id: ROOM }));
  const alias = encodeURIComponent('#_impst_alice=2fhikers:hs.test');
  const answer = await fetch(`${config.registration?.url}/_matrix/app/v1/rooms/${alias}`, {
    headers: { authorization: `Bearer ${config.registration?.hsToken}` },
  });
  return answer.status;
}

async function copy(id: string, more: object = {}): Promise<number> {
  const answer = await gateway.request({
    primitive: 'SendMessageRequest',
    meta: { service: serviceAddress(HOME) },
    deliveryReport: false,
    message: {
      id: trusted<MessageId>(id),
      sender: { kind: 'group', group: HIKERS, screenName: 'Ann' },
      recipients: [{ kind: 'user', user: DAVE }],
      addressedTo: { kind: 'group', group: HIKERS },
      sentAt: Date.now(),
      expiresAt: Date.now() + 60_000,
      content: { contentType: 'text/plain', encoding: 'none', data: 'uphill' },
      ...more,
    },
  });
  return answer.result.code;
}

const daveComes = (displayname = 'Dave') =>
  push(event('m.room.member', { membership: 'join', displayname }, { state_key: DAVE_ID }));

describe('the room of a group', () => {
  it('is made once, by the bot, under the alias that was asked for', async () => {
    expect(await host()).toBe(200);
    expect(await host()).toBe(200);
    const made = homeserver.all('createRoom');
    expect(made).toHaveLength(1);
    // Without a user it is the bot.
    expect(made[0]).toMatchObject({
      user: null,
      body: { room_alias_name: '_impst_alice=2fhikers', name: 'Hikers' },
    });
    expect(made[0]?.body['initial_state']).toContainEqual({
      type: 'm.room.history_visibility',
      state_key: '',
      content: { history_visibility: 'joined' },
    });
  });

  it('is refused where the group is', async () => {
    relay.onEmit = () => result(800);
    expect(await host()).toBe(404);
    expect(homeserver.all('createRoom')).toEqual([]);
  });

  it('shows a message to all of them once, and knows it after a restart', async () => {
    await host();
    await daveComes();
    await eventually('he is in', async () => (await copy('c1')) === 200);
    expect(await copy('c1')).toBe(200);
    const storage = relay.storage as MemoryStorage;
    await gateway.stop();
    await begin(storage);
    expect(await copy('c1')).toBe(200);
    expect(homeserver.sent.size).toBe(1);
    const [sent] = homeserver.all('/send/');
    expect(sent?.user).toMatch(/^@_impst_=6d\./);
    expect(await copy('c2', { recipients: [{ kind: 'user', user: ALICE }] })).toBe(531);
  });

  it('puts out whom the group does not let in, with the reason', async () => {
    await host();
    relay.onEmit = (request) => (request.primitive === 'JoinGroupRequest' ? result(809) : OK);
    await daveComes();
    await eventually('out', () => homeserver.all('/kick').length === 1);
    expect(homeserver.all('/kick')[0]?.body).toEqual({
      user_id: DAVE_ID,
      reason: 'You are on the reject list of the group.',
    });
    expect(await relay.storage.list('group-member ')).toEqual([]);
  });

  it('gives a name that is taken a number', async () => {
    await host();
    relay.onEmit = (request) =>
      request.primitive === 'JoinGroupRequest' && request.screenName === 'Dave' ? result(811) : OK;
    await daveComes();
    await eventually('in', async () => (await copy('c1')) === 200);
    expect(relay.all('JoinGroupRequest').map(({ screenName }) => screenName)).toEqual(['Dave', 'Dave (2)']);
  });

  it('withdraws what the group does not take, and tells its author once', async () => {
    await host();
    await daveComes();
    relay.onEmit = (request) => (request.primitive === 'SendMessageRequest' ? result(816) : OK);
    await push(text('shout'));
    await eventually('told', () => homeserver.sent.size === 1);
    expect(homeserver.all('/redact/')).toHaveLength(1);
    const [notice] = homeserver.sent.values();
    expect(notice?.content['body']).toContain('may not speak');
  });

  it('goes on asking the home for who is in after a restart', async () => {
    await host();
    await daveComes();
    await eventually('in', async () => (await copy('c1')) === 200);
    const storage = relay.storage as MemoryStorage;
    await gateway.stop();
    relay = new TestRelay(storage);
    relay.onEmit = (request) => (request.primitive === 'GetJoinedUsersRequest' ? result(808) : OK);
    relay.emit = asHome(relay);
    gateway = createMatrixGateway(config);
    await gateway.start(relay);
    await eventually('joined again', () => relay.all('JoinGroupRequest').length > 0);
    await eventually('heard again', async () => (await copy('c2')) === 200);
  });

  it('puts nobody out because the home cannot say who is in', async () => {
    await host();
    await daveComes();
    await eventually('in', async () => (await copy('c1')) === 200);
    const storage = relay.storage as MemoryStorage;
    await gateway.stop();
    relay = new TestRelay(storage);
    relay.onEmit = () => result(503);
    gateway = createMatrixGateway(config);
    await gateway.start(relay);
    await eventually('asked', () => relay.all('GetJoinedUsersRequest').length > 0);
    expect(await copy('c2')).toBe(200);
    expect(homeserver.all('/kick')).toEqual([]);
  });

  it('gives rights that the home gives, and takes back those that it refuses', async () => {
    await host();
    await daveComes();
    await eventually('in', async () => (await copy('c1')) === 200);
    const emit = relay.emit.bind(relay);
    relay.emit = async (request) =>
      request.primitive === 'GetGroupMemberRequest'
        ? { primitive: 'GetGroupMemberResponse', result: OK, admins: [], moderators: [], users: [DAVE] }
        : await emit(request);
    relay.onEmit = (request) => (request.primitive === 'MemberAccessRequest' ? result(816) : OK);
    await push(event('m.room.power_levels', { users: { [DAVE_ID]: 75 }, ban: 50 }, { state_key: '' }));
    await eventually('told', () => homeserver.sent.size === 2);
    expect(relay.all('MemberAccessRequest')).toMatchObject([{ admins: [DAVE] }]);
    const [undone] = homeserver.all('/state/m.room.power_levels/').filter(({ method }) => method === 'PUT');
    expect(undone?.body).toEqual({ users: { [DAVE_ID]: 0 }, ban: 50 });
  });

  it('brings back whom the group does not put out', async () => {
    await host();
    await daveComes();
    await eventually('in', async () => (await copy('c1')) === 200);
    const mask = homeserver.all('/send/')[0]?.user ?? '';
    await push(event('m.room.member', { membership: 'ban' }, { state_key: mask }));
    await eventually('told', () => homeserver.sent.size === 2);
    expect(homeserver.all('/unban')).toMatchObject([{ body: { user_id: mask } }]);
    expect(homeserver.all('/join/').filter(({ user }) => user === mask)).toHaveLength(2);
  });

  it('is adopted when we were killed while it was made', async () => {
    const content = { 'org.wvgate.group': HIKERS };
    const created = event('m.room.create', content, { state_key: '', sender: '@_impst_bot:hs.test' });
    const forged = event('m.room.create', content, { state_key: '', room_id: '!forged:hs.test' });
    await push(forged, created);
    await daveComes();
    await eventually('in', async () => (await copy('c1')) === 200);
    expect(homeserver.all('/send/')[0]?.path).toContain(ROOM);
    expect(homeserver.all('createRoom')).toEqual([]);
  });

  it('shows no more members than it is told to, but whoever says something', async () => {
    await gateway.stop();
    config = { ...config, groups: { shownMembers: 0 } };
    await begin();
    await host();
    await daveComes();
    await eventually('in', async () => (await relay.storage.list('group-member ')).length === 1);
    expect(
      homeserver.all('register').filter(({ body }) => String(body['username']).includes('=6d.')),
    ).toEqual([]);
    await eventually('said', async () => (await copy('c1')) === 200);
    expect(
      homeserver.all('register').filter(({ body }) => String(body['username']).includes('=6d.')),
    ).toHaveLength(1);
  });
});
