// Groups and sessions: who is gone is not in a group any more, who is still there is, whatever happened to the server;
// and groups of another domain.

import { afterEach, describe, expect, it } from 'vitest';
import { FakeGateway } from '../../support/fake-gateway.ts';
import {
  createGroup,
  deleteGroup,
  getProps,
  GROUP_VERSIONS,
  joinGroup,
  leaveGroup,
  namesIn,
  newsIn,
  settled,
  toGroup,
} from '../../support/group-variants.ts';
import { elements, sendMessage } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, pollOnly, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import type { Habits, Phone } from '../../support/phone.ts';
import { parseDomain, serviceAddress } from '../../../src/wv/address.ts';
import { trusted, type GroupAddress, type SessionId, type UserAddress } from '../../../src/wv/ids.ts';
import { status, type RequestPrimitive } from '../../../src/wv/primitives.ts';
import { result } from '../../../src/wv/status.ts';
import type { TestHouseOptions } from '../../support/house.ts';

let scene: Scene;
afterEach(() => scene.stop());

const SECOND = '<ClientID><URL>second</URL></ClientID>';

async function play(habits: Habits, options: TestHouseOptions = {}) {
  scene = await startScene(options);
  const [ann, bea] = await scene.people('ann', 'bea');
  const group = ann.replace('@', '/rocket@');
  const owner = await scene.online(ann, habits);
  const guest = await scene.online(bea, habits);
  await owner.say(createGroup(group, { join: true, name: 'Annie', subscribe: true }));
  await guest.say(joinGroup(group, { name: 'Bea' }));
  await settled(owner);
  return { ann, bea, group, owner, guest };
}

/** News come in the background; these have come when `count` of them are there. */
async function news(phone: Phone, count: number): Promise<string[]> {
  const heard: string[] = [];
  return eventually(`${count} pieces of news`, async () => {
    heard.push(...newsIn(await settled(phone)));
    return heard.length >= count ? heard : undefined;
  });
}

async function names(phone: Phone, group: string): Promise<string[]> {
  const { content } = await phone.say(joinGroup(group, { name: 'Annie' }));
  return namesIn(content).toSorted();
}

describe.each(GROUP_VERSIONS)('groups and sessions in CSP %s (%s)', (_version, _encoding, habits) => {
  it('log-out leaves', async () => {
    const { group, owner, guest } = await play(habits);
    await guest.say(android.logout());
    expect(await news(owner, 1)).toEqual(['-Bea']);
    expect(await names(owner, group)).toEqual(['Annie']);
  });

  it('an expired session leaves', async () => {
    const { owner, guest } = await play(habits);
    // A poll now and then keeps the owner; the last one comes before the guest's time is over.
    for (let minutes = 0; minutes < 120; minutes += 10) {
      scene.clock.advance(600_000);
      await pollOnly(owner);
    }
    scene.clock.advance(10_000);
    expect(await news(owner, 1)).toEqual(['-Bea']);
    expect([600, 604]).toContain(codeOf(await guest.say(android.keepAlive())));
  });

  it('a session that a new one of the same client replaced leaves, and the new one can join', async () => {
    const { bea, group, owner } = await play(habits);
    const again = await scene.online(bea, habits);
    expect(await news(owner, 1)).toEqual(['-Bea']);
    expect(codeOf(await again.say(leaveGroup(group)))).toBe(808);
    expect(codeOf(await again.say(joinGroup(group, { name: 'Bea' })))).toBe(0);
    expect(await news(owner, 1)).toEqual(['+Bea']);
  });

  it('a session that was forced out leaves', async () => {
    const { bea, owner } = await play(habits, { config: { session: { perUser: 1 } } });
    await scene.online(bea, habits, { clientId: SECOND });
    expect(await news(owner, 1)).toEqual(['-Bea']);
  });

  it('another client of the user stays in, under his name', async () => {
    const { bea, group, owner, guest } = await play(habits);
    const second = await scene.online(bea, habits, { clientId: SECOND });
    await second.say(joinGroup(group, { name: 'Bea' }));
    await guest.say(android.logout());
    expect(newsIn(await settled(owner))).toEqual([]);
    expect(codeOf(await second.say(leaveGroup(group)))).toBe(200);
    expect(await news(owner, 1)).toEqual(['-Bea']);
  });

  it('after a restart the session is still in: it is told, it gets messages, it can leave', async () => {
    const { group, owner, guest } = await play(habits);
    await owner.say(sendMessage('before', [], { recipient: toGroup(group) }));
    await scene.restart();
    const [annAgain, beaAgain] = [scene.again(owner), scene.again(guest)];
    await annAgain.say(sendMessage('after', [], { recipient: toGroup(group) }));
    const came = await settled(beaAgain);
    expect(came.flatMap((each) => texts(each, 'ContentData'))).toEqual(['before', 'after']);
    expect(codeOf(await beaAgain.say(leaveGroup(group)))).toBe(200);
    expect(await news(annAgain, 1)).toEqual(['-Bea']);
    expect(codeOf(await annAgain.say(deleteGroup(group)))).toBe(200);
  });

  it('who was put out before a restart and was not told is told after it, once', async () => {
    const { group, owner, guest } = await play(habits);
    await owner.say(deleteGroup(group));
    await scene.restart();
    const again = scene.again(guest);
    expect(newsIn(await settled(again))).toEqual(['out 800']);
    await again.say(android.keepAlive());
    expect(newsIn(await settled(again))).toEqual([]);
  });

  it('who was in with a session that is gone after a restart has left', async () => {
    const { group, owner, guest } = await play(habits);
    await scene.house.house.store.deleteSession(trusted<SessionId>(guest.sessionId));
    await scene.restart();
    const again = scene.again(owner);
    expect(await news(again, 1)).toEqual(['-Bea']);
    expect(await names(again, group)).toEqual(['Annie']);
  });

  it('a crash between the record of a join and the join: nothing is wrong, the client can join', async () => {
    const { group, owner, guest } = await play(habits);
    await guest.say(leaveGroup(group));
    const { store } = scene.house.house;
    const id = trusted<SessionId>(guest.sessionId);
    const record = (await store.allSessions()).find((each) => each.id === id);
    if (record === undefined) throw new Error('no session');
    const state = { ...(JSON.parse(record.state) as object), groups: [[group, { subscribed: true }]] };
    await store.putSession({ ...record, state: JSON.stringify(state) });
    // The house must not write its own idea of the session when it stops.
    await scene.restart();
    const [annAgain, beaAgain] = [scene.again(owner), scene.again(guest)];
    expect(codeOf(await beaAgain.say(leaveGroup(group)))).toBe(808);
    expect(codeOf(await beaAgain.say(joinGroup(group, { name: 'Bea' })))).toBe(0);
    expect((await news(annAgain, 1)).at(-1)).toBe('+Bea');
  });
});

describe.each(GROUP_VERSIONS)('groups of other domains in CSP %s (%s)', (_version, _encoding, habits) => {
  const far = trusted<GroupAddress>('wv:dan/moon@far.test');
  const gateway = () =>
    new FakeGateway('far.test', [
      'JoinGroupRequest',
      'LeaveGroupRequest',
      'GetGroupPropsRequest',
      'SendMessageRequest',
    ]);
  const joins = (request: RequestPrimitive) =>
    request.primitive === 'JoinGroupRequest'
      ? ({ primitive: 'JoinGroupResponse', result: { code: 200 }, joined: [{ screenName: 'Dan' }] } as const)
      : status({ code: 200 });
  const meta = { service: serviceAddress(parseDomain('far.test')!) };
  const notice = (user: string, name: string) =>
    ({
      primitive: 'GroupChangeNotice',
      meta,
      group: far,
      recipients: [trusted<UserAddress>(user)],
      joined: [{ screenName: name }],
      left: [],
    }) as const;

  it('the request goes there in the name of user and client; at the end of the session he leaves', async () => {
    const network = gateway();
    network.reply = joins;
    const { bea, guest } = await play(habits, { gateways: [network] });
    const { content } = await guest.say(joinGroup(far, { name: 'Bea' }));
    expect(namesIn(content)).toEqual(['Dan']);
    expect(network.requests.at(-1)).toMatchObject({
      primitive: 'JoinGroupRequest',
      group: far,
      screenName: 'Bea',
      subscribe: true,
      wantsJoinedList: true,
      meta: { user: bea },
    });
    await guest.say(android.logout());
    expect(network.requests.at(-1)).toMatchObject({
      primitive: 'LeaveGroupRequest',
      group: far,
      meta: { user: bea },
    });
  });

  it('its news reach who joined it, and nobody else', async () => {
    const network = gateway();
    network.reply = joins;
    const { ann, bea, owner, guest } = await play(habits, { gateways: [network] });
    await guest.say(joinGroup(far));
    for (const user of [ann, bea]) await network.port?.emit(notice(user, 'Eve'));
    expect(newsIn(await settled(guest))).toEqual(['+Eve']);
    expect(newsIn(await settled(owner))).toEqual([]);
    const users = [trusted<UserAddress>(bea)];
    const out = { primitive: 'LeaveGroupIndication', meta, group: far, users, result: result(800) } as const;
    await network.port?.emit(out);
    await network.port?.emit(notice(bea, 'Fay'));
    expect(newsIn(await settled(guest))).toEqual(['out 800']);
    const before = network.requests.length;
    await guest.say(android.logout());
    expect(network.requests.slice(before).map(({ primitive }) => primitive)).not.toContain(
      'LeaveGroupRequest',
    );
  });

  it('what it refuses is not joined; a leave it cannot take now can be tried again', async () => {
    const network = gateway();
    network.reply = () => status(result(809));
    const { guest } = await play(habits, { gateways: [network] });
    expect(codeOf(await guest.say(joinGroup(far)))).toBe(809);
    const asked = network.requests.length;
    network.reply = joins;
    await guest.say(joinGroup(far));
    network.reply = () => status(result(503));
    expect(codeOf(await guest.say(leaveGroup(far)))).toBe(503);
    network.reply = joins;
    expect(codeOf(await guest.say(leaveGroup(far)))).toBe(200);
    await guest.say(android.logout());
    const leaves = network.requests.slice(asked).filter(({ primitive }) => primitive === 'LeaveGroupRequest');
    expect(leaves).toHaveLength(2);
  });

  it('a gateway that has no word for a request: its code comes back; no history from elsewhere (821)', async () => {
    const network = gateway();
    network.reply = joins;
    const { guest } = await play(habits, { gateways: [network] });
    await guest.say(joinGroup(far));
    expect(codeOf(await guest.say(deleteGroup(far)))).toBeGreaterThanOrEqual(400);
    expect(codeOf(await guest.say(getProps(far)))).toBe(200);
    const list = elements('GetMessageList-Request', elements('GroupID', far));
    expect(codeOf(await guest.say(list))).toBe(821);
  });
});
