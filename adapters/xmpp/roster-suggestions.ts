// Contacts suggested to XMPP users whose server does not let us write rosters (XEP-0144 section 7.2). Off unless
// configured: many clients ask their user about each. Only who agreed to be seen by our user gets one, and only if our
// user is nothing to him yet; once.

import { knownName } from './contact-names.ts';
import { guarded, pairKey } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import { NS } from './namespaces.ts';
import { stanza, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** The group in which users of ours stand in rosters. */
const GROUP = 'Wireless Village';

export class RosterSuggestions {
  readonly #bridge: Bridge;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** The contact granted our user his presence. */
  granted(pair: Pair): void {
    if (this.#bridge.settings.suggestContacts) guarded(this.#bridge, 'roster', this.#suggest(pair));
  }

  /** The user gave the contact up. */
  async forget(pair: Pair): Promise<void> {
    await this.#bridge.relay.storage.delete(markOf(pair));
  }

  async #suggest(pair: Pair): Promise<void> {
    const { relay, link, settings } = this.#bridge;
    const seen = await relay.storage.get(`subscription ${pairKey(pair)}`);
    if (seen?.endsWith(' none') !== true || (await relay.storage.get(markOf(pair))) !== undefined) return;
    const name = await knownName(this.#bridge, pair.user);
    if (name === undefined) return;
    const x = xml(NS.rosterExchange, 'x', {}, rosterItem({ action: 'add', jid: pair.userJid, name }));
    // To the bare JID, by message: whether he is there we do not know yet (section 5).
    const sent = link.send(stanza('message', { from: settings.componentDomain, to: pair.contactJid }, x));
    if (sent) await relay.storage.put(markOf(pair), '');
  }
}

/** An item of a roster in our group. The namespace is that of XEP-0144 where there is an action. */
export function rosterItem(attrs: Readonly<Record<'jid' | 'name', string>> & { action?: 'add' }): XmlElement {
  const ns = attrs.action === undefined ? NS.roster : NS.rosterExchange;
  return xml(ns, 'item', attrs, xml(ns, 'group', {}, GROUP));
}

function markOf(pair: Pair): string {
  return `suggested ${pairKey(pair)}`;
}
