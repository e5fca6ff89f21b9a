// A Wireless Village client: log in, negotiate, listen, and one method per transaction. Runs in Node and browsers.

import type { Body, CspTransaction, ElementName } from '../access/csp/codec/binding.ts';
import type { PresenceAttributeName, PresenceAttributes } from '../wv/presence.ts';
import * as accessControl from './access-control.ts';
import * as access from './access.ts';
import type { CirConnection } from './cir.ts';
import { WvError, WvTransportError, type Outcome } from './errors.ts';
import { Emitter } from './events.ts';
import { Exchange, type AskOptions } from './exchange.ts';
import { ClientGroups } from './groups.ts';
import { Inbound, type WvClientEvents } from './inbound.ts';
import { Invitations } from './invitations.ts';
import * as lists from './lists.ts';
import * as messages from './messages.ts';
import { settingsOf, type Settings, type WvClientOptions } from './options.ts';
import { Polling } from './polling.ts';
import * as presence from './presence.ts';

export { WvError, WvTransportError } from './errors.ts';
export type { Detail, Outcome } from './errors.ts';
export type { WvClientEvents } from './inbound.ts';
export type { WvClientOptions } from './options.ts';
export type { Agreement, ServiceProvider, Services } from './access.ts';
export type { AccessChange, AccessList, AccessLists } from './access-control.ts';
export type { Invitation, InvitationAnswer, InvitationCancelled, Offer } from './invitations.ts';
export type { AttributeList, AttributeLists, Contact, ListContent, Lists, Subjects } from './lists.ts';
export type { Correspondent, DeliveryReport, MessageSummary, OutgoingMessage } from './messages.ts';
export type { ReceivedMessage, Sent } from './messages.ts';
export type { Authorization, UserPresence, Watcher } from './presence.ts';

type State = 'offline' | 'connecting' | 'online' | 'leaving';

/** Before a lost session is built up again, ms: doubled each time up to the second number. */
const RELOGIN_BACK_OFF = [1000, 300_000] as const;
/** Answers to a login that another login will not change. */
const HOPELESS: ReadonlySet<number> = new Set([403, 409, 422, 505, 531, 543]);

/**
 * One user's client. Methods reject with WvError when the server answers with anything but 2xx, with
 * WvTransportError when there is no answer; an Outcome of 201 has details of what did not succeed.
 */
export class WvClient {
  readonly settings: Settings;
  readonly events: Emitter<WvClientEvents>;
  readonly groups: ClientGroups;
  readonly invitations: Invitations;
  readonly #exchange: Exchange;
  readonly #inbound: Inbound;
  readonly #polling: Polling;
  #state: State = 'offline';
  #cir: CirConnection | undefined;
  #cancelRelogin: () => void = () => {};

  constructor(options: WvClientOptions) {
    this.settings = settingsOf(options);
    this.events = new Emitter((error, event) => this.#listenerFailed(error, event));
    this.#inbound = new Inbound({
      events: this.events,
      autoAcknowledge: this.settings.autoAcknowledge,
      respond: (id, name, body) => this.#exchange.respond(id, name, body),
      disconnected: (outcome) => this.#lost(outcome),
    });
    this.#polling = new Polling(
      {
        poll: () => this.poll(),
        keepAlive: async () => void (await this.keepAlive()),
        lastPostAt: () => this.#exchange.lastPostAt,
        failed: (error) => this.#failed(error),
      },
      this.settings.clock,
    );
    this.#exchange = new Exchange(this.settings, {
      requested: (transaction) => this.#inbound.receive(transaction),
      morePending: () => this.#polling.now(),
      over: (outcome) => this.#lost(outcome),
    });
    this.groups = new ClientGroups(this.#exchange);
    this.invitations = new Invitations(this.#exchange);
  }

  get state(): State {
    return this.#state;
  }

  /** undefined while not logged in. Grants access to the session: never show or log it. */
  get sessionId(): string | undefined {
    return this.#exchange.sessionId;
  }

  on<E extends keyof WvClientEvents>(event: E, listener: (value: WvClientEvents[E]) => void): () => void {
    return this.events.on(event, listener);
  }

  off<E extends keyof WvClientEvents>(event: E, listener: (value: WvClientEvents[E]) => void): void {
    this.events.off(event, listener);
  }

  /** The next event that `predicate` likes; rejects after `timeoutMs` (default 5,000). */
  next<E extends keyof WvClientEvents>(
    event: E,
    predicate?: (value: WvClientEvents[E]) => boolean,
    timeoutMs?: number,
  ): Promise<WvClientEvents[E]> {
    return this.events.next(event, predicate, timeoutMs);
  }

  // ---- the session

  /** Login, capability negotiation, CIR, service negotiation, own presence. After it messages and presence arrive. */
  async connect(): Promise<void> {
    if (this.#state !== 'offline') throw new WvTransportError('closed', `connect while ${this.#state}`);
    this.#state = 'connecting';
    this.#cancelRelogin();
    try {
      await this.#establish();
    } catch (error) {
      this.#tearDown();
      throw error;
    }
  }

  async #establish(): Promise<void> {
    this.#inbound.forgetTransactions();
    const session = await this.#step(access.login(this.#exchange));
    const agreement = await this.#step(access.negotiateCapabilities(this.#exchange));
    const interval = Math.max(this.settings.pollSeconds, agreement.pollMinSeconds ?? 0);
    const pollSeconds = this.settings.pollSeconds === 0 ? 0 : interval;
    this.#polling.start(pollSeconds, session.keepAliveSeconds ?? 0);
    this.#openCir(agreement, pollSeconds, session.id);
    await this.#step(access.negotiateServices(this.#exchange));
    await this.#step(this.getPresence({ users: [this.settings.user] }));
    const { presence: own } = this.settings;
    if (Object.keys(own).length > 0) await this.#step(this.updatePresence(own));
    this.#state = 'online';
    this.events.emit('connect', { sessionId: session.id });
  }

  /** The session may end between two steps: by Disconnect, or by `abandon`. */
  async #step<T>(step: Promise<T>): Promise<T> {
    const value = await step;
    if (this.#state !== 'connecting') throw new WvTransportError('closed', 'session');
    return value;
  }

  /** While the channel is up, polls at the interval are rare; whatever it may have missed is fetched when it opens. */
  #openCir({ cirMethods, tcp }: access.Agreement, pollSeconds: number, sessionId: string): void {
    const { cir, cirPollSeconds } = this.settings;
    if (cir === undefined || tcp === undefined || !cirMethods.includes(cir.method)) return;
    this.#cir = cir.open(
      { ...tcp, sessionId },
      {
        called: () => this.#polling.now(),
        opened: () => {
          this.#polling.pace(cirPollSeconds);
          this.#polling.now();
        },
        lost: (error) => {
          this.#polling.pace(pollSeconds);
          this.#failed(error);
        },
      },
    );
  }

  /** Ends the session. What still waits for its turn is refused; afterwards `connect` may be called again. */
  async logout(): Promise<void> {
    this.#cancelRelogin();
    if (this.#state !== 'online') return this.abandon();
    // Answers such as 604 or Disconnect must not look like a loss.
    this.#state = 'leaving';
    this.#polling.stop();
    try {
      await access.logout(this.#exchange);
    } finally {
      this.#tearDown();
    }
  }

  /** Forgets the session without a word to the server, as a phone that lost its network. */
  abandon(): void {
    this.#cancelRelogin();
    this.#tearDown();
  }

  #tearDown(): void {
    this.#state = 'offline';
    this.#polling.stop();
    this.#cir?.close();
    this.#cir = undefined;
    this.#exchange.drop();
  }

  #lost(outcome: Outcome): void {
    if (this.#state !== 'online' && this.#state !== 'connecting') return;
    const wasOnline = this.#state === 'online';
    this.#tearDown();
    this.events.emit('disconnect', outcome);
    if (wasOnline && this.settings.relogin) this.#relogin(RELOGIN_BACK_OFF[0]);
  }

  #relogin(pause: number): void {
    this.#cancelRelogin = this.settings.clock.after(pause, () => {
      this.connect().catch((error: unknown) => {
        this.#failed(error);
        if (error instanceof WvError && HOPELESS.has(error.code)) return;
        this.#relogin(Math.min(pause * 2, RELOGIN_BACK_OFF[1]));
      });
    });
  }

  /** An error of a listener for errors has nobody left to go to: it is a bug, and surfaces as one. */
  #listenerFailed(error: unknown, event: keyof WvClientEvents): void {
    if (event !== 'error') return this.#failed(error);
    queueMicrotask(() => {
      throw error;
    });
  }

  /** What a session that is over cuts off is no news. */
  #failed(error: unknown): void {
    if (error instanceof WvTransportError && error.failure === 'closed') return;
    this.events.emit('error', { error: error instanceof Error ? error : new Error(String(error)) });
  }

  /** Fetches one round of what waits; its events come before this resolves, further polls follow by themselves. */
  async poll(): Promise<void> {
    const before = this.#inbound.count;
    await this.#exchange.poll();
    this.events.emit('poll', { transactions: this.#inbound.count - before });
  }

  /** Asks for another idle time (seconds), or just says "still there". Gives back what holds, when the server says. */
  async keepAlive(wishedSeconds?: number): Promise<number | undefined> {
    const granted = await access.keepAlive(this.#exchange, wishedSeconds);
    if (granted !== undefined) this.#polling.keepAliveEvery(granted);
    return granted;
  }

  getSPInfo(): Promise<access.ServiceProvider> {
    return access.getSPInfo(this.#exchange);
  }

  /** Any other request; its answer when it is a success. `bodyOf` of exchange.ts reads it. */
  request<N extends ElementName>(name: N, body: Body<N>, options?: AskOptions): Promise<CspTransaction> {
    return this.#exchange.ask(name, body, options);
  }

  // ---- contact lists

  getLists(): Promise<lists.Lists> {
    return lists.getLists(this.#exchange);
  }

  createList(
    list: string,
    options?: lists.ListProperties & { readonly contacts?: readonly lists.Contact[] },
  ): Promise<Outcome> {
    return lists.createList(this.#exchange, list, options);
  }

  deleteList(list: string): Promise<Outcome> {
    return lists.deleteList(this.#exchange, list);
  }

  /** Adds, removes, renames; gives back the whole list. */
  manageList(list: string, change?: lists.ListChange): Promise<lists.ListContent> {
    return lists.manageList(this.#exchange, list, change);
  }

  // ---- who may see what

  createAttributeList(
    attributes: Iterable<PresenceAttributeName>,
    target: lists.AttributeListTarget,
  ): Promise<Outcome> {
    return lists.createAttributeList(this.#exchange, attributes, target);
  }

  deleteAttributeList(target: lists.AttributeListTarget): Promise<Outcome> {
    return lists.deleteAttributeList(this.#exchange, target);
  }

  getAttributeLists(target?: lists.AttributeListTarget): Promise<lists.AttributeLists> {
    return lists.getAttributeLists(this.#exchange, target);
  }

  answerAuthorization(
    user: string,
    accepted: boolean,
    attributes?: Iterable<PresenceAttributeName>,
  ): Promise<Outcome> {
    return presence.answerAuthorization(this.#exchange, user, accepted, attributes);
  }

  cancelAuthorization(user: string): Promise<Outcome> {
    return presence.cancelAuthorization(this.#exchange, user);
  }

  getAuthorizations(users?: readonly string[]): Promise<readonly presence.Authorization[]> {
    return presence.getAuthorizations(this.#exchange, users);
  }

  // ---- presence

  subscribe(wanted: presence.Wanted & { readonly auto?: boolean }): Promise<Outcome> {
    return presence.subscribe(this.#exchange, wanted);
  }

  unsubscribe(subjects: lists.Subjects): Promise<Outcome> {
    return presence.unsubscribe(this.#exchange, subjects);
  }

  getPresence(wanted: presence.Wanted): Promise<readonly presence.UserPresence[]> {
    return presence.getPresence(this.#exchange, wanted);
  }

  updatePresence(attributes: PresenceAttributes): Promise<Outcome> {
    return presence.updatePresence(this.#exchange, attributes);
  }

  getWatchers(options?: {
    readonly historyPeriod?: number;
    readonly max?: number;
  }): Promise<readonly presence.Watcher[]> {
    return presence.getWatchers(this.#exchange, options);
  }

  // ---- messages

  sendMessage(message: messages.OutgoingMessage): Promise<messages.Sent> {
    return messages.sendMessage(this.#exchange, message);
  }

  getMessages(options?: {
    readonly group?: string;
    readonly count?: number;
  }): Promise<readonly messages.MessageSummary[]> {
    return messages.getMessages(this.#exchange, options);
  }

  /** Fetches an announced message and, unless told otherwise, acknowledges it. */
  async getMessage(
    id: string,
    options: { readonly acknowledge?: boolean } = {},
  ): Promise<messages.ReceivedMessage> {
    const message = await messages.getMessage(this.#exchange, id);
    if (options.acknowledge ?? this.settings.autoAcknowledge) await this.acknowledgeMessage(id);
    return message;
  }

  acknowledgeMessage(id: string): Promise<void> {
    return messages.acknowledgeMessage(this.#exchange, id);
  }

  rejectMessage(...ids: string[]): Promise<Outcome> {
    return messages.rejectMessage(this.#exchange, ids);
  }

  forwardMessage(id: string, to: messages.OutgoingMessage['to']): Promise<Outcome> {
    return messages.forwardMessage(this.#exchange, id, to);
  }

  setDeliveryMethod(
    method: 'P' | 'N',
    options?: { readonly group?: string; readonly acceptedContentLength?: number },
  ): Promise<Outcome> {
    return messages.setDeliveryMethod(this.#exchange, method, options);
  }

  // ---- access control

  getBlocked(): Promise<accessControl.AccessLists> {
    return accessControl.getBlocked(this.#exchange);
  }

  /** Changes block and grant list. */
  changeAccess(change: {
    readonly block?: accessControl.AccessChange;
    readonly grant?: accessControl.AccessChange;
  }): Promise<Outcome> {
    return accessControl.changeAccess(this.#exchange, change);
  }

  /** Blocks users, and puts the block list in use. */
  block(...users: string[]): Promise<Outcome> {
    return this.changeAccess({ block: { inUse: true, add: { users } } });
  }

  unblock(...users: string[]): Promise<Outcome> {
    return this.changeAccess({ block: { remove: { users } } });
  }

  /** Lets users through, and puts the grant list in use: nobody else passes then. */
  grant(...users: string[]): Promise<Outcome> {
    return this.changeAccess({ grant: { inUse: true, add: { users } } });
  }

  ungrant(...users: string[]): Promise<Outcome> {
    return this.changeAccess({ grant: { remove: { users } } });
  }
}
