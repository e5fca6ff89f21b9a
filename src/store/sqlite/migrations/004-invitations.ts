// Open invitations, at both ends.

import type { Migration } from '../migrate.ts';

export const invitations: Migration = {
  version: 4,
  sql: `
    -- invited: key of the party. request: JSON of the InviteRequest. state: open, accepted, refused.
    CREATE TABLE sent_invitations (
      inviter TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      invite_id TEXT NOT NULL,
      invited TEXT NOT NULL,
      answer_id TEXT NOT NULL,
      state TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      request TEXT NOT NULL,
      PRIMARY KEY (inviter, invite_id, invited)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX sent_invitations_by_answer ON sent_invitations (inviter, answer_id);
    CREATE INDEX sent_invitations_by_expiry ON sent_invitations (expires_at);

    -- id gives the order of arrival. inviting: key of the party.
    CREATE TABLE received_invitations (
      id INTEGER PRIMARY KEY,
      user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
      invite_id TEXT NOT NULL,
      inviting TEXT NOT NULL,
      notice_id TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      request TEXT NOT NULL,
      UNIQUE (user, invite_id, inviting)
    ) STRICT;
    CREATE UNIQUE INDEX received_invitations_by_notice ON received_invitations (user, notice_id);
    CREATE INDEX received_invitations_by_expiry ON received_invitations (expires_at);
  `,
};
