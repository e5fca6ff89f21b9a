// Presence subscriptions between our users and XMPP contacts (RFC 6121 section 3, bridging 3.4): for each pair
// `weSee` (our user watches the contact) and `theySee` (the contact watches our user), as one table a side. A contact
// who refused is not asked again whenever a phone logs in: only when our user gave him up and took him back, or when
// he himself comes back.

import type { GatewayStorage } from '../../src/sap/port.ts';
import { BoundedMap } from './bounded-map.ts';
import { pairKey } from './bridge.ts';
import type { Pair } from './bridge.ts';
import type { BareJid } from './jid.ts';

export type Side = 'none' | 'pending' | 'yes';

/** `denied`: the contact refused, or took back what he granted. */
export type Interest = Side | 'denied';

export interface Subscription {
  readonly weSee: Interest;
  readonly theySee: Side;
}

/** What happens to our interest in the contact. `failed`: cannot be asked; `returned`: he sees our user from now on. */
export type SeeingEvent = 'want' | 'giveUp' | 'subscribed' | 'unsubscribed' | 'failed' | 'returned';
/** What happens to the contact's interest in our user. `refuse`: he denied, cancelled, or cannot be asked. */
export type SeenEvent = 'subscribe' | 'unsubscribe' | 'probe' | 'grant' | 'refuse';

/** `removeItem`: out of a linked account's roster, which ends both directions. */
export type SeeingAction =
  'sendSubscribe' | 'sendUnsubscribe' | 'removeItem' | 'probe' | 'tellGranted' | 'tellHidden';
export type SeenAction =
  | 'sendSubscribed'
  | 'sendUnsubscribed'
  | 'denyProbe'
  | 'sendPresence'
  | 'sendUnavailable'
  | 'askUser'
  | 'tellUnsubscribed';

interface Step<State, Action> {
  readonly next: State;
  readonly actions: readonly Action[];
}

const stay = <State, Action>(next: State, ...actions: readonly Action[]): Step<State, Action> => ({
  next,
  actions,
});

/** A repeated `want` sends `subscribe` again on the next stream: the first may be lost, and servers drop the repeats. */
export const SEEING: Readonly<Record<Interest, Readonly<Record<SeeingEvent, Step<Interest, SeeingAction>>>>> =
  {
    none: {
      want: stay('pending', 'sendSubscribe'),
      giveUp: stay('none'),
      // Nobody asked: a contact cannot make our user watch him.
      subscribed: stay('none'),
      unsubscribed: stay('none'),
      failed: stay('none'),
      returned: stay('none'),
    },
    pending: {
      want: stay('pending', 'sendSubscribe'),
      giveUp: stay('none', 'sendUnsubscribe'),
      subscribed: stay('yes', 'tellGranted'),
      unsubscribed: stay('denied', 'tellHidden'),
      failed: stay('none', 'tellHidden'),
      returned: stay('pending'),
    },
    yes: {
      want: stay('yes', 'probe'),
      giveUp: stay('none', 'sendUnsubscribe'),
      subscribed: stay('yes'),
      unsubscribed: stay('denied', 'tellHidden'),
      failed: stay('yes'),
      returned: stay('yes'),
    },
    denied: {
      want: stay('denied', 'tellHidden'),
      giveUp: stay('none'),
      // He thought better of it; our user still wants to see him.
      subscribed: stay('yes', 'tellGranted'),
      unsubscribed: stay('denied'),
      failed: stay('denied'),
      returned: stay('pending', 'sendSubscribe'),
    },
  };

/** `subscribed` is sent only from `pending` on the user's grant, and repeated to one who has it already. */
export const SEEN: Readonly<Record<Side, Readonly<Record<SeenEvent, Step<Side, SeenAction>>>>> = {
  none: {
    subscribe: stay('pending', 'askUser'),
    unsubscribe: stay('none'),
    probe: stay('none', 'denyProbe'),
    grant: stay('none'),
    refuse: stay('none'),
  },
  pending: {
    subscribe: stay('pending', 'askUser'),
    unsubscribe: stay('none', 'tellUnsubscribed'),
    // An `unsubscribed` would deny the request that waits for its answer.
    probe: stay('pending'),
    grant: stay('yes', 'sendSubscribed'),
    refuse: stay('none', 'sendUnsubscribed'),
  },
  yes: {
    subscribe: stay('yes', 'sendSubscribed', 'sendPresence'),
    unsubscribe: stay('none', 'sendUnavailable', 'tellUnsubscribed'),
    probe: stay('yes', 'sendPresence'),
    grant: stay('yes'),
    refuse: stay('none', 'sendUnsubscribed', 'sendUnavailable'),
  },
};

const NOTHING: Subscription = { weSee: 'none', theySee: 'none' };
const SIDES: ReadonlySet<string> = new Set<Side>(['none', 'pending', 'yes']);

function parse(text: string | undefined): Subscription {
  const [weSee = '', theySee = ''] = (text ?? '').split(' ');
  return (SIDES.has(weSee) || weSee === 'denied') && SIDES.has(theySee)
    ? { weSee: weSee as Interest, theySee: theySee as Side }
    : NOTHING;
}

/** Who sees whom, and what is to be done when that changes. Calls for one pair must come one after another. */
export interface SubscriptionStates {
  get(pair: Pair): Promise<Subscription>;
  /** Our users who have anything to do with a contact. */
  usersOf(contactJid: BareJid): Promise<readonly BareJid[]>;
  /** Takes what happens to our interest in the contact, and says what is to be done. */
  seeing(pair: Pair, event: SeeingEvent): Promise<readonly SeeingAction[]>;
  /** As `seeing`, for the other direction. */
  seen(pair: Pair, event: SeenEvent): Promise<readonly SeenAction[]>;
}

/** The durable state of all pairs between users below the component and contacts. */
export class Subscriptions implements SubscriptionStates {
  readonly #storage: GatewayStorage;
  readonly #cache: BoundedMap<string, Subscription>;

  constructor(storage: GatewayStorage, cached: number) {
    this.#storage = storage;
    this.#cache = new BoundedMap(cached);
  }

  async get(pair: Pair): Promise<Subscription> {
    const key = pairKey(pair);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const stored = parse(await this.#storage.get(`subscription ${key}`));
    this.#cache.set(key, stored);
    return stored;
  }

  /** Our users who have anything to do with a contact. Reads all subscriptions. */
  async usersOf(contactJid: BareJid): Promise<readonly BareJid[]> {
    const end = ` ${contactJid}`;
    const all = await this.#storage.list('subscription ');
    return all.flatMap(([key]) =>
      key.endsWith(end) ? [key.slice('subscription '.length, -end.length) as BareJid] : [],
    );
  }

  /** Takes the event, puts the new state on disk and says what to do. */
  async seeing(pair: Pair, event: SeeingEvent): Promise<readonly SeeingAction[]> {
    const state = await this.get(pair);
    const { next, actions } = SEEING[state.weSee][event];
    await this.#put(pair, state, { ...state, weSee: next });
    return actions;
  }

  /** As `seeing`, for the other direction. */
  async seen(pair: Pair, event: SeenEvent): Promise<readonly SeenAction[]> {
    const state = await this.get(pair);
    const { next, actions } = SEEN[state.theySee][event];
    await this.#put(pair, state, { ...state, theySee: next });
    return actions;
  }

  async #put(pair: Pair, before: Subscription, after: Subscription): Promise<void> {
    if (before.weSee === after.weSee && before.theySee === after.theySee) return;
    const key = pairKey(pair);
    this.#cache.delete(key);
    const nothing = after.weSee === 'none' && after.theySee === 'none';
    if (nothing) await this.#storage.delete(`subscription ${key}`);
    else await this.#storage.put(`subscription ${key}`, `${after.weSee} ${after.theySee}`);
    this.#cache.set(key, after);
  }
}
