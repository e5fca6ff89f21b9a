// Presence of XMPP contacts towards our users: resources merged, bursts told as one, told only when changed
// (bridging 3.1 to 3.3). Kept per pair, not per contact: what a contact shows one user is not for another.

import { select } from '../../src/wv/presence.ts';
import type { AttributeFilter, PresenceAttributes } from '../../src/wv/presence.ts';
import { BoundedMap } from './bounded-map.ts';
import { guarded, metaOf, pairKey, tell } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import { Pacer } from './pacer.ts';
import {
  HIDDEN,
  readPresence,
  readPriority,
  samePresence,
  toAttributes,
  UNAVAILABLE,
} from './presence-map.ts';
import type { XmppPresence } from './presence-map.ts';
import { Resources } from './resources.ts';
import { stanza } from './xml.ts';
import type { XmlElement } from './xml.ts';

interface Watch {
  readonly pair: Pair;
  readonly resources: Resources;
  /** The relay wants to be told. */
  watched: boolean;
  /** Something was heard of the contact since this stream began. */
  answered: boolean;
  /** What the relay was told last; undefined: it wants the value, changed or not. */
  told: XmppPresence | undefined;
  /** The telling under way. */
  due: { readonly at: number; readonly cancel: () => void } | undefined;
  waiters: (() => void)[];
}

export class ContactPresence {
  readonly #bridge: Bridge;
  readonly #probes: Pacer;
  readonly #watches: BoundedMap<string, Watch>;

  constructor(bridge: Bridge) {
    const { maxPresencePairs, probeRate } = bridge.settings;
    this.#bridge = bridge;
    this.#probes = new Pacer(bridge.relay.clock, probeRate, maxPresencePairs);
    this.#watches = new BoundedMap(maxPresencePairs, (_key, watch) => this.#forget(watch));
  }

  /** The relay wants to know this contact from now on: it is told what is known, or what the probe brings. */
  watch(pair: Pair): void {
    const watch = this.#watchOf(pair);
    watch.watched = true;
    watch.told = undefined;
    this.#schedule(watch, watch.answered ? 0 : this.#bridge.settings.presenceWaitMs);
  }

  /** Nobody here looks any more; what is known stays for GetPresence. */
  unwatch(pair: Pair): void {
    const watch = this.#watches.get(pairKey(pair));
    if (watch !== undefined) watch.watched = false;
  }

  /** The subscription is over: the value is withdrawn from whoever still watches. */
  async hide(pair: Pair): Promise<void> {
    const watch = this.#watches.get(pairKey(pair));
    this.#watches.delete(pairKey(pair));
    if (watch !== undefined) this.#forget(watch);
    await this.#tell(pair, HIDDEN);
  }

  /** Asks the contact's server for the present state; soon, at the configured rate. */
  probe(pair: Pair): void {
    const asked = this.#probes.run(pairKey(pair), () => {
      this.#bridge.link.send(stanza('presence', { type: 'probe', from: pair.userJid, to: pair.contactJid }));
    });
    if (!asked) this.#bridge.relay.metrics.count('xmpp_probes_dropped_total');
  }

  /** Takes a presence of a contact whom the user may see. */
  received(pair: Pair, resource: string, presence: XmlElement): void {
    this.#update(pair, resource, readPresence(presence), readPriority(presence));
  }

  /** The contact's server says that he cannot be reached. */
  unreachable(pair: Pair): void {
    this.#update(pair, '', UNAVAILABLE, 0);
  }

  /** The value for a GetPresence: what is known, else what a probe brings in time, else offline. */
  async get(pair: Pair, filter: AttributeFilter | undefined): Promise<PresenceAttributes> {
    const watch = this.#watchOf(pair);
    if (!watch.answered && this.#bridge.link.online) {
      this.probe(pair);
      await this.#answer(watch);
    }
    return select(toAttributes(watch.resources.merged()), filter);
  }

  /** A new stream: who left while we were away is not told by anybody, so nothing heard before counts. */
  reset(): void {
    for (const watch of this.#watches.values()) {
      watch.resources.clear();
      watch.answered = false;
    }
  }

  stop(): void {
    this.#probes.clear();
    for (const watch of this.#watches.values()) this.#forget(watch);
  }

  #update(pair: Pair, resource: string, presence: XmppPresence, priority: number): void {
    const watch = this.#watches.get(pairKey(pair));
    if (watch === undefined) {
      this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'unwatched_presence' });
      return;
    }
    watch.resources.update(resource, presence, priority);
    watch.answered = true;
    for (const waiter of watch.waiters.splice(0)) waiter();
    this.#schedule(watch, this.#bridge.settings.presenceCoalesceMs);
  }

  #watchOf(pair: Pair): Watch {
    const key = pairKey(pair);
    const known = this.#watches.get(key);
    if (known !== undefined) return known;
    const watch: Watch = {
      pair,
      resources: new Resources(),
      watched: false,
      answered: false,
      told: undefined,
      due: undefined,
      waiters: [],
    };
    this.#watches.set(key, watch);
    return watch;
  }

  #answer(watch: Watch): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#bridge.relay.clock.after(this.#bridge.settings.presenceWaitMs, resolve);
      watch.waiters.push(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Tells within `delay` ms; an earlier appointment stands. */
  #schedule(watch: Watch, delay: number): void {
    const { clock } = this.#bridge.relay;
    const at = clock.now() + delay;
    if (watch.due !== undefined && watch.due.at <= at) return;
    watch.due?.cancel();
    const cancel = clock.after(delay, () => {
      watch.due = undefined;
      this.#tellIfChanged(watch);
    });
    watch.due = { at, cancel };
  }

  #tellIfChanged(watch: Watch): void {
    const value = watch.resources.merged();
    if (!watch.watched || (watch.told !== undefined && samePresence(watch.told, value))) return;
    watch.told = value;
    guarded(this.#bridge, 'presence notification', this.#tell(watch.pair, toAttributes(value)));
  }

  async #tell(pair: Pair, attributes: PresenceAttributes): Promise<void> {
    const { contact, user } = pair;
    const primitive = 'PresenceNotification';
    await tell(this.#bridge, pair, {
      primitive,
      meta: metaOf(contact),
      publisher: contact,
      watchers: [user],
      attributes,
    });
  }

  #forget(watch: Watch): void {
    watch.due?.cancel();
    watch.due = undefined;
    for (const waiter of watch.waiters.splice(0)) waiter();
  }
}
