// Rooms, invitations and ghosts of the Matrix gateway on the real Synapse.

import { EventType } from 'matrix-js-sdk';
import type { Preset } from 'matrix-js-sdk';
import { expect, it } from 'vitest';
import { userAddress } from '../../src/wv/address.ts';
import { leaf } from '../../src/wv/element.ts';
import type { PresenceAttribute } from '../../src/wv/presence.ts';
import { eventually } from '../support/eventually.ts';
import { nonEmpty, onSynapse, PSEUDO_DOMAIN } from '../support/matrix-scene.ts';
import { plainPicture } from '../support/pictures.ts';

onSynapse('Matrix rooms', (scene) => {
  it('says once in an encrypted room that it cannot be bridged, and leaves', async () => {
    const { room_id: room } = await scene.dave.client.createRoom({
      is_direct: true,
      invite: [scene.ghost],
      initial_state: [
        { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
      ],
    });
    const [notice] = await eventually('the notice', () => nonEmpty(scene.dave.messages(room, scene.ghost)));
    expect(notice.getContent()['body']).toContain('encrypted');
    await eventually('it left', () => scene.ghostMembership(room) === 'leave');
    expect(await scene.send(scene.message('a room of its own'))).toBe(200);
    expect(await scene.dave.invitedBy(scene.ghost)).not.toBe(room);
  });

  it('makes a new room when a chat is encrypted later', async () => {
    const room = await scene.daveStartsChat();
    const content = { algorithm: 'm.megolm.v1.aes-sha2' } as const;
    await scene.dave.client.sendStateEvent(room, EventType.RoomEncryption, content, '');
    await eventually('it left', () => scene.ghostMembership(room) === 'leave');
    await eventually('the gateway knows', async () => (await scene.portalState()) === 'ended');
    expect(await scene.send(scene.message('in the open'))).toBe(200);
    expect(await scene.dave.invitedBy(scene.ghost)).not.toBe(room);
  });

  it('says in a group that it takes part in direct chats only, and leaves', async () => {
    const { room_id: room } = await scene.dave.client.createRoom({ invite: [scene.ghost, scene.erin.id] });
    const [notice] = await eventually('the notice', () => nonEmpty(scene.dave.messages(room, scene.ghost)));
    expect(notice.getContent()['body']).toContain('direct chats');
    await eventually('it left', () => scene.ghostMembership(room) === 'leave');
    expect(await scene.portalState()).toBeUndefined();
  });

  it('leaves a chat that becomes a room of three', async () => {
    const room = await scene.daveStartsChat();
    await scene.dave.client.invite(room, scene.erin.id);
    const [notice] = await eventually('the notice', () => nonEmpty(scene.dave.messages(room, scene.ghost)));
    expect(notice.getContent()['body']).toContain('direct chats');
    await eventually('it left', () => scene.ghostMembership(room) === 'leave');
  });

  it('invites a user who left again with the next message', async () => {
    expect(await scene.send(scene.message('first'))).toBe(200);
    const room = await scene.daveJoins();
    await scene.dave.client.leave(room);
    await eventually('the gateway knows', async () => (await scene.portalState()) === 'left');
    expect(await scene.send(scene.message('second'))).toBe(200);
    expect(await scene.dave.invitedBy(scene.ghost)).toBe(room);
  });

  it('respects that a user puts the ghost out, until he invites it again', async () => {
    const room = await scene.daveStartsChat();
    await scene.dave.client.kick(room, scene.ghost);
    await eventually('the gateway knows', async () => (await scene.portalState()) === 'closed');
    expect(await scene.send(scene.message('not wanted'))).toBe(410);
    await scene.dave.client.invite(room, scene.ghost);
    await eventually('the ghost is back', async () => (await scene.portalState()) === 'joined');
    expect(await scene.send(scene.message('wanted again'))).toBe(200);
  });

  it('follows an upgraded chat into the room that continues it, and no other', async () => {
    const { client } = scene.dave;
    const old = await scene.daveStartsChat();
    const successor = async (predecessor?: object): Promise<string> => {
      const { room_id: room } = await client.createRoom({
        preset: 'public_chat' as Preset,
        ...(predecessor === undefined ? {} : { creation_content: { predecessor } }),
      });
      return room;
    };
    const next = await successor({ room_id: old, event_id: '$tombstone' });
    const point = (from: string, to: string): Promise<unknown> =>
      client.sendStateEvent(from, EventType.RoomTombstone, { body: 'moved', replacement_room: to }, '');
    await point(old, next);
    await eventually('the ghost left the old room', () => scene.ghostMembership(old) === 'leave');
    await client.sendTextMessage(next, 'here we are');
    await eventually('it is heard', () => scene.relay.all('SendMessageRequest').length === 1);
    expect(await scene.send(scene.message('so we are'))).toBe(200);
    await eventually('the answer', () => scene.dave.messages(next, scene.ghost).length === 1);

    const forged = await successor();
    await point(next, forged);
    const notice = await eventually('the notice', () => scene.dave.messages(next, scene.ghost)[1]);
    expect(notice.getContent()['body']).toContain('replaced');
    await eventually('it left', () => scene.ghostMembership(next) === 'leave');
    expect(scene.ghostMembership(forged)).toBe('leave');
    expect(await scene.send(scene.message('elsewhere, then'))).toBe(200);
    expect([old, next, forged]).not.toContain(await scene.dave.invitedBy(scene.ghost));
  });

  it('goes on in the room of an upgrade by the server when its ghost is invited there', async () => {
    const { client } = scene.dave;
    const old = await scene.daveStartsChat();
    const { replacement_room: next } = await client.upgradeRoom(old, '11');
    await eventually('it left', () => scene.ghostMembership(old) === 'leave');
    await client.invite(next, scene.ghost);
    await eventually('it came', () => scene.ghostMembership(next) === 'join');
    await eventually('the portal', async () => (await scene.portalState()) === 'joined');
    expect(await scene.send(scene.message('hello again'))).toBe(200);
    await eventually('the message', () => scene.dave.messages(next, scene.ghost).length === 1);
  });

  it('finds WV users by a part of their name', async () => {
    const found = await scene.dave.client.getThirdpartyUser('imps', { wvid: 'in wonder' });
    expect(found).toMatchObject([{ userid: scene.ghost, fields: { wvid: scene.alice } }]);
  });

  it('shows the picture that a WV user lets Matrix see as the avatar of the ghost', async () => {
    const octets = await plainPicture('png');
    const watcher = userAddress('gateway', PSEUDO_DOMAIN);
    const content = { valid: true, fields: [leaf('DirectContent', octets.toString('base64'))] };
    const show = (StatusContent: PresenceAttribute): Promise<unknown> =>
      scene.gateway.request({
        primitive: 'PresenceNotification',
        meta: scene.message('').meta,
        publisher: scene.alice,
        watchers: [watcher],
        attributes: { StatusContent },
      });
    const avatar = async (): Promise<string> => {
      const profile = await scene.dave.client.getProfileInfo(scene.ghost);
      return profile.avatar_url ?? '';
    };
    await scene.daveStartsChat();
    await show(content);
    await eventually('the avatar', async () => (await avatar()).startsWith('mxc://'));
    await show({ valid: false });
    await eventually('none', async () => (await avatar()) === '');
  });

  it('finds the ghost of a WV address by third-party look-up', async () => {
    const found = await scene.dave.client.getThirdpartyUser('imps', { wvid: scene.alice });
    expect(found).toMatchObject([{ userid: scene.ghost, protocol: 'imps', fields: { wvid: scene.alice } }]);
    const protocols = await scene.dave.client.getThirdpartyProtocols();
    expect(protocols['imps']?.user_fields).toEqual(['wvid']);
  });

  it('refuses invitations for users who do not exist', async () => {
    const nobody = scene.ghost.replace(/alice/, 'nobody');
    const { room_id: room } = await scene.dave.client.createRoom({ is_direct: true, invite: [nobody] });
    await eventually('the refusal', () => scene.ghostMembership(room, nobody) === 'leave');
  });

  it('answers the homeserver’s question for users: those who exist, and no others', async () => {
    const { hsToken, url } = scene.server.registrations.test;
    const ask = async (user: string, token: string = hsToken): Promise<number> => {
      const path = `/_matrix/app/v1/users/${encodeURIComponent(user)}`;
      return (await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })).status;
    };
    expect(await ask(scene.ghost)).toBe(200);
    expect(await ask(scene.ghost.replace(/alice/, 'nobody'))).toBe(404);
    expect(await ask(scene.ghost, 'wrong')).toBe(403);
    const profile = await scene.dave.client.getProfileInfo(scene.ghost);
    expect(profile.displayname).toBe('Alice in Wonderland');
  });
});
