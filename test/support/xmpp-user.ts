// A person at an XMPP client (@xmpp/client, untyped: its loose objects stay in this file).

import { createRequire } from 'node:module';
import { StringDecoder } from 'node:string_decoder';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { childOf, elementsOf, serialize, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { eventually } from './eventually.ts';

interface LibraryElement {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string | undefined>>;
  readonly children: readonly (LibraryElement | string)[];
}

interface LibraryClient {
  on(event: string, listener: (value: never) => void): void;
  start(): Promise<{ toString(): string }>;
  stop(): Promise<unknown>;
  write(text: string): Promise<void>;
  readonly reconnect: { stop(): void };
  readonly iqCallee: {
    get(ns: string, name: string, handler: (context: { readonly element: LibraryElement }) => unknown): void;
  };
  readonly parser: { write(text: string): void } | null;
  _onData(data: Buffer): void;
}

interface Library {
  client(options: object): LibraryClient;
  xml(name: string, attrs: object, ...children: readonly unknown[]): unknown;
}

const library = createRequire(import.meta.url)('@xmpp/client') as Library;

function convert(element: LibraryElement, outer: string): XmlElement {
  const ns = element.attrs['xmlns'] ?? outer;
  const attrs = Object.entries(element.attrs).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    name: element.name,
    ns,
    attrs: Object.fromEntries(attrs.filter(([name]) => name !== 'xmlns')),
    children: element.children.map((child) => (typeof child === 'string' ? child : convert(child, ns))),
  };
}

function toLibrary({ name, ns, attrs, children }: XmlElement): unknown {
  const inner = children.map((each) => (typeof each === 'string' ? each : toLibrary(each)));
  return library.xml(name, { ...attrs, xmlns: ns }, ...inner);
}

/** What else is to happen with what a client hears. */
export interface XmppUserHooks {
  stanza?(stanza: XmlElement): void;
  /** The connection is gone, wanted or not. */
  ended?(): void;
}

/** The stream namespace that our own stanza builders use for both kinds of streams. */
const CLIENT = 'jabber:component:accept';

export class XmppUser {
  readonly received: XmlElement[] = [];
  readonly jid: string;
  readonly #client: LibraryClient;

  private constructor(client: LibraryClient, jid: string) {
    this.#client = client;
    this.jid = jid;
  }

  /** Logs in. With `presence` the client is available at once; the text is the stanza's content. */
  static async login(
    server: XmppServer,
    name: string,
    resource: string,
    presence?: string,
    hooks: XmppUserHooks = {},
  ): Promise<XmppUser> {
    const account = server.users[name];
    if (account === undefined) throw new Error(`no account ${name}`);
    const client = library.client({
      service: `xmpp://${server.host}:${server.c2sPort}`,
      domain: server.domain,
      resource,
      username: name,
      password: account.password,
    });
    client.reconnect.stop();
    client.on('error', () => undefined);
    // COMPAT(@xmpp/connection): decodes each chunk by itself, and throws on data that comes after its parser went.
    const decoder = new StringDecoder('utf8');
    client._onData = (data) => client.parser?.write(decoder.write(data));
    const user = new XmppUser(client, account.jid);
    client.on('stanza', (element: LibraryElement) => {
      const stanza = convert(element, CLIENT);
      user.received.push(stanza);
      hooks.stanza?.(stanza);
    });
    client.on('disconnect', () => hooks.ended?.());
    await client.start();
    // Only resources that asked for the roster are told of subscriptions (RFC 6121 section 3).
    await user.send('<iq type="get" id="roster"><query xmlns="jabber:iq:roster"/></iq>');
    await user.sees('the roster', ({ attrs }) => attrs['id'] === 'roster');
    if (presence !== undefined) await user.send(`<presence>${presence}</presence>`);
    return user;
  }

  async send(stanza: XmlElement | string): Promise<void> {
    await this.#client.write(typeof stanza === 'string' ? stanza : serialize(stanza));
  }

  /** Answers questions with this payload, which gets the attributes of the question. */
  answersWith(payload: XmlElement): void {
    this.#client.iqCallee.get(payload.ns, payload.name, ({ element }) =>
      toLibrary({ ...payload, attrs: { ...payload.attrs, ...convert(element, payload.ns).attrs } }),
    );
  }

  async logout(): Promise<void> {
    await this.#client.stop();
  }

  /** Waits for a stanza that matches, received at any time since login. */
  async sees(what: string, matches: (stanza: XmlElement) => boolean): Promise<XmlElement> {
    return await eventually(`${this.jid} sees ${what}`, () => this.received.find(matches));
  }

  async seesMessage(body: string): Promise<XmlElement> {
    return await this.sees(`message "${body}"`, (stanza) => bodyText(stanza) === body);
  }

  async seesPresence(from: string, type: string | undefined): Promise<XmlElement> {
    return await this.sees(
      `presence ${type ?? 'available'} from ${from}`,
      ({ name, attrs }) =>
        name === 'presence' && attrs['from']?.split('/')[0] === from && attrs['type'] === type,
    );
  }

  /** Sends an IQ and waits for its answer. */
  async asks(to: string, type: 'get' | 'set', payload: string): Promise<XmlElement> {
    const id = `q${Math.random().toString(36).slice(2)}`;
    await this.send(`<iq type="${type}" id="${id}" to="${to}">${payload}</iq>`);
    return await this.sees(`an answer from ${to}`, ({ name, attrs }) => name === 'iq' && attrs['id'] === id);
  }

  /** The latest roster push about a contact (RFC 6121 section 2.1.6), or his item as the roster had it at log-in. */
  rosterItem(jid: string): XmlElement | undefined {
    return this.received
      .flatMap((each) => elementsOf(childOf(each, 'query', 'jabber:iq:roster') ?? each))
      .findLast((item) => item.name === 'item' && item.attrs['jid'] === jid);
  }

  /** Bodies of the chat messages from a bare JID, in order. */
  bodiesFrom(from: string): string[] {
    return this.received
      .filter(({ name, attrs }) => name === 'message' && attrs['type'] !== 'error' && attrs['from'] === from)
      .map(bodyText);
  }
}

export function bodyText(stanza: XmlElement): string {
  return textOf(childOf(stanza, 'body'));
}

/** The condition of a stanza of type error. */
export function conditionOf(stanza: XmlElement): string | undefined {
  const error = childOf(stanza, 'error');
  return error === undefined ? undefined : elementsOf(error)[0]?.name;
}
