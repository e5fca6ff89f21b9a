// A room in memory: who is in it, as far as the group's home tells those who are, and our own occupants.

import { groupOwner } from '../../../src/wv/address.ts';
import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { GroupProperty, ScreenMapping } from '../../../src/wv/primitives.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { BareJid } from '../jid.ts';
import { foldNick } from './room-addresses.ts';

export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast';
export type Role = 'moderator' | 'participant' | 'none';

export interface Standing {
  readonly affiliation: Affiliation;
  readonly role: Role;
}

export type GroupPrivilege = 'Admin' | 'Mod' | 'User';

export const VISITOR: Standing = { affiliation: 'none', role: 'participant' };

/** Bridging 7.2: what a privilege is in a room; undefined = no member. */
export const STANDINGS: Readonly<Record<GroupPrivilege, Standing>> = {
  Admin: { affiliation: 'admin', role: 'moderator' },
  Mod: { affiliation: 'member', role: 'moderator' },
  User: { affiliation: 'member', role: 'participant' },
};

/** A user of XMPP in a room; all his clients share one nick. */
export interface Occupant {
  readonly user: UserAddress;
  readonly jid: BareJid;
  nick: string;
  standing: Standing;
  /** Everybody sees who he is (ShowID). */
  showsId: boolean;
  readonly resources: Set<string>;
}

/** A screen name in the room. */
export interface Present {
  readonly nick: string;
  /** Who it is, if everybody may know. */
  readonly user?: UserAddress;
  /** Who it is, if Mods and Admins may know. */
  readonly knownToMods?: UserAddress;
}

/** Why somebody is being taken out, remembered for those who are told that he left. */
export interface Removal {
  readonly status: '301' | '307' | '321';
  readonly actor: string;
  readonly reason: string;
}

/** Removals remembered per room. */
const REMOVALS = 100;

export class Room {
  readonly jid: BareJid;
  readonly group: GroupAddress;
  readonly occupants = new Map<BareJid, Occupant>();
  readonly present = new Map<string, Present>();
  /** Members, as far as a Mod of ours was told. */
  readonly privileges = new Map<UserAddress, GroupPrivilege>();
  readonly removals = new BoundedMap<string, Removal>(REMOVALS);
  /** Names of whom clients were perhaps not told that they came or went: the stream ended. By folded nick. */
  readonly untold = new Map<string, string>();
  readonly #nicks = new Map<string, Occupant>();
  topic = '';
  /** The nick that set the topic last, if one of ours did. */
  topicBy: string | undefined;
  /** Reason and alternate of a deletion that one of ours asked for. */
  destruction: { readonly reason: string; readonly alternate: string } | undefined;

  constructor(jid: BareJid, group: GroupAddress) {
    this.jid = jid;
    this.group = group;
  }

  /** Our own occupant of that nick. */
  byNick(nick: string): Occupant | undefined {
    return this.#nicks.get(foldNick(nick));
  }

  add(occupant: Occupant): void {
    this.remove(occupant.jid);
    this.occupants.set(occupant.jid, occupant);
    this.#nicks.set(foldNick(occupant.nick), occupant);
  }

  remove(jid: BareJid): void {
    const occupant = this.occupants.get(jid);
    if (occupant === undefined) return;
    this.occupants.delete(jid);
    if (this.byNick(occupant.nick) === occupant) this.#nicks.delete(foldNick(occupant.nick));
  }

  rename(occupant: Occupant, nick: string): void {
    this.remove(occupant.jid);
    occupant.nick = nick;
    this.add(occupant);
  }

  presentAs(nick: string): Present | undefined {
    return this.present.get(foldNick(nick));
  }

  /** Takes a name the home told. `byMod`: to one who sees more than others. */
  enter({ screenName, user }: ScreenMapping, byMod: boolean): void {
    const known = this.presentAs(screenName);
    this.present.set(foldNick(screenName), {
      ...known,
      nick: screenName,
      ...(user === undefined ? {} : byMod ? { knownToMods: user } : { user }),
    });
  }

  standingOf({ nick, user, knownToMods }: Present): Standing {
    const own = this.byNick(nick);
    if (own !== undefined) return own.standing;
    const who = user ?? knownToMods;
    return who === undefined ? VISITOR : this.standingOfUser(who);
  }

  standingOfUser(user: UserAddress): Standing {
    if (user === groupOwner(this.group)) return { affiliation: 'owner', role: 'moderator' };
    const privilege = this.privileges.get(user);
    return privilege === undefined ? VISITOR : STANDINGS[privilege];
  }
}

/** What a user's own properties say of his standing. */
export function ownStanding(
  room: Room,
  user: UserAddress,
  properties: readonly GroupProperty[],
): { readonly standing: Standing; readonly showsId: boolean } {
  const privilege = propertyOf(properties, 'PrivilegeLevel') as GroupPrivilege | undefined;
  const isMember = propertyOf(properties, 'IsMember') === 'T';
  const showsId = propertyOf(properties, 'ShowID') === 'T';
  if (user === groupOwner(room.group)) return { standing: room.standingOfUser(user), showsId };
  const standing = isMember ? (STANDINGS[privilege ?? 'User'] ?? STANDINGS.User) : VISITOR;
  return { standing, showsId };
}

/** The value of a property; names compare without regard to case. */
export function propertyOf(properties: readonly GroupProperty[], name: string): string | undefined {
  return properties.find((property) => property.name.toLowerCase() === name.toLowerCase())?.value;
}
