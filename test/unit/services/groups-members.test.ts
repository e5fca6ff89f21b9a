import { beforeEach, describe, expect, it } from 'vitest';
import type { GroupPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import { userAddress } from '../../../src/wv/address.ts';
import { HOME } from '../../support/home-scene.ts';
import {
  ann,
  bea,
  cy,
  dan,
  far,
  groupAddress,
  groupScene,
  properties,
  ROCKET,
  type GroupScene,
} from '../../support/group-scene.ts';

let scene: GroupScene;
beforeEach(async () => {
  scene = await groupScene();
  await scene.create(['Name=Rocket club']);
});

const code = async (answer: Promise<ResponsePrimitive>) => (await answer).result.code;
const nobody = userAddress('nobody', HOME);

const add = (users: readonly (typeof ann)[], by = ann) => scene.ask(by, 'AddGroupMemberRequest', { users });
const remove = (users: readonly (typeof ann)[], by = ann) =>
  scene.ask(by, 'RemoveGroupMemberRequest', { users });
const access = (
  to: { admins?: (typeof ann)[]; moderators?: (typeof ann)[]; users?: (typeof ann)[] },
  by = ann,
) => scene.ask(by, 'MemberAccessRequest', { admins: [], moderators: [], users: [], ...to });
const members = () => scene.ask(ann, 'GetGroupMemberRequest', {});

describe('members', () => {
  it('are ordinary users at first and become what an Admin makes of them', async () => {
    expect(await code(add([bea, cy, far]))).toBe(200);
    expect(await code(access({ admins: [bea], moderators: [cy] }))).toBe(200);
    expect(await members()).toMatchObject({ admins: [ann, bea], moderators: [cy], users: [far] });
  });

  it('must be users that exist (531 inside a 201)', async () => {
    expect((await add([bea, nobody])).result).toMatchObject({
      code: 201,
      details: [{ code: 531, users: [nobody] }],
    });
    expect(await code(add([nobody]))).toBe(531);
    expect(await code(add([]))).toBe(402);
  });

  it('are not demoted by being added again', async () => {
    expect(await code(add([ann, ann]))).toBe(200);
    expect(await members()).toMatchObject({ admins: [ann], users: [] });
  });

  it('stop at the limit (817)', async () => {
    expect((await add([bea, cy, dan, far])).result).toMatchObject({
      code: 201,
      details: [{ code: 817, users: [far] }],
    });
  });

  it('are not lost when the group leaves memory while a request of it waits', async () => {
    const homes = scene.homes as { get: typeof scene.homes.get };
    const get = homes.get.bind(scene.homes);
    const late = Promise.withResolvers<void>();
    homes.get = async (user) => {
      if (user === bea) await late.promise;
      return get(user);
    };
    const adding = add([bea]);
    // As many as stay in memory.
    for (const group of ['/a', '/b', '/c'].map((name) => groupAddress(name))) {
      await scene.groups.createForProvider({ group, properties: [], admins: [] });
    }
    expect(await code(add([cy]))).toBe(200);
    late.resolve();
    expect(await code(adding)).toBe(200);
    expect(await members()).toMatchObject({ users: [cy, bea] });
  });

  it('who are removed and joined are forced out with 809; others are named with 810', async () => {
    await add([bea]);
    await scene.join(bea);
    const phone = await scene.online('bea');
    expect((await remove([bea, cy])).result).toMatchObject({
      code: 201,
      details: [{ code: 810, users: [cy] }],
    });
    await scene.groups.settled();
    expect(phone.news).toMatchObject([{ primitive: 'LeaveGroupIndication', result: { code: 809 } }]);
    expect(await scene.store.loadGroup(ROCKET)).toMatchObject({ joined: [], people: [{ user: ann }] });
    expect(await code(remove([cy]))).toBe(810);
  });

  it('cannot be given a privilege before they are members (810)', async () => {
    expect(await code(access({ moderators: [bea] }))).toBe(810);
    expect(await code(access({}))).toBe(402);
  });
});

describe('privileges', () => {
  const asks: readonly [GroupPrimitive['primitive'], object, number, number][] = [
    ['DeleteGroupRequest', {}, 816, 816],
    ['GetGroupMemberRequest', {}, 816, 200],
    ['AddGroupMemberRequest', { users: [cy] }, 816, 200],
    ['RemoveGroupMemberRequest', { users: [dan] }, 816, 200],
    ['MemberAccessRequest', { admins: [], moderators: [cy], users: [] }, 816, 816],
    ['RejectListRequest', { add: [], remove: [] }, 816, 200],
    ['SetGroupPropsRequest', { properties: properties('Topic=Launch') }, 816, 200],
  ];
  beforeEach(async () => {
    await add([bea, dan]);
  });

  it.each(asks)('%s %j is answered %d to a user', async (primitive, body, expected) => {
    expect(await code(scene.ask(bea, primitive, body as never))).toBe(expected);
  });

  it.each(asks)(
    '%s %j is answered %d to a user and %d to a Mod',
    async (primitive, body, _user, expected) => {
      await access({ moderators: [bea] });
      expect(await code(scene.ask(bea, primitive, body as never))).toBe(expected);
    },
  );

  it.each([
    'GetJoinedUsersRequest',
    'SetGroupPropsRequest',
    'SubscribeGroupChangeRequest',
    'UnsubscribeGroupChangeRequest',
    'GetGroupSubStatusRequest',
    'LeaveGroupRequest',
  ] as const)('%s is refused to a stranger with 808', async (primitive) => {
    expect(await code(scene.ask(cy, primitive, {}))).toBe(808);
  });

  it('leave Mods and Admins alone when a Mod removes or rejects', async () => {
    await access({ moderators: [bea, dan] });
    expect(await code(remove([dan], bea))).toBe(816);
    expect(await code(scene.ask(bea, 'RejectListRequest', { add: [ann, dan], remove: [] }))).toBe(816);
    expect(await code(remove([dan], ann))).toBe(200);
  });

  it('are never lost by the owner', async () => {
    await access({ admins: [bea] });
    expect(await code(access({ users: [ann] }, bea))).toBe(816);
    expect(await code(remove([ann], bea))).toBe(816);
    expect(await code(scene.ask(bea, 'RejectListRequest', { add: [ann], remove: [] }))).toBe(816);
    expect(await members()).toMatchObject({ admins: [ann, bea] });
  });

  it('stay with the last Admin of an operator’s group', async () => {
    const group = groupAddress('/lobby');
    await scene.groups.createForProvider({ group, properties: [], admins: [bea, cy] });
    const demote = { group, admins: [], moderators: [bea], users: [cy] };
    expect((await scene.ask(bea, 'MemberAccessRequest', demote)).result).toMatchObject({
      code: 201,
      details: [{ code: 816 }],
    });
    const state = await scene.store.loadGroup(group);
    expect(state?.people.filter(({ privilege }) => privilege === 'Admin')).toHaveLength(1);
  });
});

describe('an operator’s group', () => {
  const group = groupAddress('/lobby');
  beforeEach(async () => {
    await scene.groups.createForProvider({ group, properties: properties('Name=Lobby'), admins: [bea] });
  });

  it('is nobody’s to delete or to change (804), also not its Admins’', async () => {
    for (const user of [bea, cy]) {
      await scene.join(user, { group });
      expect(await code(scene.ask(user, 'DeleteGroupRequest', { group }))).toBe(804);
      const change = { group, properties: properties('Topic=Mine') };
      expect(await code(scene.ask(user, 'SetGroupPropsRequest', change))).toBe(804);
    }
  });

  it('is Public, and its Admins keep the reject list', async () => {
    expect(await scene.ask(cy, 'GetGroupPropsRequest', { group })).toMatchObject({
      properties: expect.arrayContaining([{ name: 'Type', value: 'Public' }]) as unknown,
    });
    expect(await code(scene.ask(bea, 'RejectListRequest', { group, add: [cy], remove: [] }))).toBe(200);
    expect(await code(scene.join(cy, { group }))).toBe(809);
  });

  it('ends when the operator says so', async () => {
    expect(await scene.groups.deleteForProvider(group)).toEqual({ code: 200 });
    expect(await scene.groups.deleteForProvider(group)).toEqual({ code: 800 });
    expect(await code(scene.join(cy, { group }))).toBe(800);
  });
});

describe('the reject list', () => {
  it('is read without users, and answered in full after a change', async () => {
    expect(await scene.ask(ann, 'RejectListRequest', { add: [bea], remove: [] })).toEqual({
      primitive: 'RejectListResponse',
      result: { code: 200 },
      users: [bea],
    });
    expect(await scene.ask(ann, 'RejectListRequest', { add: [cy], remove: [bea] })).toMatchObject({
      users: [cy],
    });
    expect(await scene.ask(ann, 'RejectListRequest', { add: [], remove: [] })).toMatchObject({ users: [cy] });
  });

  it('forces out who is joined (809) and tells the others', async () => {
    await scene.join(bea, { screenName: 'Bea' });
    await scene.join(cy);
    const [phone, other] = [await scene.online('bea'), await scene.online('cy')];
    await scene.ask(ann, 'RejectListRequest', { add: [bea], remove: [] });
    await scene.groups.settled();
    expect(phone.news).toMatchObject([{ primitive: 'LeaveGroupIndication', result: { code: 809 } }]);
    expect(other.news).toMatchObject([{ primitive: 'GroupChangeNotice', left: [{ screenName: 'Bea' }] }]);
  });

  it('takes the say from a Mod who is on it: he cannot pardon himself (816) nor look in (808)', async () => {
    await add([bea, cy]);
    await access({ moderators: [bea] });
    await scene.ask(ann, 'RejectListRequest', { add: [bea, cy], remove: [] });
    expect(await code(scene.ask(bea, 'RejectListRequest', { add: [], remove: [bea] }))).toBe(816);
    expect(await code(scene.ask(bea, 'GetGroupMemberRequest', {}))).toBe(816);
    expect(await code(scene.ask(cy, 'GetJoinedUsersRequest', {}))).toBe(808);
    expect((await scene.groups.history(cy, ROCKET, 1)).result.code).toBe(808);
    await scene.ask(ann, 'RejectListRequest', { add: [], remove: [bea] });
    expect(await code(scene.ask(bea, 'GetGroupMemberRequest', {}))).toBe(200);
  });

  it('stops at its limit (507) and takes no unknown users (531)', async () => {
    const answer = await scene.ask(ann, 'RejectListRequest', { add: [nobody, bea, cy, dan], remove: [] });
    expect(answer).toMatchObject({
      result: {
        code: 201,
        details: [
          { code: 531, users: [nobody] },
          { code: 507, users: [dan] },
        ],
      },
      users: [],
    });
  });
});

describe('properties', () => {
  it('are read by everybody, own properties with them', async () => {
    expect(await scene.ask(bea, 'GetGroupPropsRequest', {})).toEqual({
      primitive: 'GetGroupPropsResponse',
      result: { code: 200 },
      properties: properties(
        'Name=Rocket club',
        'Accesstype=Open',
        'Type=Private',
        'PrivateMessaging=T',
        'Searchable=F',
        'ActiveUsers=0',
        'AutoDelete=F',
        'History=F',
        'RequireInvitation=F',
      ),
      ownProperties: properties(
        'IsMember=F',
        'PrivilegeLevel=User',
        'AutoJoin=F',
        'PrivateMessaging=T',
        'ShowID=F',
      ),
    });
  });

  it('are set as a whole or not at all', async () => {
    const set = (...pairs: string[]) =>
      code(scene.ask(ann, 'SetGroupPropsRequest', { properties: properties(...pairs) }));
    expect(await set('Topic=Launch', 'Shape=round')).toBe(806);
    expect(await set('Topic=Launch', 'ActiveUsers=7')).toBe(806);
    expect(await set('Name=', 'Searchable=T')).toBe(822);
    expect((await scene.store.loadGroup(ROCKET))?.profile.properties).toEqual({ Name: 'Rocket club' });
    expect(await set('name= Rockets ', 'SEARCHABLE=t', 'Type=Private')).toBe(200);
    expect((await scene.store.loadGroup(ROCKET))?.profile).toMatchObject({
      properties: { Name: 'Rockets', Searchable: 'T' },
      search: { name: 'rockets', topic: '' },
    });
  });

  it('are told to subscribers as they change', async () => {
    await scene.join(bea);
    const phone = await scene.online('bea');
    await scene.ask(ann, 'SetGroupPropsRequest', { properties: properties('Topic=Launch', 'Name=') });
    await scene.groups.settled();
    expect(phone.news).toMatchObject([{ properties: properties('Topic=Launch', 'Name=') }]);
  });

  it('of one’s own are everybody’s, the welcome note is a Mod’s', async () => {
    await scene.join(bea);
    const own = { ownProperties: properties('ShowID=T', 'AutoJoin=T') };
    expect(await code(scene.ask(bea, 'SetGroupPropsRequest', own))).toBe(200);
    expect(await scene.ask(bea, 'GetGroupPropsRequest', {})).toMatchObject({
      ownProperties: expect.arrayContaining([...properties('AutoJoin=T', 'ShowID=T')]) as unknown,
    });
    expect(await code(scene.ask(bea, 'SetGroupPropsRequest', { welcomeNote: 'Ho' }))).toBe(816);
    const level = { ownProperties: properties('PrivilegeLevel=Admin') };
    expect(await code(scene.ask(bea, 'SetGroupPropsRequest', level))).toBe(806);
    expect(await code(scene.ask(ann, 'SetGroupPropsRequest', { welcomeNote: 'Ho' }))).toBe(200);
    expect(await scene.join(cy)).toMatchObject({ welcomeNote: 'Ho' });
  });

  it('of one’s own stop at the limit of remembered visitors (817)', async () => {
    const own = { ownProperties: properties('AutoJoin=T') };
    for (const visitor of [bea, cy, dan]) {
      await scene.join(visitor);
      expect(await code(scene.ask(visitor, 'SetGroupPropsRequest', own))).toBe(200);
    }
    await scene.ask(bea, 'LeaveGroupRequest', {});
    await scene.join(far);
    expect(await code(scene.ask(far, 'SetGroupPropsRequest', own))).toBe(817);
  });
});
