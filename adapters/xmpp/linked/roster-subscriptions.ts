// Subscriptions of a linked account: the roster at its server is their only state (RFC 6121 section 3). The server
// answers what a component has to answer itself, so fewer things follow from each event.

import { BoundedMap } from '../bounded-map.ts';
import type { Pair } from '../bridge.ts';
import type { BareJid } from '../jid.ts';
import type {
  SeeingAction,
  SeeingEvent,
  SeenAction,
  SeenEvent,
  Side,
  Subscription,
  SubscriptionStates,
} from '../subscriptions.ts';
import type { Roster, RosterChange, RosterItem } from './roster.ts';

/** Requests of strangers that wait for the user's answer; older ones are asked again at the next login. */
const MAX_ASKING = 500;

const NO_SEEN: Readonly<Record<Side, readonly SeenAction[]>> = { none: [], pending: [], yes: [] };

/** What follows at the account from what happens to the contact's interest in the user. */
export const SEEN_BY_ACCOUNT: Readonly<Record<SeenEvent, Readonly<Record<Side, readonly SeenAction[]>>>> = {
  // One who may see us already is answered by the server; if he asks all the same, again by us.
  subscribe: { none: ['askUser'], pending: ['askUser'], yes: ['sendSubscribed'] },
  unsubscribe: NO_SEEN,
  probe: NO_SEEN,
  // The account shows its presence to him, not the relay: it need not keep him.
  grant: { none: [], pending: ['sendSubscribed', 'tellUnsubscribed'], yes: [] },
  refuse: { none: [], pending: ['sendUnsubscribed'], yes: ['sendUnsubscribed'] },
};

export class RosterSubscriptions implements SubscriptionStates {
  readonly #roster: Roster;
  /** The account's own JID: whose presence it shows is told to it as to any watcher. */
  readonly #account: BareJid;
  readonly #asking = new BoundedMap<BareJid, true>(MAX_ASKING);

  constructor(roster: Roster, account: BareJid) {
    this.#roster = roster;
    this.#account = account;
  }

  get({ contactJid }: Pair): Promise<Subscription> {
    if (contactJid === this.#account) return Promise.resolve({ weSee: 'none', theySee: 'yes' });
    const item = this.#roster.get(contactJid);
    return Promise.resolve({ weSee: weSeeOf(item), theySee: this.#theySee(contactJid) });
  }

  /** Nobody but the account's server knows. */
  usersOf(): Promise<readonly BareJid[]> {
    return Promise.resolve([]);
  }

  seeing({ contactJid }: Pair, event: SeeingEvent): Promise<readonly SeeingAction[]> {
    return Promise.resolve(this.#seeing(contactJid, event));
  }

  seen({ contactJid }: Pair, event: SeenEvent): Promise<readonly SeenAction[]> {
    if (contactJid === this.#account) return Promise.resolve([]);
    const side = this.#theySee(contactJid);
    if (event === 'subscribe') this.#asking.set(contactJid, true);
    else if (event === 'grant' || event === 'refuse' || event === 'unsubscribe')
      this.#asking.delete(contactJid);
    return Promise.resolve(SEEN_BY_ACCOUNT[event][side]);
  }

  #seeing(contact: BareJid, event: SeeingEvent): readonly SeeingAction[] {
    if (contact === this.#account) return [];
    const item = this.#roster.get(contact);
    switch (event) {
      case 'want':
        if (weSeeOf(item) === 'yes') return ['probe'];
        // Who is in the roster without a subscription was not asked, or refused: he is not asked by our reading lists.
        return item === undefined ? ['sendSubscribe'] : [];
      case 'giveUp':
        return item === undefined ? [] : ['removeItem'];
      // The roster push says it, before or after.
      case 'subscribed':
      case 'unsubscribed':
      case 'failed':
      case 'returned':
        return [];
    }
  }

  #theySee(contact: BareJid): Side {
    if (this.#roster.get(contact)?.from === true) return 'yes';
    return this.#asking.has(contact) ? 'pending' : 'none';
  }
}

/** What a change of the roster means for whoever watches the contact. */
export function seeingActionOf({ before, after }: RosterChange): SeeingAction | undefined {
  const [was, is] = [weSeeOf(before), weSeeOf(after)];
  if (is === 'yes') return was === 'yes' ? undefined : 'tellGranted';
  return was !== 'none' && is === 'none' ? 'tellHidden' : undefined;
}

function weSeeOf(item: RosterItem | undefined): Side {
  if (item?.to === true) return 'yes';
  return item?.asked === true ? 'pending' : 'none';
}
