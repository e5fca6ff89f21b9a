// All CSP transactions that are served.

import type { Handlers } from '../transaction.ts';
import { accessControlTransactions } from './access-control.ts';
import { attributeListTransactions } from './attribute-lists.ts';
import { listTransactions } from './lists.ts';
import { messagingTransactions } from './messaging.ts';
import { presenceTransactions } from './presence.ts';
import { profileTransactions } from './profiles.ts';
import { searchTransactions } from './search.ts';
import { sessionTransactions } from './session.ts';

export const TRANSACTIONS: Handlers = {
  ...sessionTransactions,
  ...listTransactions,
  ...attributeListTransactions,
  ...presenceTransactions,
  ...messagingTransactions,
  ...accessControlTransactions,
  ...searchTransactions,
  ...profileTransactions,
};
