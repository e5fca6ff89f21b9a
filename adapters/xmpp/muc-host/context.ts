// What the parts of the room service share.

import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type {
  GetGroupPropsResponse,
  GroupPrimitive,
  MetaInfo,
  ResponsePrimitive,
} from '../../../src/wv/primitives.ts';
import { isUnmappable } from '../addresses.ts';
import type { BoundedMap } from '../bounded-map.ts';
import { metaOf } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { bareJid } from '../jid.ts';
import type { BareJid } from '../jid.ts';
import type { Result } from '../../../src/wv/status.ts';
import { result } from '../../../src/wv/status.ts';
import { fanOut } from './fan-out.ts';
import { foldNick, occupantIdOf } from './room-addresses.ts';
import type { RoomCodec } from './room-addresses.ts';
import { refusalOf } from './refusals.ts';
import type { Occupant, Present, Room } from './room.ts';
import type { Rooms } from './rooms.ts';
import { occupantPresence } from './stanzas.ts';
import type { OccupantPresence } from './stanzas.ts';
import type { XmlElement } from '../xml.ts';

export interface HostContext {
  /** Its link is that of the groups component. */
  readonly bridge: Bridge;
  readonly codec: RoomCodec;
  readonly rooms: Rooms;
  /** Rooms that did not exist when asked for, until when. */
  readonly missing: BoundedMap<BareJid, number>;
}

/** Whoever sent a stanza to a room, and where to. */
export interface Visit {
  readonly incoming: Incoming;
  readonly roomJid: BareJid;
  readonly group: GroupAddress;
  /** '' = the room itself. */
  readonly nick: string;
  readonly user: UserAddress;
  readonly jid: BareJid;
  readonly resource: string;
}

/** Reads both addresses of a stanza; a Result says why it cannot be. */
export function visitOf({ bridge, codec }: HostContext, incoming: Incoming): Visit | Result {
  const group = codec.group(incoming.to);
  if (isUnmappable(group)) return result(group.unmappable, group.reason);
  const user = bridge.codec.foreignUser(incoming.from);
  if (isUnmappable(user)) return result(user.unmappable, user.reason);
  const [jid, roomJid] = [bareJid(incoming.from), bareJid(incoming.to)];
  return {
    incoming,
    group,
    user,
    jid,
    roomJid,
    nick: incoming.to.resource,
    resource: incoming.from.resource,
  };
}

/** Events of one room happen one after another. */
export function inRoom<T>({ bridge }: HostContext, room: BareJid, task: () => Promise<T>): Promise<T> {
  return bridge.queues.run(`room ${room}`, task);
}

/** The occupant that a WV address names, if he is in the room. */
export function occupantOf({ bridge }: HostContext, room: Room, user: UserAddress): Occupant | undefined {
  const jid = bridge.codec.foreignJid(user);
  return isUnmappable(jid) ? undefined : room.occupants.get(jid);
}

type Bare<Request> = Request extends GroupPrimitive ? Omit<Request, 'meta' | 'group'> : never;

/** Asks the group's home in the name of a user of XMPP. */
export async function ask(
  { bridge }: HostContext,
  user: UserAddress,
  group: GroupAddress,
  request: Bare<GroupPrimitive>,
): Promise<ResponsePrimitive> {
  const answer = await bridge.relay.emit({ ...request, meta: metaOf(user), group } as GroupPrimitive);
  bridge.relay.metrics.count('xmpp_room_requests_total', {
    primitive: request.primitive,
    code: String(answer.result.code),
  });
  return answer;
}

/** The properties of a group as this user sees them; a Result when there are none for him. */
export async function propertiesOf(
  context: HostContext,
  user: UserAddress,
  group: GroupAddress,
): Promise<GetGroupPropsResponse | Result> {
  const answer = await ask(context, user, group, { primitive: 'GetGroupPropsRequest' });
  return answer.primitive === 'GetGroupPropsResponse' ? answer : answer.result;
}

/** The gateway itself acts for a user of XMPP: nobody asked for it. */
export function serviceMeta(user: UserAddress): MetaInfo {
  return { service: serviceAddress(domainOf(user)), user };
}

/** Writes an error to whoever sent the stanza, if he may get one. */
export function refuse({ bridge }: HostContext, original: XmlElement, outcome: Result): void {
  bridge.relay.metrics.count('xmpp_rooms_refused_total', { code: String(outcome.code) });
  // Who says that he goes wants no answer.
  if (original.name === 'presence' && original.attrs['type'] === 'unavailable') return;
  const reply = refusalOf(original, outcome);
  if (reply !== undefined) bridge.link.send(reply);
}

/** The JID that names a user of WV or of XMPP; undefined for one who has none. */
export function jidOf({ bridge }: HostContext, user: UserAddress): BareJid | undefined {
  const { codec, relay } = bridge;
  const jid = domainOf(user) === relay.homeDomain ? codec.localJid(user) : codec.foreignJid(user);
  return isUnmappable(jid) ? undefined : jid;
}

type Extras = Pick<
  OccupantPresence,
  'gone' | 'statuses' | 'newNick' | 'actor' | 'reason' | 'destroyed' | 'standing'
>;

/** Presence of one name for one client of an occupant, with as much of his identity as that occupant may see. */
export function presenceFor(
  context: HostContext,
  room: Room,
  about: Present,
  viewer: Occupant,
  resource: string,
  extras: Partial<Extras> = {},
): XmlElement {
  const own = room.byNick(about.nick);
  const maySee =
    own === viewer
      ? viewer.user
      : (about.user ?? (viewer.standing.role === 'moderator' ? about.knownToMods : undefined));
  return occupantPresence({
    standing: room.standingOf(about),
    ...extras,
    from: `${room.jid}/${about.nick}`,
    to: fullJid(viewer, resource),
    jid: maySee === undefined ? undefined : jidOf(context, maySee),
    occupantId: occupantIdFor(context, room, about),
  });
}

/**
 * Users of ours have one id for good; so has whoever shows himself. Whoever hides has one as long as he keeps his name:
 * a better one would depend on who else looks.
 */
export function occupantIdFor({ bridge }: HostContext, room: Room, about: Present): string {
  const who = room.byNick(about.nick)?.user ?? about.user ?? foldNick(about.nick);
  return occupantIdOf(bridge.settings.groupsSecret, room.jid, who);
}

export function fullJid(occupant: Occupant, resource: string): string {
  return resource === '' ? occupant.jid : `${occupant.jid}/${resource}`;
}

/** Tells every client of these occupants. False when the stream ended on the way. */
export function tellAll(
  { bridge }: HostContext,
  occupants: Iterable<Occupant>,
  about: (occupant: Occupant, resource: string) => Iterable<XmlElement>,
): Promise<boolean> {
  return fanOut(bridge, stanzasFor(occupants, about));
}

function* stanzasFor(
  occupants: Iterable<Occupant>,
  about: (occupant: Occupant, resource: string) => Iterable<XmlElement>,
): Generator<XmlElement> {
  for (const occupant of occupants) {
    for (const resource of occupant.resources) yield* about(occupant, resource);
  }
}
