// The stream by which a stanza goes out where users of either kind are served together, as in rooms: that of the
// sender's account, else the component's.

import type { StanzaPort } from '../bridge.ts';
import { bareJid, parseJid } from '../jid.ts';
import type { BareJid } from '../jid.ts';
import type { XmlElement } from '../xml.ts';

export class RoutedLink implements StanzaPort {
  readonly #component: StanzaPort;
  readonly #accountOf: (userJid: BareJid) => StanzaPort | undefined;

  constructor(component: StanzaPort, accountOf: (userJid: BareJid) => StanzaPort | undefined) {
    this.#component = component;
    this.#accountOf = accountOf;
  }

  get online(): boolean {
    return this.#component.online;
  }

  get writable(): boolean {
    return this.#component.writable;
  }

  send(element: XmlElement): boolean {
    const from = parseJid(element.attrs['from'] ?? '');
    const account = from === undefined ? undefined : this.#accountOf(bareJid(from));
    return (account ?? this.#component).send(element);
  }

  /**
   * Of the component's stream. What an account says to a room is confirmed by the room, which shows it; a whisper or an
   * invitation of an account is taken for said when it was written.
   */
  confirmed(): Promise<boolean> {
    return this.#component.confirmed();
  }
}
