// Invitations between our users and those of a Baraza, which never answers one (observed-peer.md sections 12, 14).

import { describe, expect, it } from 'vitest';
import type { WvClient } from '../../../src/client/client.ts';
import { eventually } from '../../support/eventually.ts';
import {
  answered,
  counted,
  houseAndBaraza,
  type HouseAndBaraza,
} from '../../support/ssp/house-and-baraza.ts';
import { documentsWith, isQuiet, quiet, WireTranscript } from '../../support/ssp/wire-transcript.ts';

const HIKERS = 'wv:bob/hikers@b.test';

interface Scene extends HouseAndBaraza {
  readonly ann: string;
  readonly client: WvClient;
}

async function scene(): Promise<Scene> {
  const both = await houseAndBaraza();
  const { user: ann, client } = await both.house.somebody('ann');
  await client.sendMessage({ to: { user: both.at('bob') }, content: 'first' });
  await eventually('the first message', () => both.baraza.received('bob')[0]);
  await quiet(both.baraza);
  return { ...both, ann, client };
}

const OURS = {
  IM: { type: 'IM', note: 'Let us talk & <more>' },
  PR: { type: 'PR', attributes: ['OnlineStatus', 'StatusText'], note: 'Look at me' },
  GR: { type: 'GR', group: 'wv:ann1/club@a.test', note: 'Join us' },
  SC: { type: 'SC', urls: ['http://a.test/one', 'http://a.test/two'], note: 'Look at this' },
} as const;

const THEIRS = {
  IM: { type: 'IM' },
  PR: { type: 'PR', attributes: ['OnlineStatus', 'StatusText'] },
  GR: { type: 'GR', groupId: HIKERS },
  SC: { type: 'SC', urls: ['http://b.test/one', 'http://b.test/two'] },
} as const;

describe('invitations of our users', () => {
  it.each(['IM', 'PR', 'GR', 'SC'] as const)('reach its users, and can be taken back (%s)', async (type) => {
    const { ann, client, baraza, at } = await scene();
    if (type === 'GR') await client.groups.create(OURS.GR.group, { screenName: 'Ally' });
    const transcript = new WireTranscript(baraza, `invitation-ours-${type.toLowerCase()}`);
    const outcome = await transcript.act('ann invites bob', () =>
      client.invitations.invite('inv-1', { user: at('bob') }, OURS[type]),
    );
    // He will never answer: 200 says that he was asked.
    expect(outcome.code).toBe(200);
    expect(baraza.user('bob').invitations).toMatchObject([
      { kind: 'invited', inviteId: 'inv-1', type, inviting: ann, note: OURS[type].note },
    ]);
    await transcript.act('ann takes it back', async () => {
      await client.invitations.cancel('inv-1', { user: at('bob') }, 'too late');
      await eventually('the cancellation', () => baraza.user('bob').invitations[1]);
    });
    expect(baraza.user('bob').invitations[1]).toMatchObject({ kind: 'cancelled', inviteId: 'inv-1' });
    transcript.compare();
  });

  it('get 503 when it is away: nobody was asked, and our user knows', async () => {
    const { client, baraza, at } = await scene();
    await baraza.kill();
    const error = await client.invitations
      .invite('inv-1', { user: at('bob') }, OURS.IM)
      .catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 503 });
  });
});

describe('invitations of its users', () => {
  it.each(['IM', 'PR', 'GR', 'SC'] as const)('reach ours, who may answer (%s)', async (type) => {
    const { ann, client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, `invitation-theirs-${type.toLowerCase()}`);
    const invitation = client.next('invitation');
    const answer = await transcript.act('bob invites ann', async () => {
      const status = await answered(
        baraza.invite('bob', { inviteId: 'inv-7', invited: ann, note: 'Come and see', ...THEIRS[type] }),
      );
      await invitation;
      return status;
    });
    expect(answer).toMatchObject({ primitive: 'Status', code: 200, reachesClient: false });
    const seen = await invitation;
    expect(seen).toMatchObject({ type, from: { user: at('bob') }, note: 'Come and see' });
    if (type === 'GR') expect(seen.group).toBe(HIKERS);
    if (type === 'SC') expect(seen.urls).toEqual(THEIRS.SC.urls);
    if (type === 'PR') expect(seen.attributes).toEqual(THEIRS.PR.attributes);
    const outcome = await transcript.act('ann accepts: it takes that, and tells nobody', async () => {
      const told = await client.invitations.answer(seen, true, 'gladly');
      await eventually('the answer', () => documentsWith(baraza, 'in', 'InviteResponse')[0]);
      return told;
    });
    expect(outcome.code).toBe(200);
    transcript.compare();
  });

  it('for nobody are refused', async () => {
    const { baraza } = await scene();
    const answer = await answered(
      baraza.invite('bob', { inviteId: 'inv-8', invited: 'wv:nobody@a.test', type: 'IM' }),
    );
    expect(answer.code).toBe(531);
  });

  it('cannot be taken back: the document is refused and counted, and nothing else suffers', async () => {
    const { house, ann, client, baraza } = await scene();
    const invitation = client.next('invitation');
    await answered(baraza.invite('bob', { inviteId: 'inv-9', invited: ann, type: 'IM' }));
    await invitation;
    const sent = baraza.cancelInvite('bob', { inviteId: 'inv-9', invited: ann, type: 'IM' });
    await eventually('a second try', () => sent.attempts > 1);
    const tries = baraza.log.filter(({ body }) => body.includes('<CancelInviteRequest'));
    expect(tries[0]?.outcome).toBe(400);
    expect(await counted(house, 'ssp_bad_documents_total')).toBeGreaterThan(0);
    const message = client.next('message');
    expect(await answered(baraza.sendMessage('bob', [ann], 'all the same'))).toMatchObject({ code: 200 });
    expect((await message).text).toBe('all the same');
    expect(baraza.sessions).toHaveLength(1);
    await eventually('quiet', () => isQuiet(baraza.log));
  });
});
