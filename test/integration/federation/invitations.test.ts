// Invitations between two servers (ssp sections 6.2, 7 and 16; ir76 6.4: G-01 to G-03), also while one is away.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  answerInvitation,
  cancelInvitation,
  elements,
  invite,
  sublist,
  VERSIONS,
  type InvitationParts,
} from '../../support/csp-variants.ts';
import { eventually } from '../../support/eventually.ts';
import { FarServer, ours, toUser } from '../../support/far-server.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Habits } from '../../support/phone.ts';
import { codeOf, detailsOf, drain, named, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import type { InviteRequest, InviteType } from '../../../src/wv/primitives.ts';

const far = new FarServer();
const zoe = far.user('zoe');
const CLUB = far.group('zoe/club');

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ gateways: [far] });
});
beforeEach(() => {
  far.works();
  far.requests.length = 0;
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

async function play(habits: Habits = HABITS.android) {
  const ann = await scene.person('ann');
  return { ann, phone: await scene.online(ann, habits) };
}

let count = 0;
function invitation(ann: string, more: Partial<InviteRequest> = {}) {
  count += 1;
  return {
    primitive: 'InviteRequest',
    inviteId: `far-${count}`,
    inviteType: 'IM',
    inviting: toUser(zoe),
    invited: toUser(ours(ann)),
    ...more,
  } as const satisfies Omit<InviteRequest, 'meta'>;
}

const cancellation = (ann: string, inviteId: string) =>
  ({
    primitive: 'CancelInviteRequest',
    inviteId,
    canceling: toUser(zoe),
    canceled: toUser(ours(ann)),
  }) as const;

const response = (ann: string, inviteId: string, accepted: boolean) =>
  ({
    primitive: 'InviteResponse',
    inviteId,
    accepted,
    inviting: toUser(ours(ann)),
    responding: toUser(zoe),
  }) as const;

const TYPES: readonly [InviteType, Partial<InviteRequest>, string][] = [
  ['IM', {}, ''],
  ['PR', { attributes: ['OnlineStatus'] }, sublist('1.2', '<OnlineStatus/>')],
  ['GR', { group: CLUB }, elements('GroupID', CLUB)],
  ['GM', { group: CLUB }, elements('GroupID', CLUB)],
  ['SC', { urls: ['http://far.test/1'] }, elements('URLList', elements('URL', 'http://far.test/1'))],
];

describe.each(TYPES)('an invitation of type %s', (inviteType, offer, xml) => {
  it.each([true, false])(
    'from another server is answered there (accepted: %s; G-01, G-02)',
    async (accepted) => {
      const { ann, phone } = await play();
      const request = invitation(ann, { inviteType, ...offer, note: 'Come' });
      expect((await far.asks(request, zoe)).result.code).toBe(200);
      const asked = named(await drain(phone), 'InviteUser-Request');
      expect([texts(asked, 'InviteType'), texts(asked, 'InviteNote')]).toEqual([[inviteType], ['Come']]);
      expect(codeOf(await phone.say(answerInvitation(request.inviteId, accepted)))).toBe(200);
      await eventually('answered', () => far.had('InviteResponse').length > 0);
      expect(far.had('InviteResponse')).toMatchObject([
        { inviteId: request.inviteId, accepted, inviting: { user: zoe }, responding: { user: ann } },
      ]);
    },
  );

  it.each([true, false])('to another server is answered here (accepted: %s)', async (accepted) => {
    const { ann, phone } = await play();
    const parts: InvitationParts = { type: inviteType, offer: xml, note: 'Come' };
    expect(codeOf(await phone.say(invite('i1', [zoe], parts)))).toBe(200);
    expect(far.had('InviteRequest')).toMatchObject([
      { inviteType, ...offer, note: 'Come', inviting: { user: ann }, invited: { user: zoe }, validity: 600 },
    ]);
    expect((await far.asks(response(ann, 'i1', accepted), zoe)).result.code).toBe(200);
    const told = named(await drain(phone), 'Invite-Response');
    expect(texts(told, 'Acceptance')).toEqual([accepted ? 'T' : 'F']);
    expect(texts(told, 'UserID')).toContain(zoe);
    // What a membership needs is done by the group's home, in the name of the inviter.
    const admitted = far.had('AddGroupMemberRequest').map(({ group, users }) => [group, users]);
    expect(admitted).toEqual(inviteType === 'GM' && accepted ? [[CLUB, [zoe]]] : []);
  });
});

describe.each(VERSIONS)('another server that is away, in CSP %s (%s)', (_version, _encoding, habits) => {
  it('gets the answer when it is back: the phone answered once', async () => {
    const { ann, phone } = await play(habits);
    const request = invitation(ann);
    await far.asks(request, zoe);
    await drain(phone);
    far.refuses(503);
    expect(codeOf(await phone.say(answerInvitation(request.inviteId, true)))).toBe(200);
    await eventually('tried', () => far.had('InviteResponse').length > 0);
    far.works();
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('answered', () => far.had('InviteResponse').length > 0);
    expect(far.had('InviteResponse')).toMatchObject([{ inviteId: request.inviteId, accepted: true }]);
    expect(codeOf(await phone.say(answerInvitation(request.inviteId, true)))).toBe(423);
  });

  it('gets the cancellation when it is back', async () => {
    const { ann, phone } = await play(habits);
    await phone.say(invite('i1', [zoe]));
    far.refuses(503);
    expect(codeOf(await phone.say(cancelInvitation('i1', [zoe])))).toBe(200);
    await eventually('tried', () => far.had('CancelInviteRequest').length > 0);
    far.works();
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('cancelled', () => far.had('CancelInviteRequest').length > 0);
    expect(far.had('CancelInviteRequest')).toMatchObject([{ inviteId: 'i1', canceled: { user: zoe } }]);
    // An answer that crosses it comes too late.
    expect((await far.asks(response(ann, 'i1', true), zoe)).result.code).toBe(423);
    expect(await drain(phone)).toEqual([]);
  });

  it('cannot be invited to now: the code says so, and nothing is open', async () => {
    const { phone } = await play(habits);
    far.refuses(503);
    const heard = await phone.say(invite('i1', [zoe]));
    expect([codeOf(heard), detailsOf(heard)]).toEqual([503, [`503 ${zoe}`]]);
    expect(codeOf(await phone.say(cancelInvitation('i1')))).toBe(423);
  });
});

describe('an invitation', () => {
  it('keeps its answer over a restart in between', async () => {
    const own = new FarServer();
    const house = await startScene({ gateways: [own] });
    try {
      const ann = await house.person('ann');
      const phone = await house.online(ann, HABITS.android);
      const request = invitation(ann);
      await own.asks(request, zoe);
      await drain(phone);
      own.refuses(504);
      expect(codeOf(await phone.say(answerInvitation(request.inviteId, false)))).toBe(200);
      await house.restart();
      own.works();
      own.requests.length = 0;
      await eventually('answered', () => {
        house.clock.advance(1_000);
        return own.had('InviteResponse').length > 0;
      });
      expect(own.had('InviteResponse')).toMatchObject([{ accepted: false }]);
    } finally {
      await house.stop();
    }
  });

  it('whose answer the other server refuses (423) is over: nothing is tried again', async () => {
    const { ann, phone } = await play();
    const request = invitation(ann);
    await far.asks(request, zoe);
    await drain(phone);
    far.refuses(423);
    expect(codeOf(await phone.say(answerInvitation(request.inviteId, true)))).toBe(200);
    await eventually('over', async () => {
      const { store } = scene.house.house;
      return far.had('InviteResponse').length === 1 && (await store.outboxOf(far.name, 0, 1)).length === 0;
    });
    expect(await drain(phone)).toEqual([]);
  });

  it('that the other server cancels is cancelled, once (G-03)', async () => {
    const { ann, phone } = await play();
    const request = invitation(ann);
    await far.asks(request, zoe);
    await drain(phone);
    expect((await far.asks(cancellation(ann, request.inviteId), zoe)).result.code).toBe(200);
    expect((await drain(phone)).map(({ name }) => name)).toEqual(['CancelInviteUser-Request']);
    expect((await far.asks(cancellation(ann, request.inviteId), zoe)).result.code).toBe(423);
    expect(codeOf(await phone.say(answerInvitation(request.inviteId, true)))).toBe(423);
    expect(far.had('InviteResponse')).toEqual([]);
  });

  it('expires on either side: 423 for who comes late', async () => {
    const { ann, phone } = await play();
    const request = invitation(ann, { validity: 60 });
    await far.asks(request, zoe);
    await phone.say(invite('i1', [zoe], { validity: 60 }));
    await drain(phone);
    scene.clock.advance(60_000);
    expect(codeOf(await phone.say(answerInvitation(request.inviteId, true)))).toBe(423);
    expect((await far.asks(response(ann, 'i1', true), zoe)).result.code).toBe(423);
  });

  it('of who is blocked is refused (532), of nobody here 531, in a stranger’s name 901', async () => {
    const { ann, phone } = await play();
    expect((await far.asks(invitation('wv:ghost@wv.test'), zoe)).result.code).toBe(531);
    const stranger = { inviting: toUser(ours('wv:eve@third.test')) };
    expect((await far.asks(invitation(ann, stranger), zoe)).result.code).toBe(901);
    await phone.say(android.block(zoe));
    expect((await far.asks(invitation(ann), zoe)).result.code).toBe(532);
    expect(await drain(phone)).toEqual([]);
  });
});
