// Wireless Village addresses (csp-datatypes section 1): "wv:" [User] ["/" Resource] ["@" Domain].
// Addresses compare without regard to case; the canonical form is folded to lower case.

import type { Domain, GroupAddress, ListAddress, ServiceAddress, UserAddress } from './ids.ts';

/** The parts of an address, unescaped and folded. `user` is '' for provider groups and services. */
export interface AddressParts {
  readonly user: string;
  readonly resource: string | undefined;
  readonly domain: Domain;
}

export interface AddressError {
  /** 901: general address error (csp-status-codes). */
  readonly code: 901;
  readonly reason: string;
}

/** Longest address accepted, in characters. Phones stop at 50; XMPP and Matrix ids embedded in one are longer. */
export const MAX_ADDRESS_LENGTH = 400;

const DOMAIN = /^(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/;
/** Unreserved inside a part when written: printable ASCII but the separators, `%`, blanks and markup. */
const PLAIN = /^[a-z0-9!#$&'()*+,\-.:;=?[\]^_`{|}~]*$/;

export function isAddressError(value: unknown): value is AddressError {
  return typeof value === 'object' && value !== null && (value as AddressError).code === 901;
}

/** Folds and checks a domain name. */
export function parseDomain(text: string): Domain | undefined {
  const folded = text.trim().toLowerCase();
  return folded.length <= 253 && DOMAIN.test(folded) ? (folded as Domain) : undefined;
}

function failed(reason: string): AddressError {
  return { code: 901, reason };
}

function unescapePart(part: string): string | undefined {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

// oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
const FORBIDDEN = /[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/;

/**
 * Splits an address. `wv:` and the domain may be missing (phones send what the user typed);
 * the domain is then `defaultDomain`. Percent escapes are resolved, case is folded.
 */
export function parseAddress(text: string, defaultDomain: Domain): AddressParts | AddressError {
  let rest = text.trim();
  if (rest.length > MAX_ADDRESS_LENGTH) return failed('address too long');
  if (/^wv:/i.test(rest)) rest = rest.slice(3);
  if (rest === '') return failed('empty address');
  const at = rest.lastIndexOf('@');
  const domain = at < 0 ? defaultDomain : parseDomain(rest.slice(at + 1));
  if (domain === undefined) return failed('malformed domain');
  const local = at < 0 ? rest : rest.slice(0, at);
  const slash = local.indexOf('/');
  const user = unescapePart(slash < 0 ? local : local.slice(0, slash))
    ?.normalize('NFC')
    .toLowerCase();
  const resource =
    slash < 0
      ? undefined
      : unescapePart(local.slice(slash + 1))
          ?.normalize('NFC')
          .toLowerCase();
  if (user === undefined || (slash >= 0 && (resource === undefined || resource === ''))) {
    return failed('malformed escape or empty resource');
  }
  if (FORBIDDEN.test(user) || (resource !== undefined && FORBIDDEN.test(resource))) {
    return failed('control characters in address');
  }
  if (at >= 0 && local.includes('@')) return failed('more than one @');
  return { user, resource, domain };
}

/** Escapes one part so that parseAddress gives it back: separators, `%`, blanks and non-ASCII as %XX of UTF-8. */
export function escapePart(part: string): string {
  if (PLAIN.test(part) && !/^\+(?!\d+$)/.test(part)) return part;
  let out = '';
  for (const byte of new TextEncoder().encode(part)) {
    const char = String.fromCharCode(byte);
    out +=
      byte < 0x80 && PLAIN.test(char) && !(char === '+' && out === '')
        ? char
        : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

function format(parts: AddressParts): string {
  const resource = parts.resource === undefined ? '' : `/${escapePart(parts.resource)}`;
  return `wv:${escapePart(parts.user)}${resource}@${parts.domain}`;
}

/** Canonical user address of a local part (unescaped) in a domain. */
export function userAddress(user: string, domain: Domain): UserAddress {
  return format({ user: user.toLowerCase(), resource: undefined, domain }) as UserAddress;
}

/** Canonical address of a server or service element: `wv:@domain`. */
export function serviceAddress(domain: Domain): ServiceAddress {
  return `wv:@${domain}` as ServiceAddress;
}

/** Parses a user address into its canonical form. */
export function parseUser(text: string, defaultDomain: Domain): UserAddress | AddressError {
  const parts = parseAddress(text, defaultDomain);
  if (isAddressError(parts)) return parts;
  if (parts.resource !== undefined || parts.user === '') return failed('not a user address');
  return format(parts) as UserAddress;
}

/** Parses a contact list address into its canonical form. */
export function parseList(text: string, defaultDomain: Domain): ListAddress | AddressError {
  const parts = parseAddress(text, defaultDomain);
  if (isAddressError(parts)) return parts;
  if (parts.resource === undefined || parts.user === '') return failed('not a contact list address');
  return format(parts) as ListAddress;
}

/** Parses a group address (private `user/group` or provider `/group`) into its canonical form. */
export function parseGroup(text: string, defaultDomain: Domain): GroupAddress | AddressError {
  const parts = parseAddress(text, defaultDomain);
  if (isAddressError(parts)) return parts;
  if (parts.resource === undefined) return failed('not a group address');
  return format(parts) as GroupAddress;
}

/** The domain of a canonical address. */
export function domainOf(address: UserAddress | ListAddress | GroupAddress | ServiceAddress): Domain {
  return address.slice(address.lastIndexOf('@') + 1) as Domain;
}

/** The unescaped user part of a canonical user or list address. */
export function userPartOf(address: UserAddress | ListAddress): string {
  const local = address.slice(3, address.lastIndexOf('@'));
  const slash = local.indexOf('/');
  return decodeURIComponent(slash < 0 ? local : local.slice(0, slash));
}

/** The owner of a canonical contact list address. */
export function listOwner(list: ListAddress): UserAddress {
  return `${list.slice(0, list.indexOf('/'))}${list.slice(list.lastIndexOf('@'))}` as UserAddress;
}

/** The owner of a canonical group address; undefined for a provider's group. */
export function groupOwner(group: GroupAddress): UserAddress | undefined {
  return group.startsWith('wv:/') ? undefined : listOwner(group as string as ListAddress);
}

/** The unescaped list or group name of a canonical address with a resource. */
export function resourceOf(address: ListAddress | GroupAddress): string {
  return decodeURIComponent(address.slice(address.indexOf('/') + 1, address.lastIndexOf('@')));
}

/** The number when a canonical user address is an MSISDN address (`wv:+digits@domain`). */
export function msisdnOf(address: UserAddress): string | undefined {
  return /^wv:(\+\d+)@/.exec(address)?.[1];
}
