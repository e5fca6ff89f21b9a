// What an account says of its subscriptions. Nothing is owed: its server keeps them, and while there is no stream the
// roster, read again with the next, is what holds.

import type { Bridge, Pair } from '../bridge.ts';
import { knownName } from '../contact-names.ts';
import { nickItem } from '../nick.ts';
import type { Ending, SubscriptionSender } from '../subscription-stanzas.ts';
import { stanza } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

export class AccountStanzas implements SubscriptionSender {
  readonly #bridge: Bridge;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  reset(): void {}

  async ask(pair: Pair): Promise<void> {
    // A request without a name is better than none.
    const name = await knownName(this.#bridge, pair.user);
    this.#send(pair, 'subscribe', name === undefined ? undefined : nickItem(name));
  }

  answered(): void {}

  grant(pair: Pair): Promise<void> {
    this.#send(pair, 'subscribed');
    return Promise.resolve();
  }

  end(pair: Pair, ending: Ending): Promise<void> {
    this.#send(pair, ending);
    return Promise.resolve();
  }

  /** The server answers those who look. */
  deny(): void {}

  settle(): Promise<void> {
    return Promise.resolve();
  }

  #send(pair: Pair, type: 'subscribe' | 'subscribed' | Ending, nick?: XmlElement): void {
    this.#bridge.link.send(stanza('presence', { type, from: pair.userJid, to: pair.contactJid }, nick));
  }
}
