// An XMPP user with a decent client: it comes back when its connection broke, asks for receipts (XEP-0184), sends
// again under the same origin-id (XEP-0359) what was refused, or was neither refused nor received in time, and knows
// whom it sees how.

import { opensStream } from '../../../scripts/stack/answer.ts';
import type { XmppServer } from '../../../scripts/stack/description.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { childOf, stanza as stanzaOf, textOf, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import type { Flow, Ledger } from '../kill/ledger.ts';
import type { Names } from '../kill/person.ts';
import { bodyText, conditionOf, XmppUser } from '../xmpp-user.ts';
import { Seats } from './seats.ts';
import { OFFLINE } from './views.ts';
import type { Views } from './views.ts';

/** Without a receipt for so long a message is sent again, ms. */
const PATIENCE_MS = 4_000;
/** After a refusal, and between two attempts to log in, ms. */
const PAUSE_MS = 250;
const LOOK_MS = 50;

interface Letter {
  readonly id: string;
  readonly to: string;
  readonly text: string;
  /** When it is sent again, unless a receipt came; by `performance.now()`. */
  dueAt: number;
  readonly again: () => void;
  readonly received: () => void;
}

const SHOWN_AS: Readonly<Record<string, string>> = {
  '': 'AVAILABLE',
  chat: 'AVAILABLE',
  dnd: 'DISCREET',
  away: 'NOT_AVAILABLE',
  xa: 'NOT_AVAILABLE',
};

export class Friend {
  readonly names: Names;
  /** Whom he sees, by bare JID. */
  readonly views: Views = new Map();
  readonly rooms: Seats;
  /** Messages sent again because neither a receipt nor a refusal came; and because of a refusal. */
  readonly again = { unanswered: 0, refused: 0 };
  /** How often which stanza error came back for a message. */
  readonly refusals = new Map<string, number>();
  readonly #server: XmppServer;
  readonly #ledger: Ledger;
  readonly #letters = new Map<string, Letter>();
  #user: XmppUser | undefined;
  #wanted = false;
  #presence = '';
  readonly #timer: NodeJS.Timeout;

  constructor(names: Names, server: XmppServer, ledger: Ledger) {
    this.names = names;
    this.#server = server;
    this.#ledger = ledger;
    this.rooms = new Seats(names.name, (stanza) => this.#write(stanza));
    this.#timer = setInterval(() => this.#sendDue(), LOOK_MS);
  }

  get online(): boolean {
    return this.#user !== undefined;
  }

  /** He is supposed to be online, now or as soon as his server is. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** Is there from now on, whenever his server is: resolves when the first attempt succeeded. */
  async comesOnline(presence: string): Promise<void> {
    this.#presence = presence;
    this.#wanted = true;
    await this.#login();
  }

  async goesOffline(): Promise<void> {
    this.#wanted = false;
    const user = this.#user;
    this.#user = undefined;
    this.views.clear();
    await user?.logout();
  }

  /** Shows this, now or when he is back. */
  async shows(presence: string): Promise<void> {
    this.#presence = presence;
    await this.#write(`<presence>${presence}</presence>`);
  }

  async subscribesTo(jid: string): Promise<void> {
    await this.#write(`<presence type="subscribe" to="${jid}"/>`);
  }

  /** Resolves when the message was received. */
  send(to: Names, flow: Flow, number: number): Promise<void> {
    const text = this.#ledger.text(flow, number);
    const id = text.replace(/\W+/g, '-');
    return new Promise((resolve) => {
      const received = (): void => {
        this.#letters.delete(id);
        resolve();
      };
      const again = (): void => this.#ledger.noteSentAgain(flow, number);
      const letter: Letter = { id, to: to.jid, text, dueAt: 0, again, received };
      this.#letters.set(id, letter);
      this.#post(letter);
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.goesOffline();
  }

  /** Comes back as long as he is wanted, and while nobody else brings him back already. */
  async #login(): Promise<void> {
    while (this.#wanted && this.#user === undefined) {
      try {
        await this.#serverAnswers();
        this.#user = await this.#connected();
        await this.rooms.again();
      } catch {
        // His server is not there yet.
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  /** @throws when the connection breaks before he is in, at once */
  async #connected(): Promise<XmppUser> {
    const broken = Promise.withResolvers<never>();
    let user: XmppUser | undefined;
    const hooks = {
      stanza: (stanza: XmlElement) => this.#hears(stanza),
      ended: () => {
        broken.reject(new Error('the connection broke'));
        if (user !== undefined && user === this.#user) this.#ended();
      },
    };
    broken.promise.catch(() => undefined);
    const login = XmppUser.login(this.#server, this.names.name, 'desk', this.#presence, hooks);
    user = await Promise.race([login, broken.promise]);
    return user;
  }

  /**
   * COMPAT(@xmpp/connection): start() leaves a rejected promise to nobody when the connection breaks while the stream
   * opens, which servers that are starting or dying do.
   */
  async #serverAnswers(): Promise<void> {
    const { c2sPort, domain } = this.#server;
    while (this.#wanted && !(await opensStream(c2sPort, 'jabber:client', domain)))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }

  #ended(): void {
    this.#user = undefined;
    this.views.clear();
    void this.#login();
  }

  #sendDue(): void {
    if (this.#user === undefined) return;
    const now = performance.now();
    for (const letter of this.#letters.values()) {
      if (letter.dueAt > now) continue;
      letter.again();
      this.again.unanswered += 1;
      this.#post(letter);
    }
  }

  #post(letter: Letter): void {
    letter.dueAt = performance.now() + PATIENCE_MS;
    const { id, to, text } = letter;
    const parts = [
      xml(NS.component, 'body', {}, text),
      xml(NS.receipts, 'request'),
      xml(NS.stanzaId, 'origin-id', { id }),
    ];
    void this.#write(stanzaOf('message', { type: 'chat', id, to }, ...parts));
  }

  /** What cannot be written is lost, as it is for every client: it goes again later. */
  async #write(stanza: XmlElement | string): Promise<void> {
    await this.#user?.send(stanza).catch(() => undefined);
  }

  /** Says something in a room; the room shows it to everybody, him included. */
  async says(room: string, text: string): Promise<void> {
    const id = text.replace(/\W+/g, '-');
    await this.#write(
      stanzaOf('message', { type: 'groupchat', id, to: room }, xml(NS.component, 'body', {}, text)),
    );
  }

  /** A question to a room, answered or not. */
  async asks(to: string, payload: string): Promise<void> {
    await this.#user?.asks(to, 'set', payload);
  }

  #hears(stanza: XmlElement): void {
    if (this.rooms.hears(stanza)) return undefined;
    if (stanza.name === 'presence') return this.#seesPresence(stanza);
    if (stanza.name !== 'message' || stanza.attrs['type'] === 'groupchat') return undefined;
    const { id = '', type } = stanza.attrs;
    const receipt = childOf(stanza, 'received', NS.receipts)?.attrs['id'];
    if (type === 'error') return this.#refused(id, conditionOf(stanza) ?? 'none');
    if (receipt !== undefined) return this.#letters.get(receipt)?.received();
    return this.#ledger.noteArrived(this.names.name, bodyText(stanza), id);
  }

  #refused(id: string, condition: string): void {
    const letter = this.#letters.get(id);
    this.refusals.set(condition, (this.refusals.get(condition) ?? 0) + 1);
    if (letter === undefined) return;
    letter.again();
    this.again.refused += 1;
    letter.dueAt = Number.POSITIVE_INFINITY;
    setTimeout(() => this.#post(letter), PAUSE_MS);
  }

  #seesPresence(stanza: XmlElement): void {
    const from = stanza.attrs['from']?.split('/')[0] ?? '';
    const { type } = stanza.attrs;
    if (type === 'subscribe') void this.#write(`<presence type="subscribed" to="${from}"/>`);
    else if (type === 'unavailable' || type === 'error') this.views.set(from, OFFLINE);
    else if (type === undefined) {
      const show = SHOWN_AS[textOf(childOf(stanza, 'show'))] ?? '?';
      this.views.set(from, `${show} ${textOf(childOf(stanza, 'status'))}`);
    }
  }
}
