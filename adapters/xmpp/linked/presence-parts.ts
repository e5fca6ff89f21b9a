// What presence needs where a user speaks as an account of his own (presence.ts).

import type { UserAddress } from '../../../src/wv/ids.ts';
import type { BareJid } from '../jid.ts';
import type { Showing } from '../own-presence.ts';
import type { SubscriptionSender } from '../subscription-stanzas.ts';
import type { SubscriptionStates } from '../subscriptions.ts';

/** What is otherwise for a linked account: its server keeps the subscriptions and shows its presence. */
export interface AccountPresenceParts {
  readonly subscriptions: SubscriptionStates;
  readonly stanzas: SubscriptionSender;
  readonly own: Showing;
  /** The account's own address, which sees all of its user's presence. */
  readonly watcher: UserAddress;
  /** True when whoever is there was heard of by now: of the others nothing will come. */
  isSettled(): boolean;
  /** Takes a contact out of the roster. */
  removeItem(contactJid: BareJid): void;
}
