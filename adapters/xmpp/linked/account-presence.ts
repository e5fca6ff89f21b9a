// Presence of a linked account: what its user shows, sent once to the account's server, which tells the contacts.

import { select } from '../../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../../src/wv/presence.ts';
import type { Bridge, Pair } from '../bridge.ts';
import { ownClient } from '../caps.ts';
import { clientTypeOf } from '../client-type.ts';
import type { BareJid } from '../jid.ts';
import { MAPPED, presenceStanza, RESOURCE } from '../own-presence.ts';
import type { Showing } from '../own-presence.ts';
import { serialize } from '../xml.ts';

export class AccountPresence implements Showing {
  readonly #bridge: Bridge;
  readonly #userJid: BareJid;
  readonly #account: BareJid;
  /** Undefined until the relay said. */
  #attributes: PresenceAttributes | undefined;
  #sent: string | undefined;
  /** The roster is known: presence may come. */
  #ready = false;
  #available = false;
  #appearedAt = 0;
  readonly #appears: () => void;

  /** `appears`: told before contacts' servers are, whose presence then comes anew. */
  constructor(bridge: Bridge, userJid: BareJid, account: BareJid, appears: () => void) {
    this.#bridge = bridge;
    this.#appears = appears;
    this.#userJid = userJid;
    this.#account = account;
  }

  /** Counts only what the account itself is told: it sees everything, contacts see what the account shows. */
  notify({ contactJid }: Pair, attributes: PresenceAttributes): void {
    if (contactJid !== this.#account) return;
    this.#attributes = { ...this.#attributes, ...select(attributes, MAPPED) };
    this.#send();
  }

  sendCurrent({ contactJid }: Pair): void {
    if (contactJid === this.#account) this.#send();
  }

  /** The user showed nobody else's eyes anything that could be withdrawn from one of them. */
  withdraw(): void {}

  /** The server sends what contacts publish to every client that is available. */
  isShown(): boolean {
    return true;
  }

  heard(): void {}

  /** The account's other clients know better when somebody sits at one. */
  active(): void {}

  idleSince(): undefined {
    return undefined;
  }

  /** Contacts' servers have had time to say who is there. */
  isSettled(): boolean {
    const { clock } = this.#bridge.relay;
    return this.#available && clock.now() - this.#appearedAt >= this.#bridge.settings.presenceWaitMs;
  }

  withdrawUser(): void {}

  /** The stream ended. */
  lost(): void {
    this.#ready = false;
    this.#sent = undefined;
  }

  /** On a new stream the account is not available until it says so. */
  reset(): void {
    this.#ready = true;
    this.#sent = undefined;
    if (this.#attributes !== undefined) this.#send();
  }

  withdrawAll(): void {
    this.#attributes = {};
    if (this.#sent !== undefined) this.#send();
  }

  #send(): void {
    if (!this.#ready) return;
    const from = `${this.#userJid}/${RESOURCE}`;
    const attributes = this.#attributes ?? {};
    const { caps } = ownClient(this.#bridge.settings, clientTypeOf(attributes));
    const presence = presenceStanza({ from }, attributes, { caps, idle: undefined });
    const available = presence.attrs['type'] === undefined;
    const text = serialize(presence);
    const was = this.#sent;
    // Unavailable is what a new stream is anyway.
    if (text === was || (was === undefined && !available)) {
      this.#bridge.relay.metrics.count('xmpp_presence_unchanged_total');
      return;
    }
    if (available && (was === undefined || !this.#available)) {
      this.#appearedAt = this.#bridge.relay.clock.now();
      this.#appears();
    }
    if (!this.#bridge.link.send(presence)) return;
    this.#sent = text;
    this.#available = available;
  }
}
