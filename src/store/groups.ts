// The durable state of groups (csp-transactions section 8); part of Store, whose rules hold here too.

import type { ClientId, GroupAddress, UserAddress } from '../wv/ids.ts';
import type { Message } from '../wv/message.ts';

export type Privilege = 'Admin' | 'Mod' | 'User';

/** The own properties that a user can set (PrivilegeLevel and IsMember follow from the rest). */
export interface OwnSettings {
  readonly autoJoin: boolean;
  readonly privateMessaging: boolean;
  readonly showId: boolean;
}

/** What a group knows of a user for good: a member, or a visitor (no privilege) who set own properties. */
export interface GroupPerson {
  readonly user: UserAddress;
  /** Absent = not a member. */
  readonly privilege?: Privilege;
  readonly settings: OwnSettings;
}

/** A client that is present in a group. */
export interface JoinedRecord {
  readonly user: UserAddress;
  /** '' where the user's home names no client. */
  readonly clientId: ClientId;
  readonly screenName: string;
  /** Wants GroupChangeNotice. */
  readonly subscribed: boolean;
}

export type JoinedKey = Pick<JoinedRecord, 'user' | 'clientId'>;

/** What Admins can change about a group as a whole. */
export interface GroupProfile {
  /** Group properties that were set, by canonical name. */
  readonly properties: Readonly<Record<string, string>>;
  readonly welcomeNote?: string;
  /** When the group ends, milliseconds since the epoch; absent = never. */
  readonly expiresAt?: number;
  /** Folded texts by which the group is found; absent = not searchable. */
  readonly search?: { readonly name: string; readonly topic: string };
}

export interface GroupRecord {
  readonly address: GroupAddress;
  /** Absent for the operator's groups. */
  readonly owner?: UserAddress;
  readonly createdAt: number;
  readonly profile: GroupProfile;
}

/** Everything of one group but its history. */
export interface GroupState extends GroupRecord {
  readonly people: readonly GroupPerson[];
  /** In the order of joining. */
  readonly joined: readonly JoinedRecord[];
  readonly rejected: readonly UserAddress[];
}

/** One change of a group: all of it or nothing. What is put replaces what is there under the same key. */
export interface GroupChange {
  readonly profile?: GroupProfile;
  readonly people?: readonly GroupPerson[];
  readonly removedPeople?: readonly UserAddress[];
  readonly joined?: readonly JoinedRecord[];
  readonly left?: readonly JoinedKey[];
  readonly rejected?: readonly UserAddress[];
  readonly pardoned?: readonly UserAddress[];
}

export type GroupCreation = 'created' | 'exists' | 'owner-full' | 'server-full';

/** Folded substrings and exact users; all that are given must match, also those of one kind. */
export interface GroupSearch {
  readonly id?: readonly string[];
  readonly name?: readonly string[];
  readonly topic?: readonly string[];
  readonly owner?: readonly UserAddress[];
  /** Joined, or with AutoJoin, and not hidden (ShowID). */
  readonly joined?: readonly UserAddress[];
  readonly autoJoin?: readonly UserAddress[];
}

export interface GroupStore {
  /** `limits` are counted in the same step: groups of this owner, groups of the server. */
  createGroup(
    group: GroupState,
    limits: { readonly perOwner: number; readonly perServer: number },
  ): Promise<GroupCreation>;
  /** False when there is no such group. */
  deleteGroup(group: GroupAddress): Promise<boolean>;
  loadGroup(group: GroupAddress): Promise<GroupState | undefined>;
  /** False when there is no such group. */
  changeGroup(group: GroupAddress, change: GroupChange): Promise<boolean>;
  /** Lets a group run out at once: the server then ends it in order. False when there is no such group. */
  expireGroup(group: GroupAddress): Promise<boolean>;
  /** Groups in address order, after `after`. */
  listGroups(after: GroupAddress | undefined, limit: number): Promise<readonly GroupRecord[]>;
  /** Groups whose time is over, oldest first; they stay until deleted. */
  expiredGroups(now: number, limit: number): Promise<readonly GroupAddress[]>;
  /** Searchable groups that match, in address order, after `after`. */
  searchGroups(
    search: GroupSearch,
    after: GroupAddress | undefined,
    limit: number,
  ): Promise<readonly GroupAddress[]>;

  /** Groups of this server that a client is joined to. */
  groupsJoinedBy(client: JoinedKey): Promise<readonly GroupAddress[]>;
  /** Groups of this server that a user owns, is joined to, is remembered in or rejected from. */
  groupsWith(user: UserAddress): Promise<readonly GroupAddress[]>;
  /** Groups of this server that a user joins whenever he logs in. */
  autoJoinGroups(user: UserAddress): Promise<readonly GroupAddress[]>;
  /** Joined clients of users in a domain, each once, in order, after `after`. */
  joinedClients(domain: string, after: JoinedKey | undefined, limit: number): Promise<readonly JoinedKey[]>;

  /** Adds a message to a group's history and drops all but the newest `keep`. A known message id changes nothing. */
  addGroupHistory(group: GroupAddress, message: Message, keep: number): Promise<void>;
  /** The newest `count` messages, oldest first. */
  groupHistory(group: GroupAddress, count: number): Promise<readonly Message[]>;
}
