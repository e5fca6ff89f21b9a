// A chat service (XEP-0045) behind a link without a network: it does what rooms do, and what tests tell it.

import { parseJid } from '../../adapters/xmpp/jid.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, serialize, stanza, xml } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import type { Incoming } from '../../adapters/xmpp/component-link.ts';
import { FakeLink } from './xmpp-bridge.ts';

interface Person {
  readonly nick: string;
  /** A full JID; those of ours get stanzas. */
  readonly jid: string;
  role: string;
}

/** What a room does with a stanza before it does anything else; true = that was all. */
type Interference = (element: XmlElement) => boolean;

export class FakeRoom extends FakeLink {
  readonly jid: string;
  readonly people = new Map<string, Person>();
  readonly said: XmlElement[] = [];
  subject = '';
  /** An error condition for whoever wants to join. */
  refuses: string | undefined;
  /** Codes that come with self-presence besides 110. */
  codes: readonly string[] = [];
  /** Service that gives reflected messages ids of its own. */
  rewrites = false;
  interferes: Interference = () => false;
  deliver: (incoming: Incoming) => void = () => undefined;

  constructor(jid: string) {
    super();
    this.jid = jid;
  }

  override send(element: XmlElement): boolean {
    const sent = super.send(element);
    if (sent && !this.interferes(element)) this.#handle(element);
    return sent;
  }

  /** Somebody of another server, who is just there. */
  add(nick: string): void {
    this.people.set(nick, { nick, jid: `${nick.toLowerCase()}@xmpp.example/desk`, role: 'participant' });
    this.#toAll((to) => this.#presence(nick, to, { affiliation: 'none', role: 'participant' }));
  }

  remove(nick: string, ...codes: readonly string[]): void {
    const person = this.people.get(nick);
    const ending = (to: string, own: boolean) => this.ending(nick, to, own ? [...codes, '110'] : codes);
    this.#toAll((to) => ending(to, to === person?.jid));
    this.people.delete(nick);
  }

  /** A message of somebody to all; each of our occupants gets a copy. */
  says(
    nick: string,
    body: string,
    attrs: Readonly<Record<string, string>> = {},
    ...more: XmlElement[]
  ): void {
    this.#toAll((to) => this.#message(nick, to, attrs, xml(NS.component, 'body', {}, body), ...more));
  }

  /** A message of before, to one of ours. */
  remembers(to: string, nick: string, body: string, stamp: number, id?: string): void {
    const delay = xml(NS.delay, 'delay', { from: this.jid, stamp: new Date(stamp).toISOString() });
    const attrs = id === undefined ? {} : { id };
    this.hand(this.#message(nick, to, attrs, xml(NS.component, 'body', {}, body), delay));
  }

  whispers(nick: string, to: string, body: string): void {
    const attrs = { type: 'chat', from: `${this.jid}/${nick}`, to, id: `w-${body}` };
    this.hand(stanza('message', attrs, xml(NS.component, 'body', {}, body), xml(NS.mucUser, 'x')));
  }

  fails(original: XmlElement, condition: string, type = 'cancel'): void {
    const { from, to, id } = original.attrs;
    const error = xml(NS.component, 'error', { type }, xml(NS.stanzaError, condition));
    const name = original.name as 'message' | 'presence' | 'iq';
    this.hand(stanza(name, { type: 'error', from: to, to: from, id }, error));
  }

  ending(nick: string, to: string, codes: readonly string[], ...inside: readonly XmlElement[]): XmlElement {
    const attrs = { type: 'unavailable', from: `${this.jid}/${nick}`, to };
    const item = xml(NS.mucUser, 'item', { affiliation: 'none', role: 'none' });
    return stanza(
      'presence',
      attrs,
      xml(NS.mucUser, 'x', {}, item, ...inside, ...codes.map((code) => status(code))),
    );
  }

  /** Hands a stanza to the gateway, as the link does. */
  hand(element: XmlElement): void {
    const from = parseJid(element.attrs['from'] ?? '');
    const to = parseJid(element.attrs['to'] ?? '');
    if (from === undefined || to === undefined) throw new Error(`no addresses: ${serialize(element)}`);
    this.deliver({ stanza: element, from, to });
  }

  #handle(element: XmlElement): void {
    const to = parseJid(element.attrs['to'] ?? '');
    if (to === undefined || `${to.local}@${to.domain}` !== this.jid) return;
    if (element.name === 'presence') this.#presenceCame(element, to.resource);
    else if (element.name === 'message') this.#messageCame(element, to.resource);
  }

  #presenceCame(element: XmlElement, nick: string): void {
    const jid = element.attrs['from'] ?? '';
    if (element.attrs['type'] === 'unavailable') {
      const own = [...this.people.values()].find((person) => person.jid === jid);
      if (own !== undefined) this.remove(own.nick);
      return;
    }
    const holder = this.people.get(nick);
    if (this.refuses !== undefined) return this.fails(element, this.refuses);
    if (holder !== undefined && holder.jid !== jid) return this.fails(element, 'conflict');
    for (const other of this.people.values()) {
      if (other.jid !== jid)
        this.hand(this.#presence(other.nick, jid, { affiliation: 'none', role: other.role }));
    }
    this.people.set(nick, { nick, jid, role: 'participant' });
    this.#toAll((to) =>
      this.#presence(
        nick,
        to,
        { affiliation: 'none', role: 'participant' },
        to === jid ? [...this.codes, '110'] : [],
      ),
    );
    this.hand(this.#message('', jid, {}, xml(NS.component, 'subject', {}, this.subject)));
  }

  #messageCame(element: XmlElement, nick: string): void {
    const jid = element.attrs['from'] ?? '';
    const author = [...this.people.values()].find((person) => person.jid === jid);
    if (author === undefined) return this.fails(element, 'not-acceptable');
    this.said.push(element);
    if (nick !== '') return;
    const id = this.rewrites ? `own-${this.said.length}` : element.attrs['id'];
    const content = this.rewrites
      ? [childOf(element, 'body'), childOf(element, 'subject')]
      : element.children.filter((child) => typeof child !== 'string');
    const kept = content.filter((child) => child !== undefined);
    this.#toAll((to) => this.#message(author.nick, to, id === undefined ? {} : { id }, ...kept));
  }

  #message(
    nick: string,
    to: string,
    attrs: Readonly<Record<string, string>>,
    ...content: readonly XmlElement[]
  ): XmlElement {
    const from = nick === '' ? this.jid : `${this.jid}/${nick}`;
    return stanza('message', { type: 'groupchat', from, to, ...attrs }, ...content);
  }

  #presence(
    nick: string,
    to: string,
    item: Readonly<Record<string, string>>,
    codes: readonly string[] = [],
  ): XmlElement {
    const x = xml(NS.mucUser, 'x', {}, xml(NS.mucUser, 'item', item), ...codes.map((code) => status(code)));
    return stanza('presence', { from: `${this.jid}/${nick}`, to }, x);
  }

  /** To each of ours; others are not on this link. */
  #toAll(build: (to: string) => XmlElement): void {
    for (const { jid } of this.people.values()) if (jid.endsWith('/imps')) this.hand(build(jid));
  }
}

function status(code: string): XmlElement {
  return xml(NS.mucUser, 'status', { code });
}
