// All CSP transactions that are served.

import type { Handlers } from '../transaction.ts';
import { accessControlTransactions } from './access-control.ts';
import { attributeListTransactions } from './attribute-lists.ts';
import { invitationTransactions } from './invitations.ts';
import { listTransactions } from './lists.ts';
import { messagingTransactions } from './messaging.ts';
import { presenceTransactions } from './presence.ts';
import { sessionTransactions } from './session.ts';
import { verificationTransactions } from './verify.ts';

export const TRANSACTIONS: Handlers = {
  ...sessionTransactions,
  ...invitationTransactions,
  ...verificationTransactions,
  ...listTransactions,
  ...attributeListTransactions,
  ...presenceTransactions,
  ...messagingTransactions,
  ...accessControlTransactions,
};
