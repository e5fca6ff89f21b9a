// Texts of SSP: addresses, booleans, numbers, dates, BASE64 (ssp.md section 5; observed-peer.md sections 12, 13).

import {
  isAddressError,
  MAX_ADDRESS_LENGTH,
  parseDomain,
  parseGroup,
  parseUser,
  serviceAddress,
  type AddressError,
} from '../../../wv/address.ts';
import type { Domain, GroupAddress, ServiceAddress, UserAddress } from '../../../wv/ids.ts';
import { readDate } from '../../csp/dates.ts';
import { Unreadable, type Text } from './parts.ts';

const same = (value: string): string => value;

/** As it is. */
export const PLAIN: Text<string> = { read: same, write: same };

/** Ids are opaque; longer ones than any that are seen would only fill memory. */
export const LONGEST_ID = 255;

/** An id as it is: 402 when it is too long. */
export const ID: Text<string> = {
  read: (text) => {
    if (text.length > LONGEST_ID) throw new Unreadable(402, 'id too long');
    return text;
  },
  write: same,
};

/** What is shown or logged, never needed in full: cut. */
export function cut(length: number): Text<string> {
  return { read: (text) => text.slice(0, length).toWellFormed(), write: same };
}

/** `Yes` and `No`; CSP's `T` and `F` are understood. */
export const YES_NO: Text<boolean> = {
  read: (text) => {
    const folded = text.toLowerCase();
    if (['yes', 'true', 't', 'y', '1'].includes(folded)) return true;
    if (['no', 'false', 'f', 'n', '0'].includes(folded)) return false;
    throw new Unreadable(402, 'neither Yes nor No');
  },
  write: (value) => (value ? 'Yes' : 'No'),
};

const MAX_NUMBER = 2_147_483_647;

/** A whole number that is not negative; above 2^31-1 it is that. */
export const NUMBER: Text<number> = {
  read: (text) => {
    if (!/^\d+$/.test(text)) throw new Unreadable(402, 'not a number');
    return Math.min(Number(text), MAX_NUMBER);
  },
  write: (value) => String(Math.min(MAX_NUMBER, Math.max(0, Math.round(value)))),
};

/** ISO 8601 in UTC, without fractions of seconds. COMPAT(Baraza): its dates may be useless; one that is none is now. */
export const DATE: Text<number> = {
  read: (text, { now }) => readDate(text) ?? now,
  write: (time) => new Date(time).toISOString().replace(/\.\d{3}/, ''),
};

/** One of a few words, in any case. */
export function oneOf<const Word extends string>(words: readonly Word[]): Text<Word> {
  return {
    read: (text) => {
      const folded = text.toUpperCase();
      const found = words.find((word) => word.toUpperCase() === folded);
      if (found === undefined) throw new Unreadable(402, `none of ${words.join(', ')}`);
      return found;
    },
    write: same,
  };
}

// ---- addresses

/** COMPAT(Baraza): the prefix may be missing; others write it twice, or in capitals. */
function bare(text: string): string {
  return text.trim().replace(/^(?:wv:)+/i, '');
}

function usable<T extends string>(address: T | AddressError): T {
  if (isAddressError(address)) throw new Unreadable(901, address.reason);
  return address;
}

function withDomain(text: string): string {
  const address = bare(text);
  if (!address.includes('@')) throw new Unreadable(901, 'address without a domain');
  return address;
}

/** Never used: withDomain has seen the domain. */
const NO_DOMAIN = '' as Domain;

/** A user of whom the peer speaks: without a domain it is not clear whose. */
export const USER: Text<UserAddress> = {
  read: (text) => usable(parseUser(withDomain(text), NO_DOMAIN)),
  write: same,
};

/** A user the peer asks us about or writes to: a bare number or name is one of ours. */
export const OUR_USER: Text<UserAddress> = {
  read: (text, { homeDomain }) => usable(parseUser(bare(text), homeDomain)),
  write: same,
};

export const GROUP: Text<GroupAddress> = {
  read: (text) => usable(parseGroup(withDomain(text), NO_DOMAIN)),
  write: same,
};

/** A domain name. */
export const DOMAIN: Text<Domain> = {
  read: (text) => domainIn(text) ?? refuse('malformed domain'),
  write: same,
};

/** `wv:@domain`. */
export const SERVICE: Text<ServiceAddress> = {
  read: (text) => serviceAddress(domainIn(bare(text)) ?? refuse('malformed service address')),
  write: same,
};

/** The domain of `wv:@domain`. */
export const SERVICE_DOMAIN: Text<Domain> = {
  read: (text) => domainIn(bare(text)) ?? refuse('malformed service address'),
  write: serviceAddress,
};

function domainIn(text: string): Domain | undefined {
  return parseDomain(text.replace(/^@/, ''));
}

function refuse(reason: string): never {
  throw new Unreadable(901, reason);
}

/** Users and groups that a text mentions. COMPAT(Baraza): its details name nobody but in their description. */
export function addressesIn(text: string): {
  readonly users: readonly UserAddress[];
  readonly groups: readonly GroupAddress[];
} {
  const users = new Set<UserAddress>();
  const groups = new Set<GroupAddress>();
  for (const word of wordsOf(text).filter((candidate) => candidate.includes('@'))) {
    const address = bare(word);
    const user = parseUser(address, NO_DOMAIN);
    const group = parseGroup(address, NO_DOMAIN);
    if (!isAddressError(user)) users.add(user);
    else if (!isAddressError(group)) groups.add(group);
  }
  return { users: [...users], groups: [...groups] };
}

/** Domain names that a text mentions: words with a dot in them. */
export function domainsIn(text: string): readonly Domain[] {
  const found = wordsOf(text)
    .filter((word) => word.includes('.'))
    .flatMap((word) => parseDomain(word) ?? []);
  return [...new Set(found)];
}

/** Where descriptions are searched, in characters. */
const SEARCHED = 2_000;
/** No address is longer, with what may stand around it. */
const LONGEST_WORD = MAX_ADDRESS_LENGTH + 20;

function wordsOf(text: string): readonly string[] {
  return text
    .slice(0, SEARCHED)
    .split(/\s+/)
    .filter((word) => word.length <= LONGEST_WORD)
    .map((word) => word.replace(/^["'(<[]+/, '').replace(/["'.,;:!?)>\]]+$/, ''));
}

// ---- octets

/** The octets of BASE64, white space and padding in it ignored. Throws Unreadable. */
export function decodeBase64(text: string): Buffer {
  const packed = text.replace(/\s+/g, '').replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(packed) || packed.length % 4 === 1) throw new Unreadable(402, 'not BASE64');
  return Buffer.from(packed, 'base64');
}

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that octets hold; undefined when they are not UTF-8. */
export function utf8(octets: Uint8Array): string | undefined {
  try {
    return STRICT.decode(octets);
  } catch {
    return undefined;
  }
}
