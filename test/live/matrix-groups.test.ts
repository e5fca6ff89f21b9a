// Groups of the whole server as rooms of the real Synapse: what a WV phone and Matrix users do to each other in one.

import { randomBytes } from 'node:crypto';
import { EventType } from 'matrix-js-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WvClient } from '../../src/client/client.ts';
import { stcp } from '../../src/client/stcp.ts';
import type { GroupAddress } from '../../src/wv/ids.ts';
import type { MatrixServer } from '../../scripts/stack/description.ts';
import { startTestHouse, TEST_DOMAIN } from '../support/house.ts';
import type { TestHouse } from '../support/house.ts';
import { eventually } from '../support/eventually.ts';
import { LiveUser, liveHomeserver } from '../support/matrix-live.ts';

const found = await liveHomeserver();

if (typeof found !== 'string') {
  describe(`a WV group as a room, on Synapse ${found.version}`, () => suite(found));
} else if (process.env['WVGATE_REQUIRE_LIVE'] === '1') {
  it('has a homeserver to run against', () => expect.fail(`Synapse is missing: ${found}`));
} else {
  describe.skip(`a WV group as a room (${found})`, () => it('runs', () => undefined));
}

function suite(server: MatrixServer): void {
  const ann = `ann${randomBytes(4).toString('hex')}`;
  const { file, prefix, url } = server.registrations.test;
  let house: TestHouse;
  let phone: WvClient;
  let dave: LiveUser;
  let erin: LiveUser;
  let group: GroupAddress;
  let alias: string;

  beforeAll(async () => {
    house = await startTestHouse({
      users: [ann],
      config: {
        matrix: {
          homeserverUrl: server.baseUrl,
          serverName: server.serverName,
          registration: file,
          listen: { port: Number(new URL(url).port) },
          pseudoDomain: 'matrix.wv.test',
        },
      },
    });
    [dave, erin] = await Promise.all([LiveUser.login(server, 'dave'), LiveUser.login(server, 'erin')]);
    const user = `wv:${ann}@${TEST_DOMAIN}`;
    const password = `${ann}-secret`;
    phone = new WvClient({ url: house.url, user, password, pollSeconds: 0, cirPollSeconds: 0, cir: stcp() });
    await phone.connect();
  });
  afterAll(async () => {
    await phone.logout();
    await Promise.all([dave.logout(), erin.logout()]);
    await house.stop();
  });

  beforeEach(async () => {
    const name = `hikers${randomBytes(4).toString('hex')}`;
    group = `wv:${ann}/${name}@${TEST_DOMAIN}` as GroupAddress;
    alias = `#${prefix}${ann}=2f${name}:${server.serverName}`;
    await phone.groups.create(group, {
      properties: { Name: 'Hikers', Topic: 'Sunday', Searchable: 'T' },
      join: true,
      screenName: 'Ann',
      subscribe: true,
    });
  });

  const bodies = (who: LiveUser, room: string): unknown[] =>
    who.events
      .filter((event) => event.getRoomId() === room && event.getType() === 'm.room.message')
      .map((event) => event.getContent()['body'] as unknown);

  async function daveComes(): Promise<string> {
    const { roomId } = await dave.client.joinRoom(alias);
    await eventually('Ann is shown', () => memberCalled(roomId, 'Ann') !== undefined);
    return roomId;
  }

  const memberCalled = (room: string, name: string): string | undefined =>
    dave.client
      .getRoom(room)
      ?.getJoinedMembers()
      .find((member) => member.rawDisplayName === name)?.userId;

  it('is found by its alias, has its properties, and carries messages both ways, once', async () => {
    const room = await daveComes();
    expect(dave.client.getRoom(room)?.name).toBe('Hikers');
    const heard = phone.next('message');
    await dave.client.sendTextMessage(room, 'where to?');
    expect(await heard).toMatchObject({ from: { group, screenName: 'dave' }, text: 'where to?' });
    await erin.client.joinRoom(alias);
    await eventually('Erin is in', async () => {
      const participants = await phone.groups.participants(group);
      return participants.some(({ screenName }) => screenName === 'erin');
    });
    await phone.sendMessage({ to: { group }, content: 'uphill' });
    await eventually('both read it', () => [dave, erin].every((who) => bodies(who, room).includes('uphill')));
    await dave.client.sendTextMessage(room, 'and down');
    await eventually('Erin reads it', () => bodies(erin, room).includes('and down'));
    expect(bodies(dave, room)).toEqual(['where to?', 'uphill', 'and down']);
    expect(dave.messages(room, memberCalled(room, 'Ann') ?? '')).toHaveLength(1);
  });

  it('keeps who is hidden hidden, and whispers both ways', async () => {
    const room = await daveComes();
    const mask = memberCalled(room, 'Ann') ?? '';
    expect(mask).not.toContain(ann);
    await phone.sendMessage({ to: { group, screenName: 'dave' }, content: 'psst' });
    const chat = await dave.invitedBy(mask);
    await dave.client.joinRoom(chat);
    await eventually('the whisper', () => bodies(dave, chat).includes('psst'));
    const answer = phone.next('message');
    await dave.client.sendTextMessage(chat, 'yes?');
    expect(await answer).toMatchObject({ from: { group, screenName: 'dave' }, text: 'yes?' });
    expect(bodies(dave, room)).toEqual([]);
    const { room_id: own } = await dave.client.createRoom({ is_direct: true, invite: [mask] });
    await eventually(
      'the ghost came',
      () => dave.client.getRoom(own)?.getMember(mask)?.membership === 'join',
    );
    const second = phone.next('message');
    await dave.client.sendTextMessage(own, 'and now?');
    expect(await second).toMatchObject({ from: { group, screenName: 'dave' }, text: 'and now?' });
  });

  it('puts out whom the group expels, and does not let him in again', async () => {
    const room = await daveComes();
    await phone.groups.rejected(group, { add: [`wv:dave%40${server.serverName}@matrix.wv.test`] });
    await eventually('he is out', () => dave.client.getRoom(room)?.getMyMembership() === 'leave');
    await dave.client.joinRoom(alias);
    await eventually('he is out again', () => dave.client.getRoom(room)?.getMyMembership() === 'leave');
  });

  it('undoes what a Matrix user without rights in the group does, and says so', async () => {
    const room = await daveComes();
    const address = `wv:dave%40${server.serverName}@matrix.wv.test`;
    await phone.groups.addMembers(group, address);
    await phone.groups.setAccess(group, { moderators: [address] });
    await dave.client.leave(room);
    await eventually('he is gone from the group', async () => {
      const participants = await phone.groups.participants(group);
      return participants.every(({ screenName }) => screenName !== 'dave');
    });
    await dave.client.joinRoom(alias);
    await eventually(
      'he is a moderator',
      () => dave.client.getRoom(room)?.getMember(dave.id)?.powerLevel === 50,
    );
    await dave.client.sendStateEvent(room, EventType.RoomTopic, { topic: 'Monday' }, '');
    await eventually('the topic changed', async () => {
      const { properties } = await phone.groups.properties(group);
      return properties['Topic'] === 'Monday';
    });
    await phone.groups.setAccess(group, { users: [address] });
    await dave.client.sendStateEvent(room, EventType.RoomTopic, { topic: 'Tuesday' }, '');
    await eventually('told', () =>
      bodies(dave, room).some((body) => String(body).startsWith('Topic was not')),
    );
    await eventually('undone', () => {
      const topic = dave.client.getRoom(room)?.currentState.getStateEvents('m.room.topic', '');
      return topic?.getContent()['topic'] === 'Monday';
    });
  });

  it('goes with its group', async () => {
    const room = await daveComes();
    await phone.groups.delete(group);
    await eventually('he is out', () => dave.client.getRoom(room)?.getMyMembership() === 'leave');
    await expect(erin.client.joinRoom(alias)).rejects.toThrow();
  });

  it('is no room for names that no group has', async () => {
    await expect(dave.client.joinRoom(alias.replace('hikers', 'nobody'))).rejects.toThrow();
  });

  it('takes in who is invited', async () => {
    await phone.groups.setProperties(group, { properties: { Accesstype: 'Restricted' } });
    const address = `wv:dave%40${server.serverName}@matrix.wv.test`;
    await phone.groups.addMembers(group, address);
    await phone.invitations.invite('i1', { user: address }, { type: 'GR', group, note: 'come' });
    const room = await eventually('the invitation', () =>
      dave.client.getRooms().find((known) => known.getMyMembership() === 'invite' && known.name === 'Hikers'),
    );
    await dave.client.joinRoom(room.roomId);
    await eventually('Ann is shown', () => memberCalled(room.roomId, 'Ann') !== undefined);
  });
}
