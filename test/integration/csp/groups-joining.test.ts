// Groups over the wire: making them, coming and going, who is there, notices (csp-transactions section 8).

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText } from '../../../src/wv/element.ts';
import {
  createGroup,
  deleteGroup,
  getJoined,
  getMembers,
  getProps,
  GROUP_VERSIONS,
  groupNotice,
  joinGroup,
  leaveGroup,
  mappingsIn,
  namesIn,
  newsIn,
  propsIn,
  rejectList,
  removeMembers,
  setProps,
  settled,
} from '../../support/group-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { all, codeOf, named, pollOnly, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import { HABITS } from '../../support/phone.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { groups: { perUser: 4 }, session: { maxGroups: 3 } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const groupOf = (user: string, name = 'rocket'): string => user.replace('@', `/${name}@`);

describe.each(GROUP_VERSIONS)('groups in CSP %s (%s)', (version, _encoding, habits) => {
  async function two() {
    const [ann, bea] = await scene.people('ann', 'bea');
    const owner = await scene.online(ann, habits);
    const guest = await scene.online(bea, habits);
    return { ann, bea, owner, guest, group: groupOf(ann) };
  }

  /** Both are in Ann's group and hear of what happens there. */
  async function joined(properties: Readonly<Record<string, string>> = {}) {
    const people = await two();
    const { owner, guest, group } = people;
    await owner.say(createGroup(group, { properties, join: true, name: 'Annie', subscribe: true }));
    expect(codeOf(await guest.say(joinGroup(group, { name: 'Bea' })))).toBe(0);
    await settled(owner);
    return people;
  }

  it('CreateGroup with JoinGroup: the creator is in it as Admin, under his screen name', async () => {
    const { owner, group } = await two();
    const request = createGroup(group, {
      properties: { Name: 'Rocket club', Accesstype: 'Open', Searchable: 'T' },
      note: 'Welcome',
      join: true,
      name: 'Annie',
    });
    expect(codeOf(await owner.say(request))).toBe(200);
    const { content } = await owner.say(getProps(group));
    expect(content?.name).toBe('GetGroupProps-Response');
    expect(propsIn(child(content, 'GroupProperties'))).toMatchObject({
      Name: 'Rocket club',
      ActiveUsers: '1',
    });
    expect(texts(content, 'ContentData')).toEqual(['Welcome']);
    expect(propsIn(child(content, 'OwnProperties'))).toMatchObject({ PrivilegeLevel: 'Admin' });
  });

  it('JoinGroup tells who is there and the welcome note, in the form of the version', async () => {
    const { owner, guest, group } = await two();
    await owner.say(
      createGroup(group, { join: true, name: 'Annie', note: 'Hi & welcome'.replace('&', '&amp;') }),
    );
    const { content } = await guest.say(joinGroup(group, { name: 'Bea' }));
    expect(content?.name).toBe('JoinGroup-Response');
    expect(namesIn(content).toSorted()).toEqual(['Annie', 'Bea']);
    const path: Readonly<Record<typeof version, readonly [string, string]>> = {
      '1.1': ['UserList', 'ScreenName'],
      '1.2': ['UserMapList', 'UserMapping'],
      '1.3': ['Joined', 'UserMapList'],
    };
    const [list, entry] = path[version];
    expect(child(content, list)?.children[0]?.name).toBe(entry);
    expect(texts(content, 'ContentData')).toEqual(['Hi & welcome']);
  });

  it('JoinGroup without JoinedRequest tells only the note; without ScreenName the server finds one', async () => {
    const { owner, guest, group, bea } = await two();
    await owner.say(createGroup(group, { join: true, name: 'Annie', subscribe: true }));
    const { content } = await guest.say(joinGroup(group, { list: false }));
    expect(content?.name).toBe('JoinGroup-Response');
    expect(namesIn(content)).toEqual([]);
    expect(newsIn(await settled(owner))).toEqual([`+${bea.slice(3, bea.indexOf('@'))}`]);
  });

  it('joining again with the same client changes the screen name', async () => {
    const { owner, guest, group } = await joined();
    const { content } = await guest.say(joinGroup(group, { name: 'Queen Bea' }));
    expect(namesIn(content).toSorted()).toEqual(['Annie', 'Queen Bea']);
    expect(newsIn(await settled(owner))).toEqual(['+Queen Bea', '-Bea']);
  });

  it('subscribers hear who comes and goes, not the one who does; a name is told in the form of the version', async () => {
    const { bea, owner, guest, group } = await joined();
    await guest.say(leaveGroup(group));
    await guest.say(joinGroup(group, { name: 'Bea2' }));
    const came = await settled(owner);
    expect(newsIn(came)).toEqual(['+Bea2', '-Bea']);
    const notice = named(came, 'GroupChangeNotice');
    if (version === '1.1') expect(child(notice, 'Joined')?.children[0]?.name).toBe('ScreenName');
    else {
      // Admins see who is behind a screen name.
      expect(mappingsIn(child(notice, 'Joined'))).toEqual([`Bea2=${bea}`]);
      expect(child(notice, 'Left')?.children[0]?.name).toBe('UserList');
    }
    expect(newsIn(await settled(guest))).toEqual([]);
  });

  it('a notice that is not confirmed comes once more; who came and went meanwhile is not told', async () => {
    const { owner, guest, group } = await joined();
    await guest.say(leaveGroup(group));
    const first = await poll(owner);
    expect(newsIn(first)).toEqual(['-Bea']);
    expect(newsIn(await poll(owner))).toEqual([]);
    scene.clock.advance(61_000);
    expect(newsIn(await poll(owner))).toEqual(['-Bea']);
    scene.clock.advance(601_000);
    expect(newsIn(await poll(owner))).toEqual([]);
    await guest.say(joinGroup(group, { name: 'Bea' }));
    await guest.say(leaveGroup(group));
    expect(newsIn(await settled(owner))).toEqual([]);
  });

  it('LeaveGroup: 200 in a LeaveGroup-Response, then 808', async () => {
    const { guest, group } = await joined();
    const left = await guest.say(leaveGroup(group));
    expect(left.content?.name).toBe('LeaveGroup-Response');
    expect([codeOf(left), childText(left.content, 'GroupID')]).toEqual([200, group]);
    expect(codeOf(await guest.say(leaveGroup(group)))).toBe(808);
  });

  it('GetJoinedUsers: Admins see users by privilege, others see screen names', async () => {
    const { ann, bea, owner, guest, group } = await joined();
    const seen = await owner.say(getJoined(group));
    if (version === '1.1') return expect(codeOf(seen)).toBe(405);
    const lists = child(seen.content, 'AdminMapList');
    expect(mappingsIn(child(lists, 'AdminMapping'))).toEqual([`Annie=${ann}`]);
    expect(mappingsIn(child(lists, 'UserMapping'))).toEqual([`Bea=${bea}`]);
    const other = await guest.say(getJoined(group));
    const mappings = mappingsIn(child(child(other.content, 'UserMapList'), 'UserMapping'));
    expect(mappings.toSorted()).toEqual(['Annie', `Bea=${bea}`]);
    return undefined;
  });

  it('SubscribeGroupNotice: G asks, S and U change; who unsubscribed hears nothing', async () => {
    const { owner, guest, group } = await joined();
    const asked = await owner.say(groupNotice(group, 'G'));
    expect(childText(asked.content, 'Value')).toBe('T');
    expect(codeOf(await owner.say(groupNotice(group, 'U')))).toBe(200);
    expect(childText((await owner.say(groupNotice(group, 'G'))).content, 'Value')).toBe('F');
    await guest.say(leaveGroup(group));
    expect(newsIn(await settled(owner))).toEqual([]);
    expect(codeOf(await owner.say(groupNotice(group, 'S')))).toBe(200);
    await guest.say(joinGroup(group, { name: 'Bea' }));
    expect(newsIn(await settled(owner))).toEqual(['+Bea']);
    expect(codeOf(await guest.say(groupNotice(group, 'X')))).toBe(402);
    await guest.say(leaveGroup(group));
    expect(codeOf(await guest.say(groupNotice(group, 'S')))).toBe(808);
  });

  it('changed properties are news too', async () => {
    const { owner, guest, group } = await joined();
    await owner.say(setProps(group, { group: { Topic: 'Launch' } }));
    expect(newsIn(await settled(guest))).toEqual(['Topic=Launch']);
  });

  it('DeleteGroup: everybody who is in is told 800 and is out', async () => {
    const { owner, guest, group } = await joined();
    expect(codeOf(await guest.say(deleteGroup(group)))).toBe(816);
    expect(codeOf(await owner.say(deleteGroup(group)))).toBe(200);
    const came = await settled(guest);
    expect(newsIn(came)).toEqual(['out 800']);
    expect(childText(named(came, 'LeaveGroup-Response'), 'GroupID')).toBe(group);
    expect(codeOf(await guest.say(leaveGroup(group)))).toBe(800);
    expect(codeOf(await owner.say(deleteGroup(group)))).toBe(800);
  });

  it('who is removed or rejected is told 809 and is out; rejected users cannot come back (809)', async () => {
    const { bea, owner, guest, group } = await joined();
    expect(codeOf(await owner.say(rejectList(group, { add: [bea] })))).toBe(0);
    expect(newsIn(await settled(guest))).toEqual(['out 809']);
    expect(codeOf(await guest.say(leaveGroup(group)))).toBe(808);
    expect(codeOf(await guest.say(joinGroup(group, { name: 'Bea' })))).toBe(809);
    expect(newsIn(await settled(owner))).toEqual(['-Bea']);
  });

  it('a removal that waits is not told to who came back meanwhile', async () => {
    const { bea, owner, guest, group } = await joined();
    await owner.say(rejectList(group, { add: [bea] }));
    await owner.say(rejectList(group, { remove: [bea] }));
    await pause();
    expect(codeOf(await guest.say(joinGroup(group, { name: 'Bea' })))).toBe(0);
    expect(newsIn(await settled(guest))).toEqual([]);
    expect(codeOf(await guest.say(leaveGroup(group)))).toBe(200);
  });

  it('807 is never said: 803 restricted, 811 screen name taken, 817 full, 800 unknown', async () => {
    const { owner, guest, group } = await two();
    await owner.say(createGroup(group, { properties: { MaxActiveUsers: '1' }, join: true, name: 'Annie' }));
    expect(codeOf(await guest.say(joinGroup(group, { name: 'Bea' })))).toBe(817);
    await owner.say(setProps(group, { group: { MaxActiveUsers: '9' } }));
    expect(codeOf(await guest.say(joinGroup(group, { name: 'ANNIE' })))).toBe(811);
    await owner.say(setProps(group, { group: { Accesstype: 'Restricted' } }));
    expect(codeOf(await guest.say(joinGroup(group, { name: 'Bea' })))).toBe(803);
    for (const unknown of [groupOf(group.replace(/\/.*@/, '@'), 'nothing'), 'wv:a@b@c', 'wv:ann']) {
      expect(codeOf(await guest.say(joinGroup(unknown)))).toBe(800);
      expect(codeOf(await guest.say(leaveGroup(unknown)))).toBe(800);
      expect(codeOf(await guest.say(deleteGroup(unknown)))).toBe(800);
      expect(codeOf(await guest.say(groupNotice(unknown, 'G')))).toBe(800);
      if (version !== '1.1') expect(codeOf(await guest.say(getJoined(unknown)))).toBe(800);
    }
    expect(codeOf(await guest.say(leaveGroup(group)))).toBe(808);
  });

  it('CreateGroup: 801 exists, 806 bad address or property, 822 nothing to find it by, 811 no; nothing is made', async () => {
    const { bea, owner, group } = await two();
    expect(codeOf(await owner.say(createGroup(group)))).toBe(200);
    expect(codeOf(await owner.say(createGroup(group)))).toBe(801);
    const other = group.replace('rocket', 'other');
    expect(codeOf(await owner.say(createGroup(other, { properties: { Searchable: 'T' } })))).toBe(822);
    expect(codeOf(await owner.say(createGroup(other, { properties: { Colour: 'red' } })))).toBe(806);
    expect(
      codeOf(await owner.say(createGroup(other, { properties: { Accesstype: 'Ajar' }, join: true }))),
    ).toBe(806);
    expect(codeOf(await owner.say(createGroup(groupOf(bea))))).toBe(806);
    expect(codeOf(await owner.say(createGroup('wv:ann@wv.test')))).toBe(806);
    expect(codeOf(await owner.say(createGroup(group.replace('wv.test', 'far.test'))))).toBe(516);
    expect(codeOf(await owner.say(getProps(other)))).toBe(800);
    expect(codeOf(await owner.say(leaveGroup(other)))).toBe(800);
  });

  it('814 for too many groups, own or joined at once', async () => {
    const { owner, guest, ann } = await two();
    const groups = ['a', 'b', 'c', 'd'].map((name) => groupOf(ann, name));
    for (const group of groups) expect(codeOf(await owner.say(createGroup(group)))).toBe(200);
    expect(codeOf(await owner.say(createGroup(groupOf(ann, 'e'))))).toBe(814);
    const codes: number[] = [];
    for (const group of groups) codes.push(codeOf(await guest.say(joinGroup(group))));
    expect(codes).toEqual([0, 0, 0, 814]);
  });

  it('516 for a group in a domain that nobody reaches', async () => {
    const { guest, group } = await two();
    const far = group.replace('wv.test', 'nowhere.test');
    expect(codeOf(await guest.say(joinGroup(far)))).toBe(516);
    expect(codeOf(await guest.say(leaveGroup(far)))).toBe(516);
    expect(codeOf(await guest.say(getProps(far)))).toBe(516);
    expect(codeOf(await guest.say(getMembers(far)))).toBe(516);
  });

  it('400 and 402 for what is missing or absurd, and nothing happens', async () => {
    const { owner, guest, group } = await joined();
    for (const request of [
      'JoinGroup',
      'LeaveGroup',
      'DeleteGroup',
      'CreateGroup',
      'SetGroupProps',
      'RejectList',
    ]) {
      expect(codeOf(await owner.say(`<${request}-Request></${request}-Request>`)), request).toBe(400);
    }
    expect(
      codeOf(
        await owner.say(
          `<SubscribeGroupNotice-Request><GroupID>${group}</GroupID></SubscribeGroupNotice-Request>`,
        ),
      ),
    ).toBe(400);
    expect(
      codeOf(await guest.say(joinGroup(group).replace('<JoinedRequest>T', '<JoinedRequest>maybe'))),
    ).toBe(402);
    expect(codeOf(await owner.say(setProps(group, {})))).toBe(402);
    expect(codeOf(await owner.say(removeMembers(version, group)))).toBe(402);
    expect(newsIn(await settled(guest))).toEqual([]);
    expect(propsIn((await owner.say(getProps(group))).content)).toMatchObject({ ActiveUsers: '2' });
  });

  it('415 for a welcome note that is no text; a BASE64 one is read', async () => {
    const { owner, group } = await two();
    const request = createGroup(group, { note: 'R3LDvMOfZQ==' });
    expect(codeOf(await owner.say(request.replace('text/plain', 'image/png')))).toBe(415);
    const encoded = request.replace(
      '<ContentData>',
      '<ContentEncoding>BASE64</ContentEncoding><ContentData>',
    );
    expect(codeOf(await owner.say(encoded))).toBe(200);
    expect(texts((await owner.say(getProps(group))).content, 'ContentData')).toEqual(['Grüße']);
  });

  it('AutoJoin: the client is in after capability negotiation, and after its first poll without one', async () => {
    const { bea, owner, guest, group } = await joined();
    expect(codeOf(await guest.say(setProps(group, { own: { AutoJoin: 'T' } })))).toBe(200);
    await guest.say(android.logout());
    expect(newsIn(await settled(owner))).toEqual(['-Bea']);
    const negotiating = await scene.online(bea, habits, { capability: android.capability() });
    const name = bea.slice(3, bea.indexOf('@'));
    expect(newsIn(await settled(negotiating))).toEqual([`+${name}`]);
    expect(newsIn(await settled(owner))).toEqual([`+${name}`]);
    await negotiating.say(android.logout());
    const silent = await scene.online(bea, habits);
    await settled(silent);
    expect(codeOf(await silent.say(leaveGroup(group)))).toBe(200);
  });
});

describe('groups for Android', () => {
  const VERSIONS = ['1.2', '1.3'] as const;

  it.each(VERSIONS)('%s: the user map is flat, and stands where 1.2 has it', async (version) => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const habits = { ...HABITS.android, version };
    const owner = await scene.online(ann, habits);
    const guest = await scene.online(bea, habits);
    const group = groupOf(ann);
    await owner.say(createGroup(group, { join: true, name: 'Annie', subscribe: true }));
    const { content } = await guest.say(android.joinGroup(group, 'Bea'));
    const entries = child(content, 'UserMapList')?.children ?? [];
    expect(entries.map((entry) => childText(entry, 'SName') ?? '').toSorted()).toEqual(['Annie', 'Bea']);
    const notice = named(await settled(owner), 'GroupChangeNotice');
    const [first] = child(notice, 'Joined')?.children ?? [];
    expect(all(first, 'SName').length).toBe(1);
    expect(first?.children.map((entry) => childText(entry, 'SName'))).toEqual(['Bea']);
    await guest.say(leaveGroup(group));
    const left = child(named(await settled(owner), 'GroupChangeNotice'), 'Left')?.children[0];
    expect(left?.children.map((entry) => childText(entry, 'SName'))).toEqual(['Bea']);
  });
});

/** One poll, nothing acknowledged. */
async function poll(phone: Parameters<typeof pollOnly>[0]) {
  await pause();
  const heard = await pollOnly(phone);
  return heard.transactions.flatMap(({ content }) => content ?? []);
}

/** Lets what is told in the background go its way. */
async function pause(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
