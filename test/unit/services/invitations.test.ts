import { beforeEach, describe, expect, it } from 'vitest';
import { changeAccess } from '../../../src/services/access-control.ts';
import type { InviteDraft } from '../../../src/services/invitations/rules.ts';
import { parseGroup, serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { trusted, type ClientId, type GroupAddress, type UserAddress } from '../../../src/wv/ids.ts';
import type { Party } from '../../../src/wv/message.ts';
import { status, type InviteRequest, type InviteResponse } from '../../../src/wv/primitives.ts';
import { OK, result, type StatusCode } from '../../../src/wv/status.ts';
import { FAR, HOME, homeScene } from '../../support/home-scene.ts';

const [ann, bea, cy] = ['ann', 'bea', 'cy'].map((name) => userAddress(name, HOME)) as [
  UserAddress,
  UserAddress,
  UserAddress,
];
const zoe = userAddress('zoe', FAR);
const FAR_CLUB = parseGroup('wv:zoe/club', FAR) as GroupAddress;
const CLUB = parseGroup('wv:ann/club', HOME) as GroupAddress;
const CLIENT = trusted<ClientId>('phone');

let scene: Awaited<ReturnType<typeof homeScene>>;
beforeEach(async () => {
  scene = await homeScene();
});

const party = (user: UserAddress): Party => ({ kind: 'user', user });

function draft(to: readonly UserAddress[], more: Partial<InviteDraft> = {}): InviteDraft {
  return { inviteId: 'i1', type: 'IM', recipients: to.map(party), unresolved: [], ...more };
}

async function invite(to: readonly UserAddress[], more: Partial<InviteDraft> = {}, by = 'ann') {
  return scene.inviting.invite(await scene.at(by), CLIENT, draft(to, more));
}

async function answer(by: string, accepted = true, inviter?: UserAddress) {
  return scene.invited.answer(await scene.at(by), CLIENT, {
    inviteId: 'i1',
    accepted,
    ...(inviter === undefined ? {} : { inviter: party(inviter) }),
  });
}

async function cancel(to?: readonly UserAddress[]) {
  return scene.inviting.cancel(await scene.at('ann'), CLIENT, {
    inviteId: 'i1',
    recipients: to?.map(party),
    unresolved: [],
  });
}

/** What waits for a user, by the names of the primitives. */
async function waiting(user: UserAddress): Promise<string[]> {
  const entries = await scene.store.queueOf(user, 0, 20);
  return entries.map(({ item }) => (item.kind === 'notice' ? item.notice.primitive : item.kind));
}

describe('inviting', () => {
  it('has the invitation in the queue of each invited user when it answers 200', async () => {
    expect((await invite([bea, cy, bea])).code).toBe(200);
    for (const user of [bea, cy]) expect(await waiting(user)).toEqual(['InviteRequest']);
  });

  it('names who could not be invited (201), and who blocks the inviter', async () => {
    await changeAccess(scene.store, await scene.at('cy'), { block: { inUse: true, add: [ann] } });
    const nobody = userAddress('nobody', HOME);
    const outcome = await invite([bea, cy, nobody]);
    expect(outcome).toMatchObject({
      code: 201,
      details: [
        { code: 532, users: [cy] },
        { code: 531, users: [nobody] },
      ],
    });
    expect((await invite([cy])).code).toBe(532);
    expect(await waiting(cy)).toEqual([]);
  });

  it('sends one request per invited party of another network, and passes its refusal on', async () => {
    scene.gateway.reply = () => status(result(532));
    expect(await invite([zoe])).toMatchObject({ code: 532, details: [{ users: [zoe] }] });
    expect(scene.gateway.requests).toMatchObject([{ primitive: 'InviteRequest', invited: { user: zoe } }]);
    expect(await scene.store.sentInvitations(ann, 'i1')).toEqual([]);
  });

  it('keeps an open invitation that cannot be repeated just now: its answer still comes', async () => {
    await invite([zoe]);
    scene.gateway.reply = () => status(result(504));
    expect((await invite([zoe])).code).toBe(504);
    const response: InviteResponse = {
      primitive: 'InviteResponse',
      meta: { service: serviceAddress(FAR), user: zoe },
      inviteId: 'i1',
      accepted: true,
      inviting: party(ann),
      responding: party(zoe),
    };
    expect((await scene.inviting.answered(response)).result.code).toBe(200);
    expect(await waiting(ann)).toEqual(['InviteResponse']);
  });

  it.each<[Partial<InviteDraft>, StatusCode]>([
    [{ type: 'GR' }, 429],
    [{ type: 'GM' }, 429],
    [{ type: 'EC' }, 429],
    [{ type: 'EG' }, 429],
    [{ type: 'SC' }, 400],
    [{ type: 'AP' }, 450],
    [{ inviteId: '' }, 402],
    [{ inviteId: 'x'.repeat(101) }, 402],
    [{ note: 'x'.repeat(401) }, 402],
    [{ recipients: [] }, 402],
    [{ urls: Array.from({ length: 11 }, () => 'http://a/') }, 402],
    [{ urls: [`http://a/${'x'.repeat(500)}`] }, 402],
    [{ type: 'GR', group: CLUB }, 800],
    [{ type: 'GR', group: parseGroup('wv:a/b@nowhere.test', HOME) as GroupAddress }, 516],
  ])('refuses %j with %i, and nobody hears of it', async (more, code) => {
    expect((await invite([bea], more)).code).toBe(code);
    expect(await waiting(bea)).toEqual([]);
    expect(await scene.store.sentInvitations(ann, 'i1')).toEqual([]);
  });

  it('refuses too many recipients (402) and too many open invitations, of one user and for one (507)', async () => {
    const many = Array.from({ length: 6 }, (_, index) => userAddress(`u${index}`, FAR));
    expect((await invite(many)).code).toBe(402);
    expect((await invite(many.slice(0, 5))).code).toBe(200);
    expect((await invite(many.slice(0, 2), { inviteId: 'i2' })).code).toBe(507);
    expect((await invite(many.slice(0, 5))).code).toBe(200);
    for (let index = 0; index < 3; index++) await invite([cy], { inviteId: `b${index}` }, 'bea');
    expect(await invite([cy], { inviteId: 'b3' }, 'bea')).toMatchObject({ code: 507 });
  });

  it('shows the inviter by a screen name only if he joined the group under it (810)', async () => {
    scene.gateway.reply = (request) =>
      request.primitive === 'GetJoinedUsersRequest'
        ? { primitive: 'GetJoinedUsersResponse', result: OK, joined: [{ screenName: 'Annie', user: ann }] }
        : status(OK);
    const group = FAR_CLUB;
    expect((await invite([bea], { screenName: { name: 'Zoe', group } })).code).toBe(810);
    expect((await invite([bea], { screenName: { name: 'annie', group } })).code).toBe(200);
    scene.gateway.reply = () => status(result(808));
    expect((await invite([bea], { screenName: { name: 'Annie', group } })).code).toBe(810);
  });

  it('asks whoever is behind a screen name of a group here, who answers by that name', async () => {
    scene.screenNames.set(`${CLUB} Johnny`, bea);
    const johnny: Party = { kind: 'group', group: CLUB, screenName: 'Johnny' };
    expect((await invite([], { recipients: [johnny] })).code).toBe(200);
    expect(await waiting(bea)).toEqual(['InviteRequest']);
    expect((await answer('bea')).code).toBe(200);
    const [entry] = await scene.store.queueOf(ann, 0, 1);
    expect(entry?.item).toMatchObject({ notice: { responding: johnny, accepted: true } });
    const ghost: Party = { ...johnny, screenName: 'Ghost' };
    expect(await invite([], { recipients: [ghost] })).toMatchObject({
      code: 800,
      details: [{ screenNames: [{ name: 'Ghost', group: CLUB }] }],
    });
  });

  it('takes the same invitation again for a second try, and another for its replacement', async () => {
    await invite([bea], { note: 'Lunch?' });
    await invite([bea], { note: 'Lunch?' });
    expect(await waiting(bea)).toEqual(['InviteRequest']);
    await invite([bea], { note: 'Dinner?' });
    const entries = await scene.store.queueOf(bea, 0, 5);
    expect(entries.map(({ item }) => item)).toMatchObject([{ notice: { note: 'Dinner?' } }]);
  });

  it('asks anew under an id whose invitation was answered', async () => {
    await invite([bea]);
    await answer('bea', false);
    expect(await waiting(bea)).toEqual([]);
    await invite([bea]);
    expect(await waiting(bea)).toEqual(['InviteRequest']);
    expect((await answer('bea')).code).toBe(200);
    expect(await waiting(ann)).toEqual(['InviteResponse', 'InviteResponse']);
  });

  it('keeps an open invitation when the queue of the invited user is full (507)', async () => {
    for (let index = 0; index < 3; index++) await invite([bea], { inviteId: `f${index}` });
    expect((await invite([bea])).code).toBe(507);
    expect((await answer('bea')).code).toBe(423);
  });
});

describe('answering', () => {
  it('brings every invited user’s answer to the inviter, once', async () => {
    await invite([bea, cy]);
    expect((await answer('bea')).code).toBe(200);
    expect((await answer('cy', false)).code).toBe(200);
    expect((await answer('bea')).code).toBe(423);
    expect((await answer('bea', false)).code).toBe(423);
    const entries = await scene.store.queueOf(ann, 0, 5);
    expect(entries.map(({ item }) => item)).toMatchObject([
      { notice: { responding: { user: bea }, accepted: true } },
      { notice: { responding: { user: cy }, accepted: false } },
    ]);
  });

  it('goes to the newest inviter of an id, unless another is named; 427 for one who did not invite', async () => {
    await invite([bea]);
    await invite([bea], {}, 'cy');
    expect((await answer('bea', true, zoe)).code).toBe(427);
    expect((await answer('bea')).code).toBe(200);
    expect(await waiting(cy)).toEqual(['InviteResponse']);
    expect((await answer('bea', true, ann)).code).toBe(200);
    expect(await waiting(ann)).toEqual(['InviteResponse']);
  });

  it('is too late when the invitation expired (423), also before anybody cleaned up', async () => {
    await invite([bea], { validity: 60 });
    scene.clock.advance(60_000);
    expect((await answer('bea')).code).toBe(423);
    await scene.store.dropExpiredInvitations(scene.clock.now(), 10);
    expect(await scene.store.sizes()).toMatchObject({ sent_invitations: 0, received_invitations: 0 });
  });

  it('waits on disk while the inviter’s network cannot be asked: few phones can answer twice', async () => {
    const far: InviteRequest = {
      primitive: 'InviteRequest',
      meta: { service: 'wv:@far.test' as never, user: zoe },
      inviteId: 'i1',
      inviteType: 'IM',
      inviting: party(zoe),
      invited: party(bea),
    };
    await scene.relay.emit(scene.gateway, far);
    scene.gateway.reply = () => status(result(504));
    expect((await answer('bea')).code).toBe(200);
    expect((await answer('bea')).code).toBe(423);
    const [entry] = await scene.store.outboxOf(scene.gateway.name, 0, 10);
    expect(JSON.parse(entry?.payload ?? '')).toMatchObject({ primitive: 'InviteResponse', inviteId: 'i1' });
  });

  it('of another network is believed only from who was invited (423), and may be repeated', async () => {
    await invite([zoe]);
    const respond = async (by: UserAddress, accepted = true) => {
      const response: InviteResponse = {
        primitive: 'InviteResponse',
        meta: { service: 'wv:@far.test' as never, user: by },
        inviteId: 'i1',
        accepted,
        inviting: party(ann),
        responding: party(by),
      };
      return (await scene.relay.emit(scene.gateway, response)).result.code;
    };
    expect(await respond(userAddress('yan', FAR))).toBe(423);
    expect(await respond(zoe)).toBe(200);
    expect(await respond(zoe)).toBe(200);
    expect(await respond(zoe, false)).toBe(423);
    expect(await waiting(ann)).toEqual(['InviteResponse']);
  });

  it('makes who accepts a membership a member, in the name of the inviter', async () => {
    await invite([bea], { type: 'GM', group: FAR_CLUB });
    scene.gateway.reply = () => status(result(816));
    expect((await answer('bea')).code).toBe(816);
    expect(await waiting(ann)).toEqual([]);
    scene.gateway.reply = () => status(OK);
    expect((await answer('bea')).code).toBe(200);
    expect(scene.gateway.requests.at(-1)).toMatchObject({
      primitive: 'AddGroupMemberRequest',
      meta: { user: ann },
      group: FAR_CLUB,
      users: [bea],
    });
  });

  it('is answered 423 for an id nobody used, 402 for a note too long', async () => {
    expect((await answer('bea')).code).toBe(423);
    await invite([bea]);
    const long = { inviteId: 'i1', accepted: true, note: 'x'.repeat(401) };
    expect((await scene.invited.answer(await scene.at('bea'), CLIENT, long)).code).toBe(402);
  });
});

describe('cancelling', () => {
  it('takes an invitation that nobody has seen out of the queue', async () => {
    await invite([bea, cy]);
    expect((await cancel()).code).toBe(200);
    for (const user of [bea, cy]) expect(await waiting(user)).toEqual([]);
    expect((await answer('bea')).code).toBe(423);
    expect((await cancel()).code).toBe(423);
  });

  it('tells a client that saw the invitation, confirmed or not', async () => {
    const [first, second] = [await scene.online('bea'), await scene.online('cy')];
    await invite([bea, cy]);
    const [toBea] = first.entries;
    const [toCy] = second.entries;
    await scene.messaging.noticeTaken(await scene.at('bea'), toBea!);
    second.seen.add(toCy!.messageId);
    expect((await cancel()).code).toBe(200);
    for (const user of [bea, cy]) expect(await waiting(user)).toEqual(['CancelInviteRequest']);
  });

  it('of some leaves the others open; who was not invited or has answered is named with 423', async () => {
    await invite([bea, cy]);
    await answer('cy');
    expect(await cancel([bea, cy, zoe])).toMatchObject({
      code: 201,
      details: [{ code: 423, users: [cy, zoe] }],
    });
    expect((await answer('bea')).code).toBe(423);
  });

  it('waits on disk when the other network cannot be asked, also for the same InviteID again', async () => {
    for (const round of [1, 2]) {
      scene.gateway.reply = () => status(OK);
      await invite([zoe]);
      scene.gateway.reply = () => status(result(503));
      expect((await cancel()).code).toBe(200);
      expect((await cancel()).code).toBe(423);
      expect(await scene.store.outboxOf(scene.gateway.name, 0, 10)).toHaveLength(round);
      scene.clock.advance(1_000);
    }
  });

  it('finds who is behind a screen name', async () => {
    scene.screenNames.set(`${CLUB} Johnny`, bea);
    await invite([], { recipients: [{ kind: 'group', group: CLUB, screenName: 'Johnny' }] });
    expect((await cancel()).code).toBe(200);
    expect(await waiting(bea)).toEqual([]);
  });
});
