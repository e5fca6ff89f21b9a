// Presence of XMPP contacts towards our users: resources merged, bursts told as one, told only when changed
// (bridging 3.1 to 3.3). Kept per pair, not per contact: what a contact shows one user is not for another.

import { select, simple } from '../../src/wv/presence.ts';
import type { AttributeFilter, PresenceAttributes } from '../../src/wv/presence.ts';
import { BoundedMap } from './bounded-map.ts';
import { AvatarFetch } from './avatar-fetch.ts';
import type { AvatarPlace } from './avatar-fetch.ts';
import { photoIn } from './avatar.ts';
import { guarded, metaOf, pairKey, tell } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import { ContactFacts, FACT_NODES, sameAttributes } from './contact-facts.ts';
import type { ClientDescriptions } from './client-descriptions.ts';
import type { IqRequests } from './iq-requests.ts';
import { NS } from './namespaces.ts';
import { nameInCard, nickIn } from './nick.ts';
import { RESOURCE } from './own-presence.ts';
import { Pacer } from './pacer.ts';
import { HIDDEN, readPresence } from './presence-map.ts';
import { itemIn, lastItemRequest } from './pubsub.ts';
import type { PepEvent } from './pubsub.ts';
import type { HeardPresence } from './presence-map.ts';
import { NOBODY, Resources } from './resources.ts';
import { stanza, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

interface Watch {
  readonly pair: Pair;
  readonly resources: Resources;
  readonly facts: ContactFacts;
  /** The relay wants to be told. */
  watched: boolean;
  /** Something was heard of the contact since this stream began. */
  answered: boolean;
  /** What the relay was told last; undefined: it wants the value, changed or not. */
  told: PresenceAttributes | undefined;
  /** The telling under way. */
  due: { readonly at: number; readonly cancel: () => void } | undefined;
  waiters: (() => void)[];
}

export class ContactPresence {
  readonly #bridge: Bridge;
  readonly #isSettled: () => boolean;
  readonly #probes: Pacer;
  readonly #watches: BoundedMap<string, Watch>;
  readonly #iq: IqRequests;
  readonly #avatars: AvatarFetch;
  /** Questions for facts, each of some requests. */
  readonly #questions: Pacer;
  /** Names that came with requests, for contacts whom the user does not see yet too. */
  readonly #introductions: BoundedMap<string, string>;

  readonly #descriptions: ClientDescriptions;

  /** `isSettled`: nothing more will be heard of those of whom nothing was. */
  constructor(
    bridge: Bridge,
    iq: IqRequests,
    descriptions: ClientDescriptions,
    isSettled: () => boolean = () => false,
  ) {
    const { maxPresencePairs, probeRate } = bridge.settings;
    this.#bridge = bridge;
    this.#isSettled = isSettled;
    this.#iq = iq;
    this.#descriptions = descriptions;
    this.#avatars = new AvatarFetch(bridge, iq);
    this.#questions = new Pacer(bridge.relay.clock, probeRate, maxPresencePairs);
    this.#probes = new Pacer(bridge.relay.clock, probeRate, maxPresencePairs);
    this.#introductions = new BoundedMap(maxPresencePairs);
    this.#watches = new BoundedMap(maxPresencePairs, (_key, watch) => this.#forget(watch));
  }

  /** The relay wants to know this contact from now on: it is told what is known, or what the probe brings. */
  watch(pair: Pair): void {
    const watch = this.#watchOf(pair);
    watch.watched = true;
    watch.told = undefined;
    this.#schedule(watch, watch.answered ? 0 : this.#bridge.settings.presenceWaitMs);
  }

  /** What is heard of this contact is kept, though nobody looks yet. */
  keep(pair: Pair): void {
    this.#watchOf(pair);
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
    this.#update(pair, resource, readPresence(presence));
    const watch = this.#watches.get(pairKey(pair));
    if (watch === undefined || presence.attrs['type'] !== undefined) return;
    const name = nickIn(presence);
    if (name !== undefined) watch.facts.name(name);
    const photo = photoIn(presence);
    if (photo !== undefined) this.#picture(watch, watch.facts.picture(photo, 'vcard'), 'vcard');
  }

  /** Takes a personal event of a contact whom the user may see. */
  event(pair: Pair, event: PepEvent): void {
    const watch = this.#watches.get(pairKey(pair));
    if (watch === undefined) return;
    this.#picture(watch, watch.facts.take(event), 'pep');
    if (watch.answered) this.#schedule(watch, this.#bridge.settings.presenceCoalesceMs);
  }

  /** Asks for what events would tell, where they do not come: the contact's server does not know that we are there. */
  askFacts(pair: Pair): void {
    if (this.#watches.get(pairKey(pair))?.watched !== true) return;
    this.#questions.run(pairKey(pair), () => {
      for (const node of FACT_NODES) guarded(this.#bridge, 'personal event', this.#askFact(pair, node));
    });
  }

  /** A contact asked for the user's presence, and said what he is called. */
  introduced(pair: Pair, name: string): void {
    this.#introductions.set(pairKey(pair), name);
    const watch = this.#watches.get(pairKey(pair));
    watch?.facts.introduce(name);
    if (watch?.answered === true) this.#schedule(watch, this.#bridge.settings.presenceCoalesceMs);
  }

  /** What the user may know of a contact who lets him see nothing: what he was told with a request. */
  hidden(pair: Pair): PresenceAttributes {
    const name = this.#introductions.get(pairKey(pair));
    return name === undefined ? HIDDEN : { ...HIDDEN, Alias: simple(name) };
  }

  /** Asks the vCard of a contact who came without a name for one. */
  askName(pair: Pair): void {
    const watch = this.#watches.get(pairKey(pair));
    if (watch?.watched !== true || !watch.facts.isNameless) return;
    this.#questions.run(`name ${pairKey(pair)}`, () =>
      guarded(this.#bridge, 'name of a contact', this.#askCard(watch)),
    );
  }

  /** What a client of the contact is has become known. */
  described(pair: Pair): void {
    const watch = this.#watches.get(pairKey(pair));
    if (watch?.answered === true) this.#schedule(watch, this.#bridge.settings.presenceCoalesceMs);
  }

  /** True when something was heard of the contact since this stream began. */
  isHeard(pair: Pair): boolean {
    return this.#watches.get(pairKey(pair))?.answered === true;
  }

  /** The contact's server says that he cannot be reached. */
  unreachable(pair: Pair): void {
    this.#update(pair, '', NOBODY);
  }

  /** The value for a GetPresence: what is known, else what a probe brings in time, else offline. */
  async get(pair: Pair, filter: AttributeFilter | undefined): Promise<PresenceAttributes> {
    const watch = this.#watchOf(pair);
    if (!watch.answered && this.#bridge.link.online && !this.#isSettled()) {
      this.probe(pair);
      await this.#answer(watch);
    }
    return select(this.#value(watch), filter);
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
    this.#questions.clear();
    for (const watch of this.#watches.values()) this.#forget(watch);
  }

  #update(pair: Pair, resource: string, presence: HeardPresence): void {
    const watch = this.#watches.get(pairKey(pair));
    if (watch === undefined) {
      this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'unwatched_presence' });
      return;
    }
    watch.resources.update(resource, presence);
    watch.answered = true;
    for (const waiter of watch.waiters.splice(0)) waiter();
    this.#schedule(watch, this.#bridge.settings.presenceCoalesceMs);
  }

  #value({ pair, resources, facts }: Watch): PresenceAttributes {
    const presence = resources.merged();
    facts.reachedBy(pair.contact, presence, this.#descriptions.known(presence.ver)?.clientInfo);
    return facts.attributes(presence);
  }

  #watchOf(pair: Pair): Watch {
    const key = pairKey(pair);
    const known = this.#watches.get(key);
    if (known !== undefined) return known;
    const watch: Watch = {
      pair,
      resources: new Resources(),
      facts: new ContactFacts(),
      watched: false,
      answered: false,
      told: undefined,
      due: undefined,
      waiters: [],
    };
    watch.facts.introduce(this.#introductions.get(key) ?? '');
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
    const value = this.#value(watch);
    if (!watch.watched || (watch.told !== undefined && sameAttributes(watch.told, value))) return;
    watch.told = value;
    guarded(this.#bridge, 'presence notification', this.#tell(watch.pair, value));
  }

  async #askFact(pair: Pair, node: string): Promise<void> {
    const from = `${pair.userJid}/${RESOURCE}`;
    const answer = await this.#iq.ask(from, pair.contactJid, 'get', lastItemRequest(node));
    const payload = 'error' in answer ? undefined : itemIn(answer.payload, node);
    if (payload !== undefined) this.event(pair, { node, payload });
  }

  async #askCard(watch: Watch): Promise<void> {
    const { userJid, contactJid } = watch.pair;
    const answer = await this.#iq.ask(`${userJid}/${RESOURCE}`, contactJid, 'get', xml(NS.vcard, 'vCard'));
    const name = 'error' in answer || answer.payload === undefined ? '' : nameInCard(answer.payload);
    if (name === '' || this.#watches.get(pairKey(watch.pair)) !== watch) return;
    watch.facts.card(name);
    this.#schedule(watch, this.#bridge.settings.presenceCoalesceMs);
  }

  #picture(watch: Watch, hash: string | undefined, place: AvatarPlace): void {
    if (hash !== undefined) guarded(this.#bridge, 'avatar', this.#fetch(watch, hash, place));
  }

  async #fetch(watch: Watch, hash: string, place: AvatarPlace): Promise<void> {
    const picture = await this.#avatars.get(watch.pair, hash, place);
    if (picture === undefined || this.#watches.get(pairKey(watch.pair)) !== watch) return;
    watch.facts.pictured(hash, picture);
    this.#schedule(watch, this.#bridge.settings.presenceCoalesceMs);
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
