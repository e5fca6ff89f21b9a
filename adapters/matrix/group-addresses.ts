// WV groups and Matrix rooms, both ways (bridging.md 2.2): groups of this server by aliases in our namespace, rooms by
// their alias or id in the pseudo-domain, and the ghosts of screen names.

import { createHash } from 'node:crypto';
import { domainOf, escapePart, isAddressError, parseGroup } from '../../src/wv/address.ts';
import type { Domain, GroupAddress } from '../../src/wv/ids.ts';
import { escapeBytes, GHOST_RAW, PEER_RAW, unescapeBytes } from './addresses.ts';
import { isRoomId } from './ids.ts';
import type { MatrixUserId } from './ids.ts';

export interface GroupAddressRules {
  readonly homeDomain: Domain;
  readonly pseudoDomain: Domain;
  readonly serverName: string;
  /** Start of the localparts of ghosts and aliases. */
  readonly prefix: string;
}

/** Longest alias, in bytes. */
const MAX_ALIAS = 255;
const ALIAS = /^#[^:\s\p{Cc}]+:(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/u;
/** Starts a screen name's ghost: an escaped `m`, which a user's ghost never has. */
const MASK = '=6d.';

/** Pure. */
export class GroupAddresses {
  readonly #rules: GroupAddressRules;

  constructor(rules: GroupAddressRules) {
    this.#rules = rules;
  }

  /** The group of a room that is named by alias or id; undefined for ours and for malformed names. */
  groupOf(room: string): GroupAddress | undefined {
    const isAlias = room.startsWith('#');
    if (isAlias ? !isRoomAlias(room) || this.#isOurs(room) : !isRoomId(room)) return undefined;
    const colon = room.indexOf(':');
    const local = escapeBytes(room.slice(1, colon < 0 ? undefined : colon), PEER_RAW, '^');
    const server = colon < 0 ? '' : `@${escapeBytes(room.slice(colon + 1), PEER_RAW, '^')}`;
    return this.#group(`${isAlias ? '' : '!'}${local}${server}`);
  }

  /** The alias or id of the room that a group in the pseudo-domain stands for; undefined when it is none. */
  roomOf(group: GroupAddress): string | undefined {
    if (domainOf(group) !== this.#rules.pseudoDomain || !group.startsWith('wv:/')) return undefined;
    const name = decodeURIComponent(group.slice(4, group.lastIndexOf('@')));
    const at = name.lastIndexOf('@');
    const isId = name.startsWith('!');
    if (at < 0 && !isId) return undefined;
    const local = unescapeBytes(name.slice(isId ? 1 : 0, at < 0 ? undefined : at), '^');
    const server = at < 0 ? '' : unescapeBytes(name.slice(at + 1), '^');
    if (local === undefined || server === undefined) return undefined;
    const room = `${isId ? '!' : '#'}${local}${at < 0 ? '' : `:${server}`}`;
    return this.groupOf(room) === group ? room : undefined;
  }

  /** The localpart of the alias of a group of this server; undefined when it is not ours or too long. */
  aliasOf(group: GroupAddress): { readonly localpart: string; readonly alias: string } | undefined {
    const { homeDomain, prefix, serverName } = this.#rules;
    if (domainOf(group) !== homeDomain) return undefined;
    const name = group.slice(3, group.lastIndexOf('@')).split('/').map(decodeURIComponent).join('/');
    const localpart = `${prefix}${escapeBytes(name, GHOST_RAW, '=')}`;
    const alias = `#${localpart}:${serverName}`;
    return alias.length <= MAX_ALIAS ? { localpart, alias } : undefined;
  }

  /** The group of this server that one of our aliases names; undefined when it is not in the form of `aliasOf`. */
  groupOfAlias(alias: string): GroupAddress | undefined {
    const { homeDomain, prefix, serverName } = this.#rules;
    const [start, end] = [`#${prefix}`, `:${serverName}`];
    if (!alias.startsWith(start) || !alias.endsWith(end)) return undefined;
    const name = unescapeBytes(alias.slice(start.length, -end.length), '=');
    const slash = name?.indexOf('/') ?? -1;
    if (name === undefined || slash < 0) return undefined;
    const text = `wv:${escapePart(name.slice(0, slash))}/${escapePart(name.slice(slash + 1))}@${homeDomain}`;
    const group = parseGroup(text, homeDomain);
    return !isAddressError(group) && this.aliasOf(group)?.alias === alias ? group : undefined;
  }

  /**
   * The ghost of a screen name in a group of this server. It is not its bearer's ghost: a group may hide who is who
   * (ShowID), and Matrix would not.
   */
  maskOf(group: GroupAddress, screenName: string): MatrixUserId {
    const { prefix, serverName } = this.#rules;
    const digest = createHash('sha256').update(`${group}\n${screenName.toLowerCase()}`).digest('hex');
    return `@${prefix}${MASK}${digest.slice(0, 24)}:${serverName}` as MatrixUserId;
  }

  isMask(user: string): boolean {
    return user.startsWith(`@${this.#rules.prefix}${MASK}`);
  }

  #isOurs(alias: string): boolean {
    const { prefix, serverName } = this.#rules;
    return alias.startsWith(`#${prefix}`) && alias.endsWith(`:${serverName}`);
  }

  #group(name: string): GroupAddress | undefined {
    const { pseudoDomain } = this.#rules;
    const group = parseGroup(`wv:/${escapePart(name)}@${pseudoDomain}`, pseudoDomain);
    return isAddressError(group) ? undefined : group;
  }
}

function isRoomAlias(text: string): boolean {
  return text.length <= MAX_ALIAS && ALIAS.test(text);
}
