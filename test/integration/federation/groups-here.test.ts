// Users of another server in a group of this one (ssp sections 6.5, 6.6 and 16; ir76 6.4: G-04 to G-15).

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FarServer, ourGroup, ours, type Unasked } from '../../support/far-server.ts';
import {
  addMembers,
  createGroup,
  deleteGroup,
  GROUP_VERSIONS,
  memberAccess,
  newsIn,
  rejectList,
  removeMembers,
  setProps,
  settled,
  toGroup,
  toName,
} from '../../support/group-variants.ts';
import { sendMessage } from '../../support/csp-variants.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, named, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { SendMessageRequest } from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import { combine, OK } from '../../../src/wv/status.ts';

const far = new FarServer();
const other = new FarServer('other.test');
const [dan, eve] = [far.user('dan'), far.user('eve')];
const gus = other.user('gus');

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ gateways: [far, other] });
});
beforeEach(() => {
  for (const server of [far, other]) {
    server.works();
    server.requests.length = 0;
  }
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

async function join(group: GroupAddress, user: UserAddress, screenName: string) {
  const server = user === gus ? other : far;
  const request = { primitive: 'JoinGroupRequest', group, screenName, wantsJoinedList: true } as const;
  return server.asks({ ...request, subscribe: true }, user);
}

/** Ann's group with dan and eve of far.test, and gus of other.test. */
async function play(properties: Readonly<Record<string, string>> = {}) {
  const habits = GROUP_VERSIONS[1][2];
  const ann = await scene.person('ann');
  const oak = ourGroup(ann.replace('@', '/oak@'));
  const owner = await scene.online(ann, habits);
  await owner.say(createGroup(oak, { join: true, name: 'Annie', subscribe: true, properties, note: 'Hi' }));
  for (const [user, name] of [
    [dan, 'Dan'],
    [eve, 'Eve'],
    [gus, 'Gus'],
  ] as const)
    expect((await join(oak, user, name)).result).toEqual(OK);
  const heard = await eventually('all came', async () => {
    const came = newsIn(await settled(owner));
    return came.length > 0 && came;
  });
  await quiet();
  for (const server of [far, other]) server.requests.length = 0;
  return { ann, oak, owner, heard };
}

/** News are told in the background, one domain after the other. */
async function quiet(): Promise<void> {
  const count = () => far.requests.length + other.requests.length;
  for (let before = -1, turns = 0; turns < 5; turns += 1) {
    if (count() !== before) turns = 0;
    before = count();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const copies = (server: FarServer) =>
  server.had('SendMessageRequest').map(({ message }) => ({
    to: message.recipients.map((party) => (party.kind === 'user' ? party.user : party.group)),
    from: message.sender.kind === 'group' ? message.sender.screenName : message.sender.user,
    text: message.content.data,
  }));

const about = (group: GroupAddress, primitive: string): Unasked => ({ primitive, group }) as Unasked;

describe('joining', () => {
  it('gives the joined list and the welcome note, and tells those who are in (G-04)', async () => {
    const { oak, heard } = await play();
    expect(heard).toEqual(['+Dan', '+Eve', '+Gus']);
    expect(await join(oak, far.user('fay'), 'Fay')).toMatchObject({
      primitive: 'JoinGroupResponse',
      screenName: 'Fay',
      welcomeNote: 'Hi',
      joined: [
        { screenName: 'Annie' },
        { screenName: 'Dan' },
        { screenName: 'Eve' },
        { screenName: 'Gus' },
        {},
      ],
    });
    await quiet();
    const notices = [far, other].flatMap((server) => server.had('GroupChangeNotice'));
    expect(notices.map(({ recipients, joined }) => [recipients, joined])).toEqual([
      [[dan, eve], [{ screenName: 'Fay' }]],
      [[gus], [{ screenName: 'Fay' }]],
    ]);
  });

  it('809 on the reject list, 803 for members only, 811 for a name that is taken, 800 nowhere', async () => {
    const { oak, owner } = await play();
    expect((await join(oak, far.user('fay'), 'annie')).result.code).toBe(811);
    await owner.say(rejectList(oak, { add: [far.user('fay')] }));
    expect((await join(oak, far.user('fay'), 'Fay')).result.code).toBe(809);
    await owner.say(setProps(oak, { group: { Accesstype: 'Restricted' } }));
    expect((await join(oak, far.user('hal'), 'Hal')).result.code).toBe(803);
    await owner.say(addMembers('1.2', oak, far.user('hal')));
    expect((await join(oak, far.user('hal'), 'Hal')).result).toEqual(OK);
    expect((await join(ourGroup('wv:ann/none@wv.test'), dan, 'Dan')).result.code).toBe(800);
  });
});

describe('messages', () => {
  it('reach everybody once, the author not, and show nobody’s address (G-08, G-09)', async () => {
    const { oak, owner } = await play();
    await owner.say(sendMessage('from Ann', [], { recipient: toGroup(oak) }));
    await eventually('copies', () => copies(far).length + copies(other).length === 3);
    const everybody = (server: FarServer) => copies(server).flatMap(({ to }) => to);
    expect([everybody(far).toSorted(), everybody(other)]).toEqual([[dan, eve], [gus]]);
    far.requests.length = 0;
    other.requests.length = 0;
    expect(await far.sends(dan, [{ kind: 'group', group: oak }], 'from Dan')).toBe(200);
    await eventually('copies', () => copies(far).length + copies(other).length === 2);
    expect(copies(far)).toEqual([{ to: [eve], from: 'Dan', text: 'from Dan' }]);
    expect(copies(other)).toEqual([{ to: [gus], from: 'Dan', text: 'from Dan' }]);
    for (const { meta, message } of other.had('SendMessageRequest')) {
      expect(meta.user).toBeUndefined();
      expect(JSON.stringify(message)).not.toContain(dan);
    }
    const came = named(await settled(owner), 'NewMessage');
    expect([texts(came, 'SName'), texts(came, 'ContentData')]).toEqual([['Dan'], ['from Dan']]);
  });

  it('of who is not in are 808', async () => {
    const { oak } = await play();
    expect(await far.sends(far.user('fay'), [{ kind: 'group', group: oak }], 'hello?')).toBe(808);
  });

  it('whispered go to one, both ways (G-10); 812 where that is not wanted (G-11)', async () => {
    const { oak, owner } = await play({ PrivateMessaging: 'T' });
    expect(codeOf(await owner.say(sendMessage('psst', [], { recipient: toName(oak, 'Eve') })))).toBe(200);
    await eventually('copy', () => copies(far).length === 1);
    expect(copies(far)).toEqual([{ to: [eve], from: 'Annie', text: 'psst' }]);
    expect(copies(other)).toEqual([]);
    const back = { kind: 'group', group: oak, screenName: 'Annie' } as const;
    expect(await far.sends(eve, [back], 'what')).toBe(200);
    expect(texts(named(await settled(owner), 'NewMessage'), 'ContentData')).toEqual(['what']);
    await owner.say(setProps(oak, { group: { PrivateMessaging: 'F' } }));
    expect(await far.sends(eve, [back], 'still there?')).toBe(812);
  });

  it.each([531, 427] as const)(
    'that find nobody (%i) take him out, and the others are told',
    async (code) => {
      const { oak, owner } = await play();
      const isToEve = ({ message }: SendMessageRequest) =>
        message.recipients.some((party) => party.kind === 'user' && party.user === eve);
      far.reply = (request) => {
        if (request.primitive !== 'SendMessageRequest' || !isToEve(request)) return status(OK);
        const { id: messageId, recipients } = request.message;
        const outcome = combine(recipients.length - 1, [{ code, users: [eve] }]);
        return { primitive: 'SendMessageResponse', messageId, result: outcome };
      };
      await owner.say(sendMessage('anybody?', [], { recipient: toGroup(oak) }));
      const told = await eventually('told', async () => {
        const came = newsIn(await settled(owner));
        return came.length > 0 && came;
      });
      expect(told).toEqual(['-Eve']);
      expect((await far.asks(about(oak, 'GetGroupSubStatusRequest'), eve)).result.code).toBe(808);
      expect((await far.asks(about(oak, 'GetGroupSubStatusRequest'), dan)).result.code).toBe(200);
    },
  );
});

describe('leaving', () => {
  it('tells the others, not who left (G-12); a second time it is 808', async () => {
    const { oak, owner } = await play();
    expect((await far.asks(about(oak, 'LeaveGroupRequest'), dan)).result).toEqual(OK);
    await quiet();
    expect(newsIn(await settled(owner))).toEqual(['-Dan']);
    expect(far.had('GroupChangeNotice').map(({ recipients }) => recipients)).toEqual([[eve]]);
    expect((await far.asks(about(oak, 'LeaveGroupRequest'), dan)).result.code).toBe(808);
  });

  it('expelled by the reject list he is told 809 (G-13)', async () => {
    const { oak, owner } = await play();
    expect(codeOf(await owner.say(rejectList(oak, { add: [dan] })))).toBeLessThan(400);
    await quiet();
    expect(far.had('LeaveGroupIndication')).toMatchObject([
      { group: oak, users: [dan], result: { code: 809 } },
    ]);
    expect(await far.sends(dan, [{ kind: 'group', group: oak }], 'hey')).toBe(808);
  });

  it('when the group ends, each domain is told once, with all its users (800, G-14)', async () => {
    const { oak, owner } = await play();
    await owner.say(deleteGroup(oak));
    await quiet();
    expect(far.had('LeaveGroupIndication')).toMatchObject([{ users: [dan, eve], result: { code: 800 } }]);
    expect(other.had('LeaveGroupIndication')).toMatchObject([{ users: [gus], result: { code: 800 } }]);
  });
});

describe('the group itself', () => {
  it('tells its subscribers of changed properties (G-15)', async () => {
    const { oak, owner } = await play();
    await owner.say(setProps(oak, { group: { Topic: 'Acorns' } }));
    await quiet();
    for (const [server, users] of [
      [far, [dan, eve]],
      [other, [gus]],
    ] as const)
      expect(server.had('GroupChangeNotice')).toMatchObject([
        { recipients: users, properties: [{ name: 'Topic', value: 'Acorns' }] },
      ]);
    const props = await far.asks(about(oak, 'GetGroupPropsRequest'), dan);
    expect(props).toMatchObject({
      properties: expect.arrayContaining([{ name: 'Topic', value: 'Acorns' }]) as unknown,
    });
  });

  it('shows its members to an admin of another domain, not to others (816)', async () => {
    const { ann, oak, owner } = await play();
    expect((await far.asks(about(oak, 'GetGroupMemberRequest'), dan)).result.code).toBe(816);
    await owner.say(addMembers('1.2', oak, dan));
    const access = { primitive: 'MemberAccessRequest', group: oak, admins: [dan], moderators: [], users: [] };
    expect((await far.asks(access as Unasked, dan)).result.code).toBe(816);
    expect(codeOf(await owner.say(memberAccess('1.2', oak, { Admin: [dan] })))).toBe(200);
    expect(await far.asks(about(oak, 'GetGroupMemberRequest'), dan)).toMatchObject({
      admins: expect.arrayContaining([ours(ann), dan]) as unknown,
    });
    await owner.say(removeMembers('1.2', oak, dan));
    expect((await far.asks(about(oak, 'GetGroupMemberRequest'), dan)).result.code).toBe(816);
  });

  it('is not told what nobody asked in the name of a user (403), or of one of a third domain (901)', async () => {
    const { oak } = await play();
    expect((await far.asks(about(oak, 'GetJoinedUsersRequest'))).result.code).toBe(403);
    expect((await far.asks(about(oak, 'GetJoinedUsersRequest'), gus)).result.code).toBe(901);
  });
});
