// What the scripted peer knows: its users with all that reached them, and its groups. Lost only by being forgotten.

import type { Csp } from './write.ts';
import type { Xml } from './xml.ts';

export interface UserOptions {
  /** The part before the `@`. */
  readonly name: string;
  /** Who sees all of his presence without being authorised first. */
  readonly open?: boolean;
  /** What his client does with a message that asks for a report: fetch it (200), reject it (538), or wait. */
  readonly client?: 'fetches' | 'rejects' | 'waits';
}

export interface GroupOptions {
  /** `bob/hikers`: the part before the `@`. */
  readonly name: string;
  /** Name of the owner: joined from the start. */
  readonly owner: string;
  readonly ownerScreenName: string;
  /** Only those of `admitted` may join. */
  readonly restricted?: boolean;
  /** Addresses, without `wv:`. */
  readonly admitted?: readonly string[];
  readonly rejected?: readonly string[];
}

/** One delivery of a message to one user. The same message taken twice is two of them. */
export interface ReceivedMessage {
  readonly messageId: string;
  readonly transactionId: string;
  /** As the document had it: the address of a user or of a group. */
  readonly sender: string;
  /** Of the sender in a group. */
  readonly screenName: string | undefined;
  /** The group that it was sent to here, or that it came from. */
  readonly groupId: string | undefined;
  readonly contentType: string;
  readonly content: Buffer;
  /** The content as UTF-8. */
  readonly text: string;
  readonly wantsReport: boolean;
  /** Attributes of MessageInfo, as written. */
  readonly info: Readonly<Record<string, string>>;
  readonly dateTime: string | undefined;
}

export interface PresenceSeen {
  /** As written; undefined: the notification was about nobody. */
  readonly userId: string | undefined;
  /** Attribute → text of its PresenceValue ('' where it has none). */
  readonly values: Readonly<Record<string, string>>;
  readonly elements: readonly Xml[];
}

export interface GroupChange {
  readonly groupId: string;
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

export interface GroupLeft {
  readonly groupId: string;
  readonly code: number;
}

export interface InvitationSeen {
  readonly kind: 'invited' | 'cancelled';
  readonly inviteId: string;
  readonly type: string | undefined;
  readonly inviting: string | undefined;
  readonly note: string | undefined;
  readonly element: Xml;
}

export interface Watcher {
  /** Without `wv:`. */
  readonly address: string;
  /** Names, or everything that he is authorised for. */
  readonly asked: readonly string[] | undefined;
}

export type Grant = 'all' | ReadonlySet<string>;

export interface User {
  readonly name: string;
  /** `wv:name@domain`. */
  readonly address: string;
  readonly clientId: string;
  readonly client: 'fetches' | 'rejects' | 'waits';
  readonly messages: ReceivedMessage[];
  readonly presenceSeen: PresenceSeen[];
  readonly groupChanges: GroupChange[];
  readonly groupsLeft: GroupLeft[];
  readonly invitations: InvitationSeen[];
  /** Reports about his messages that reached the peer. It loses them: his client sees none. */
  readonly lostReports: Xml[];
  /** Groups of the other side that he asked to join and did not leave, in lower case. */
  readonly foreignGroups: Set<string>;
  readonly presence: Map<string, Csp>;
  /** By address. */
  readonly watchers: Map<string, Watcher>;
  /** By address, or `*` for everybody. */
  readonly grants: Map<string, Grant>;
}

export interface Member {
  /** Without `wv:`, as it came. */
  readonly address: string;
  readonly local: boolean;
  readonly clientId: string | undefined;
  readonly screenName: string;
  notices: boolean;
}

export interface Group {
  /** `wv:owner/name@domain`. */
  readonly id: string;
  readonly restricted: boolean;
  readonly admitted: readonly string[];
  readonly rejected: readonly string[];
  readonly members: Member[];
}

export interface World {
  readonly domain: string;
  /** By name in lower case. */
  readonly users: Map<string, User>;
  /** By id in lower case. */
  readonly groups: Map<string, Group>;
}

export function createWorld(
  domain: string,
  users: readonly (string | UserOptions)[],
  groups: readonly GroupOptions[],
): World {
  const people = users.map((user) => createUser(domain, typeof user === 'string' ? { name: user } : user));
  const rooms = groups.map((group) => createGroup(domain, group));
  return {
    domain,
    users: new Map(people.map((user) => [user.name.toLowerCase(), user])),
    groups: new Map(rooms.map((group) => [group.id.toLowerCase(), group])),
  };
}

const createUser = (domain: string, { name, open = false, client = 'fetches' }: UserOptions): User => ({
  name,
  address: `wv:${name}@${domain}`,
  clientId: `${name}-client`,
  client,
  messages: [],
  presenceSeen: [],
  groupChanges: [],
  groupsLeft: [],
  invitations: [],
  lostReports: [],
  foreignGroups: new Set(),
  presence: new Map(),
  watchers: new Map(),
  grants: new Map(open ? [['*', 'all' as const]] : []),
});

const createGroup = (domain: string, options: GroupOptions): Group => ({
  id: `wv:${options.name}@${domain}`,
  restricted: options.restricted ?? false,
  admitted: options.admitted ?? [],
  rejected: options.rejected ?? [],
  members: [
    {
      address: `${options.owner}@${domain}`,
      local: true,
      clientId: `${options.owner}-client`,
      screenName: options.ownerScreenName,
      notices: true,
    },
  ],
});

/** It knows the prefix in lower case only. */
export const withoutPrefix = (address: string): string => address.replace(/^wv:/, '');

/** Two addresses are the same whatever their case and with or without prefix. */
export const sameAddress = (one: string, other: string): boolean =>
  withoutPrefix(one).toLowerCase() === withoutPrefix(other).toLowerCase();

/** In lower case; that of the peer itself when there is none. */
export const domainOf = (world: World, address: string): string =>
  /@([^@]*)$/.exec(address)?.[1]?.toLowerCase() ?? world.domain;

export function findUser(world: World, address: string): User | undefined {
  if (domainOf(world, address) !== world.domain) return undefined;
  return world.users.get(
    withoutPrefix(address)
      .replace(/@[^@]*$/, '')
      .toLowerCase(),
  );
}

export const findGroup = (world: World, id: string): Group | undefined =>
  world.groups.get(`wv:${withoutPrefix(id)}`.toLowerCase());
