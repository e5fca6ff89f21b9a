// Invitations over the wire: csp-transactions 2.2 and 2.3, every type, with each of their status codes.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseDomain, userAddress } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { status } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import {
  answerInvitation,
  cancelInvitation,
  elements,
  invite,
  screenName,
  sublist,
  users,
  VERSIONS,
  type InvitationParts,
} from '../../support/csp-variants.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import {
  codeOf,
  detailsOf,
  drain,
  named,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';

const GHOST = 'wv:ghost@wv.test';
const NOWHERE = 'wv:zoe@elsewhere.test';
const ZOE = 'wv:zoe@far.test';
const CLUB = 'wv:zoe/club@far.test';
/** How often expired things are looked for. */
const EXPIRY_MS = 10_000;

/** Another network with users and one group, in which everybody of the test is `Annie`. */
const far = new FakeGateway('far.test', [
  'InviteRequest',
  'InviteResponse',
  'CancelInviteRequest',
  'GetGroupPropsRequest',
  'GetJoinedUsersRequest',
  'AddGroupMemberRequest',
]);
const isFar: FakeGateway['reply'] = (request) => {
  if (request.primitive !== 'GetJoinedUsersRequest') return status(OK);
  const { user } = request.meta;
  const joined = user === undefined ? [] : [{ screenName: 'Annie', user }];
  return { primitive: 'GetJoinedUsersResponse', result: OK, joined };
};

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({
    gateways: [far],
    config: { invitations: { maxRecipients: 3, maxOpen: 5, defaultValidity: 3_600, maxValidity: 7_200 } },
  });
});
beforeEach(() => {
  far.reply = isFar;
  far.requests.length = 0;
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

interface Pair {
  readonly ann: string;
  readonly bea: string;
  readonly inviter: Phone;
  readonly invited: Phone;
}

async function pair(habits: Habits, where = scene): Promise<Pair> {
  const [ann, bea] = await where.people('ann', 'bea');
  return {
    ann,
    bea,
    inviter: await where.online(ann, habits),
    invited: await where.online(bea, habits),
  };
}

const INVITATION = 'InviteUser-Request';
const names = (came: readonly Element[]): string[] => came.map(({ name }) => name);

/** Who a client sees as the sender: an address, or `name group`. */
function senderOf(element: Element | undefined): string {
  const sender = child(element, 'Sender');
  return [
    ...texts(child(sender, 'User'), 'UserID'),
    ...texts(sender, 'SName'),
    ...texts(sender, 'GroupID'),
  ].join(' ');
}

function answersIn(came: readonly Element[]): string[] {
  return came
    .filter(({ name }) => name === 'Invite-Response')
    .map(
      (answer) => `${childText(answer, 'InviteID')} ${childText(answer, 'Acceptance')} ${senderOf(answer)}`,
    );
}

describe.each(VERSIONS)('invitations in CSP %s (%s)', (version, _encoding, habits) => {
  const noteName = version === '1.3' ? 'InviteNote' : 'ResponseNote';

  it('an invitation reaches the invited, his answer the inviter, and each is confirmed', async () => {
    const { ann, bea, inviter, invited } = await pair(habits);
    const heard = await inviter.say(invite('i1', [bea], { note: 'Lunch?' }));
    expect([heard.content?.name, codeOf(heard)]).toEqual(['Status', 200]);
    scene.clock.advance(100_000);
    const came = await drain(invited);
    expect(names(came)).toEqual([INVITATION]);
    const [asked] = came;
    expect(childText(asked, 'InviteID')).toBe('i1');
    expect(childText(asked, 'InviteType')).toBe('IM');
    expect(childText(asked, 'InviteNote')).toBe('Lunch?');
    expect(childText(asked, 'Validity')).toBe('500');
    expect(senderOf(asked)).toBe(ann);
    expect(texts(child(asked, 'Recipient'), 'UserID')).toEqual(version === '1.3' ? [bea] : []);
    const answer = await invited.say(answerInvitation('i1', true, elements(noteName, 'OK, just a sec!')));
    expect([answer.content?.name, codeOf(answer)]).toEqual(['Status', 200]);
    const [told] = await drain(inviter);
    expect(answersIn([told!])).toEqual([`i1 T ${bea}`]);
    expect(childText(told, noteName)).toBe('OK, just a sec!');
    for (const phone of [inviter, invited]) expect(await drain(phone)).toEqual([]);
  });

  const offers: [string, InvitationParts, string[]][] = [
    ['GR', { offer: elements('GroupID', CLUB) }, ['GroupID']],
    ['IM', {}, []],
    ['PR', { offer: sublist(version, '<OnlineStatus/><StatusText/>') }, ['PresenceSubList']],
    [
      'SC',
      { offer: elements('URLList', elements('URL', 'http://im.example/1', 'http://im.example/2')) },
      ['URLList'],
    ],
    ['GM', { offer: elements('GroupID', CLUB) }, ['GroupID']],
    ...(version === '1.3'
      ? ([
          ['AP', { offer: elements('ApplicationID', 'chess') }, ['ApplicationID']],
          ['EC', { offer: elements('GroupID', CLUB) }, ['GroupID']],
          ['EG', { offer: elements('GroupID', CLUB) }, ['GroupID']],
        ] as [string, InvitationParts, string[]][])
      : []),
  ];
  it.each(offers)('type %s carries what is offered', async (type, parts, carried) => {
    const { bea, inviter, invited } = await pair(habits);
    expect(codeOf(await inviter.say(invite('i1', [bea], { type, ...parts })))).toBe(200);
    const asked = named(await drain(invited), INVITATION);
    expect(childText(asked, 'InviteType')).toBe(type);
    const known = ['ApplicationID', 'GroupID', 'PresenceSubList', 'URLList'];
    expect(asked?.children.map(({ name }) => name).filter((name) => known.includes(name))).toEqual(carried);
    if (type === 'PR') {
      const offered = child(asked, 'PresenceSubList');
      expect(offered?.children.map(({ name }) => name)).toEqual(['OnlineStatus', 'StatusText']);
    }
    if (type === 'SC') {
      expect(texts(asked, 'URL')).toEqual(['http://im.example/1', 'http://im.example/2']);
    }
    expect(codeOf(await invited.say(answerInvitation('i1', true)))).toBe(200);
    expect(answersIn(await drain(inviter))).toEqual([`i1 T ${bea}`]);
    const admitted = far.requests.filter(({ primitive }) => primitive === 'AddGroupMemberRequest');
    expect(admitted).toHaveLength(type === 'GM' ? 1 : 0);
  });

  it('531, 532, 516 and 901 for the one recipient, 506 where another network has no invitations', async () => {
    const { ann, bea, inviter, invited } = await pair(habits);
    await invited.say(android.block(ann));
    far.reply = () => status(result(506));
    for (const [recipient, code] of [
      [GHOST, 531],
      [bea, 532],
      [NOWHERE, 516],
      ['wv:a@b@c', 901],
      [ZOE, 506],
    ] as const)
      expect(codeOf(await inviter.say(invite('i1', [recipient])))).toBe(code);
    expect(await drain(invited)).toEqual([]);
  });

  it('201 with details when some could be invited, 900 when all failed in different ways', async () => {
    const { bea, inviter, invited } = await pair(habits);
    const some = await inviter.say(invite('i1', [bea, GHOST, NOWHERE]));
    expect(codeOf(some)).toBe(201);
    expect(detailsOf(some).toSorted()).toEqual([`516 ${NOWHERE}`, `531 ${GHOST}`]);
    expect(codeOf(await inviter.say(invite('i2', [GHOST, NOWHERE])))).toBe(900);
    expect(names(await drain(invited))).toEqual([INVITATION]);
  });

  it('contact lists are expanded; 700 for one that is not there', async () => {
    const { ann, bea, inviter, invited } = await pair(habits);
    const list = ann.replace('@', '/friends@');
    const nick = elements('NickName', elements('Name', 'B') + elements('UserID', bea));
    await inviter.say(
      elements('CreateList-Request', elements('ContactList', list) + elements('NickList', nick)),
    );
    const to = (name: string): InvitationParts => ({ recipient: elements('ContactList', name) });
    expect(codeOf(await inviter.say(invite('i1', [], to(list))))).toBe(200);
    expect(names(await drain(invited))).toEqual([INVITATION]);
    expect(codeOf(await inviter.say(invite('i2', [], to(ann.replace('@', '/none@')))))).toBe(700);
  });

  const refused: [string, InvitationParts, number][] = [
    ['an unknown type', { type: 'XX' }, 402],
    ['GR without a group', { type: 'GR' }, 429],
    ['GM without a group', { type: 'GM' }, 429],
    ['SC without an address', { type: 'SC' }, 400],
    ['a group that does not exist', { type: 'GR', offer: elements('GroupID', 'wv:a/none@wv.test') }, 800],
    ['a group in an unknown domain', { type: 'GR', offer: elements('GroupID', 'wv:a/b@no.test') }, 516],
    ['a malformed group', { type: 'GR', offer: elements('GroupID', 'wv:nogroup@wv.test') }, 901],
    ['a note over 400 characters', { note: 'x'.repeat(401) }, 402],
    ['a screen name without its group', { as: elements('ScreenName', elements('SName', 'A')) }, 429],
    ['a screen name that is not his', { as: screenName('Zoe', CLUB) }, 810],
    ...(version === '1.3'
      ? ([
          ['AP without an application', { type: 'AP' }, 450],
          ['EC without a group', { type: 'EC' }, 429],
          ['another sender', { sender: elements('Sender', users(GHOST)) }, 427],
        ] as [string, InvitationParts, number][])
      : ([
          ['AP, which is of 1.3', { type: 'AP' }, 402],
          ['EC, which is of 1.3', { type: 'EC' }, 402],
        ] as [string, InvitationParts, number][])),
  ];
  it.each(refused)('refuses %s, and nobody hears of it', async (_what, parts, code) => {
    const { bea, inviter, invited } = await pair(habits);
    expect(codeOf(await inviter.say(invite('i1', [bea], parts)))).toBe(code);
    expect(await drain(invited)).toEqual([]);
    expect(codeOf(await inviter.say(cancelInvitation('i1')))).toBe(423);
  });

  it('402 without recipients, with too many, and with an InviteID of none or 101 characters; 400 without one', async () => {
    const { bea, inviter } = await pair(habits);
    const codes = async (request: string) => codeOf(await inviter.say(request));
    expect(await codes(invite('i1', []))).toBe(402);
    expect(
      await codes(
        invite(
          'i1',
          ['a', 'b', 'c', 'd'].map((name) => `wv:${name}@wv.test`),
        ),
      ),
    ).toBe(402);
    expect(await codes(invite('', [bea]))).toBe(402);
    expect(await codes(invite('x'.repeat(101), [bea]))).toBe(402);
    expect(await codes(invite('x'.repeat(100), [bea]))).toBe(200);
    expect(await codes(elements('Invite-Request', elements('InviteType', 'IM')))).toBe(400);
  });

  it('507 when too many invitations of the inviter are open', async () => {
    const { bea, inviter, invited } = await pair(habits);
    for (let i = 0; i < 5; i++) expect(codeOf(await inviter.say(invite(`i${i}`, [bea])))).toBe(200);
    expect(codeOf(await inviter.say(invite('more', [bea])))).toBe(507);
    expect(await drain(invited)).toHaveLength(5);
    await inviter.say(cancelInvitation('i0'));
    expect(codeOf(await inviter.say(invite('more', [bea])))).toBe(200);
  });

  it('who invites by a screen name is shown by it, also when he cancels', async () => {
    const { bea, inviter, invited } = await pair(habits);
    const as = screenName('Annie', CLUB);
    const offer = elements('GroupID', CLUB);
    expect(codeOf(await inviter.say(invite('i1', [bea], { type: 'GR', offer, as })))).toBe(200);
    expect(senderOf(named(await drain(invited), INVITATION))).toBe(`Annie ${CLUB}`);
    await inviter.say(cancelInvitation('i1', [bea]));
    const [cancelled] = await drain(invited);
    expect(cancelled?.name).toBe('CancelInviteUser-Request');
    expect(senderOf(cancelled)).toBe(`Annie ${CLUB}`);
  });

  it('a screen name is asked at its group’s home; 800 where nobody has one', async () => {
    const { inviter } = await pair(habits);
    const to = (group: string): InvitationParts => ({
      recipient: elements('Group', screenName('Johnny', group)),
    });
    expect(codeOf(await inviter.say(invite('i1', [], to(CLUB))))).toBe(200);
    expect(far.requests).toMatchObject([
      { primitive: 'InviteRequest', invited: { kind: 'group', group: CLUB, screenName: 'Johnny' } },
    ]);
    const heard = await inviter.say(invite('i2', [], to('wv:ann/none@wv.test')));
    expect(codeOf(heard)).toBe(800);
    expect(texts(heard.content, 'SName')).toEqual(['Johnny']);
  });

  it('several answers reach the inviter, a second one of the same user is 423', async () => {
    const { bea, inviter, invited } = await pair(habits);
    const cy = await scene.person('cy');
    const other = await scene.online(cy, habits);
    await inviter.say(invite('i1', [bea, cy]));
    expect(codeOf(await invited.say(answerInvitation('i1', true)))).toBe(200);
    expect(codeOf(await other.say(answerInvitation('i1', false)))).toBe(200);
    for (const again of [true, false])
      expect(codeOf(await invited.say(answerInvitation('i1', again)))).toBe(423);
    expect(answersIn(await drain(inviter))).toEqual([`i1 T ${bea}`, `i1 F ${cy}`]);
    // Who answered unasked need not be asked any more.
    expect(await drain(invited)).toEqual([]);
  });

  it('423 for an answer to an unknown invitation, 427 naming one who did not invite, 400 without Acceptance', async () => {
    const { bea, inviter, invited } = await pair(habits);
    expect(codeOf(await invited.say(answerInvitation('none', true)))).toBe(423);
    await inviter.say(invite('i1', [bea]));
    const sender = elements('Sender', users(GHOST));
    expect(codeOf(await invited.say(answerInvitation('i1', true, sender)))).toBe(427);
    const halved = elements('InviteUser-Response', elements('InviteID', 'i1'));
    expect(codeOf(await invited.say(halved))).toBe(400);
    const own = elements('Sender', users(bea));
    expect(codeOf(await invited.say(answerInvitation('i1', true, own)))).toBe(200);
  });

  it('an answer may name the inviter, as Sender or as a bare User', async () => {
    const { ann, bea, inviter, invited } = await pair(habits);
    const cy = await scene.person('cy');
    const newer = await scene.online(cy, habits);
    await inviter.say(invite('same', [bea]));
    await newer.say(invite('same', [bea]));
    expect(codeOf(await invited.say(answerInvitation('same', true, elements('Sender', users(ann)))))).toBe(
      200,
    );
    expect(codeOf(await invited.say(answerInvitation('same', false, users(cy))))).toBe(200);
    expect(answersIn(await drain(inviter))).toEqual([`same T ${bea}`]);
    expect(answersIn(await drain(newer))).toEqual([`same F ${bea}`]);
  });

  it('an answer in mode Response confirms the question', async () => {
    const { bea, inviter, invited } = await pair(habits);
    await inviter.say(invite('i1', [bea]));
    const heard = await pollOnly(invited);
    const id = heard.transactions[0]?.id ?? '';
    const answer = await invited.say(answerInvitation('i1', true), { mode: 'Response', id });
    expect(codeOf(answer)).toBe(200);
    scene.clock.advance(120_000);
    expect(await drain(invited)).toEqual([]);
    expect(answersIn(await drain(inviter))).toEqual([`i1 T ${bea}`]);
  });

  it('cancelled before anybody saw it, an invitation does not come at all', async () => {
    const { bea, inviter, invited } = await pair(habits);
    await inviter.say(invite('i1', [bea]));
    expect(codeOf(await inviter.say(cancelInvitation('i1', [bea])))).toBe(200);
    expect(await drain(invited)).toEqual([]);
    expect(codeOf(await invited.say(answerInvitation('i1', true)))).toBe(423);
    expect(codeOf(await inviter.say(cancelInvitation('i1', [bea])))).toBe(423);
  });

  it('cancelled later, it is cancelled at those who have not answered', async () => {
    const { ann, bea, inviter, invited } = await pair(habits);
    const cy = await scene.person('cy');
    const other = await scene.online(cy, habits);
    await inviter.say(invite('i1', [bea, cy]));
    await drain(invited);
    await drain(other);
    await other.say(answerInvitation('i1', true));
    const note = elements('InviteNote', 'Time is up!');
    // Nobody named, or an empty Recipient: everybody.
    const everybody =
      version === '1.1' ? cancelInvitation('i1', [], note) : cancelInvitation('i1', undefined, note);
    expect(codeOf(await inviter.say(everybody))).toBe(200);
    const [cancelled] = await drain(invited);
    expect(cancelled?.name).toBe('CancelInviteUser-Request');
    expect(senderOf(cancelled)).toBe(ann);
    expect(childText(cancelled, 'InviteNote')).toBe('Time is up!');
    expect(await drain(other)).toEqual([]);
    expect(codeOf(await invited.say(answerInvitation('i1', true)))).toBe(423);
  });

  it('cancelling: 423 for an unknown id and, in details, for who was not invited', async () => {
    const { bea, inviter } = await pair(habits);
    expect(codeOf(await inviter.say(cancelInvitation('none', [bea])))).toBe(423);
    await inviter.say(invite('i1', [bea]));
    const heard = await inviter.say(cancelInvitation('i1', [bea, GHOST]));
    expect([codeOf(heard), detailsOf(heard)]).toEqual([201, [`423 ${GHOST}`]]);
  });

  it('expires: it is not asked any more, and a late answer is 423', async () => {
    const { ann, bea, inviter, invited } = await pair(habits);
    await inviter.say(invite('seen', [bea], { validity: 60 }));
    await drain(invited);
    await inviter.say(invite('unseen', [bea], { validity: 60 }));
    scene.clock.advance(60_000);
    await eventually('cleaned up', async () => {
      scene.clock.advance(EXPIRY_MS);
      const { store } = scene.house.house;
      const open = await store.sentInvitations(trusted(ann), 'seen');
      return open.length + (await store.queueOf(trusted(bea), 0, 1)).length === 0;
    });
    expect(codeOf(await invited.say(answerInvitation('seen', true)))).toBe(423);
    expect(await drain(invited)).toEqual([]);
    expect(await drain(inviter)).toEqual([]);
    expect(codeOf(await inviter.say(cancelInvitation('seen')))).toBe(423);
  });

  it('a Validity over the longest is cut, one of 0 is the default', async () => {
    const { bea, inviter, invited } = await pair(habits);
    await inviter.say(invite('long', [bea], { validity: 1_000_000 }));
    await inviter.say(invite('none', [bea], { validity: 0 }));
    const lives = (await drain(invited)).map((each) => childText(each, 'Validity'));
    expect(lives).toEqual(['7200', '3600']);
  });

  it('waits for who is not there, and survives a restart in every phase', async () => {
    const own = await startScene();
    try {
      const [ann, bea] = await own.people('ann', 'bea');
      const inviter = await own.online(ann, habits);
      await inviter.say(invite('i1', [bea]));
      await own.restart();
      const invited = await own.online(bea, habits);
      expect(names(await drain(invited))).toEqual([INVITATION]);
      await own.restart();
      expect(await drain(own.again(invited))).toEqual([]);
      // 1.1 names no Sender: the inviter is known from the InviteID.
      expect(codeOf(await own.again(invited).say(answerInvitation('i1', true)))).toBe(200);
      await own.restart();
      expect(codeOf(await own.again(invited).say(answerInvitation('i1', true)))).toBe(423);
      expect(answersIn(await drain(own.again(inviter)))).toEqual([`i1 T ${bea}`]);
      await own.again(inviter).say(invite('i2', [bea]));
      await drain(own.again(invited));
      await own.restart();
      expect(codeOf(await own.again(inviter).say(cancelInvitation('i2', [bea])))).toBe(200);
      await own.restart();
      expect(names(await drain(own.again(invited)))).toEqual(['CancelInviteUser-Request']);
    } finally {
      await own.stop();
    }
  });
});

describe('invitations', () => {
  it('of 1.3: 428 for another client, 450 for another application', async () => {
    const { ann, bea, inviter } = await pair(VERSIONS[2][2]);
    const sender = (more: string) => elements('Sender', elements('User', elements('UserID', ann) + more));
    const client = sender(elements('ClientID', elements('URL', 'other')));
    expect(codeOf(await inviter.say(invite('i1', [bea], { sender: client })))).toBe(428);
    const application = sender(elements('ApplicationID', 'go'));
    const parts = { type: 'AP', sender: application, offer: elements('ApplicationID', 'chess') };
    expect(codeOf(await inviter.say(invite('i1', [bea], parts)))).toBe(450);
    const good = sender(elements('ClientID', elements('URL', 'Android-Imps')));
    expect(codeOf(await inviter.say(invite('i1', [bea], { sender: good })))).toBe(200);
  });

  it('of 1.1, 1.2 and 1.3 reach each other', async () => {
    const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
    const inviter = await scene.online(ann, VERSIONS[0][2]);
    const phones = [await scene.online(bea, VERSIONS[1][2]), await scene.online(cy, VERSIONS[2][2])];
    await inviter.say(invite('i1', [bea, cy], { note: 'Come' }));
    for (const phone of phones) {
      expect(texts(named(await drain(phone), INVITATION), 'InviteNote')).toEqual(['Come']);
      await phone.say(answerInvitation('i1', true));
    }
    expect(answersIn(await drain(inviter))).toEqual([`i1 T ${bea}`, `i1 T ${cy}`]);
  });

  it('come from and go to another network', async () => {
    const { bea, inviter, invited, ann } = await pair(HABITS.android);
    const [annUser, beaUser] = [ann, bea].map((address) =>
      userAddress(address.slice(3, address.indexOf('@')), parseDomain('wv.test')!),
    );
    const zoe = userAddress('zoe', far.domains[0]!);
    const meta = { service: 'wv:@far.test' as never, user: zoe };
    await far.port?.emit({
      primitive: 'InviteRequest',
      meta,
      inviteId: 'far-1',
      inviteType: 'PR',
      inviting: { kind: 'user', user: zoe },
      invited: { kind: 'user', user: beaUser! },
    });
    expect(senderOf(named(await drain(invited), INVITATION))).toBe(ZOE);
    await invited.say(answerInvitation('far-1', true));
    expect(far.requests).toMatchObject([
      { primitive: 'InviteResponse', inviteId: 'far-1', accepted: true, inviting: { user: zoe } },
    ]);
    await inviter.say(invite('i1', [ZOE]));
    const answer = await far.port?.emit({
      primitive: 'InviteResponse',
      meta,
      inviteId: 'i1',
      accepted: false,
      inviting: { kind: 'user', user: annUser! },
      responding: { kind: 'user', user: zoe },
    });
    expect(answer?.result.code).toBe(200);
    expect(answersIn(await drain(inviter))).toEqual([`i1 F ${ZOE}`]);
  });

  it('are made by who agreed to the service (506 otherwise); anybody may answer', async () => {
    const { ann, bea, inviter, invited } = await pair(HABITS.android);
    const only = elements('Functions', '<WVCSPFeat><IMFeat/></WVCSPFeat>');
    await invited.say(elements('Service-Request', only));
    expect(codeOf(await invited.say(invite('i1', [ann])))).toBe(506);
    expect(codeOf(await invited.say(cancelInvitation('i1')))).toBe(506);
    await inviter.say(invite('i1', [bea]));
    expect(codeOf(await invited.say(answerInvitation('i1', true)))).toBe(200);
  });
});
