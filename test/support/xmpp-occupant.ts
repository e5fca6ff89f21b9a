// An XMPP client in rooms, and what it waits for there.

import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { bodyText, type XmppUser } from './xmpp-user.ts';

export class XmppOccupant {
  readonly user: XmppUser;
  readonly room: string;
  readonly nick: string;

  constructor(user: XmppUser, room: string, nick: string) {
    this.user = user;
    this.room = room;
    this.nick = nick;
  }

  get jid(): string {
    return `${this.room}/${this.nick}`;
  }

  /** Sends the presence of a join; `inside` goes into it. */
  async asks(nick = this.nick, inside = ''): Promise<void> {
    await this.user.send(`<presence to="${this.room}/${nick}"><x xmlns="${NS.muc}"/>${inside}</presence>`);
  }

  /** Joins; resolves with his own presence. */
  async enters(): Promise<XmlElement> {
    await this.asks();
    return await this.sees(this.nick);
  }

  /** Makes the room, with these fields of the owner's form. */
  async creates(fields: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.enters();
    await this.configures(fields);
  }

  /** Submits the owner's form. */
  async configures(fields: Readonly<Record<string, string>>): Promise<void> {
    const written = Object.entries({ FORM_TYPE: NS.mucRoomConfig, ...fields }).map(
      ([name, value]) => `<field var="${name}"><value>${value}</value></field>`,
    );
    const form = `<x xmlns="${NS.dataForm}" type="submit">${written.join('')}</x>`;
    await this.user.asks(this.room, 'set', `<query xmlns="${NS.mucOwner}">${form}</query>`);
  }

  /** Presence of a nick, the first that matches. */
  sees(
    nick: string,
    type?: string,
    matches: (presence: XmlElement) => boolean = () => true,
  ): Promise<XmlElement> {
    const from = `${this.room}/${nick}`;
    return this.user.sees(
      `${type ?? 'available'} of ${from}`,
      (stanza) =>
        stanza.name === 'presence' &&
        stanza.attrs['from'] === from &&
        stanza.attrs['type'] === type &&
        matches(stanza),
    );
  }

  /** A message to all. */
  async says(text: string, id: string, more = ''): Promise<void> {
    await this.user.send(
      `<message type="groupchat" id="${id}" to="${this.room}"><body>${text}</body>${more}</message>`,
    );
  }

  /** What somebody said; `nick` '' = the room itself. */
  hears(nick: string, text: string): Promise<XmlElement> {
    const from = nick === '' ? this.room : `${this.room}/${nick}`;
    return this.user.sees(
      `"${text}" of ${from}`,
      (stanza) => stanza.attrs['from'] === from && bodyText(stanza) === text,
    );
  }

  subject(text: string): Promise<XmlElement> {
    return this.user.sees(
      `the subject ${text}`,
      (stanza) =>
        stanza.attrs['from']?.split('/')[0] === this.room && textOf(childOf(stanza, 'subject')) === text,
    );
  }

  /** Everything that the room or somebody in it said to this client, in order. */
  get heard(): readonly XmlElement[] {
    return this.user.received.filter(
      (stanza) =>
        stanza.name === 'message' &&
        stanza.attrs['type'] !== 'error' &&
        stanza.attrs['from']?.split('/')[0] === this.room &&
        bodyText(stanza) !== '',
    );
  }

  /** A change of roles and affiliations; its answer. */
  administers(item: string): Promise<XmlElement> {
    return this.user.asks(this.room, 'set', `<query xmlns="${NS.mucAdmin}">${item}</query>`);
  }
}
