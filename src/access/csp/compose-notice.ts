// What other users tell a client beside messages: invitations, their answers and their end (csp-transactions 2.2).

import { node, type Element } from '../../wv/element.ts';
import type { Notice } from '../../store/store.ts';
import type { CspSession } from './session.ts';

const NAMES: Readonly<Record<Notice['primitive'], string>> = {
  InviteRequest: 'InviteUser-Request',
  InviteResponse: 'Invite-Response',
  CancelInviteRequest: 'CancelInviteUser-Request',
};

export function composeNotice(_session: CspSession, notice: Notice): Element {
  return node(NAMES[notice.primitive]);
}
