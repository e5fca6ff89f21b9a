// Who is behind a JID or an address, ours or not.

import type { UserAddress } from '../../../src/wv/ids.ts';
import type { ScreenMapping } from '../../../src/wv/primitives.ts';
import { domainOf } from '../../../src/wv/address.ts';
import { isUnmappable } from '../addresses.ts';
import type { Unmappable } from '../addresses.ts';
import type { Bridge } from '../bridge.ts';
import type { BareJid, JidParts } from '../jid.ts';
import type { Guest, Occupant, Room } from './room.ts';

/** The address of anybody; undefined for one who has none. */
export function addressOf({ codec, settings }: Bridge, jid: JidParts): UserAddress | undefined {
  const user = jid.domain === settings.componentDomain ? codec.localUser(jid) : codec.foreignUser(jid);
  return isUnmappable(user) ? undefined : user;
}

/** The JID of anybody. */
export function jidOf({ codec, relay }: Bridge, user: UserAddress): BareJid | Unmappable {
  return domainOf(user) === relay.homeDomain ? codec.localJid(user) : codec.foreignJid(user);
}

/** An occupant as one of our users may see him. */
export function mappingFor(bridge: Bridge, viewer: Guest, occupant: Occupant): ScreenMapping {
  const { nick, jid } = occupant;
  if (nick === viewer.nick) return { screenName: nick, user: viewer.user };
  const user = jid !== undefined && seesWho(viewer) ? addressOf(bridge, jid) : undefined;
  return user === undefined ? { screenName: nick } : { screenName: nick, user };
}

/** A room that tells moderators alone who is who tells it all of us through one of them. */
export function seesWho({ room, role }: Guest): boolean {
  return room.nonAnonymous || role === 'moderator';
}

/** Everybody in the room, the viewer always among them. */
export function listFor(bridge: Bridge, room: Room, viewer: Guest): readonly ScreenMapping[] {
  const listed = [...room.occupants].map((occupant) => mappingFor(bridge, viewer, occupant));
  return listed.some(({ user }) => user === viewer.user)
    ? listed
    : [...listed, { screenName: viewer.nick, user: viewer.user }];
}
