// Upgraded rooms, invitations and ghosts, before a scripted homeserver.

import { beforeEach, describe, expect, it } from 'vitest';
import { leaf } from '../../../src/wv/element.ts';
import { userAddress } from '../../../src/wv/address.ts';
import type { PresenceAttribute } from '../../../src/wv/presence.ts';
import type { InviteRequest } from '../../../src/wv/primitives.ts';
import { eventually } from '../../support/eventually.ts';
import { ALICE, DAVE, DAVE_ID, FakeScene, GHOST, plain, ROOM } from '../../support/matrix-fake-scene.ts';
import type { PushedEvent } from '../../support/matrix-fake-scene.ts';
import { HOME } from '../../support/matrix-relay.ts';
import { plainPicture } from '../../support/pictures.ts';

const scene = new FakeScene();
const NEXT = '!next:hs.test';

describe('an upgraded room', () => {
  const member = (user: string): object => ({ state_key: user, content: { membership: 'join' } });
  const tombstone = (more: object = {}): PushedEvent =>
    scene.fromDave(
      { body: 'moved', replacement_room: NEXT },
      { type: 'm.room.tombstone', state_key: '', ...more },
    );
  const portalRoom = async (): Promise<string | undefined> => {
    const [row] = await scene.relay.storage.list('portal ');
    return row === undefined ? undefined : (JSON.parse(row[1]) as { room: string }).room;
  };

  beforeEach(async () => {
    await scene.send('m0', plain('hello'));
    scene.homeserver.state.set(`${NEXT}/state/m.room.create/`, { predecessor: { room_id: ROOM } });
    scene.homeserver.members.set(NEXT, [member(GHOST), member(DAVE_ID)]);
  });

  it('is followed where the new one says that it continues it', async () => {
    await scene.push(tombstone());
    expect(await portalRoom()).toBe(NEXT);
    expect(scene.homeserver.all(`/join/${NEXT}`)[0]?.query.get('via')).toBe('hs.test');
    expect(scene.homeserver.all('/leave').map(({ path }) => path)).toEqual([
      `/_matrix/client/v3/rooms/${ROOM}/leave`,
    ]);
    await scene.send('m1', plain('hello again'));
    expect(scene.homeserver.all('/send/').at(-1)?.path).toContain(NEXT);
    expect(scene.homeserver.all('createRoom')).toHaveLength(1);
  });

  it.each<[string, () => void]>([
    ['names no predecessor', () => scene.homeserver.state.set(`${NEXT}/state/m.room.create/`, {})],
    [
      'names another predecessor',
      () =>
        scene.homeserver.state.set(`${NEXT}/state/m.room.create/`, {
          predecessor: { room_id: '!other:hs.test' },
        }),
    ],
    [
      'is encrypted',
      () => scene.homeserver.state.set(`${NEXT}/state/m.room.encryption/`, { algorithm: 'x' }),
    ],
    [
      'has others in it',
      () => scene.homeserver.members.set(NEXT, [member(GHOST), member(DAVE_ID), member('@eve:hs.test')]),
    ],
    ['does not have him in it', () => scene.homeserver.members.set(NEXT, [member(GHOST)])],
  ])('is not followed into one that %s', async (_what, change) => {
    change();
    await scene.push(tombstone());
    expect(await portalRoom()).toBe(ROOM);
    expect(scene.homeserver.all(`${NEXT}/leave`)).toHaveLength(1);
    expect(scene.sent().at(-1)).toMatchObject({ msgtype: 'm.notice' });
  });

  it('that forbids the ghost to speak is left all the same', async () => {
    scene.homeserver.state.set(`${NEXT}/state/m.room.create/`, {});
    scene.homeserver.fail('send', { status: 403, body: { errcode: 'M_FORBIDDEN' } });
    await scene.push(tombstone());
    expect(scene.homeserver.all(`${ROOM}/leave`)).toHaveLength(1);
  });

  it('is not followed by the word of somebody else', async () => {
    await scene.push(tombstone({ sender: '@eve:hs.test' }));
    expect(scene.homeserver.all(`/join/${NEXT}`)).toEqual([]);
    expect(await portalRoom()).toBe(ROOM);
  });

  it('that the chat left before is not followed', async () => {
    const again = scene.fromDave(
      { membership: 'invite', is_direct: true },
      { type: 'm.room.member', state_key: GHOST, room_id: '!third:hs.test' },
    );
    await scene.push(again);
    expect(await portalRoom()).toBe('!third:hs.test');
    await scene.push(tombstone());
    expect(await portalRoom()).toBe('!third:hs.test');
    expect(scene.homeserver.all(`/join/${NEXT}`)).toEqual([]);
  });

  it('says to whoever did not invite the ghost that he may do so', async () => {
    scene.homeserver.fail('join', { status: 403, body: { errcode: 'M_FORBIDDEN' } });
    await scene.push(tombstone());
    expect(scene.sent().at(-1)?.['body']).toContain('invite me to the new one');
  });
});

describe('an invitation', () => {
  const invitation = (more: Partial<InviteRequest>): InviteRequest => ({
    primitive: 'InviteRequest',
    meta: scene.message('', plain('')).meta,
    inviteId: 'i1',
    inviteType: 'IM',
    inviting: { kind: 'user', user: ALICE },
    invited: { kind: 'user', user: DAVE },
    ...more,
  });
  const invite = async (more: Partial<InviteRequest>): Promise<number> => {
    const answer = await scene.gateway.request(invitation(more));
    return 'result' in answer ? answer.result.code : 0;
  };

  it('to talk is a message with the note, once', async () => {
    expect(await invite({ note: 'Tea?' })).toBe(200);
    expect(await invite({ note: 'Tea?' })).toBe(200);
    expect(await invite({ inviteId: 'i2' })).toBe(200);
    expect(scene.sent().map(({ body }) => body)).toEqual(['Tea?', 'Would you like to talk?']);
  });

  it('to shared content is a message with the links', async () => {
    const urls = ['https://a.example/1', ' ', 'https://a.example/2'];
    expect(await invite({ inviteType: 'SC', note: 'look', urls })).toBe(200);
    expect(scene.sent()[0]?.['body']).toBe('look\nhttps://a.example/1\nhttps://a.example/2');
    expect(await invite({ inviteId: 'i2', inviteType: 'SC' })).toBe(402);
  });

  it('to watch each other makes the chat in which that is possible', async () => {
    expect(await invite({ inviteType: 'PR', note: 'May I?' })).toBe(200);
    expect(scene.homeserver.all('createRoom')).toHaveLength(1);
    expect(scene.sent().map(({ body }) => body)).toEqual(['May I?']);
  });

  it('of another kind is refused', async () => {
    expect(await invite({ inviteType: 'AP' })).toBe(405);
    const { meta } = invitation({});
    const party = { kind: 'user', user: ALICE } as const;
    const canceled = await scene.gateway.request({
      primitive: 'CancelInviteRequest',
      meta,
      inviteId: 'i1',
      canceling: party,
      canceled: { kind: 'user', user: DAVE },
    });
    expect(canceled).toMatchObject({ result: { code: 423 } });
  });
});

describe('a ghost', () => {
  const watcher = userAddress('gateway', 'matrix.wv.example' as never);
  const show = async (content: PresenceAttribute, watchers = [watcher]): Promise<void> => {
    await scene.gateway.request({
      primitive: 'PresenceNotification',
      meta: scene.message('', plain('')).meta,
      publisher: ALICE,
      watchers,
      attributes: { StatusContent: content },
    });
  };
  const picture = async (background?: string): Promise<PresenceAttribute> => {
    const octets = await plainPicture('png', 40, 30, background);
    return { valid: true, fields: [leaf('DirectContent', octets.toString('base64'))] };
  };
  const avatars = (): unknown[] => scene.homeserver.all('/avatar_url').map(({ body }) => body['avatar_url']);

  it('shows the picture that its user lets Matrix see, set only when it changes', async () => {
    await show(await picture());
    await eventually('the avatar', () => avatars().length === 1);
    await scene.gateway.stop();
    await scene.begin(scene.relay);
    await show(await picture());
    await show(await picture('#ff0000'));
    await eventually('the other', () => avatars().length === 2);
    expect(avatars()).toEqual(['mxc://hs.test/file0', 'mxc://hs.test/file1']);
    await show({ valid: false });
    await eventually('none', () => avatars().length === 3);
    expect(avatars().at(-1)).toBe('');
  });

  it('loses its picture when its user no longer lets Matrix watch', async () => {
    await show(await picture());
    await eventually('the avatar', () => avatars().length === 1);
    const { meta } = scene.message('', plain(''));
    const answer = { primitive: 'PresenceAuthResponse', meta, publisher: ALICE, watcher } as const;
    await scene.gateway.request({ ...answer, state: 'CANCELLED' });
    await eventually('none', () => avatars().at(-1) === '');
  });

  it('shows nothing that is no picture, or was meant for others', async () => {
    const html = Buffer.from('<svg onload="x()"/>').toString('base64');
    await show({ valid: true, fields: [leaf('DirectContent', html)] });
    await show({ valid: true, fields: [leaf('ReferredContent', 'http://10.0.0.1/a.png')] });
    await show(await picture(), [DAVE]);
    await scene.send('m1', plain('the end'));
    expect(scene.homeserver.media.size).toBe(0);
    expect(avatars()).toEqual([]);
  });

  it('is named once, and again only when the name changes', async () => {
    const names = (): unknown[] =>
      scene.homeserver.all('/displayname').map(({ body }) => body['displayname']);
    await scene.send('m1', plain('one'));
    await scene.gateway.stop();
    await scene.begin(scene.relay);
    await scene.send('m2', plain('two'));
    expect(names()).toEqual(['Alice']);
    expect(
      scene.homeserver.all('/register').filter(({ body }) => body['username'] === '_impst_alice'),
    ).toHaveLength(1);
  });

  it('is not made before somebody needs it', () => {
    for (let at = 0; at < 50; at++) scene.relay.users.set(userAddress(`user${at}`, HOME), `User ${at}`);
    expect(scene.homeserver.all('/register').map(({ body }) => body['username'])).toEqual(['_impst_bot']);
  });

  it('is found by a part of its user’s name', async () => {
    scene.relay.users.set(userAddress('bob', HOME), 'Bob of Wonderland');
    const found = (wvid: string) => scene.ask(`/thirdparty/user/imps?wvid=${encodeURIComponent(wvid)}`);
    expect(await found('wonder')).toMatchObject([{ userid: '@_impst_bob:hs.test', protocol: 'imps' }]);
    expect(await found('wv:alice')).toMatchObject([{ userid: GHOST, fields: { wvid: ALICE } }]);
    expect(await found('nobody at all')).toEqual([]);
  });
});
