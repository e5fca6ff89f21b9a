// User profiles, the terminals of users, and the search over users: an area of the Store.

import type { ClientId, UserAddress } from '../wv/ids.ts';
import type { Findable, PublicProfile } from '../wv/profile.ts';

/** What a user tells of himself, beside his account (UserRecord: shown name, services, active or not). */
export interface Profile {
  readonly firstName?: string;
  readonly lastName?: string;
  readonly email?: string;
  /** E.164, digits only. */
  readonly mobileNumber?: string;
  readonly publicProfile: PublicProfile;
  /** Settings of the user's clients, which the server keeps and does not read. */
  readonly preferences: Readonly<Record<string, string | number | boolean>>;
  readonly findable: Findable;
  /** May presence be taken from the mobile network? */
  readonly networkPresence: boolean;
}

/** The profile of a user who never said anything: everybody finds what he will tell. */
export const EMPTY_PROFILE: Profile = Object.freeze({
  publicProfile: Object.freeze({}),
  preferences: Object.freeze({}),
  findable: Object.freeze({
    id: 'everybody',
    name: 'everybody',
    alias: 'everybody',
    email: 'everybody',
    mobileNumber: 'everybody',
    publicProfile: 'everybody',
  }),
  networkPresence: false,
});

/** A client application on a device, as it last showed itself. */
export interface Terminal {
  readonly clientId: ClientId;
  /** ClientType of the capability negotiation (MOBILE_PHONE, COMPUTER, …). */
  readonly type?: string;
  /** What was agreed last, as JSON that access/csp owns. */
  readonly capabilities?: string;
  /** Milliseconds since the epoch. */
  readonly seenAt: number;
}

/** The texts by which users are found; what a user hides is not among them. */
export const USER_SEARCH_FIELDS = [
  'name',
  'first_name',
  'last_name',
  'email',
  'mobile',
  'alias',
  'published_alias',
  'friendly_name',
  'city',
  'country',
  'gender',
  'intention',
  'interests',
  'marital_status',
] as const;
export type UserSearchField = (typeof USER_SEARCH_FIELDS)[number];

/** A text that must stand in one of some fields, without regard to case and accents. */
export interface TextMatch {
  readonly fields: readonly UserSearchField[];
  /** Not empty. Of one or two characters it is found at the beginning of words only. */
  readonly text: string;
  /** The text must stand at the beginning (of a word), the end, or both. */
  readonly at?: 'start' | 'end' | 'whole';
}

/** What users must fulfil, all of it. */
export interface UserSearch {
  readonly texts: readonly TextMatch[];
  readonly age?: { readonly min: number; readonly max: number };
  /**
   * Online status, of users who show theirs to everybody (default attribute list): `among` are those of them who are
   * online now; `is` says whether these or the others are wanted.
   */
  readonly online?: { readonly is: boolean; readonly among: readonly UserAddress[] };
}

export interface ProfileStore {
  /** undefined = no such user. */
  getProfile(user: UserAddress): Promise<Profile | undefined>;
  /**
   * Replaces a profile by what `change` makes of it, in one step. `change` must be pure: it may run twice.
   * False = no such user.
   */
  changeProfile(user: UserAddress, change: (profile: Profile) => Profile): Promise<boolean>;
  /** Notes a terminal; what is undefined keeps its value. Of more than `limit` the one unseen longest goes. */
  noteTerminal(user: UserAddress, terminal: Terminal, limit: number): Promise<void>;
  /** Last seen first. */
  terminalsOf(user: UserAddress): Promise<readonly Terminal[]>;
  /** Active users that match, at most `limit`, in no particular order. At least one text or an age is needed. */
  searchUsers(search: UserSearch, limit: number): Promise<readonly UserAddress[]>;
  /** Users whose profile has this mobile number (digits only), at most `limit`. */
  usersWithNumber(number: string, limit: number): Promise<readonly UserAddress[]>;
  /** Inactive users that still have sessions. */
  inactiveWithSessions(): Promise<readonly UserAddress[]>;
}
