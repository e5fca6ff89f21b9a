// What other users tell a client beside messages: invitations, their answers and their end (csp-transactions 2.2).

import { node, type Element } from '../../wv/element.ts';
import type { Notice } from '../../store/store.ts';
import { composeSystemMessage } from './compose-system-message.ts';
import type { CspSession } from './session.ts';

const NAMES: Readonly<Record<Exclude<Notice['primitive'], 'SystemMessage'>, string>> = {
  InviteRequest: 'InviteUser-Request',
  InviteResponse: 'Invite-Response',
  CancelInviteRequest: 'CancelInviteUser-Request',
};

export function composeNotice(session: CspSession, notice: Notice): Element {
  if (notice.primitive === 'SystemMessage') return composeSystemMessage(session, notice);
  return node(NAMES[notice.primitive]);
}
