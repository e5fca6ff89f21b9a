// A WV phone and a Matrix client through the whole product, on Synapse. What two such people do in detail is in
// matrix-house.test.ts; here every kind of phone does it, and the edges between the server and the homeserver.

import { ReceiptType } from 'matrix-js-sdk';
import type { Preset } from 'matrix-js-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import type { MatrixServer } from '../../scripts/stack/description.ts';
import { simple } from '../../src/wv/presence.ts';
import {
  ALL_OF_MATRIX,
  MATRIX_DOMAIN,
  PHONES,
  seesMessage,
  seesPresence,
  SHOWN,
  startScene,
  waitingFor,
  WHEREABOUTS,
} from '../support/e2e/scene.ts';
import type { Account, Scene, Whereabouts } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import { LiveUser, liveHomeserver } from '../support/matrix-live.ts';

const found = await liveHomeserver();
const isRequired = process.env['WVGATE_REQUIRE_LIVE'] === '1';

if (typeof found !== 'string') {
  describe(`the whole house with Synapse ${found.version}`, () => {
    describe.each(WHEREABOUTS)('and the gateway %s', (where) => suite(found, where));
  });
} else if (isRequired) {
  it('has a homeserver to run against', () => expect.fail(`Synapse is missing: ${found}`));
} else {
  describe.skip(`the whole house with Synapse (${found})`, () => it('runs', () => undefined));
}

function suite(server: MatrixServer, where: Whereabouts): void {
  const daveAddress = `wv:dave%40${server.serverName}@${MATRIX_DOMAIN}`;
  const { prefix, url, hsToken } = server.registrations.test;
  const ghostOf = ({ name }: Account): string => `@${prefix}${name}:${server.serverName}`;
  let scene: Scene;
  let dave: LiveUser;

  beforeAll(async () => {
    scene = await startScene({ matrix: server }, where);
    await scene.connected();
    dave = await LiveUser.login(server, 'dave');
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await dave.logout();
    await scene.stop();
  });

  test.each(PHONES)('a phone with $phone holds the conversation', async ({ kind }) => {
    const account = await scene.newAccount('alice');
    const ghost = ghostOf(account);
    const phone = await scene.login(account, kind);

    await phone.subscribe({ users: [daveAddress], attributes: SHOWN });
    const room = await dave.invitedBy(ghost);
    await dave.client.joinRoom(room);
    const seen = seesPresence(phone, daveAddress, { StatusText: `for ${account.name}` });
    await dave.client.setPresence({ presence: 'online', status_msg: `for ${account.name}` });
    await seen;

    await phone.updatePresence({ StatusText: simple(`of ${account.name}`) });
    await phone.createAttributeList(SHOWN, { users: [ALL_OF_MATRIX] });
    await eventually('her presence', async () => {
      const { presence, status_msg: text } = await dave.client.getPresence(ghost);
      return presence === 'online' && text === `of ${account.name}`;
    });

    const report = phone.next('report');
    const text = `Tea <& biscuits> 😀 ${account.name}`;
    const sent = await phone.sendMessage({ to: { user: daveAddress }, content: text, deliveryReport: true });
    const event = await eventually('the message', () => dave.messages(room, ghost)[0]);
    expect(event.getContent()['body']).toBe(text);
    await dave.client.sendReadReceipt(event, ReceiptType.Read);
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id: sent.id } });

    const answer = seesMessage(phone, daveAddress, 'With milk, ü 😀');
    const { event_id: id } = await dave.client.sendTextMessage(room, 'With milk, ü 😀');
    await answer;
    await eventually('the receipt', () => dave.client.getRoom(room)?.getEventReadUpTo(ghost) === id);
  });

  test('the homeserver is told 404 of a WV user who does not exist', async () => {
    const nobody = ghostOf({ name: 'nobody-at-all', address: 'wv:nobody-at-all@wv.test' as never });
    const query = `${url}/_matrix/app/v1/users/${encodeURIComponent(nobody)}`;
    const answer = await fetch(query, { headers: { authorization: `Bearer ${hsToken}` } });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ errcode: 'M_NOT_FOUND' });
    await expect(dave.client.getProfileInfo(nobody)).rejects.toMatchObject({ httpStatus: 404 });
  });

  test('messages to a phone that is off wait for it, in order', async () => {
    const account = await scene.newAccount('alice');
    const ghost = ghostOf(account);
    const { room_id: room } = await dave.client.createRoom({
      is_direct: true,
      invite: [ghost],
      preset: 'private_chat' as Preset,
    });
    await eventually('the ghost', () => dave.client.getRoom(room)?.getMember(ghost)?.membership === 'join');
    const numbers = ['one', 'two', 'three'];
    for (const number of numbers) await dave.client.sendTextMessage(room, number);
    await eventually('they wait', async () => (await waitingFor(scene, account)) === numbers.length);
    const phone = scene.phone(account);
    const seen: string[] = [];
    phone.on('message', ({ text }) => void seen.push(text));
    await phone.connect();
    await eventually('they arrive', () => seen.length === numbers.length);
    expect(seen).toEqual(numbers);
  });

  test('a message to a Matrix user who does not exist is reported to its sender', async () => {
    const phone = await scene.login(await scene.newAccount('alice'));
    const report = phone.next('report');
    const user = `wv:no-such-person%40${server.serverName}@${MATRIX_DOMAIN}`;
    const { id } = await phone.sendMessage({ to: { user }, content: 'hello?' });
    expect(await report).toMatchObject({ outcome: { code: 531 }, message: { id } });
  });
}
