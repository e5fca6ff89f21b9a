// Presence of our users towards XMPP contacts: one resource a user, directed presence to each contact, nothing sent
// twice (bridging 3.1 to 3.5). A contact sees what the relay authorised for him, so values are kept per pair.

import { select, WITHDRAWN } from '../../src/wv/presence.ts';
import type { AttributeFilter, PresenceAttributes } from '../../src/wv/presence.ts';
import { BoundedMap } from './bounded-map.ts';
import { guarded, metaOf, pairKey, tell } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import { samePresence, toXmpp, UNAVAILABLE } from './presence-map.ts';
import type { XmppPresence } from './presence-map.ts';
import { stanza, xml } from './xml.ts';
import { NS } from './namespaces.ts';

/** The one resource of our users; messages come from the bare JID. */
export const RESOURCE = 'imps';

const MAPPED: AttributeFilter = new Set(['OnlineStatus', 'UserAvailability', 'StatusText'] as const);

interface Shown {
  readonly pair: Pair;
  /** All that the contact may see, changes merged in. */
  attributes: PresenceAttributes;
  /** What was sent on this stream. */
  sent: XmppPresence | undefined;
}

export class OwnPresence {
  readonly #bridge: Bridge;
  readonly #shown: BoundedMap<string, Shown>;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
    this.#shown = new BoundedMap(bridge.settings.maxPresencePairs);
  }

  /** Takes the changes of a notification and sends them, if they change what the contact sees. */
  notify(pair: Pair, attributes: PresenceAttributes): void {
    const changes = select(attributes, MAPPED);
    const known = this.#shown.get(pairKey(pair));
    if (known === undefined && changes.OnlineStatus === undefined) {
      // Half a value, the other half forgotten: ask for all of it.
      this.#resync(pair);
      return;
    }
    const shown = known ?? { pair, attributes: {}, sent: undefined };
    shown.attributes = { ...shown.attributes, ...changes };
    this.#shown.set(pairKey(pair), shown);
    this.#send(shown, false);
  }

  /** Sends the present value whether the contact has it or not. */
  sendCurrent(pair: Pair): void {
    const shown = this.#shown.get(pairKey(pair));
    if (shown === undefined) this.#resync(pair);
    else this.#send(shown, true);
  }

  /** The contact may see nothing any more. */
  withdraw(pair: Pair): void {
    this.#shown.delete(pairKey(pair));
    this.#write(pair, UNAVAILABLE);
  }

  /** A new stream: the server does not remember what was sent on the last one. */
  reset(): void {
    for (const shown of this.#shown.values()) shown.sent = undefined;
  }

  /** Our users leave with us. */
  withdrawAll(): void {
    for (const shown of this.#shown.values()) {
      if (shown.sent?.available === true) this.#write(shown.pair, UNAVAILABLE);
      shown.sent = undefined;
    }
  }

  #send(shown: Shown, repeat: boolean): void {
    const presence = toXmpp({ OnlineStatus: WITHDRAWN, ...shown.attributes });
    if (!repeat && shown.sent !== undefined && samePresence(shown.sent, presence)) {
      this.#bridge.relay.metrics.count('xmpp_presence_unchanged_total');
      return;
    }
    if (this.#write(shown.pair, presence)) shown.sent = presence;
  }

  #write(pair: Pair, presence: XmppPresence): boolean {
    const { available, show, status } = presence;
    const attrs = {
      from: `${pair.userJid}/${RESOURCE}`,
      to: pair.contactJid,
      type: available ? undefined : 'unavailable',
    };
    return this.#bridge.link.send(
      stanza(
        'presence',
        attrs,
        show === undefined ? undefined : xml(NS.component, 'show', {}, show),
        status === '' ? undefined : xml(NS.component, 'status', {}, status),
      ),
    );
  }

  /** A repeated SubscribeRequest makes the relay send everything the contact may see. */
  #resync(pair: Pair): void {
    const { contact, user } = pair;
    const primitive = 'SubscribeRequest';
    const request = { primitive, meta: metaOf(contact), watcher: contact, publishers: [user] } as const;
    guarded(this.#bridge, 'presence resync', tell(this.#bridge, pair, request));
  }
}
