// Rooms as an XMPP user sees them: who is in, and what was said. A decent client enters again when it is back.

import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { childOf } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { statusesOf } from '../xmpp-rooms.ts';
import { bodyText } from '../xmpp-user.ts';

/** Between two attempts to enter, ms. */
const PAUSE_MS = 250;

interface Known {
  readonly occupants: Set<string>;
  readonly said: string[];
  readonly ids: Set<string>;
}

export class Seats {
  readonly #write: (stanza: string) => Promise<void>;
  readonly #nick: string;
  readonly #rooms = new Map<string, Known>();

  constructor(nick: string, write: (stanza: string) => Promise<void>) {
    this.#nick = nick;
    this.#write = write;
  }

  async enter(room: string): Promise<void> {
    this.#rooms.set(room, { occupants: new Set(), said: [], ids: new Set() });
    await this.#enter(room);
  }

  async leave(room: string): Promise<void> {
    this.#rooms.delete(room);
    await this.#write(`<presence type="unavailable" to="${room}/${this.#nick}"/>`);
  }

  /** Nicks, sorted; none while he is not in himself. */
  occupants(room: string): readonly string[] {
    const occupants = this.#rooms.get(room)?.occupants ?? new Set();
    return occupants.has(this.#nick) ? [...occupants].toSorted() : [];
  }

  /** Words of everybody, his own included. */
  said(room: string): readonly string[] {
    return this.#rooms.get(room)?.said ?? [];
  }

  /** After a new log-in: nobody is known, and he enters again, wherever he was. */
  async again(): Promise<void> {
    for (const [room, { occupants }] of this.#rooms) {
      occupants.clear();
      await this.#enter(room);
    }
  }

  /** True when the stanza is about a room. */
  hears(stanza: XmlElement): boolean {
    const [room = '', ...rest] = stanza.attrs['from']?.split('/') ?? [];
    const nick = rest.join('/');
    const known = this.#rooms.get(room);
    if (known === undefined) return false;
    const { type } = stanza.attrs;
    if (stanza.name === 'message' && type === 'groupchat') {
      this.#hearsWords(stanza, known);
    } else if (nick === '' && type !== 'error') return true;
    else if (stanza.name === 'presence' && type === undefined) this.#came(stanza, known, nick);
    else if (stanza.name === 'presence' && type === 'unavailable') this.#gone(room, known.occupants, nick);
    else if (stanza.name === 'presence' && type === 'error') this.#refused(room, known.occupants);
    return true;
  }

  /** A room that is new with him (201) he opens for the others. */
  #came(stanza: XmlElement, { occupants }: Known, nick: string): void {
    occupants.add(nick);
    const room = stanza.attrs['from']?.split('/')[0] ?? '';
    const form = `<query xmlns="${NS.mucOwner}"><x xmlns="${NS.dataForm}" type="submit"/></query>`;
    if (statusesOf(stanza).includes('201'))
      void this.#write(`<iq type="set" id="open-${room}" to="${room}">${form}</iq>`);
  }

  /** What a room tells of before, and what comes again under its id, is not said again. */
  #hearsWords(stanza: XmlElement, { said, ids }: Known): void {
    const id = `${stanza.attrs['from']} ${stanza.attrs['id']}`;
    if (bodyText(stanza) === '' || childOf(stanza, 'delay', NS.delay) !== undefined || ids.has(id)) return;
    ids.add(id);
    said.push(bodyText(stanza));
  }

  /** The room, or what is between, is not ready. */
  #refused(room: string, occupants: ReadonlySet<string>): void {
    if (occupants.has(this.#nick)) return;
    setTimeout(() => this.#rooms.has(room) && void this.#enter(room), PAUSE_MS);
  }

  /** Put out by the service and not by anybody (XEP-0045, 332 and 333): he comes back, once it tells so. */
  #gone(room: string, occupants: Set<string>, nick: string): void {
    occupants.delete(nick);
    if (nick !== this.#nick) return;
    occupants.clear();
    void this.#enter(room);
  }

  async #enter(room: string): Promise<void> {
    await this.#write(`<presence to="${room}/${this.#nick}"><x xmlns="${NS.muc}"/></presence>`);
  }
}
