// What every implementation of Store must do with invitations.

import { beforeEach, expect, it } from 'vitest';
import type { ReceivedInvitation, SentInvitation, Store } from '../../src/store/store.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import { trusted, type Domain } from '../../src/wv/ids.ts';
import type { InviteRequest } from '../../src/wv/primitives.ts';
import { messageId, user, userRecord } from '../support/store-samples.ts';

function request(inviter: string, invited: string, inviteId = 'i1'): InviteRequest {
  return {
    primitive: 'InviteRequest',
    meta: { service: serviceAddress(trusted<Domain>('example.com')), user: user(inviter) },
    inviteId,
    inviteType: 'PR',
    inviting: { kind: 'user', user: user(inviter) },
    invited: { kind: 'user', user: user(invited) },
    attributes: ['OnlineStatus'],
    urls: ['http://example.com/'],
  };
}

function sent(invited: string, more: Partial<SentInvitation> = {}): SentInvitation {
  return {
    inviter: user('ann'),
    request: request('ann', invited),
    answerId: messageId(`to-${invited}`),
    state: 'open',
    expiresAt: 1_000,
    ...more,
  };
}

function received(inviter: string, more: Partial<ReceivedInvitation> = {}): ReceivedInvitation {
  return {
    user: user('ann'),
    request: request(inviter, 'ann'),
    noticeId: messageId(`from-${inviter}`),
    expiresAt: 1_000,
    ...more,
  };
}

const ACCEPTED = { state: 'accepted', now: 500, keepUntil: 900 } as const;

export function invitationContract(current: () => Store): void {
  const answer = (invited: string, how: Parameters<Store['answerSentInvitation']>[3] = ACCEPTED) =>
    current().answerSentInvitation(user('ann'), 'i1', user(invited), how);

  beforeEach(async () => {
    await current().createUser(userRecord('ann'), []);
  });

  it('gives sent ones back as they were, by inviter and id', async () => {
    const both = [sent('bob'), sent('cy')];
    await current().putSentInvitations([
      ...both,
      sent('bob', { request: request('ann', 'bob', 'i2'), answerId: messageId('x') }),
    ]);
    expect(await current().sentInvitations(user('ann'), 'i1')).toEqual(both);
    expect(await current().sentInvitations(user('bob'), 'i1')).toEqual([]);
    expect(await current().countSentInvitations(user('ann'))).toBe(3);
  });

  it('replaces one to the same party under the same id', async () => {
    await current().putSentInvitations([sent('bob')]);
    await answer('bob');
    const newer = sent('bob', { answerId: messageId('new'), expiresAt: 2_000 });
    await current().putSentInvitations([newer]);
    expect(await current().sentInvitations(user('ann'), 'i1')).toEqual([newer]);
  });

  it('takes the first answer of a party, and shows it to a second', async () => {
    await current().putSentInvitations([sent('bob'), sent('cy')]);
    expect(await answer('bob')).toMatchObject({ state: 'accepted', expiresAt: 900 });
    expect(await answer('bob', { ...ACCEPTED, state: 'refused' })).toMatchObject({ state: 'accepted' });
    expect(await answer('cy', { ...ACCEPTED, state: 'refused' })).toMatchObject({ state: 'refused' });
  });

  it('knows no answer to an invitation that is not there or expired', async () => {
    await current().putSentInvitations([sent('bob')]);
    expect(await answer('dan')).toBeUndefined();
    expect(await answer('bob', { ...ACCEPTED, now: 1_000 })).toBeUndefined();
    expect(await current().sentInvitations(user('ann'), 'i1')).toMatchObject([{ state: 'open' }]);
  });

  it('deletes a sent one by its answer id', async () => {
    await current().putSentInvitations([sent('bob'), sent('cy')]);
    await current().deleteSentInvitation(user('ann'), messageId('to-bob'));
    expect(await current().sentInvitations(user('ann'), 'i1')).toEqual([sent('cy')]);
  });

  it('gives received ones under one id back, the newest first', async () => {
    for (const inviter of ['bob', 'cy']) await current().putReceivedInvitation(received(inviter));
    expect(await current().receivedInvitations(user('ann'), 'i1')).toEqual([received('cy'), received('bob')]);
    const again = received('bob', { noticeId: messageId('again') });
    await current().putReceivedInvitation(again);
    expect(await current().receivedInvitations(user('ann'), 'i1')).toEqual([again, received('cy')]);
    expect(await current().countReceivedInvitations(user('ann'))).toBe(2);
    await current().deleteReceivedInvitation(user('ann'), messageId('again'));
    expect(await current().receivedInvitations(user('ann'), 'i1')).toEqual([received('cy')]);
  });

  it('drops expired ones of both kinds, bit by bit', async () => {
    await current().putSentInvitations([sent('bob'), sent('cy'), sent('dan', { expiresAt: 5_000 })]);
    await current().putReceivedInvitation(received('bob'));
    expect(await current().dropExpiredInvitations(999, 1)).toBe(0);
    expect(await current().dropExpiredInvitations(1_000, 1)).toBe(1);
    expect(await current().dropExpiredInvitations(1_000, 1)).toBe(1);
    expect(await current().dropExpiredInvitations(1_000, 1)).toBe(0);
    expect(await current().countSentInvitations(user('ann'))).toBe(1);
    expect(await current().countReceivedInvitations(user('ann'))).toBe(0);
  });

  it('forgets those of a deleted user', async () => {
    await current().putSentInvitations([sent('bob')]);
    await current().putReceivedInvitation(received('bob'));
    await current().deleteUser(user('ann'));
    expect(await current().sizes()).toMatchObject({ sent_invitations: 0, received_invitations: 0 });
  });
}
