// Presence through the gateway: which stanza or request is which event of a subscription, and what follows from it
// (RFC 6121 section 3, bridging 3.4). State changes of a pair happen in order; what is told to the relay has its own
// queue, for the relay may answer with another request before it answers the first.

import type { UserAddress } from '../../src/wv/ids.ts';
import type {
  GetPresenceRequest,
  GetPresenceResponse,
  PresenceAuthResponse,
  PresenceNotification,
  PresenceValue,
  SendMessageRequest,
  Status,
  SubscribeRequest,
  UnsubscribeRequest,
} from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { select } from '../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import { combine, OK, result } from '../../src/wv/status.ts';
import type { DetailedResult, StatusCode } from '../../src/wv/status.ts';
import { isUnmappable } from './addresses.ts';
import type { Unmappable } from './addresses.ts';
import { guarded, metaOf, pairKey } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import type { Incoming } from './component-link.ts';
import { ClientDescriptions } from './client-descriptions.ts';
import { ContactPresence } from './contact-presence.ts';
import { errorReply, resultOfError, stanzaErrorOf } from './errors.ts';
import type { IqRequests } from './iq-requests.ts';
import { parseJid } from './jid.ts';
import type { BareJid, JidParts } from './jid.ts';
import { nickIn } from './nick.ts';
import type { AccountPresenceParts } from './linked/presence-parts.ts';
import { OwnPresence } from './own-presence.ts';
import type { Showing } from './own-presence.ts';
import { pairAsked, pairBetween, pairOf } from './pairs.ts';
import { showsSomething } from './presence-map.ts';
import { eventsIn } from './pubsub.ts';
import type { PepEvent } from './pubsub.ts';
import { RosterPrivilege } from './roster-privilege.ts';
import { askUser, tellUnsubscribed } from './subscription-news.ts';
import { Subscriptions } from './subscriptions.ts';
import type {
  SeeingAction,
  SeeingEvent,
  SeenAction,
  SeenEvent,
  SubscriptionStates,
} from './subscriptions.ts';
import { SubscriptionStanzas } from './subscription-stanzas.ts';
import type { SubscriptionSender } from './subscription-stanzas.ts';
import { table } from './table.ts';
import type { XmlElement } from './xml.ts';

const SEEN_BY_TYPE = table<SeenEvent>({
  subscribe: 'subscribe',
  unsubscribe: 'unsubscribe',
  probe: 'probe',
});
const SEEING_BY_TYPE = table<SeeingEvent>({
  subscribed: 'subscribed',
  unsubscribed: 'unsubscribed',
});

/** The code of a failure, or undefined. */
type PairTask = (pair: Pair) => Promise<StatusCode | undefined>;

/** After these a request that follows is another one. */
const ANSWERS: ReadonlySet<SeeingEvent> = new Set(['subscribed', 'unsubscribed', 'failed']);

export class PresenceBridge {
  readonly #bridge: Bridge;
  readonly #account: AccountPresenceParts | undefined;
  readonly #subscriptions: SubscriptionStates;
  readonly #stanzas: SubscriptionSender;
  readonly #contacts: ContactPresence;
  readonly #own: Showing;
  /** Names in rosters. */
  readonly roster: RosterPrivilege;

  /** Without `account` the users are those of the component, which answers for them. */
  constructor(bridge: Bridge, iq: IqRequests, account?: AccountPresenceParts) {
    this.#bridge = bridge;
    this.#account = account;
    const { storage } = bridge.relay;
    this.#subscriptions =
      account?.subscriptions ?? new Subscriptions(storage, bridge.settings.maxPresencePairs);
    this.#stanzas = account?.stanzas ?? new SubscriptionStanzas(bridge);
    const descriptions = new ClientDescriptions(bridge, iq);
    const contacts = new ContactPresence(bridge, iq, descriptions, () => account?.isSettled() === true);
    this.#contacts = contacts;
    this.#own = account?.own ?? new OwnPresence(bridge, descriptions, (pair) => contacts.described(pair));
    this.roster = new RosterPrivilege(bridge, iq);
  }

  // ---- from the relay

  /** A user wants to see contacts: asks those not asked yet, probes the others. */
  async subscribe(request: SubscribeRequest): Promise<Status> {
    return await this.#forEach(request.publishers, request.watcher, async (pair) => {
      await this.#seeing(pair, 'want');
      return undefined;
    });
  }

  /** Not final: only the telling ends. Final: both directions end, as XEP-0100 section 4.5 has it, be it later. */
  async unsubscribe(request: UnsubscribeRequest): Promise<Status> {
    return await this.#forEachAlways(request.publishers, request.watcher, async (pair) => {
      if (request.final) await this.#giveUp(pair);
      else this.#contacts.unwatch(pair);
      return undefined;
    });
  }

  /** A user's presence for contacts. One who did not subscribe gets nothing (404). */
  async notify(request: PresenceNotification): Promise<Status> {
    const { publisher, attributes } = request;
    return await this.#forEach(request.watchers, publisher, async (pair) => {
      if (showsSomething(attributes)) await this.#seen(pair, 'grant');
      const { theySee } = await this.#subscriptions.get(pair);
      if (theySee === 'yes') this.#own.notify(pair, attributes);
      return theySee === 'none' ? 404 : undefined;
    });
  }

  /** The user's answer to a contact's request. A refusal is kept until it can be sent; a grant the relay repeats. */
  async authorise(request: PresenceAuthResponse): Promise<Status> {
    const event = request.state === 'GRANTED' ? 'grant' : 'refuse';
    const forEach = event === 'grant' ? this.#forEach.bind(this) : this.#forEachAlways.bind(this);
    return await forEach([request.watcher], request.publisher, async (pair) => {
      await this.#seen(pair, event);
      return undefined;
    });
  }

  /**
   * Presence on request. Of a contact who did not grant it, OnlineStatus, UserAvailability and StatusText come as
   * withheld (not valid).
   */
  async get(request: GetPresenceRequest): Promise<GetPresenceResponse> {
    const failures: DetailedResult[] = [];
    const values: PresenceValue[] = [];
    const lookUp = async (contact: UserAddress): Promise<void> => {
      const pair = pairOf(this.#bridge.codec, request.watcher, contact);
      if (isUnmappable(pair)) failures.push({ code: pair.unmappable, users: [contact] });
      else values.push({ user: contact, attributes: await this.#value(pair, request) });
    };
    await Promise.all(request.publishers.map(lookUp));
    return { primitive: 'GetPresenceResponse', result: combine(values.length, failures), values };
  }

  /** Ends what a contact and a user of ours (undefined: all of ours) see of each other, and tells both sides. */
  async endFor(contactJid: BareJid, user: UserAddress | undefined): Promise<void> {
    const parts = parseJid(contactJid);
    if (parts === undefined) return;
    for (const userJid of await this.#subscriptions.usersOf(contactJid)) {
      const to = parseJid(userJid);
      if (to === undefined) continue;
      const pair = pairBetween(this.#bridge.codec, to, parts);
      if (isUnmappable(pair) || (user !== undefined && pair.user !== user)) continue;
      await this.#inOrder(pair, () => this.#end(pair));
    }
  }

  // ---- from XMPP

  received(incoming: Incoming): void {
    const pair = this.#pairFrom(incoming);
    if (isUnmappable(pair)) this.#refuse(incoming, pair);
    else guarded(this.#bridge, 'presence', this.#handle(pair, incoming));
  }

  /** True when a message is a personal event (XEP-0163); only those of contacts whom the user may see count. */
  event(incoming: Incoming): boolean {
    const events = eventsIn(incoming.stanza);
    if (events.length === 0) return false;
    const pair = this.#pairFrom(incoming);
    if (isUnmappable(pair) || incoming.from.resource !== '') this.#drop('unmappable_event');
    else
      guarded(
        this.#bridge,
        'personal event',
        this.#inOrder(pair, () => this.#events(pair, events)),
      );
    return true;
  }

  /** What somebody may see of a user now; undefined: nothing. */
  async authorised(user: UserAddress, asker: JidParts): Promise<PresenceAttributes | undefined> {
    const pair = pairAsked(this.#bridge.codec, user, asker);
    if (isUnmappable(pair)) return undefined;
    const { contact } = pair;
    const { theySee } = await this.#subscriptions.get(pair);
    if (theySee !== 'yes') return undefined;
    // What contacts see of an account is what the account shows.
    const watcher = this.#account?.watcher ?? contact;
    const request = { watcher, publishers: [user], meta: metaOf(watcher) };
    const answer = await this.#bridge.relay.emit({ primitive: 'GetPresenceRequest', ...request });
    return answer.primitive === 'GetPresenceResponse' ? answer.values[0]?.attributes : undefined;
  }

  idleSince(user: UserAddress, asker: JidParts): number | undefined {
    const pair = pairAsked(this.#bridge.codec, user, asker);
    return isUnmappable(pair) ? undefined : this.#own.idleSince(pair);
  }

  /** A user of ours wrote to these contacts. */
  wrote({ message: { sender, recipients } }: SendMessageRequest): void {
    if (sender.kind !== 'user') return;
    for (const recipient of recipients) {
      const pair =
        recipient.kind === 'user' ? pairOf(this.#bridge.codec, sender.user, recipient.user) : undefined;
      if (pair !== undefined && !isUnmappable(pair)) this.#own.active(pair);
    }
  }

  /** A linked account's roster changed what it sees of a contact. */
  rosterSays(pair: Pair, action: SeeingAction): void {
    guarded(
      this.#bridge,
      'roster change',
      this.#inOrder(pair, () => this.#seeingAction(pair, action)),
    );
  }

  /** What was heard of contacts does not count any more: it will come anew. */
  forgetHeard(): void {
    this.#contacts.reset();
  }

  /** A user speaks through another stream from now on. */
  withdrawUser(userJid: BareJid): void {
    this.#own.withdrawUser(userJid);
  }

  // ---- the stream

  /** A new stream is online: nothing sent or heard on the last one counts. Resolves when what was owed is said. */
  async reset(): Promise<void> {
    this.#own.reset();
    this.#contacts.reset();
    this.#stanzas.reset();
    this.roster.online();
    await this.#stanzas.settle();
  }

  stop(): void {
    this.#own.withdrawAll();
    this.#contacts.stop();
    this.roster.offline();
  }

  async #handle(pair: Pair, incoming: Incoming): Promise<void> {
    const type = incoming.stanza.attrs['type'] ?? '';
    const seen = SEEN_BY_TYPE[type];
    const seeing = SEEING_BY_TYPE[type];
    if (seen !== undefined) await this.#inOrder(pair, () => this.#seen(pair, seen, incoming.stanza));
    else if (seeing !== undefined) await this.#inOrder(pair, () => this.#seeing(pair, seeing));
    else if (type === 'error') await this.#inOrder(pair, () => this.#failed(pair, incoming.stanza));
    else if (type === '' || type === 'unavailable')
      await this.#inOrder(pair, () => this.#heard(pair, incoming));
    else this.#drop('unknown_presence');
  }

  async #heard(pair: Pair, incoming: Incoming): Promise<void> {
    const { weSee } = await this.#subscriptions.get(pair);
    if (weSee !== 'yes') {
      this.#drop('unasked_presence');
      return;
    }
    const first = !this.#contacts.isHeard(pair);
    // An account hears of its contacts once, whether somebody watches them yet or not.
    if (this.#account !== undefined) this.#contacts.keep(pair);
    this.#contacts.received(pair, incoming.from.resource, incoming.stanza);
    this.#own.heard(pair, incoming.from.resource, incoming.stanza);
    if (!first || incoming.stanza.attrs['type'] !== undefined) return;
    if (!this.#own.isShown(pair)) this.#contacts.askFacts(pair);
    this.#contacts.askName(pair);
  }

  async #events(pair: Pair, events: readonly PepEvent[]): Promise<void> {
    const { weSee } = await this.#subscriptions.get(pair);
    if (weSee !== 'yes') this.#drop('unasked_event');
    else for (const event of events) this.#contacts.event(pair, event);
  }

  /** What we sent came back. A request that failed for good is over; anything else says that he is not there. */
  async #failed(pair: Pair, error: XmlElement): Promise<void> {
    const { weSee } = await this.#subscriptions.get(pair);
    const { code } = resultOfError(error);
    if (weSee === 'pending' && code !== 503 && code !== 408) await this.#seeing(pair, 'failed');
    else if (weSee === 'yes') this.#contacts.unreachable(pair);
  }

  async #seeing(pair: Pair, event: SeeingEvent): Promise<void> {
    if (ANSWERS.has(event)) this.#stanzas.answered(pair);
    for (const action of await this.#subscriptions.seeing(pair, event))
      await this.#seeingAction(pair, action);
  }

  async #seeingAction(pair: Pair, action: SeeingAction): Promise<void> {
    switch (action) {
      case 'sendSubscribe':
        return await this.#stanzas.ask(pair);
      case 'sendUnsubscribe':
        return await this.#stanzas.end(pair, 'unsubscribe');
      case 'removeItem':
        return this.#account?.removeItem(pair.contactJid);
      case 'probe':
        this.#contacts.probe(pair);
        return this.#contacts.watch(pair);
      case 'tellGranted':
        this.roster.granted(pair);
        return this.#contacts.watch(pair);
      case 'tellHidden':
        return guarded(this.#bridge, 'presence withdrawal', this.#contacts.hide(pair));
    }
  }

  async #seen(pair: Pair, event: SeenEvent, cause?: XmlElement): Promise<void> {
    for (const action of await this.#subscriptions.seen(pair, event))
      await this.#seenAction(pair, action, cause);
  }

  async #seenAction(pair: Pair, action: SeenAction, cause: XmlElement | undefined): Promise<void> {
    switch (action) {
      case 'sendSubscribed':
        await this.#stanzas.grant(pair);
        this.roster.agreed(pair);
        return await this.#seeing(pair, 'returned');
      case 'sendUnsubscribed':
        return await this.#stanzas.end(pair, 'unsubscribed');
      case 'denyProbe':
        return this.#stanzas.deny(pair);
      case 'sendPresence':
        return this.#own.sendCurrent(pair);
      case 'sendUnavailable':
        return this.#own.withdraw(pair);
      case 'askUser':
        return guarded(this.#bridge, 'subscription request', this.#askUser(pair, cause));
      case 'tellUnsubscribed':
        return guarded(this.#bridge, 'unsubscription', tellUnsubscribed(this.#bridge, pair));
    }
  }

  async #askUser(pair: Pair, cause: XmlElement | undefined): Promise<void> {
    const name = cause === undefined ? undefined : nickIn(cause);
    if (name !== undefined) this.#contacts.introduced(pair, name);
    const outcome = await askUser(this.#bridge, pair, name);
    if (outcome === undefined) return;
    if (outcome === 'refused') {
      await this.#inOrder(pair, () => this.#seen(pair, 'refuse'));
      return;
    }
    // Stays pending: the contact's server asks again when he logs in.
    const reply = cause === undefined ? undefined : errorReply(cause, stanzaErrorOf(outcome));
    if (reply !== undefined) this.#bridge.link.send(reply);
  }

  async #giveUp(pair: Pair): Promise<void> {
    await this.#seeing(pair, 'giveUp');
    await this.roster.forget(pair);
    this.#contacts.unwatch(pair);
    const { theySee } = await this.#subscriptions.get(pair);
    if (theySee !== 'yes') return;
    await this.#seen(pair, 'refuse');
    guarded(this.#bridge, 'unsubscription', tellUnsubscribed(this.#bridge, pair));
  }

  async #end(pair: Pair): Promise<void> {
    const { weSee, theySee } = await this.#subscriptions.get(pair);
    if (weSee !== 'none') {
      await this.#seeing(pair, 'giveUp');
      guarded(this.#bridge, 'presence withdrawal', this.#contacts.hide(pair));
    }
    if (theySee === 'none') return;
    await this.#seen(pair, 'refuse');
    guarded(this.#bridge, 'unsubscription', tellUnsubscribed(this.#bridge, pair));
  }

  async #value(pair: Pair, request: GetPresenceRequest): Promise<PresenceAttributes> {
    const { weSee } = await this.#subscriptions.get(pair);
    if (weSee !== 'yes') return select(this.#contacts.hidden(pair), request.attributes);
    return await this.#contacts.get(pair, request.attributes);
  }

  /** Runs `task` for each pair in its order; 503 while there is no stream. */
  async #forEach(contacts: readonly UserAddress[], user: UserAddress, task: PairTask): Promise<Status> {
    return this.#bridge.link.writable
      ? await this.#forEachAlways(contacts, user, task)
      : status(result(503, 'no stream to the XMPP server'));
  }

  async #forEachAlways(contacts: readonly UserAddress[], user: UserAddress, task: PairTask): Promise<Status> {
    const failures: DetailedResult[] = [];
    const run = async (contact: UserAddress): Promise<void> => {
      const pair = pairOf(this.#bridge.codec, user, contact);
      const code = isUnmappable(pair) ? pair.unmappable : await this.#inOrder(pair, () => task(pair));
      if (code !== undefined) failures.push({ code, users: [contact] });
    };
    await Promise.all(contacts.map(run));
    return status(failures.length === 0 ? OK : combine(contacts.length - failures.length, failures));
  }

  #inOrder<T>(pair: Pair, task: () => Promise<T>): Promise<T> {
    return this.#bridge.queues.run(`presence ${pairKey(pair)}`, task);
  }

  #pairFrom(incoming: Incoming): Pair | Unmappable {
    return pairBetween(this.#bridge.codec, incoming.to, incoming.from);
  }

  /** A request gets an error; presence itself must not be answered (RFC 6121 section 4). */
  #refuse(incoming: Incoming, why: Unmappable): void {
    this.#drop('unmappable_presence');
    if (incoming.stanza.attrs['type'] !== 'subscribe') return;
    const reply = errorReply(incoming.stanza, stanzaErrorOf(result(why.unmappable, why.reason)));
    if (reply !== undefined) this.#bridge.link.send(reply);
  }

  #drop(reason: string): void {
    this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}
