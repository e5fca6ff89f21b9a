// Groups as rooms and screen names as nicks (bridging 2.1): a bijection on what is accepted, an error for the rest.

import { createHash, createHmac } from 'node:crypto';
import {
  domainOf,
  escapePart,
  groupOwner,
  isAddressError,
  parseGroup,
  resourceOf,
  userPartOf,
} from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { Domain, GroupAddress, MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { Unmappable } from '../addresses.ts';
import { bareJid, escapeLocal, isStableLocal, isStableResource, unescapeLocal } from '../jid.ts';
import type { BareJid, JidParts } from '../jid.ts';

function unmappable(code: 901 | 516, reason: string): Unmappable {
  return { unmappable: code, reason };
}

/** Translates the addresses of one groups component. */
export class RoomCodec {
  readonly #home: Domain;
  readonly #domain: string;

  constructor(home: Domain, domain: string) {
    this.#home = home;
    this.#domain = domain;
  }

  /** The room of a group of ours. A slash in its owner's name would read as the one between owner and group. */
  roomJid(group: GroupAddress): BareJid | Unmappable {
    if (domainOf(group) !== this.#home) return unmappable(516, 'not a group of this server');
    const owner = groupOwner(group);
    const ownerPart = owner === undefined ? '' : userPartOf(owner);
    const local = `${ownerPart}/${resourceOf(group)}`;
    if (ownerPart.includes('/') || !isStableLocal(local)) {
      return unmappable(901, 'this group cannot be written as a JID');
    }
    return bareJid({ local: escapeLocal(local), domain: this.#domain });
  }

  /** The group of ours that a room names. Whether there is one is not checked. */
  group(jid: JidParts): GroupAddress | Unmappable {
    if (jid.domain !== this.#domain) return unmappable(516, 'not a domain of this gateway');
    const local = unescapeLocal(jid.local);
    const slash = local.indexOf('/');
    if (slash < 0 || !isStableLocal(local) || escapeLocal(local) !== jid.local) {
      return unmappable(901, 'not a room of this gateway');
    }
    const text = `wv:${escapePart(local.slice(0, slash))}/${escapePart(local.slice(slash + 1))}@${this.#home}`;
    const group = parseGroup(text, this.#home);
    return isAddressError(group) || group !== text ? unmappable(901, 'not a WV group') : group;
  }
}

/** The JID of an occupant, never escaped. 901 for a screen name that servers would not carry unchanged. */
export function occupantJid(room: BareJid, screenName: string): string | Unmappable {
  return isStableResource(screenName)
    ? `${room}/${screenName}`
    : unmappable(901, 'this screen name cannot be written as a JID');
}

/** Screen names compare without regard to case, as at the group's home. */
export function foldNick(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/**
 * The id under which the group's home hands a message out to everybody (src/services/groups/group-messages.ts). Known
 * beforehand, so that its author sees the message under the same id as the others.
 */
export function copyIdOf(id: MessageId, group: GroupAddress): MessageId {
  const digest = createHash('sha256').update(`${id}\n${group}\n`).digest('base64url');
  return trusted<MessageId>(digest.slice(0, 24));
}

/** XEP-0421: stable per room and user, and of no use to find out who he is. `who`: the user, or a name if hidden. */
export function occupantIdOf(secret: string, room: BareJid, who: UserAddress | string): string {
  return createHmac('sha256', `occupant-id ${secret}`).update(`${room}\n${who}`).digest('base64url');
}
