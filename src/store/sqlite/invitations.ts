// Open invitations, at the homes of inviters and of invited users.

import type { MessageId, UserAddress } from '../../wv/ids.ts';
import { partyKey } from '../../wv/message.ts';
import type { InviteRequest } from '../../wv/primitives.ts';
import type { InvitationStore, ReceivedInvitation, SentInvitation } from '../invitations.ts';
import { decodeJson, encodeJson } from './columns.ts';
import type { Database } from './database.ts';

interface SentRow {
  readonly inviter: UserAddress;
  readonly answer_id: MessageId;
  readonly state: SentInvitation['state'];
  readonly expires_at: number;
  readonly request: string;
}

interface ReceivedRow {
  readonly user: UserAddress;
  readonly notice_id: MessageId;
  readonly expires_at: number;
  readonly request: string;
}

interface Count {
  readonly count: number;
}

function decodeSent({ inviter, answer_id, state, expires_at, request }: SentRow): SentInvitation {
  const decoded = decodeJson<InviteRequest>(request);
  return { inviter, request: decoded, answerId: answer_id, state, expiresAt: expires_at };
}

function decodeReceived({ user, notice_id, expires_at, request }: ReceivedRow): ReceivedInvitation {
  return {
    user,
    request: decodeJson<InviteRequest>(request),
    noticeId: notice_id,
    expiresAt: expires_at,
  };
}

export function invitationArea(db: Database): InvitationStore {
  const { dropExpired: dropSent, ...sent } = sentArea(db);
  const { dropExpired: dropReceived, ...received } = receivedArea(db);
  return {
    ...sent,
    ...received,
    dropExpiredInvitations: (now, limit) =>
      db.writeTogether(() => Math.max(dropSent(now, limit), dropReceived(now, limit))),
  };
}

const SENT = 'inviter, answer_id, state, expires_at, request';

function sentArea(db: Database) {
  const put = db.prepare(
    `INSERT INTO sent_invitations (inviter, invite_id, invited, answer_id, state, expires_at, request)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (inviter, invite_id, invited) DO UPDATE SET answer_id = excluded.answer_id,
       state = excluded.state, expires_at = excluded.expires_at, request = excluded.request`,
  );
  const of = db.prepare<SentRow>(
    `SELECT ${SENT} FROM sent_invitations WHERE inviter = ? AND invite_id = ? ORDER BY invited`,
  );
  const count = db.prepare<Count>('SELECT count(*) AS count FROM sent_invitations WHERE inviter = ?');
  const answer = db.prepare(
    `UPDATE sent_invitations SET state = ?, expires_at = min(expires_at, ?)
     WHERE inviter = ? AND invite_id = ? AND invited = ? AND expires_at > ? AND state = 'open'`,
  );
  const one = db.prepare<SentRow>(
    `SELECT ${SENT} FROM sent_invitations
     WHERE inviter = ? AND invite_id = ? AND invited = ? AND expires_at > ?`,
  );
  const remove = db.prepare('DELETE FROM sent_invitations WHERE inviter = ? AND answer_id = ?');
  const expired = db.prepare(
    `DELETE FROM sent_invitations WHERE (inviter, invite_id, invited) IN
       (SELECT inviter, invite_id, invited FROM sent_invitations WHERE expires_at <= ? LIMIT ?)`,
  );

  function putOne({ inviter, request, answerId, state, expiresAt }: SentInvitation): void {
    const invited = partyKey(request.invited);
    put.run(inviter, request.inviteId, invited, answerId, state, expiresAt, encodeJson(request));
  }

  return {
    putSentInvitations: (invitations) =>
      db.writeTogether(() => {
        for (const invitation of invitations) putOne(invitation);
      }),
    sentInvitations: (inviter, inviteId) => db.read(() => of.all(inviter, inviteId).map(decodeSent)),
    countSentInvitations: (inviter) => db.read(() => count.get(inviter)?.count ?? 0),
    answerSentInvitation: (inviter, inviteId, invited, { state, now, keepUntil }) =>
      db.writeTogether(() => {
        answer.run(state, keepUntil, inviter, inviteId, invited, now);
        const row = one.get(inviter, inviteId, invited, now);
        return row === undefined ? undefined : decodeSent(row);
      }),
    deleteSentInvitation: (inviter, answerId) => db.write(() => void remove.run(inviter, answerId)),
    dropExpired: (now, limit) => expired.run(now, limit),
  } satisfies Partial<InvitationStore> & { dropExpired: (now: number, limit: number) => number };
}

function receivedArea(db: Database) {
  // REPLACE gives a new row id: what came last is the newest, also when it took the place of an older one.
  const put = db.prepare(
    `INSERT OR REPLACE INTO received_invitations (user, invite_id, inviting, notice_id, expires_at, request)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const of = db.prepare<ReceivedRow>(
    `SELECT user, notice_id, expires_at, request FROM received_invitations
     WHERE user = ? AND invite_id = ? ORDER BY id DESC`,
  );
  const count = db.prepare<Count>('SELECT count(*) AS count FROM received_invitations WHERE user = ?');
  const remove = db.prepare('DELETE FROM received_invitations WHERE user = ? AND notice_id = ?');
  const expired = db.prepare(
    `DELETE FROM received_invitations WHERE id IN
       (SELECT id FROM received_invitations WHERE expires_at <= ? LIMIT ?)`,
  );
  return {
    putReceivedInvitation: ({ user, request, noticeId, expiresAt }) =>
      db.write(() => {
        const inviting = partyKey(request.inviting);
        put.run(user, request.inviteId, inviting, noticeId, expiresAt, encodeJson(request));
      }),
    receivedInvitations: (user, inviteId) => db.read(() => of.all(user, inviteId).map(decodeReceived)),
    countReceivedInvitations: (user) => db.read(() => count.get(user)?.count ?? 0),
    deleteReceivedInvitation: (user, noticeId) => db.write(() => void remove.run(user, noticeId)),
    dropExpired: (now, limit) => expired.run(now, limit),
  } satisfies Partial<InvitationStore> & { dropExpired: (now: number, limit: number) => number };
}
