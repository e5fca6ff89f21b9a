// A person at an XMPP client. @xmpp/client brings no types: what we use of it is described here.

import { Emitter } from '../client/events.ts';
import { DEADLINE_MS } from './scene.ts';
import type { XmppServer } from './servers.ts';

/** An element as the library has it, as far as we use it. */
interface Stanza {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string | undefined>>;
  getChild(name: string, namespace?: string): Stanza | undefined;
  getChildText(name: string): string | null;
}

interface Client {
  on(event: 'stanza', listener: (stanza: Stanza) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  stop(): Promise<unknown>;
  send(stanza: Stanza): Promise<void>;
}

interface Library {
  client(options: object): Client;
  xml(name: string, attrs?: object, ...children: (Stanza | string)[]): Stanza;
}

const RECEIPTS = 'urn:xmpp:receipts';
const ROSTER = 'jabber:iq:roster';

export class XmppPerson {
  readonly jid: string;
  /** The address under which WV knows this person. */
  readonly address: string;
  readonly #library: Library;
  readonly #client: Client;
  readonly #events: Emitter<{ stanza: Stanza }>;
  #lastId = 0;

  private constructor(library: Library, server: XmppServer, name: string, problem: (error: Error) => void) {
    const { jid = `${name}@${server.domain}`, password = '' } = server.users[name] ?? {};
    this.jid = jid;
    this.address = `wv:${jid}`;
    this.#library = library;
    this.#events = new Emitter((error) => problem(error as Error));
    this.#client = library.client({
      service: `xmpp://${server.host}:${server.c2sPort}`,
      domain: server.domain,
      resource: 'demo',
      username: name,
      password,
    });
    this.#client.on('error', problem);
    this.#client.on('stanza', (stanza) => this.#events.emit('stanza', stanza));
  }

  /** Logs in, not available yet. `problem` hears of what goes wrong in the background. */
  static async login(server: XmppServer, name: string, problem: (error: Error) => void): Promise<XmppPerson> {
    const library = (await import('@xmpp/client' as string)) as Library;
    const person = new XmppPerson(library, server, name, problem);
    await person.#client.start();
    // Only a client that asked for the contact list is told of subscriptions (RFC 6121 section 3).
    await person.#ask('get', person.#xml('query', { xmlns: ROSTER }));
    return person;
  }

  async logout(): Promise<void> {
    await this.#client.stop();
  }

  /** Ends both subscriptions with somebody and whatever the server still keeps of requests. */
  async forget(jid: string): Promise<void> {
    await this.#presence({ to: jid, type: 'unsubscribed' });
    const item = this.#xml('item', { jid, subscription: 'remove' });
    // An error says that there was no such contact, which is what is wanted.
    await this.#ask('set', this.#xml('query', { xmlns: ROSTER }, item));
  }

  /** Says that this person is there: at once for nobody in particular, later for all subscribers. */
  async shows(show: 'dnd' | undefined, text: string): Promise<void> {
    const children = [this.#xml('status', {}, text)];
    if (show !== undefined) children.unshift(this.#xml('show', {}, show));
    await this.#presence({}, ...children);
  }

  async asksToWatch(jid: string): Promise<void> {
    await this.#presence({ to: jid, type: 'subscribe' });
  }

  async lets(jid: string): Promise<void> {
    await this.#presence({ to: jid, type: 'subscribed' });
  }

  /** Sends a message and asks for a receipt. */
  async writes(to: string, text: string): Promise<void> {
    const [body, request] = [this.#xml('body', {}, text), this.#xml('request', { xmlns: RECEIPTS })];
    await this.#client.send(this.#xml('message', { to, type: 'chat', id: this.#nextId() }, body, request));
  }

  /** Sees a message, and says so to its sender when he wants to know (XEP-0184). */
  async seesMessage(from: string, text: string): Promise<void> {
    const message = await this.#sees(
      (stanza) => isFrom(stanza, 'message', from) && stanza.getChildText('body') === text,
    );
    const { id } = message.attrs;
    if (id === undefined || message.getChild('request', RECEIPTS) === undefined) return;
    const received = this.#xml('received', { xmlns: RECEIPTS, id });
    await this.#client.send(this.#xml('message', { to: message.attrs['from'], type: 'chat' }, received));
  }

  seesReceipt(from: string): Promise<unknown> {
    return this.#sees(
      (stanza) => isFrom(stanza, 'message', from) && stanza.getChild('received', RECEIPTS) !== undefined,
    );
  }

  seesSubscription(from: string, type: 'subscribe' | 'subscribed'): Promise<unknown> {
    return this.#sees((stanza) => isFrom(stanza, 'presence', from) && stanza.attrs['type'] === type);
  }

  /** Sees somebody available, with these values. */
  seesPresence(from: string, wanted: { readonly show?: string; readonly status?: string }): Promise<unknown> {
    return this.#sees((stanza) => {
      if (!isFrom(stanza, 'presence', from) || stanza.attrs['type'] !== undefined) return false;
      const [show, status] = [stanza.getChildText('show') ?? '', stanza.getChildText('status') ?? ''];
      return (wanted.show ?? show) === show && (wanted.status ?? status) === status;
    });
  }

  #sees(matches: (stanza: Stanza) => boolean): Promise<Stanza> {
    return this.#events.next('stanza', matches, DEADLINE_MS);
  }

  async #ask(type: 'get' | 'set', query: Stanza): Promise<void> {
    const id = this.#nextId();
    const answer = this.#sees(({ name, attrs }) => name === 'iq' && attrs['id'] === id);
    await this.#client.send(this.#xml('iq', { type, id }, query));
    await answer;
  }

  async #presence(attrs: object, ...children: Stanza[]): Promise<void> {
    await this.#client.send(this.#xml('presence', attrs, ...children));
  }

  #xml(name: string, attrs: object, ...children: (Stanza | string)[]): Stanza {
    return this.#library.xml(name, attrs, ...children);
  }

  #nextId(): string {
    this.#lastId += 1;
    return `demo-${Date.now().toString(36)}-${this.#lastId}`;
  }
}

function isFrom({ name, attrs }: Stanza, kind: string, jid: string): boolean {
  return name === kind && attrs['from']?.split('/')[0] === jid;
}
