// All CSP transactions that are served.

import type { Handlers } from '../transaction.ts';
import { accessControlTransactions } from './access-control.ts';
import { attributeListTransactions } from './attribute-lists.ts';
import { extendConversationTransactions } from './extend-conversation.ts';
import { groupMemberTransactions } from './group-members.ts';
import { groupPropertyTransactions } from './group-properties.ts';
import { groupTransactions } from './groups.ts';
import { invitationTransactions } from './invitations.ts';
import { listTransactions } from './lists.ts';
import { messagingTransactions } from './messaging.ts';
import { notificationTransactions } from './notifications.ts';
import { presenceTransactions } from './presence.ts';
import { profileTransactions } from './profiles.ts';
import { searchTransactions } from './search.ts';
import { sessionTransactions } from './session.ts';
import { systemMessageTransactions } from './system-messages.ts';
import { verificationTransactions } from './verify.ts';
import { watcherTransactions } from './watchers.ts';

export const TRANSACTIONS: Handlers = {
  ...sessionTransactions,
  ...invitationTransactions,
  ...verificationTransactions,
  ...listTransactions,
  ...attributeListTransactions,
  ...presenceTransactions,
  ...watcherTransactions,
  ...messagingTransactions,
  ...accessControlTransactions,
  ...groupTransactions,
  ...groupMemberTransactions,
  ...groupPropertyTransactions,
  ...extendConversationTransactions,
  ...notificationTransactions,
  ...systemMessageTransactions,
  ...searchTransactions,
  ...profileTransactions,
};
