// WV users in rooms of Matrix, on the real Synapse.

import { randomBytes } from 'node:crypto';
import type { Preset, Visibility } from 'matrix-js-sdk';
import { beforeEach, expect, it } from 'vitest';
import { serviceAddress } from '../../src/wv/address.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { ClientId, GroupAddress, MessageId, UserAddress } from '../../src/wv/ids.ts';
import type { GroupPrimitive, SendMessageRequest } from '../../src/wv/primitives.ts';
import { eventually } from '../support/eventually.ts';
import { HOME, TestRelay } from '../support/matrix-relay.ts';
import { onSynapse, PSEUDO_DOMAIN } from '../support/matrix-scene.ts';

type Bare<Request> = Request extends GroupPrimitive ? Omit<Request, 'meta' | 'group'> : never;

onSynapse('WV users in rooms of Matrix', (scene) => {
  let room: string;
  let group: GroupAddress;
  let bob: UserAddress;
  let bobsGhost: string;

  beforeEach(async () => {
    const name = `chess${randomBytes(4).toString('hex')}`;
    const created = await scene.dave.client.createRoom({
      room_alias_name: name,
      preset: 'public_chat' as Preset,
      visibility: 'private' as Visibility,
      topic: 'Openings',
    });
    room = created.room_id;
    group = `wv:/${name}%40${scene.server.serverName}@${PSEUDO_DOMAIN}` as GroupAddress;
    bob = scene.alice.replace('alice', 'bob') as UserAddress;
    bobsGhost = scene.ghost.replace('alice', 'bob');
    scene.relay.users.set(bob, 'Bob');
  });

  async function ask(user: UserAddress, request: Bare<GroupPrimitive>) {
    const meta = { service: serviceAddress(HOME), user, clientId: trusted<ClientId>('c1') };
    return await scene.gateway.request({ ...request, meta, group } as GroupPrimitive);
  }

  const join = (user: UserAddress, screenName?: string) =>
    ask(user, {
      primitive: 'JoinGroupRequest',
      wantsJoinedList: true,
      subscribe: true,
      ...(screenName === undefined ? {} : { screenName }),
    });

  function say(text: string, screenName?: string): SendMessageRequest {
    return scene.message(text, {
      message: {
        ...scene.message(text).message,
        id: trusted<MessageId>(randomBytes(9).toString('hex')),
        recipients: [{ kind: 'group', group, ...(screenName === undefined ? {} : { screenName }) }],
      },
    });
  }

  const heard = () =>
    scene.relay
      .all('SendMessageRequest')
      .map(({ message }) => [
        message.sender.kind === 'group' ? message.sender.screenName : '',
        message.content.data,
        message.recipients.map((party) => (party.kind === 'user' ? party.user : '')).toSorted(),
      ]);

  it('lets them in, lists who is there, and carries messages both ways, to each of them once', async () => {
    expect(await join(scene.alice, 'Ally')).toMatchObject({
      result: { code: 200 },
      screenName: 'Ally',
      joined: expect.arrayContaining([
        { screenName: 'dave', user: scene.daveAddress },
        { screenName: 'Ally', user: scene.alice },
      ]),
    });
    expect(await join(bob)).toMatchObject({ result: { code: 200 }, screenName: 'Bob' });
    expect(scene.relay.all('GroupChangeNotice')).toMatchObject([
      { group, recipients: [scene.alice], joined: [{ screenName: 'Bob', user: bob }], left: [] },
    ]);
    await eventually('both are in', () => scene.ghostMembership(room, bobsGhost) === 'join');
    expect(scene.dave.client.getRoom(room)?.getMember(scene.ghost)?.rawDisplayName).toBe('Ally');

    await scene.dave.client.sendTextMessage(room, 'e4');
    await eventually('both hear it', () => heard().length === 1);
    expect(heard()).toEqual([['dave', 'e4', [scene.alice, bob].toSorted()]]);

    const request = say('e5');
    expect(await scene.send(request)).toBe(200);
    expect(await scene.send(request)).toBe(200);
    await eventually('Dave and Bob hear it', () => heard().length === 2);
    expect(heard()[1]).toEqual(['Ally', 'e5', [bob]]);
    await scene.dave.client.sendTextMessage(room, 'Nf3');
    await eventually('the next', () => heard().length === 3);
    expect(scene.dave.messages(room, scene.ghost).map((event) => event.getContent()['body'])).toEqual(['e5']);
  });

  it('tells of topics, of who leaves, and leaves with its user', async () => {
    await join(scene.alice);
    await join(bob);
    expect(await ask(scene.alice, { primitive: 'GetGroupPropsRequest' })).toMatchObject({
      properties: expect.arrayContaining([
        { name: 'Topic', value: 'Openings' },
        { name: 'Accesstype', value: 'Open' },
      ]),
    });
    await scene.dave.client.setRoomTopic(room, 'Endgames');
    await eventually('the topic', () =>
      scene.relay.all('GroupChangeNotice').some(({ properties }) => properties?.[0]?.value === 'Endgames'),
    );
    expect(await ask(bob, { primitive: 'LeaveGroupRequest' })).toMatchObject({ result: { code: 200 } });
    await eventually('he left', () => scene.ghostMembership(room, bobsGhost) === 'leave');
    await eventually('Alice knows', () =>
      scene.relay.all('GroupChangeNotice').some(({ left }) => left[0]?.screenName === 'Bob'),
    );
    expect(await ask(bob, { primitive: 'LeaveGroupRequest' })).toMatchObject({ result: { code: 808 } });
  });

  it('tells who is kicked or banned that he is out, and does not bring him back', async () => {
    await join(scene.alice);
    await join(bob);
    await scene.dave.client.kick(room, scene.ghost, 'enough');
    await eventually('809', () => scene.relay.all('LeaveGroupIndication').length === 1);
    expect(scene.relay.all('LeaveGroupIndication')).toMatchObject([
      { group, users: [scene.alice], result: { code: 809, description: 'enough' } },
    ]);
    expect(await scene.send(say('still here?'))).toBe(808);
    await eventually('she is out', () => scene.ghostMembership(room) === 'leave');
    await scene.dave.client.ban(room, bobsGhost);
    await eventually('809 for Bob', () => scene.relay.all('LeaveGroupIndication').length === 2);
    expect((await join(bob)).result.code).toBe(809);
    expect(await join(scene.alice)).toMatchObject({ result: { code: 200 } });
  });

  it('refuses rooms that are not there, closed, or encrypted', async () => {
    const ofRoom = async (name: string) => {
      group = `wv:/${name}@${PSEUDO_DOMAIN}` as GroupAddress;
      const answer = await join(scene.alice);
      return answer.result.code;
    };
    expect(await ofRoom(`nowhere%40${scene.server.serverName}`)).toBe(800);
    const invitesOnly = await scene.dave.client.createRoom({ preset: 'private_chat' as Preset });
    expect(await ofRoom(escapedId(invitesOnly.room_id))).toBe(803);
    const sealed = await scene.dave.client.createRoom({
      preset: 'public_chat' as Preset,
      initial_state: [
        { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
      ],
    });
    expect(await ofRoom(escapedId(sealed.room_id))).toBe(405);
    await eventually('it left', () => scene.ghostMembership(sealed.room_id) === 'leave');
  });

  it('whispers in a chat of its own, and takes the answer for a whisper', async () => {
    await join(scene.alice, 'Ally');
    expect(await scene.send(say('psst', 'dave'))).toBe(200);
    const chat = await scene.dave.invitedBy(scene.ghost);
    await scene.dave.client.joinRoom(chat);
    await eventually('the whisper', () => scene.dave.messages(chat, scene.ghost).length === 1);
    await eventually('the title', () => scene.dave.client.getRoom(chat)?.name.startsWith('Ally in chess'));
    await scene.dave.client.sendTextMessage(chat, 'yes?');
    await eventually('the answer', () => heard().length === 1);
    expect(scene.relay.all('SendMessageRequest')[0]?.message).toMatchObject({
      sender: { kind: 'group', group, screenName: 'dave' },
      recipients: [{ kind: 'user', user: scene.alice }],
      addressedTo: { kind: 'group', group, screenName: 'Ally' },
      content: { data: 'yes?' },
    });
    expect(await scene.send(say('psst', 'nobody'))).toBe(410);
  });

  it('knows after a restart who is where, and lets those leave whose clients are gone', async () => {
    await join(scene.alice, 'Ally');
    await join(bob);
    await scene.gateway.stop();
    const { event_id: missed } = await scene.dave.client.sendTextMessage(room, 'while you were out');
    const relay = new TestRelay(scene.relay.storage);
    relay.users.set(bob, 'Bob');
    relay.hasJoined = (user) => user !== bob;
    await scene.begin(relay);
    await eventually('what was missed', () => heard().length === 1);
    expect(missed).toBeDefined();
    expect(heard()).toEqual([['dave', 'while you were out', [scene.alice]]]);
    await eventually('Bob leaves', () => scene.ghostMembership(room, bobsGhost) === 'leave');
    expect(await scene.send(say('back again'))).toBe(200);
    expect(await ask(scene.alice, { primitive: 'GetJoinedUsersRequest' })).toMatchObject({
      joined: expect.arrayContaining([{ screenName: 'Ally', user: scene.alice }]),
    });
  });

  it('follows an upgrade into a room that continues the old one, and no other', async () => {
    await join(scene.alice);
    const { room_id: stranger } = await scene.erin.client.createRoom({ preset: 'public_chat' as Preset });
    const { replacement_room: next } = await scene.dave.client.upgradeRoom(room, '11');
    await eventually('she is in the next', async () => {
      const rows = await scene.relay.storage.list(`room-guest ${next} `);
      return rows.length === 1;
    });
    await scene.dave.client.sendTextMessage(next, 'here');
    await eventually('she hears', () => heard().some(([, text]) => text === 'here'));
    await scene.dave.client.sendStateEvent(
      next,
      'm.room.tombstone' as never,
      {
        body: 'go',
        replacement_room: stranger,
      } as never,
    );
    await eventually('she is out', () => scene.relay.all('LeaveGroupIndication').length === 1);
    expect(scene.relay.all('LeaveGroupIndication')).toMatchObject([
      { users: [scene.alice], result: { code: 800 } },
    ]);
  });

  function escapedId(id: string): string {
    const [opaque = '', server] = id.slice(1).split(':');
    const escaped = opaque.replaceAll(/[A-Z]/g, (char) => `^${char.charCodeAt(0).toString(16)}`);
    return `!${escaped}${server === undefined ? '' : `%40${server}`}`;
  }
});
