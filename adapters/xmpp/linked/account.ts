// One linked account: its connection, its roster, and the features that speak through it (bridging 10, mode B).

import type { AccountGroup, LinkedAccountState } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { isSuccess } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { guarded, metaOf } from '../bridge.ts';
import type { Bridge, Pair } from '../bridge.ts';
import type { ChatMemory } from '../chat-memory.ts';
import type { Incoming } from '../component-link.ts';
import { IqResponder } from '../iq.ts';
import { Inbox } from '../inbox.ts';
import { bareJid } from '../jid.ts';
import type { BareJid } from '../jid.ts';
import { laneOf } from '../lane.ts';
import type { Lane } from '../lane.ts';
import { NS } from '../namespaces.ts';
import { childOf, stanza, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { AccountLink } from './account-link.ts';
import type { AccountIdentity, OpenAccountStream } from './account-link.ts';
import { AccountPresence } from './account-presence.ts';
import { AccountStanzas } from './account-stanzas.ts';
import { carbonIn, enableCarbons, noteOfSent, unwrapped } from './carbons.ts';
import type { ClientStreamError } from './client-stream.ts';
import { changesOf } from './list-changes.ts';
import { Roster } from './roster.ts';
import type { RosterChange, RosterItem } from './roster.ts';
import { RosterSubscriptions, seeingActionOf } from './roster-subscriptions.ts';
import type { LinkedSettings } from './settings.ts';

/** A linked account with everything that was found out about it. */
export interface AccountOwner extends AccountIdentity {
  readonly user: UserAddress;
  /** The account's own address here. */
  readonly address: UserAddress;
}

export interface AccountHandlers {
  state(state: LinkedAccountState): void;
  /** What is in a room: true when it was taken. */
  inRoom(incoming: Incoming): boolean;
  offline(): void;
}

/** Changes of a roster within this time are shown as one. */
const SHOW_AFTER_MS = 300;

export class Account {
  readonly owner: AccountOwner;
  readonly lane: Lane;
  readonly link: AccountLink;
  readonly #bridge: Bridge;
  readonly #settings: LinkedSettings;
  readonly #handlers: AccountHandlers;
  readonly #bare: BareJid;
  readonly #roster: Roster;
  readonly #own: AccountPresence;
  readonly #iq: IqResponder;
  /** The contact lists as the roster made them, and the user changed them; undefined until they are there. */
  #shown: readonly AccountGroup[] | undefined;
  #cancelShowing: (() => void) | undefined;
  #stopped = false;

  /** `bridge`: the component's, of which the account's differs in its link. */
  constructor(
    owner: AccountOwner,
    bridge: Bridge,
    settings: LinkedSettings,
    memory: ChatMemory,
    handlers: AccountHandlers,
    open?: OpenAccountStream,
  ) {
    this.owner = owner;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#bare = bareJid(owner.account);
    this.link = new AccountLink(
      owner,
      bridge.settings,
      bridge.relay,
      {
        online: () => this.#guarded('login', this.#loggedIn()),
        offline: () => this.#offline(),
        refused: (reason) => this.#refused(reason),
        stanza: (incoming) => this.#received(incoming),
      },
      open,
    );
    // Its server, not the component's, is the one whose stamps and services count.
    const own = { ...bridge.settings, componentDomain: owner.account.domain };
    // What it had read it takes up itself: the component would answer in another name.
    const inbox = new Inbox(bridge.relay, own, `${owner.user} ${this.#bare}`);
    this.#bridge = { ...bridge, settings: own, link: this.link, inbox };
    this.#roster = new Roster(settings.maxRoster);
    this.#own = new AccountPresence(this.#bridge, owner.userJid, this.#bare, () =>
      this.lane.presence.forgetHeard(),
    );
    this.lane = laneOf(this.#bridge, memory, {
      subscriptions: new RosterSubscriptions(this.#roster, this.#bare),
      stanzas: new AccountStanzas(this.#bridge),
      own: this.#own,
      watcher: owner.address,
      isSettled: () => this.#own.isSettled(),
      removeItem: (contact) => this.#removeItem(contact),
    });
    this.#iq = new IqResponder(this.#bridge, this.lane.presence);
  }

  /** Resolves after the first attempt to log in. */
  async start(): Promise<void> {
    this.#handlers.state({ state: 'connecting' });
    await this.#bridge.inbox.load();
    if (!this.#stopped) await this.link.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelShowing?.();
    this.lane.incoming.close();
    this.lane.presence.stop();
    this.lane.iqRequests.lost();
    await this.link.stop();
  }

  /** The account is unlinked: nothing is left of it here. */
  async end(): Promise<void> {
    await this.stop();
    await this.#bridge.inbox.clear();
  }

  // ---- the stream

  /** The roster comes before presence: whose presence is then told is in it (RFC 6121 section 2.2). */
  async #loggedIn(): Promise<void> {
    for (const left of this.#bridge.inbox.takeUp()) this.#take(left);
    const { iqRequests, presence } = this.lane;
    const { user, address, userJid } = this.owner;
    const answer = await iqRequests.ask(userJid, this.#bare, 'get', xml(NS.roster, 'query'));
    if ('error' in answer || answer.payload === undefined || this.#stopped) {
      if (this.link.online) this.#bridge.relay.log.warn({ user }, 'a linked account has no roster');
      return;
    }
    const changes = this.#roster.replace(answer.payload);
    if (this.#roster.leftOut > 0)
      this.#bridge.relay.metrics.count('xmpp_linked_roster_left_out_total', {}, this.#roster.leftOut);
    this.#guarded('carbons', iqRequests.ask(userJid, this.#bare, 'set', enableCarbons()));
    await this.#bridge.relay.linkedAccounts.admit(user, address);
    await presence.reset();
    // Of contacts seen for the first time the phone is told when it asks.
    for (const change of changes) if (change.before !== undefined) this.#changed(change);
    this.#showSoon();
    this.#handlers.state({ state: 'online' });
    await this.#watchUser();
    this.#bridge.relay.linkedAccounts.becameUsable(user);
  }

  /** The account is told the user's presence like any watcher. */
  async #watchUser(): Promise<void> {
    const { user, address } = this.owner;
    const primitive = 'SubscribeRequest';
    const request = { primitive, meta: metaOf(address), watcher: address, publishers: [user] } as const;
    const { result } = await this.#bridge.relay.emit(request);
    if (!isSuccess(result))
      this.#bridge.relay.log.warn({ user, code: result.code }, 'a linked account does not see its user');
  }

  #offline(): void {
    this.#own.lost();
    this.lane.iqRequests.lost();
    this.#handlers.offline();
    if (!this.#stopped) this.#handlers.state({ state: 'connecting' });
  }

  #refused(reason: ClientStreamError): void {
    this.#handlers.state({ state: 'refused', reason: reason.message });
  }

  // ---- stanzas

  /** What was read before, by this run or the last: messages, and files that come by IQ. */
  #take(incoming: Incoming): void {
    if (!this.lane.incoming.receivedQuery(incoming)) this.lane.incoming.received(incoming);
  }

  #received(incoming: Incoming): void {
    const isOwn = bareJid(incoming.from) === this.#bare;
    if (isOwn && this.#ofAccount(incoming)) return;
    if (this.#handlers.inRoom(incoming) || this.lane.iqRequests.received(incoming)) return;
    switch (incoming.stanza.name) {
      case 'message':
        if (!this.lane.presence.event(incoming)) this.lane.incoming.received(incoming);
        return;
      case 'presence':
        // Another client of the same person.
        if (!isOwn) this.lane.presence.received(incoming);
        return;
      default:
        if (!this.lane.incoming.receivedQuery(incoming)) this.#iq.received(incoming);
    }
  }

  /** What only the account itself may say: roster pushes, carbons. */
  #ofAccount(incoming: Incoming): boolean {
    const { stanza: element, from } = incoming;
    if (from.resource !== '') return false;
    if (element.name === 'message') return this.#copied(incoming);
    const query = childOf(element, 'query', NS.roster);
    if (element.name !== 'iq' || element.attrs['type'] !== 'set' || query === undefined) return false;
    this.link.send(stanza('iq', { type: 'result', id: element.attrs['id'] }));
    const change = this.#roster.push(query);
    if (change !== undefined) this.#changed(change);
    this.#showSoon();
    return true;
  }

  #copied(incoming: Incoming): boolean {
    const carbon = carbonIn(incoming.stanza);
    if (carbon === undefined) return false;
    const message =
      carbon.kind === 'received'
        ? unwrapped(incoming, carbon)
        : this.#settings.showOwn
          ? noteOfSent(incoming, carbon)
          : undefined;
    if (message === undefined)
      this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'own_carbon' });
    else this.lane.incoming.received(message);
    return true;
  }

  // ---- the roster

  #changed(change: RosterChange): void {
    const action = seeingActionOf(change);
    const item = change.after ?? change.before;
    const pair = item === undefined ? undefined : this.#pairOf(item);
    if (action !== undefined && pair !== undefined) this.lane.presence.rosterSays(pair, action);
  }

  #pairOf(item: RosterItem): Pair | undefined {
    const contact = this.#bridge.codec.foreignUser(item.parts);
    const { user, userJid } = this.owner;
    return isUnmappable(contact) ? undefined : { user, userJid, contact, contactJid: item.jid };
  }

  #showSoon(): void {
    this.#cancelShowing?.();
    this.#cancelShowing = this.#bridge.relay.clock.after(SHOW_AFTER_MS, () =>
      this.#guarded('roster', this.#show()),
    );
  }

  async #show(): Promise<void> {
    const { user } = this.owner;
    const groups = this.#roster.groups((item) => this.#pairOf(item)?.contact);
    this.#shown = groups;
    const outcome = await this.#bridge.relay.linkedAccounts.showContacts(user, groups);
    if (!isSuccess(outcome))
      this.#bridge.relay.log.warn({ user, code: outcome.code }, 'not all of a roster is shown');
  }

  /** The user changed the lists that show the roster. Before the roster is known, it overrides him. */
  listsChanged(now: readonly AccountGroup[]): void {
    const shown = this.#shown;
    if (shown === undefined || !this.link.writable) return;
    this.#shown = now;
    for (const { user, name, groups } of changesOf(shown, now)) {
      const contact = this.#bridge.codec.foreignJid(user);
      if (isUnmappable(contact)) continue;
      const isNew = this.#roster.get(contact) === undefined;
      const inGroups = groups.map((group) => xml(NS.roster, 'group', {}, group));
      this.#setItem(xml(NS.roster, 'item', { jid: contact, name: name || undefined }, ...inGroups));
      if (isNew) this.link.send(stanza('presence', { type: 'subscribe', to: contact }));
    }
  }

  #removeItem(contact: BareJid): void {
    this.#setItem(xml(NS.roster, 'item', { jid: contact, subscription: 'remove' }));
  }

  #setItem(item: XmlElement): void {
    const { userJid } = this.owner;
    const query = xml(NS.roster, 'query', {}, item);
    const setting = this.lane.iqRequests.ask(userJid, this.#bare, 'set', query).then((answer) => {
      // The lists become again what the roster is.
      if ('error' in answer) this.#showSoon();
    });
    this.#guarded('roster', setting);
  }

  #guarded(what: string, task: Promise<unknown>): void {
    guarded(this.#bridge, `linked account: ${what}`, task);
  }
}
