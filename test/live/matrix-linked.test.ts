// A WV user who speaks as a Matrix account of his own, through the whole product on Synapse: dave has a phone, erin a
// Matrix client.

import { ReceiptType } from 'matrix-js-sdk';
import type { Preset } from 'matrix-js-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import type { MatrixServer } from '../../scripts/stack/description.ts';
import type { WvClient } from '../../src/client/client.ts';
import { MATRIX_DOMAIN, seesMessage, seesPresence, SHOWN, startScene } from '../support/e2e/scene.ts';
import type { Account, Scene } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import { LiveUser, liveHomeserver } from '../support/matrix-live.ts';

const found = await liveHomeserver();

if (typeof found !== 'string') {
  describe(`accounts of Synapse ${found.version} linked with WV users`, () => suite(found));
} else if (process.env['WVGATE_REQUIRE_LIVE'] === '1') {
  it('has a homeserver to run against', () => expect.fail(`Synapse is missing: ${found}`));
} else {
  describe.skip(`linked Matrix accounts (${found})`, () => it('runs', () => undefined));
}

function suite(server: MatrixServer): void {
  const addressOf = (name: string): string => `wv:${name}%40${server.serverName}@${MATRIX_DOMAIN}`;
  const daveId = server.users['dave']?.userId ?? '';
  const davesPassword = server.users['dave']?.password ?? '';
  let scene: Scene;
  let erin: LiveUser;
  let dave: LiveUser;
  let room = '';

  beforeAll(async () => {
    scene = await startScene({ linkedMatrix: server });
    await scene.connected();
    [dave, erin] = await Promise.all([LiveUser.login(server, 'dave'), LiveUser.login(server, 'erin')]);
    room = await chatOf(erin, dave);
    devicesBefore = await devices();
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await Promise.all([erin.logout(), dave.logout()]);
    await scene.stop();
  });

  const setDirect = async (user: LiveUser, direct: Record<string, string[]>): Promise<void> => {
    await user.client.setAccountData('m.direct' as never, direct as never);
  };
  /** A direct chat that both clients know as such, and no other. */
  const chatOf = async (one: LiveUser, other: LiveUser, more: object = {}): Promise<string> => {
    const { room_id: id } = await one.client.createRoom({
      is_direct: true,
      invite: [other.id],
      preset: 'trusted_private_chat' as Preset,
      ...more,
    });
    await eventually('the invitation', () => other.client.getRoom(id)?.getMyMembership() === 'invite');
    await other.client.joinRoom(id);
    await setDirect(one, { [other.id]: [id] });
    await setDirect(other, { [one.id]: [id] });
    await eventually('both are in', () => one.client.getRoom(id)?.getMember(other.id)?.membership === 'join');
    return id;
  };

  const api = async (account: Account, method: string, path = '', body?: object): Promise<Response> => {
    const { web } = scene.house.house.addresses;
    return await fetch(`http://${web?.host}:${web?.port}/api/profile/accounts${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${account.name}:sesame`).toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  };
  const stateOf = async (account: Account): Promise<{ state?: string; reason?: string } | undefined> => {
    const answer = (await (await api(account, 'GET')).json()) as { accounts: { state: string }[] };
    return answer.accounts[0];
  };
  const isOnline = async (account: Account): Promise<boolean> => (await stateOf(account))?.state === 'online';
  const link = async (account: Account, proof: object = { password: davesPassword }): Promise<void> => {
    expect((await api(account, 'PUT', '/matrix', { account: daveId, ...proof })).status).toBe(202);
  };
  const unlink = async (account: Account): Promise<void> => {
    expect((await api(account, 'DELETE', '/matrix')).status).toBe(204);
  };
  /** A phone whose user is dave. */
  const linkedPhone = async (): Promise<{ readonly account: Account; readonly phone: WvClient }> => {
    const account = await scene.newAccount('dave');
    const phone = await scene.login(account);
    await link(account);
    await eventually('the account is online', () => isOnline(account));
    return { account, phone };
  };
  const devices = async (): Promise<number> =>
    (await dave.client.getDevices()).devices.filter(({ display_name: name }) => name === 'wvgate').length;
  /** Devices at the start: the stack's homeserver remembers those of runs that were cut off. */
  let devicesBefore = 0;
  const listNamed = async (phone: WvClient, end: string): Promise<string | undefined> =>
    (await phone.getLists()).lists.find((list) => list.includes(end));
  const bodies = (user: LiveUser, sender: string, of = room): string[] =>
    user.messages(of, sender).map((event) => String(event.getContent()['body']));

  test('his direct chats are a contact list, and messages go out as himself and come to him', async () => {
    const { account, phone } = await linkedPhone();
    const list = await eventually('the list', () => listNamed(phone, '/matrix~'));
    const { contacts, properties } = await phone.manageList(list);
    expect(properties.displayName).toBe('Matrix');
    expect(contacts).toEqual([{ user: addressOf('erin'), name: 'erin' }]);

    const report = phone.next('report');
    const text = `as myself ${account.name}`;
    const to = { user: addressOf('erin') };
    const { id } = await phone.sendMessage({ to, content: text, deliveryReport: true });
    const event = await eventually('the message', () =>
      erin.messages(room, daveId).find((each) => each.getContent()['body'] === text),
    );
    await erin.client.sendReadReceipt(event, ReceiptType.Read);
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id } });

    const heard = seesMessage(phone, addressOf('erin'), `hello ${account.name}`);
    const { event_id: answer } = await erin.client.sendTextMessage(room, `hello ${account.name}`);
    await heard;
    await eventually('it is read', () => erin.client.getRoom(room)?.getEventReadUpTo(daveId) === answer);
    await unlink(account);
  });

  test('what he writes elsewhere is not shown to him, and nothing is doubled', async () => {
    const { account, phone } = await linkedPhone();
    const texts: string[] = [];
    phone.on('message', ({ text }) => void texts.push(text ?? ''));
    await dave.client.sendTextMessage(room, `from my desk ${account.name}`);
    await phone.sendMessage({ to: { user: addressOf('erin') }, content: `from my phone ${account.name}` });
    await eventually('erin has both', () => bodies(erin, daveId).at(-1) === `from my phone ${account.name}`);
    await erin.client.sendTextMessage(room, `the end ${account.name}`);
    await eventually('the end', () => texts.at(-1) === `the end ${account.name}`);
    expect(texts).toEqual([`the end ${account.name}`]);
    await unlink(account);
  });

  test('presence of a contact is seen through the account', async () => {
    const { account, phone } = await linkedPhone();
    await phone.subscribe({ users: [addressOf('erin')], attributes: SHOWN });
    const seen = seesPresence(phone, addressOf('erin'), { StatusText: `for ${account.name}` });
    await erin.client.setPresence({ presence: 'online', status_msg: `for ${account.name}` });
    await seen;
    await unlink(account);
  });

  test('after a restart of wvgate the account goes on, with what came meanwhile, once', async () => {
    const { account } = await linkedPhone();
    await scene.everybodyOut();
    const numbers = ['one', 'two', 'three'].map((number) => `${number} ${account.name}`);
    const [first = '', ...others] = numbers;
    await erin.client.sendTextMessage(room, first);
    const restarted = scene.restart();
    for (const number of others) await erin.client.sendTextMessage(room, number);
    await restarted;
    const phone = scene.phone(account);
    const texts: string[] = [];
    phone.on('message', ({ text }) => void texts.push(text ?? ''));
    await phone.connect();
    await eventually('they arrive', () => texts.length >= numbers.length);
    await erin.client.sendTextMessage(room, 'and that is all');
    await eventually('the last', () => texts.includes('and that is all'));
    expect(texts).toEqual([...numbers, 'and that is all']);
    expect(await devices()).toBe(devicesBefore + 1);
    await unlink(account);
    await eventually('the token is over', async () => (await devices()) === devicesBefore);
  });

  test('unlinking ends the token, the list and the voice', async () => {
    const { account, phone } = await linkedPhone();
    await eventually('the list', () => listNamed(phone, '/matrix~'));
    expect(await devices()).toBe(devicesBefore + 1);
    await unlink(account);
    await eventually('the token is over', async () => (await devices()) === devicesBefore);
    expect(await listNamed(phone, '/matrix~')).toBeUndefined();
    await phone.sendMessage({ to: { user: addressOf('erin') }, content: 'as a ghost' });
    const { prefix } = server.registrations.test;
    await erin.invitedBy(`@${prefix}${account.name}:${server.serverName}`);
  });

  test('a wrong password is told, once, and his messages are refused', async () => {
    const account = await scene.newAccount('dave');
    await link(account, { password: 'wrong' });
    await eventually('it is refused', async () => (await stateOf(account))?.state === 'refused');
    expect((await stateOf(account))?.reason).toBe('the password is not taken');
    const waiting = await eventually('the system message', async () => {
      const entries = await scene.house.house.store.queueOf(account.address, 0, 10);
      return entries.length === 0 ? undefined : entries;
    });
    const text =
      'Your Matrix account cannot be used: the password is not taken. Link it again, or unlink it.';
    expect(waiting.map(({ item }) => item)).toMatchObject([{ notice: { text } }]);
    const phone = await scene.login(account);
    const report = phone.next('report');
    await phone.sendMessage({ to: { user: addressOf('erin') }, content: 'no', deliveryReport: true });
    expect(await report).toMatchObject({ outcome: { code: 403 } });
    await unlink(account);
  });

  test('a token is taken in place of a password; when it ends, that is noticed', async () => {
    const account = await scene.newAccount('dave');
    const other = await LiveUser.login(server, 'dave');
    await link(account, { token: other.client.getAccessToken() });
    await eventually('the account is online', () => isOnline(account));
    await other.logout();
    await eventually('it is refused', async () => (await stateOf(account))?.state === 'refused');
    expect((await stateOf(account))?.reason).toBe('its token is not taken any more');
    await unlink(account);
  });

  test('an encrypted chat is listed as not readable, and not continued in the open', async () => {
    const state = {
      type: 'm.room.encryption',
      state_key: '',
      content: { algorithm: 'm.megolm.v1.aes-sha2' },
    };
    await chatOf(erin, dave, { initial_state: [state] });
    const { account, phone } = await linkedPhone();
    const list = await eventually('the list', () => listNamed(phone, '/matrix~encrypted'));
    const { contacts, properties } = await phone.manageList(list);
    expect(properties.displayName).toBe('Matrix: encrypted, not readable');
    expect(contacts).toEqual([{ user: addressOf('erin'), name: 'erin' }]);
    const report = phone.next('report');
    await phone.sendMessage({ to: { user: addressOf('erin') }, content: 'psst', deliveryReport: true });
    expect(await report).toMatchObject({ outcome: { code: 405 } });
    await unlink(account);
  });

  test('to somebody new he opens a chat of his own', async () => {
    await setDirect(dave, {});
    // The stack's homeserver remembers invitations of earlier runs.
    const before = new Set(erin.client.getRooms().map(({ roomId }) => roomId));
    const { account, phone } = await linkedPhone();
    const text = `nice to meet you ${account.name}`;
    await phone.sendMessage({ to: { user: addressOf('erin') }, content: text });
    const { roomId: made } = await eventually('the invitation', () =>
      erin.client.getRooms().find(({ roomId }) => !before.has(roomId)),
    );
    await erin.client.joinRoom(made);
    await eventually('the message', () => bodies(erin, daveId, made).includes(text));
    const heard = seesMessage(phone, addressOf('erin'), 'likewise');
    await erin.client.sendTextMessage(made, 'likewise');
    await heard;
    await eventually('his other clients know the chat', () =>
      JSON.stringify(dave.client.getAccountData('m.direct' as never)?.getContent()).includes(made),
    );
    await unlink(account);
  });
}
