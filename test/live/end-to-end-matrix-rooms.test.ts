// Phones in a room of Matrix, through the whole product, on Synapse.

import { randomBytes } from 'node:crypto';
import type { Preset } from 'matrix-js-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import type { MatrixServer } from '../../scripts/stack/description.ts';
import { DEADLINE_MS, MATRIX_DOMAIN, PHONES, startScene } from '../support/e2e/scene.ts';
import type { Scene } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import { LiveUser, liveHomeserver } from '../support/matrix-live.ts';

const found = await liveHomeserver();

if (typeof found !== 'string') {
  describe(`phones in rooms of Synapse ${found.version}`, () => suite(found));
} else if (process.env['WVGATE_REQUIRE_LIVE'] === '1') {
  it('has a homeserver to run against', () => expect.fail(`Synapse is missing: ${found}`));
} else {
  describe.skip(`phones in rooms of Matrix (${found})`, () => it('runs', () => undefined));
}

function suite(server: MatrixServer): void {
  const { prefix } = server.registrations.test;
  let scene: Scene;
  let dave: LiveUser;

  beforeAll(async () => {
    scene = await startScene({ matrix: server });
    await scene.connected();
    dave = await LiveUser.login(server, 'dave');
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await dave.logout();
    await scene.stop();
  });

  test.each(PHONES)('a phone with $phone joins, speaks, whispers and is put out', async ({ kind }) => {
    const local = `tea-${randomBytes(4).toString('hex')}`;
    const { room_id: room } = await dave.client.createRoom({
      room_alias_name: local,
      preset: 'public_chat' as Preset,
    });
    const group = `wv:/${local}%40${server.serverName}@${MATRIX_DOMAIN}`;
    const account = await scene.newAccount('ann');
    const ghost = `@${prefix}${account.name}:${server.serverName}`;
    const phone = await scene.login(account, kind);
    const joined = await phone.groups.join(group, { screenName: 'Ann' });
    expect(joined.participants.map(({ screenName }) => screenName)).toEqual(
      expect.arrayContaining(['Ann', 'dave']),
    );

    const heard = phone.next('message', undefined, DEADLINE_MS);
    await dave.client.sendTextMessage(room, 'morning');
    expect(await heard).toMatchObject({ from: { group, screenName: 'dave' }, text: 'morning' });

    await phone.sendMessage({ to: { group }, content: 'hello' });
    await eventually('hello', () => dave.messages(room, ghost).length === 1);
    await phone.sendMessage({ to: { group, screenName: 'dave' }, content: 'psst' });
    const chat = await dave.invitedBy(ghost);
    await dave.client.joinRoom(chat);
    const answer = phone.next('message', undefined, DEADLINE_MS);
    await dave.client.sendTextMessage(chat, 'yes?');
    expect(await answer).toMatchObject({ from: { group, screenName: 'dave' }, text: 'yes?' });

    const out = phone.next('groupExit', undefined, DEADLINE_MS);
    await dave.client.kick(room, ghost);
    expect(await out).toMatchObject({ group, outcome: { code: 809 } });
    await phone.groups.join(group, { screenName: 'Ann' });
    const member = () => dave.client.getRoom(room)?.getMember(ghost)?.membership;
    await eventually('she is back', () => member() === 'join');
    await phone.logout();
    await eventually('she left with her session', () => member() === 'leave');
  });
}
