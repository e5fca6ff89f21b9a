// Groups over the wire: members, privileges, the reject list, properties (csp-transactions section 8).

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, type Element } from '../../../src/wv/element.ts';
import { elements, users } from '../../support/csp-variants.ts';
import {
  addMembers,
  createGroup,
  getMembers,
  getProps,
  GROUP_VERSIONS,
  joinGroup,
  memberAccess,
  newsIn,
  propsIn,
  rejectList,
  removeMembers,
  setProps,
  settled,
} from '../../support/group-variants.ts';
import { codeOf, detailsOf, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

describe.each(GROUP_VERSIONS)('members of groups in CSP %s (%s)', (version, _encoding, habits) => {
  async function scenery(properties: Readonly<Record<string, string>> = {}) {
    const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
    const owner = await scene.online(ann, habits);
    const guest = await scene.online(bea, habits);
    const group = ann.replace('@', '/rocket@');
    await owner.say(createGroup(group, { properties, join: true, name: 'Annie' }));
    return { ann, bea, cy, owner, guest, group };
  }

  /** Members by level; in 1.3 ordinary users stand in the answer itself. */
  function levels(content: Element | undefined): Record<string, string[]> {
    const ordinary = version === '1.3' ? child(content, 'UserIDList') : child(content, 'Users');
    return {
      Admin: texts(child(content, 'Admin'), 'UserID'),
      Mod: texts(child(content, 'Mod'), 'UserID'),
      Users: texts(ordinary, 'UserID'),
    };
  }

  it('members are added as ordinary users and may join a restricted group; their level can be changed', async () => {
    const { ann, bea, cy, owner, guest, group } = await scenery({ Accesstype: 'Restricted' });
    expect(codeOf(await guest.say(joinGroup(group)))).toBe(803);
    expect(codeOf(await owner.say(addMembers(version, group, bea, cy)))).toBe(200);
    expect(codeOf(await guest.say(joinGroup(group)))).toBe(0);
    const { content } = await owner.say(getMembers(group));
    expect(levels(content)).toEqual({ Admin: [ann], Mod: [], Users: [bea, cy] });
    expect(codeOf(await owner.say(memberAccess(version, group, { Mod: [bea], Users: [cy] })))).toBe(200);
    expect(levels((await guest.say(getMembers(group))).content)).toEqual({
      Admin: [ann],
      Mod: [bea],
      Users: [cy],
    });
  });

  it('COMPAT(Android): UserList is understood in every version', async () => {
    const { bea, owner, group } = await scenery();
    const request = elements(
      'AddGroupMembers-Request',
      elements('GroupID', group) + elements('UserList', users(bea)),
    );
    expect(codeOf(await owner.say(request))).toBe(200);
    expect(texts((await owner.say(getMembers(group))).content, 'UserID')).toContain(bea);
  });

  it('531 for who is not there, in a 201 beside others; 402 for nobody at all', async () => {
    const { bea, owner, group } = await scenery();
    const mixed = await owner.say(addMembers(version, group, bea, 'wv:nobody@wv.test', 'wv:a@b@c'));
    expect(codeOf(mixed)).toBe(201);
    expect(detailsOf(mixed)).toEqual([expect.stringMatching(/^531/)]);
    expect(codeOf(await owner.say(addMembers(version, group, 'wv:a@b@c')))).toBe(531);
    expect(codeOf(await owner.say(addMembers(version, group)))).toBe(402);
    expect(codeOf(await owner.say(memberAccess(version, group, {})))).toBe(402);
    expect(codeOf(await owner.say(memberAccess(version, group, { Mod: ['wv:a@b@c'] })))).toBe(531);
  });

  it('RemoveGroupMembers: 810 for who is none; a member who is joined is put out (809)', async () => {
    const { bea, cy, owner, guest, group } = await scenery();
    await owner.say(addMembers(version, group, bea));
    await guest.say(joinGroup(group));
    const mixed = await owner.say(removeMembers(version, group, bea, cy));
    expect(codeOf(mixed)).toBe(201);
    expect(detailsOf(mixed)).toEqual([`810 ${cy}`]);
    expect(newsIn(await settled(guest))).toEqual(['out 809']);
    expect(codeOf(await owner.say(removeMembers(version, group, bea)))).toBe(810);
    expect(codeOf(await owner.say(memberAccess(version, group, { Mod: [bea] })))).toBe(810);
  });

  it('members can be named by their screen name; 410 where nobody has it', async () => {
    const { bea, owner, guest, group } = await scenery();
    await guest.say(joinGroup(group, { name: 'Bea' }));
    const named = (name: string): string =>
      elements('ScreenName', elements('SName', name) + elements('GroupID', group));
    const request = elements(
      'RejectList-Request',
      elements('GroupID', group) + elements('AddList', named('bea') + named('Nobody')),
    );
    const answer = await owner.say(request);
    expect(codeOf(answer)).toBe(201);
    expect(detailsOf(answer)).toEqual(['410']);
    expect(newsIn(await settled(guest))).toEqual(['out 809']);
    expect(texts((await owner.say(rejectList(group))).content, 'UserID')).toEqual([bea]);
  });

  it('RejectList: reads, adds and removes; the list comes with full success only', async () => {
    const { bea, cy, owner, guest, group } = await scenery();
    const list = async (request: string) => texts((await owner.say(request)).content, 'UserID');
    expect(await list(rejectList(group))).toEqual([]);
    expect(await list(rejectList(group, { add: [bea, cy] }))).toEqual([bea, cy]);
    expect(codeOf(await guest.say(joinGroup(group)))).toBe(809);
    expect(await list(rejectList(group, { remove: [bea] }))).toEqual([cy]);
    expect(codeOf(await guest.say(joinGroup(group)))).toBe(0);
    const partly = await owner.say(rejectList(group, { add: [bea, 'wv:nobody@wv.test'] }));
    expect([codeOf(partly), partly.content?.name]).toEqual([201, 'Status']);
    expect(codeOf(await owner.say(rejectList(group, { add: ['wv:a@b@c'] })))).toBe(531);
  });

  it('816 without the privilege, and nothing changes', async () => {
    const { ann, bea, cy, owner, guest, group } = await scenery({ Topic: 'Launch' });
    await owner.say(addMembers(version, group, bea));
    await guest.say(joinGroup(group));
    const requests = [
      getMembers(group),
      addMembers(version, group, cy),
      removeMembers(version, group, ann),
      memberAccess(version, group, { Admin: [bea] }),
      rejectList(group),
      rejectList(group, { add: [cy] }),
      setProps(group, { group: { Topic: 'Other' } }),
    ];
    for (const request of requests) expect(codeOf(await guest.say(request)), request).toBe(816);
    expect(levels((await owner.say(getMembers(group))).content)).toEqual({
      Admin: [ann],
      Mod: [],
      Users: [bea],
    });
    expect(texts((await owner.say(rejectList(group))).content, 'UserID')).toEqual([]);
    expect(propsIn((await owner.say(getProps(group))).content)).toMatchObject({ Topic: 'Launch' });
  });

  it('800 for every request about a group that is not there', async () => {
    const { ann, owner, guest } = await scenery();
    for (const group of [ann.replace('@', '/nothing@'), ann]) {
      const requests = [
        getMembers(group),
        addMembers(version, group, ann),
        removeMembers(version, group, ann),
        memberAccess(version, group, { Mod: [ann] }),
        rejectList(group),
        getProps(group),
        setProps(group, { own: { AutoJoin: 'T' } }),
      ];
      for (const request of requests) expect(codeOf(await owner.say(request)), request).toBe(800);
    }
    expect(codeOf(await guest.say(getMembers('')))).toBe(800);
  });

  it('properties: 806 for unknown and read-only ones, own ones for whoever is in; all or nothing', async () => {
    const { owner, guest, group } = await scenery({ Name: 'Rocket' });
    await guest.say(joinGroup(group));
    expect(codeOf(await owner.say(setProps(group, { group: { Name: 'Moon', ActiveUsers: '99' } })))).toBe(
      806,
    );
    expect(codeOf(await owner.say(setProps(group, { group: { Colour: 'red' } })))).toBe(806);
    expect(codeOf(await guest.say(setProps(group, { own: { ShowID: 'T', PrivilegeLevel: 'Admin' } })))).toBe(
      806,
    );
    const before = await guest.say(getProps(group));
    expect(propsIn(child(before.content, 'GroupProperties'))).toMatchObject({ Name: 'Rocket' });
    expect(propsIn(child(before.content, 'OwnProperties'))).toMatchObject({ ShowID: 'F' });
    expect(codeOf(await guest.say(setProps(group, { own: { ShowID: 'T' } })))).toBe(200);
    expect(codeOf(await owner.say(setProps(group, { group: { Name: 'Moon' } })))).toBe(200);
    const after = await guest.say(getProps(group));
    expect(propsIn(child(after.content, 'GroupProperties'))).toMatchObject({ Name: 'Moon' });
    expect(propsIn(child(after.content, 'OwnProperties'))).toMatchObject({ ShowID: 'T' });
  });

  it('402 for more users at once than anybody may have contacts', async () => {
    const { owner, group } = await scenery();
    const crowd = Array.from({ length: 1001 }, (_, n) => `wv:crowd${n}@wv.test`);
    expect(codeOf(await owner.say(addMembers(version, group, ...crowd)))).toBe(402);
    expect(codeOf(await owner.say(rejectList(group, { add: crowd })))).toBe(402);
  });
});
