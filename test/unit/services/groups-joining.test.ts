import { beforeEach, describe, expect, it } from 'vitest';
import { trusted, type ClientId } from '../../../src/wv/ids.ts';
import {
  ann,
  bea,
  cy,
  dan,
  groupAddress,
  groupScene,
  properties,
  ROCKET,
  type GroupScene,
} from '../../support/group-scene.ts';

const LAPTOP = trusted<ClientId>('laptop');

let scene: GroupScene;
beforeEach(async () => {
  scene = await groupScene();
});

const code = async (answer: Promise<{ result: { code: number } }>) => (await answer).result.code;

describe('creating a group', () => {
  it('makes the creator its Admin, on disk', async () => {
    expect(await scene.create()).toEqual({ code: 200 });
    expect(await scene.store.loadGroup(ROCKET)).toMatchObject({
      owner: ann,
      people: [{ user: ann, privilege: 'Admin' }],
      joined: [],
    });
  });

  it('joins the creator when asked to', async () => {
    await scene.create([], { join: true, screenName: 'Annie' });
    expect(await scene.store.loadGroup(ROCKET)).toMatchObject({
      joined: [{ user: ann, clientId: 'test', screenName: 'Annie', subscribed: true }],
    });
    expect(await scene.groups.history(ann, ROCKET, 1)).toMatchObject({ result: { code: 821 } });
  });

  it('refuses a group that exists (801), of somebody else or the operator (806), and elsewhere (516)', async () => {
    await scene.create();
    expect(await scene.create()).toMatchObject({ code: 801 });
    expect(await scene.create([], { group: groupAddress('bea/rocket') })).toMatchObject({ code: 806 });
    expect(await scene.create([], { group: groupAddress('/rocket') })).toMatchObject({ code: 806 });
    expect(await scene.create([], { group: groupAddress('ann/a b') })).toMatchObject({ code: 806 });
    expect(await scene.create([], { group: groupAddress('ann/rocket@far.test') })).toMatchObject({
      code: 516,
    });
  });

  it.each([
    ['Shape=round', 806],
    ['Accesstype=Closed', 806],
    ['Searchable=maybe', 806],
    ['MaxActiveUsers=-1', 806],
    [`Topic=${'x'.repeat(201)}`, 806],
    ['Type=Public', 806],
    ['Searchable=T', 822],
  ])('refuses %s with %d and creates nothing', async (pair, expected) => {
    expect(await scene.create([pair])).toMatchObject({ code: expected });
    expect(await scene.store.loadGroup(ROCKET)).toBeUndefined();
  });

  it('refuses an unfit screen name (402) and creates nothing', async () => {
    expect(await scene.create([], { join: true, screenName: 'x'.repeat(51) })).toMatchObject({ code: 402 });
    expect(await scene.store.loadGroup(ROCKET)).toBeUndefined();
  });

  it('stops at the limits of the owner (814) and of the server (815)', async () => {
    await scene.create([], { group: groupAddress('ann/a') });
    await scene.create([], { group: groupAddress('ann/b') });
    expect(await scene.create([], { group: groupAddress('ann/c') })).toMatchObject({ code: 814 });
    for (const name of ['/x', '/y']) {
      const group = groupAddress(name);
      expect(await scene.groups.createForProvider({ group, properties: [], admins: [] })).toEqual({
        code: 200,
      });
    }
    const bob = await scene.at('bea');
    const draft = { group: groupAddress('bea/z'), properties: [], join: false, subscribe: false };
    expect(await scene.groups.create(bob, LAPTOP, draft)).toMatchObject({ code: 815 });
  });
});

describe('joining', () => {
  beforeEach(async () => {
    await scene.create(['Name=Rocket club'], { join: true, screenName: 'Annie', welcomeNote: 'Hi!' });
  });

  it('is told of the welcome note, its screen name and who is there, without their addresses', async () => {
    expect(await scene.join(bea, { screenName: 'Bea', wantsJoinedList: true })).toEqual({
      primitive: 'JoinGroupResponse',
      result: { code: 200 },
      screenName: 'Bea',
      joined: [{ screenName: 'Annie' }, { screenName: 'Bea', user: bea }],
      welcomeNote: 'Hi!',
    });
  });

  it('shows the addresses of those who want it, and all of them to Admins', async () => {
    await scene.join(bea, { screenName: 'Bea', ownProperties: properties('ShowID=T') });
    await scene.join(cy, { screenName: 'Cy' });
    const [forAnn, forCy] = [
      await scene.ask(ann, 'GetJoinedUsersRequest', {}),
      await scene.ask(cy, 'GetJoinedUsersRequest', {}),
    ];
    expect(forAnn).toMatchObject({ joined: [{ user: ann }, { user: bea }, { user: cy }] });
    expect(forCy).toMatchObject({
      joined: [{ screenName: 'Annie' }, { screenName: 'Bea', user: bea }, { user: cy }],
    });
    expect(forCy).not.toHaveProperty(['joined', 0, 'user']);
  });

  it('refuses an unknown group with 800', async () => {
    expect(await code(scene.join(bea, { group: groupAddress('ann/none') }))).toBe(800);
  });

  it('refuses a screen name of somebody else in any case (811), and one that is too long (402)', async () => {
    expect(await code(scene.join(bea, { screenName: 'ANNIE' }))).toBe(811);
    expect(await code(scene.join(bea, { screenName: 'x'.repeat(51) }))).toBe(402);
    expect(await code(scene.join(bea, { ownProperties: properties('Shape=round') }))).toBe(806);
    expect(await scene.store.groupsJoinedBy({ user: bea, clientId: LAPTOP })).toEqual([]);
  });

  it('invents a screen name that is free', async () => {
    await scene.join(cy, { screenName: 'bea' });
    expect(await scene.join(bea)).toMatchObject({ screenName: 'bea2' });
  });

  it('updates the entry when the same client joins again', async () => {
    await scene.join(bea, { screenName: 'Bea', subscribe: false });
    expect(await scene.join(bea, { screenName: 'Bibi' })).toMatchObject({ result: { code: 200 } });
    const state = await scene.store.loadGroup(ROCKET);
    expect(state?.joined.map(({ screenName }) => screenName)).toEqual(['Annie', 'Bibi']);
    expect(await code(scene.join(cy, { screenName: 'Bea' }))).toBe(200);
  });

  it('admits two clients of one user under one name and counts him once', async () => {
    await scene.join({ user: bea }, { screenName: 'Bea' });
    await scene.join({ user: bea, clientId: LAPTOP }, { screenName: 'Bea' });
    expect(await scene.ask(bea, 'GetGroupPropsRequest', {})).toMatchObject({
      properties: expect.arrayContaining([{ name: 'ActiveUsers', value: '2' }]) as unknown,
    });
    await scene.ask({ user: bea, clientId: LAPTOP }, 'LeaveGroupRequest', {});
    expect(await code(scene.join(cy, { screenName: 'bea' }))).toBe(811);
  });

  it('is full at MaxActiveUsers, but not for who is in (817)', async () => {
    await scene.ask(ann, 'SetGroupPropsRequest', { properties: properties('MaxActiveUsers=2') });
    await scene.join(bea);
    expect(await code(scene.join(cy))).toBe(817);
    expect(await code(scene.join({ user: bea, clientId: LAPTOP }))).toBe(200);
  });

  it('is for members only where access is restricted (803)', async () => {
    await scene.ask(ann, 'SetGroupPropsRequest', { properties: properties('Accesstype=Restricted') });
    expect(await code(scene.join(bea))).toBe(803);
    await scene.ask(ann, 'AddGroupMemberRequest', { users: [bea] });
    expect(await code(scene.join(bea))).toBe(200);
  });

  it('is refused to who is rejected (809), a member or not', async () => {
    await scene.ask(ann, 'AddGroupMemberRequest', { users: [bea] });
    await scene.ask(ann, 'RejectListRequest', { add: [bea], remove: [] });
    expect(await code(scene.join(bea))).toBe(809);
    await scene.ask(ann, 'RejectListRequest', { add: [], remove: [bea] });
    expect(await code(scene.join(bea))).toBe(200);
  });
});

describe('leaving', () => {
  it('is for who is in (808)', async () => {
    await scene.create();
    expect(await code(scene.ask(bea, 'LeaveGroupRequest', {}))).toBe(808);
    await scene.join(bea);
    expect(await code(scene.ask({ user: bea, clientId: LAPTOP }, 'LeaveGroupRequest', {}))).toBe(808);
    expect(await code(scene.ask(bea, 'LeaveGroupRequest', {}))).toBe(200);
    expect(await code(scene.ask(bea, 'LeaveGroupRequest', {}))).toBe(808);
  });

  it('ends a group with AutoDelete when the last one goes', async () => {
    await scene.create(['AutoDelete=T'], { join: true });
    await scene.join(bea);
    await scene.ask(ann, 'LeaveGroupRequest', {});
    expect(await code(scene.join(cy))).toBe(200);
    await scene.ask(bea, 'LeaveGroupRequest', {});
    await scene.ask(cy, 'LeaveGroupRequest', {});
    expect(await code(scene.join(dan))).toBe(800);
    expect(await scene.store.loadGroup(ROCKET)).toBeUndefined();
  });

  it('forgets the own properties of a visitor, and keeps those of a member', async () => {
    await scene.create();
    await scene.ask(ann, 'AddGroupMemberRequest', { users: [bea] });
    for (const user of [bea, cy]) {
      await scene.join(user, { ownProperties: properties('ShowID=T') });
      await scene.ask(user, 'LeaveGroupRequest', {});
    }
    const state = await scene.store.loadGroup(ROCKET);
    expect(state?.people).toMatchObject([{ user: ann }, { user: bea, settings: { showId: true } }]);
  });
});

describe('time and restarts', () => {
  it('ends a group when its Validity is over, and tells those in it (800)', async () => {
    await scene.create(['AutoDelete=T', 'Validity=60']);
    const phone = await scene.online('bea');
    await scene.join(bea);
    scene.clock.advance(59_000);
    expect(await scene.groups.expire(10)).toBe(0);
    scene.clock.advance(1_000);
    expect(await scene.groups.expire(10)).toBe(1);
    await scene.groups.settled();
    expect(phone.news).toMatchObject([{ primitive: 'LeaveGroupIndication', result: { code: 800 } }]);
    expect(await code(scene.join(bea))).toBe(800);
  });

  it('joins who wants AutoJoin and tells his client', async () => {
    await scene.create([], { welcomeNote: 'Hi!' });
    await scene.join(bea, { ownProperties: properties('AutoJoin=T') });
    await scene.ask(bea, 'LeaveGroupRequest', {});
    const phone = await scene.online('bea');
    expect(await scene.groups.autoJoin(bea, LAPTOP, 5)).toEqual([
      { group: ROCKET, screenName: 'bea', welcomeNote: 'Hi!' },
    ]);
    await scene.groups.settled();
    expect(phone.news).toMatchObject([{ joined: [{ screenName: 'bea' }] }]);
    expect(await scene.groups.autoJoin(cy, LAPTOP, 5)).toEqual([]);
  });

  it('lets clients leave that did not come back after a restart', async () => {
    await scene.create();
    await scene.join(bea);
    await scene.join({ user: bea, clientId: LAPTOP });
    await scene.join(cy);
    const phone = await scene.online('cy');
    expect(await scene.groups.reconcile((user) => user === cy)).toBe(2);
    await scene.groups.settled();
    expect(phone.news.at(-1)).toMatchObject({ left: [{ screenName: 'bea' }] });
    expect((await scene.store.loadGroup(ROCKET))?.joined).toMatchObject([{ user: cy }]);
  });

  it('forgets a removed account, and ends the groups that it owned', async () => {
    await scene.create();
    await scene.store.deleteUser(ann);
    expect(await scene.groups.expire(10)).toBe(1);
    expect(await scene.store.loadGroup(ROCKET)).toBeUndefined();
  });
});
