// The stanzas of subscriptions on their way out (RFC 6121 section 3). Requests are asked once a stream, and again with
// the next. What ends a subscription is said once only, so it is owed on disk until the server has it: else a contact
// given up while the server was away would keep seeing us.

import { BoundedMap } from './bounded-map.ts';
import { guarded, pairKey } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import { knownName } from './contact-names.ts';
import { parseJid } from './jid.ts';
import { nickItem } from './nick.ts';
import { RESOURCE } from './own-presence.ts';
import { stanza } from './xml.ts';
import type { XmlElement } from './xml.ts';

export type Ending = 'unsubscribe' | 'unsubscribed';

const ENDINGS: readonly Ending[] = ['unsubscribe', 'unsubscribed'];

/** How what happens to a subscription is said. */
export interface SubscriptionSender {
  /** A new stream: what was asked on the last one may be lost. */
  reset(): void;
  /** Asks to see the contact, unless that was asked on this stream. */
  ask(pair: Pair): Promise<void>;
  /** The contact answered, whatever he said. */
  answered(pair: Pair): void;
  grant(pair: Pair): Promise<void>;
  /** Ends a direction: now, or as soon as there is a stream. */
  end(pair: Pair, ending: Ending): Promise<void>;
  /** Tells somebody who looks for our user that he has no subscription; he may look again. */
  deny(pair: Pair): void;
  /** Says what is still owed. To be awaited before anything new is asked: it would end what that begins. */
  settle(): Promise<void>;
}

export class SubscriptionStanzas implements SubscriptionSender {
  readonly #bridge: Bridge;
  /** Whom we asked on this stream. */
  readonly #asked: BoundedMap<string, true>;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
    this.#asked = new BoundedMap(bridge.settings.maxPresencePairs);
  }

  reset(): void {
    for (const [key] of this.#asked.entries()) this.#asked.delete(key);
  }

  async ask(pair: Pair): Promise<void> {
    if (this.#asked.has(pairKey(pair))) return;
    await this.#bridge.relay.storage.delete(owedKey(pair, 'unsubscribe'));
    // A request without a name is better than none.
    const name = await knownName(this.#bridge, pair.user);
    if (this.#send(pair, 'subscribe', name === undefined ? undefined : nickItem(name)))
      this.#asked.set(pairKey(pair), true);
  }

  answered(pair: Pair): void {
    this.#asked.delete(pairKey(pair));
  }

  async grant(pair: Pair): Promise<void> {
    await this.#bridge.relay.storage.delete(owedKey(pair, 'unsubscribed'));
    this.#send(pair, 'subscribed');
  }

  async end(pair: Pair, ending: Ending): Promise<void> {
    if (ending === 'unsubscribe') this.answered(pair);
    await this.#bridge.relay.storage.put(owedKey(pair, ending), '');
    this.#send(pair, ending);
    guarded(this.#bridge, 'end of a subscription', this.#confirm([owedKey(pair, ending)]));
  }

  deny(pair: Pair): void {
    this.#send(pair, 'unsubscribed');
  }

  async settle(): Promise<void> {
    const said: string[] = [];
    for (const ending of ENDINGS) {
      for (const [key] of await this.#bridge.relay.storage.list(owedPrefix(ending))) {
        const [from, to] = key.slice(owedPrefix(ending).length).split(' ');
        if (this.#isOurs(from) && to !== undefined) this.#settleOne(from, to, ending);
        said.push(key);
      }
    }
    guarded(this.#bridge, 'end of a subscription', this.#confirm(said));
  }

  /** He may still show what our user last told him. */
  #settleOne(from: string, to: string, ending: Ending): void {
    this.#bridge.link.send(stanza('presence', { type: ending, from, to }));
    if (ending === 'unsubscribe') return;
    this.#bridge.link.send(stanza('presence', { type: 'unavailable', from: `${from}/${RESOURCE}`, to }));
  }

  /** False for what was owed under another name of the component. */
  #isOurs(jid: string | undefined): jid is string {
    return parseJid(jid ?? '')?.domain === this.#bridge.settings.componentDomain;
  }

  async #confirm(keys: readonly string[]): Promise<void> {
    if (keys.length === 0 || !(await this.#bridge.link.confirmed())) return;
    for (const key of keys) await this.#bridge.relay.storage.delete(key);
  }

  #send(pair: Pair, type: 'subscribe' | 'subscribed' | Ending, nick?: XmlElement): boolean {
    return this.#bridge.link.send(
      stanza('presence', { type, from: pair.userJid, to: pair.contactJid }, nick),
    );
  }
}

function owedPrefix(ending: Ending): string {
  return `owed ${ending} `;
}

function owedKey(pair: Pair, ending: Ending): string {
  return owedPrefix(ending) + pairKey(pair);
}
