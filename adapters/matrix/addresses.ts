// WV addresses and Matrix user ids, both ways (bridging.md 2.2): a bijection on what we emit, total with an explicit
// refusal on what we receive.

import { domainOf, MAX_ADDRESS_LENGTH, parseUser, userAddress, userPartOf } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import { isMatrixUserId, MAX_USER_ID } from './ids.ts';
import type { MatrixUserId } from './ids.ts';

export interface AddressRules {
  readonly homeDomain: Domain;
  readonly pseudoDomain: Domain;
  readonly serverName: string;
  /** Start of every ghost's localpart. */
  readonly prefix: string;
  readonly botLocalpart: string;
  /** User ids of other bridges' ghosts. */
  readonly refused: readonly RegExp[];
}

/** Raw in a ghost's localpart. `=` starts an escape; `/` is escaped although the grammar allows it. */
export const GHOST_RAW = /[a-z0-9._\-+]/;
/** Raw in the WV user part that stands for a Matrix id; everything else is `^xx` (folding would lose capitals). */
export const PEER_RAW = /[a-z0-9._\-=/+[\]:]/;

/** UTF-8 with every byte outside `raw` written as `mark` and two hex digits. */
export function escapeBytes(text: string, raw: RegExp, mark: string): string {
  let out = '';
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    out += byte < 0x80 && raw.test(char) ? char : mark + byte.toString(16).padStart(2, '0');
  }
  return out;
}

/** What `escapeBytes` wrote; undefined for a malformed escape or bytes that are no UTF-8. */
export function unescapeBytes(text: string, mark: string): string | undefined {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char !== mark) {
      bytes.push(char.charCodeAt(0));
      continue;
    }
    const hex = text.slice(i + 1, i + 3);
    if (!/^[0-9a-f]{2}$/.test(hex)) return undefined;
    bytes.push(Number.parseInt(hex, 16));
    i += 2;
  }
  if (bytes.some((byte) => byte > 0xff)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    // Bytes that are not UTF-8 name nobody: the caller refuses the id.
    return undefined;
  }
}

/** The address translation of one gateway. Pure. */
export class MatrixAddresses {
  readonly bot: MatrixUserId;
  readonly #rules: AddressRules;

  constructor(rules: AddressRules) {
    this.#rules = rules;
    this.bot = `@${rules.botLocalpart}:${rules.serverName}` as MatrixUserId;
  }

  /** The ghost of a WV user; undefined when the id would exceed 255 bytes or the user lives behind Matrix. */
  ghostOf(user: UserAddress): MatrixUserId | undefined {
    const { prefix, serverName, pseudoDomain } = this.#rules;
    if (domainOf(user) === pseudoDomain) return undefined;
    const id = `@${prefix}${this.#suffixOf(user)}:${serverName}`;
    return id.length <= MAX_USER_ID ? (id as MatrixUserId) : undefined;
  }

  /** The WV user of one of our ghosts; undefined when it is none, or not in the form that `ghostOf` gives. */
  userOf(ghost: string): UserAddress | undefined {
    const { prefix, serverName } = this.#rules;
    const start = `@${prefix}`;
    const end = `:${serverName}`;
    if (ghost === this.bot || !ghost.startsWith(start) || !ghost.endsWith(end)) return undefined;
    const name = unescapeBytes(ghost.slice(start.length, -end.length), '=');
    const user = name === undefined || name === '' ? undefined : this.#userNamed(name);
    return user !== undefined && this.ghostOf(user) === ghost ? user : undefined;
  }

  /** The WV address of a Matrix user; undefined for our own ghosts, other bridges' ghosts and malformed ids. */
  addressOf(peer: string): UserAddress | undefined {
    if (!isMatrixUserId(peer) || this.isRefused(peer)) return undefined;
    const colon = peer.indexOf(':');
    const localpart = escapeBytes(peer.slice(1, colon), PEER_RAW, '^');
    const server = escapeBytes(peer.slice(colon + 1), PEER_RAW, '^');
    const address = userAddress(`${localpart}@${server}`, this.#rules.pseudoDomain);
    return address.length <= MAX_ADDRESS_LENGTH ? address : undefined;
  }

  /** The Matrix user of a WV address in our pseudo-domain; undefined when it names none. */
  peerOf(address: UserAddress): MatrixUserId | undefined {
    if (domainOf(address) !== this.#rules.pseudoDomain) return undefined;
    const name = userPartOf(address);
    const at = name.lastIndexOf('@');
    if (at <= 0) return undefined;
    const localpart = unescapeBytes(name.slice(0, at), '^');
    const server = unescapeBytes(name.slice(at + 1), '^');
    const peer = `@${localpart}:${server}`;
    return this.addressOf(peer) === address ? (peer as MatrixUserId) : undefined;
  }

  /** True for the bot and every id in our namespace, whether it decodes or not. */
  isOurs(user: string): boolean {
    const { prefix, serverName } = this.#rules;
    return user === this.bot || (user.startsWith(`@${prefix}`) && user.endsWith(`:${serverName}`));
  }

  /** True for users that must not be bridged: ours, and the ghosts of other bridges (bridging.md 2.3). */
  isRefused(user: string): boolean {
    return this.isOurs(user) || this.#rules.refused.some((bridge) => bridge.test(user));
  }

  /**
   * Users of the home domain by their name, others by name and domain. A home user whose name holds an `@` is
   * written with the domain too, else two users would share a ghost; the user called like the bot is escaped.
   */
  #suffixOf(user: UserAddress): string {
    const { homeDomain, prefix, botLocalpart } = this.#rules;
    const domain = domainOf(user);
    const name = userPartOf(user);
    const short = domain === homeDomain && !name.includes('@');
    const suffix = escapeBytes(short ? name : `${name}@${domain}`, GHOST_RAW, '=');
    if (prefix + suffix !== botLocalpart) return suffix;
    return `=${suffix.charCodeAt(0).toString(16).padStart(2, '0')}${suffix.slice(1)}`;
  }

  #userNamed(name: string): UserAddress | undefined {
    const at = name.lastIndexOf('@');
    const domain = at < 0 ? this.#rules.homeDomain : name.slice(at + 1);
    const user = userAddress(at < 0 ? name : name.slice(0, at), domain as Domain);
    return parseUser(user, this.#rules.homeDomain) === user ? user : undefined;
  }
}
