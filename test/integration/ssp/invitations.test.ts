// Invitations between two servers over TLS, in every version of CSP at either side (ir76.md G-01 to G-03).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Invitation, Offer } from '../../../src/client/client.ts';
import { SkewedClock } from '../../support/skewed-clock.ts';
import { federation, type Federation } from '../../support/ssp/federation.ts';
import { MIXES } from '../../support/ssp/mixes.ts';
import type { Side } from '../../support/ssp/two-houses.ts';

let all: Federation<'a' | 'b'>;
/** Of both houses. */
const clock = new SkewedClock();

beforeAll(async () => {
  all = await federation({ a: { clock }, b: { clock } });
}, 30_000);

afterAll(() => all.close(), 60_000);

describe.each(MIXES)('%s', (_name, mix) => {
  let [near, far]: [Side, Side] = [] as unknown as [Side, Side];
  beforeAll(() => {
    [near, far] = [all.houses[mix.near], all.houses[mix.far]];
  });

  async function pair() {
    const { user: ann, client: a } = await near.somebody('ann', mix.asking);
    const { user: bea, client: b } = await far.somebody('bea', mix.serving);
    const invited = (offer: Offer): Promise<Invitation> => {
      const there = b.next('invitation');
      return a.invitations.invite('i1', { user: bea }, offer).then(() => there);
    };
    return { ann, a, bea, b, invited };
  }

  it.each<[string, (group: string) => Offer, Partial<Invitation>]>([
    ['a group', (group) => ({ type: 'GR', group, note: 'Sunday?' }), { type: 'GR', note: 'Sunday?' }],
    ['a talk', () => ({ type: 'IM', note: '<&> 😀' }), { type: 'IM', note: '<&> 😀' }],
    [
      'presence',
      () => ({ type: 'PR', attributes: ['OnlineStatus', 'StatusText'] }),
      { type: 'PR', attributes: ['OnlineStatus', 'StatusText'] },
    ],
    [
      'content',
      () => ({ type: 'SC', urls: ['https://im.example/a?b=c&d'] }),
      { type: 'SC', urls: ['https://im.example/a?b=c&d'] },
    ],
  ])('to %s shows who invites, to what, and the note (G-01)', async (_what, offer, expected) => {
    const { ann, a, invited } = await pair();
    const group = ann.replace('@', '/hikers@');
    await a.groups.create(group);
    const invitation = await invited(offer(group));
    expect(invitation).toMatchObject({ id: 'i1', from: { user: ann }, ...expected });
    if (invitation.type === 'GR') expect(invitation.group).toBe(group);
  });

  it.each([true, false])('answered with %s reaches the inviter, once (G-02)', async (accepted) => {
    const { bea, a, b, invited } = await pair();
    const invitation = await invited({ type: 'IM' });
    const answer = a.next('invitationAnswer');
    await b.invitations.answer(invitation, accepted, 'well');
    expect(await answer).toMatchObject({ id: 'i1', accepted, from: { user: bea } });
    await expect(b.invitations.answer(invitation, accepted)).rejects.toMatchObject({ code: 423 });
  });

  it('accepted leads into the group', async () => {
    const { ann, a, b, invited } = await pair();
    const group = ann.replace('@', '/hikers@');
    await a.groups.create(group, { screenName: 'Annie' });
    await b.invitations.answer(await invited({ type: 'GR', group }), true);
    const { participants } = await b.groups.join(group, { screenName: 'Bea' });
    expect(participants.map(({ screenName }) => screenName).toSorted()).toEqual(['Annie', 'Bea']);
  });

  it('that expired cannot be answered (G-02)', async () => {
    const { b, invited } = await pair();
    const invitation = await invited({ type: 'IM', validity: 60 });
    clock.skip(61_000);
    await expect(b.invitations.answer(invitation, true)).rejects.toMatchObject({ code: 423 });
  });

  it('taken back is told, and cannot be answered (G-03)', async () => {
    const { ann, bea, a, b, invited } = await pair();
    const invitation = await invited({ type: 'IM' });
    const cancelled = b.next('invitationCancelled');
    await a.invitations.cancel('i1', { user: bea }, 'never mind');
    expect(await cancelled).toMatchObject({ id: 'i1', from: { user: ann } });
    await expect(b.invitations.answer(invitation, true)).rejects.toMatchObject({ code: 423 });
  });

  it('of nobody is refused at once', async () => {
    const { client: a } = await near.somebody('ann', mix.asking);
    const nobody = { user: `wv:nobody@${far.domain}` };
    await expect(a.invitations.invite('i1', nobody, { type: 'IM' })).rejects.toMatchObject({ code: 531 });
  });
});
