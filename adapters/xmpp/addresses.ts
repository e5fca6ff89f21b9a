// WV addresses and JIDs, both ways (bridging 2.1, 2.3): a bijection on what is accepted, an error for the rest.

import {
  domainOf,
  escapePart,
  groupOwner,
  parseGroup,
  parseUser,
  resourceOf,
  isAddressError,
  userAddress,
  userPartOf,
  MAX_ADDRESS_LENGTH,
} from '../../src/wv/address.ts';
import type { Domain, GroupAddress, UserAddress } from '../../src/wv/ids.ts';
import type { StatusCode } from '../../src/wv/status.ts';
import { bareJid, escapeLocal, isStableLocal, parseJid, unescapeLocal } from './jid.ts';
import type { BareJid, JidParts } from './jid.ts';

/** Why an address has no counterpart: 901 malformed for the other side, 516 a domain we do not relay for. */
export interface Unmappable {
  readonly unmappable: Extract<StatusCode, 901 | 516>;
  readonly reason: string;
}

export function isUnmappable(value: unknown): value is Unmappable {
  return typeof value === 'object' && value !== null && 'unmappable' in value;
}

export interface AddressPlan {
  /** Our own WV domain. */
  readonly home: Domain;
  readonly componentDomain: string;
  /** The component whose rooms are our groups. */
  readonly groupsDomain?: string | undefined;
  /** XMPP domains whose users are written `wv:user@domain`. */
  readonly domains: readonly string[];
  /** The WV domain for everybody else's JID, escaped whole into the user part. */
  readonly pseudoDomain: string | undefined;
  /** Domains of chat services (XEP-0045) whose rooms are written `wv:/room@domain`. */
  readonly groupDomains?: readonly string[];
  /** Domains that another gateway of ours serves, its component included: no address here (no transit). */
  readonly elsewhere?: readonly string[];
}

/** Localparts of the ghosts of other bridges: bridging them again makes loops (bridging 2.3 rule 2). */
const OTHER_BRIDGES = /^(?:_imps_|_xmpp_|_bifrost_)/;

function unmappable(code: 901 | 516, reason: string): Unmappable {
  return { unmappable: code, reason };
}

/** Translates addresses for one component. */
export class AddressCodec {
  readonly #plan: AddressPlan;
  readonly #routed: ReadonlySet<string>;
  readonly #ofGroups: ReadonlySet<string>;
  readonly #elsewhere: ReadonlySet<string>;

  constructor(plan: AddressPlan) {
    this.#plan = plan;
    this.#routed = new Set(plan.domains);
    this.#ofGroups = new Set(plan.groupDomains);
    this.#elsewhere = new Set(plan.elsewhere);
  }

  /** The JID of one of our users, below the component. Other WV operators' users have none (516: no transit). */
  localJid(user: UserAddress): BareJid | Unmappable {
    if (domainOf(user) !== this.#plan.home) return unmappable(516, 'not a user of this server');
    const local = userPartOf(user);
    if (!isStableLocal(local)) return unmappable(901, 'this name cannot be written as a JID');
    return bareJid({ local: escapeLocal(local), domain: this.#plan.componentDomain });
  }

  /** The user of ours that a JID below the component names. Whether he exists is not checked. */
  localUser(jid: JidParts): UserAddress | Unmappable {
    if (jid.domain !== this.#plan.componentDomain) return unmappable(516, 'not a domain of this gateway');
    const local = unescapedLocal(jid.local);
    return local === undefined
      ? unmappable(901, 'not an address of this gateway')
      : checkedUser(local, this.#plan.home);
  }

  /** The JID behind a WV address of one of this gateway's domains. */
  foreignJid(user: UserAddress): BareJid | Unmappable {
    const domain = domainOf(user);
    const part = userPartOf(user);
    if (domain === this.#plan.pseudoDomain) return this.#pseudoJid(part);
    if (!this.#routed.has(domain)) return unmappable(516, 'not a domain of this gateway');
    if (OTHER_BRIDGES.test(part)) return unmappable(516, 'the address of a bridge');
    if (!isStableLocal(part)) return unmappable(901, 'this name cannot be written as a JID');
    return bareJid({ local: escapeLocal(part), domain });
  }

  /** The WV address under which an XMPP user appears. */
  foreignUser(jid: JidParts): UserAddress | Unmappable {
    const local = jid.local === '' ? '' : unescapedLocal(jid.local);
    if (local === undefined) return unmappable(901, 'not a canonical JID');
    const refused = this.#refusal(local, jid.domain);
    if (refused !== undefined) return refused;
    if (this.#ofGroups.has(jid.domain)) return unmappable(516, 'a room is no user');
    if (local !== '' && this.#routed.has(jid.domain)) return checkedUser(local, jid.domain as Domain);
    if (this.#plan.pseudoDomain === undefined) return unmappable(516, `${jid.domain} is not routed here`);
    const whole = local === '' ? jid.domain : `${local}@${jid.domain}`;
    return checkedUser(whole, this.#plan.pseudoDomain as Domain);
  }

  /** The room of another server behind a group address of one of this gateway's domains (bridging 2.1). */
  roomJid(group: GroupAddress): BareJid | Unmappable {
    const domain = domainOf(group);
    const part = resourceOf(group);
    if (groupOwner(group) !== undefined) return unmappable(901, 'a room has no owner in its address');
    if (domain === this.#plan.pseudoDomain) return this.#pseudoRoom(part);
    if (!this.#ofGroups.has(domain)) return unmappable(516, 'not a domain of rooms');
    if (!isStableLocal(part)) return unmappable(901, 'this name cannot be written as a JID');
    return bareJid({ local: escapeLocal(part), domain });
  }

  /** The group address under which a room of another server appears. */
  roomGroup(jid: JidParts): GroupAddress | Unmappable {
    const local = unescapedLocal(jid.local);
    if (local === undefined) return unmappable(901, 'not a canonical JID');
    if (this.#ofGroups.has(jid.domain)) return checkedGroup(local, jid.domain as Domain);
    const refused = this.#refusal(local, jid.domain);
    if (refused !== undefined) return refused;
    if (this.#plan.pseudoDomain === undefined) return unmappable(516, `${jid.domain} is not routed here`);
    return checkedGroup(`${local}@${jid.domain}`, this.#plan.pseudoDomain as Domain);
  }

  #pseudoRoom(part: string): BareJid | Unmappable {
    const at = part.lastIndexOf('@');
    const jid = parseJid(part.slice(at + 1));
    if (at <= 0 || jid === undefined || jid.resource !== '' || jid.domain !== part.slice(at + 1)) {
      return unmappable(901, 'not the JID of a room');
    }
    const local = part.slice(0, at);
    if (!isStableLocal(local)) return unmappable(901, 'this name cannot be written as a JID');
    if (this.#ofGroups.has(jid.domain)) return unmappable(901, `is written wv:/room@${jid.domain}`);
    return this.#refusal(local, jid.domain) ?? bareJid({ local: escapeLocal(local), domain: jid.domain });
  }

  #pseudoJid(part: string): BareJid | Unmappable {
    const at = part.lastIndexOf('@');
    const local = at < 0 ? '' : part.slice(0, at);
    const jid = parseJid(part.slice(at + 1));
    if (jid === undefined || jid.resource !== '' || jid.domain !== part.slice(at + 1)) {
      return unmappable(901, 'not a JID');
    }
    if (at >= 0 && !isStableLocal(local)) return unmappable(901, 'this name cannot be written as a JID');
    if (at >= 0 && this.#routed.has(jid.domain)) return unmappable(901, `is written wv:user@${jid.domain}`);
    if (this.#ofGroups.has(jid.domain)) return unmappable(516, 'a room is no user');
    return this.#refusal(local, jid.domain) ?? bareJid({ local: escapeLocal(local), domain: jid.domain });
  }

  /** Our own names, and those of other bridges, must not come back as foreigners. */
  #refusal(local: string, domain: string): Unmappable | undefined {
    const { componentDomain, groupsDomain, home, pseudoDomain } = this.#plan;
    const ours = [componentDomain, groupsDomain, home, pseudoDomain].some(
      (own) =>
        own !== undefined &&
        (domain === own || domain.endsWith(`.${own}`)) &&
        !this.#routed.has(domain) &&
        !this.#ofGroups.has(domain),
    );
    if (ours || this.#elsewhere.has(domain)) return unmappable(516, 'an address of our own networks');
    return OTHER_BRIDGES.test(local) ? unmappable(516, 'the address of a bridge') : undefined;
  }
}

/** Undoes the escaping; undefined when the localpart is not the one spelling that escaping gives. */
function unescapedLocal(local: string): string | undefined {
  const text = unescapeLocal(local);
  return isStableLocal(text) && escapeLocal(text) === local ? text : undefined;
}

/** Some names have no WV form (too long once escaped, bidi controls): those are refused, not bent. */
function checkedUser(part: string, domain: Domain): UserAddress | Unmappable {
  const address = userAddress(part, domain);
  if (address.length > MAX_ADDRESS_LENGTH) return unmappable(901, 'address too long');
  const parsed = parseUser(address, domain);
  return isAddressError(parsed) || parsed !== address ? unmappable(901, 'not a WV address') : parsed;
}

function checkedGroup(part: string, domain: Domain): GroupAddress | Unmappable {
  const address = `wv:/${escapePart(part)}@${domain}`;
  if (address.length > MAX_ADDRESS_LENGTH) return unmappable(901, 'address too long');
  const parsed = parseGroup(address, domain);
  return isAddressError(parsed) || resourceOf(parsed) !== part ? unmappable(901, 'not a WV address') : parsed;
}
