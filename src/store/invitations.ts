// Open invitations (csp-transactions 2.2, 2.3): what the inviter's home needs to believe an answer, and what the
// invited user's home needs to send it to whom it belongs.

import type { MessageId, UserAddress } from '../wv/ids.ts';
import type { InviteRequest } from '../wv/primitives.ts';

/** At the inviter's home: one row for each party that was invited. */
export interface SentInvitation {
  readonly inviter: UserAddress;
  /** To one party; its `inviteId` and its `invited` are the rest of the key. */
  readonly request: InviteRequest;
  /** The answer is queued under it, so that a repeated one is recognised. */
  readonly answerId: MessageId;
  /** Answered ones stay for a while: an answer may be repeated whose confirmation got lost. */
  readonly state: 'open' | 'accepted' | 'refused';
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** At the home of the invited user, until he answers, the inviter cancels, or time is over. */
export interface ReceivedInvitation {
  readonly user: UserAddress;
  /** Its `inviteId` and its `inviting` are the rest of the key. */
  readonly request: InviteRequest;
  /** Under which it was queued for the user. */
  readonly noticeId: MessageId;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface InvitationStore {
  /** Adds invitations, in place of those to the same party under the same id. */
  putSentInvitations(invitations: readonly SentInvitation[]): Promise<void>;
  sentInvitations(inviter: UserAddress, inviteId: string): Promise<readonly SentInvitation[]>;
  /** All that are kept for this inviter. */
  countSentInvitations(inviter: UserAddress): Promise<number>;
  /**
   * Notes the first answer of a party (`invited`: its partyKey). Gives the invitation as it stands then, which is
   * not as answered if another answer came first; undefined = there is none, or it expired. What is answered is
   * kept until `keepUntil` at most.
   */
  answerSentInvitation(
    inviter: UserAddress,
    inviteId: string,
    invited: string,
    answer: { readonly state: 'accepted' | 'refused'; readonly now: number; readonly keepUntil: number },
  ): Promise<SentInvitation | undefined>;
  deleteSentInvitation(inviter: UserAddress, answerId: MessageId): Promise<void>;

  /** Adds an invitation, in place of one by the same party under the same id. */
  putReceivedInvitation(invitation: ReceivedInvitation): Promise<void>;
  /** Invitations of a user under one id, which several inviters may have used; the newest first. */
  receivedInvitations(user: UserAddress, inviteId: string): Promise<readonly ReceivedInvitation[]>;
  countReceivedInvitations(user: UserAddress): Promise<number>;
  deleteReceivedInvitation(user: UserAddress, noticeId: MessageId): Promise<void>;

  /** Drops expired invitations of both kinds, at most `limit` of each; returns the larger number dropped. */
  dropExpiredInvitations(now: number, limit: number): Promise<number>;
}
