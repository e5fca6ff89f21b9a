// Affiliations and roles (XEP-0045 section 9) ⇄ members, privileges and the reject list (bridging 7.2). The group's home
// decides who may; here it is only said in its words.

import { groupOwner } from '../../../src/wv/address.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { GetGroupMemberResponse, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import { isSuccess, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { parseJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { childOf, elementsOf, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { ask, inRoom, jidOf, presenceFor, tellAll } from './context.ts';
import type { HostContext, Visit } from './context.ts';
import { learnPrivileges } from './joining.ts';
import { foldNick } from './room-addresses.ts';
import type { Removal, Room } from './room.ts';

type Answered = { readonly payload: XmlElement | undefined } | Result;

/** Items of one request. */
const MOST_ITEMS = 100;

interface Target {
  readonly user: UserAddress;
  readonly nick: string | undefined;
}

/** What a wish asks of the home, in this order; each must succeed. */
type Act = 'add' | 'remove' | 'reject' | 'pardon' | 'admin' | 'mod' | 'user' | 'kick' | 'refuse';

type Now = 'admin' | 'mod' | 'user' | 'outcast' | 'none';

/** By the wish, and what the user is now. */
export const WISHES: Readonly<Record<string, Readonly<Record<Now, readonly Act[]>>>> = {
  'affiliation owner': { none: ['add', 'admin'], outcast: ['pardon', 'add', 'admin'], user: ['admin'], mod: ['admin'], admin: [] }, // prettier-ignore
  'affiliation admin': { none: ['add', 'admin'], outcast: ['pardon', 'add', 'admin'], user: ['admin'], mod: ['admin'], admin: [] }, // prettier-ignore
  'affiliation member': { none: ['add'], outcast: ['pardon', 'add'], user: [], mod: [], admin: ['user'] },
  'affiliation none': { none: [], outcast: ['pardon'], user: ['remove'], mod: ['remove'], admin: ['remove'] },
  'affiliation outcast': {
    none: ['reject'],
    outcast: [],
    user: ['reject'],
    mod: ['reject'],
    admin: ['reject'],
  },
  // Mods are members: there is no moderator of the day.
  'role moderator': { none: ['add', 'mod'], outcast: ['refuse'], user: ['mod'], mod: [], admin: [] },
  // An Admin is moderator by his affiliation (section 9.7).
  'role participant': { none: [], outcast: ['refuse'], user: [], mod: ['user'], admin: ['refuse'] },
  'role none': { none: ['kick'], outcast: ['kick'], user: ['kick'], mod: ['kick'], admin: ['kick'] },
};

/** `get`: everybody of one affiliation or role. */
export async function listed(context: HostContext, visit: Visit, query: XmlElement): Promise<Answered> {
  const { affiliation, role } = childOf(query, 'item')?.attrs ?? {};
  const items =
    affiliation === undefined
      ? await byRole(context, visit, role ?? '')
      : await byAffiliation(context, visit, affiliation);
  return 'code' in items ? items : { payload: xml(NS.mucAdmin, 'query', {}, ...items.items) };
}

type Items = { readonly items: readonly XmlElement[] } | Result;

async function byAffiliation(context: HostContext, visit: Visit, affiliation: string): Promise<Items> {
  const users = await usersOf(context, visit, affiliation);
  if ('code' in users) return users;
  // A user of a third operator has no JID to be listed by.
  const jids = users.users.flatMap((user) => jidOf(context, user) ?? []);
  return { items: jids.map((jid) => xml(NS.mucAdmin, 'item', { affiliation, jid })) };
}

async function usersOf(
  context: HostContext,
  { user, group }: Visit,
  affiliation: string,
): Promise<{ readonly users: readonly UserAddress[] } | Result> {
  if (affiliation === 'outcast') {
    const rejected = await ask(context, user, group, { primitive: 'RejectListRequest', add: [], remove: [] });
    return rejected.primitive === 'RejectListResponse' ? { users: rejected.users } : rejected.result;
  }
  const members = await ask(context, user, group, { primitive: 'GetGroupMemberRequest' });
  if (members.primitive !== 'GetGroupMemberResponse') return members.result;
  const owner = groupOwner(group);
  switch (affiliation) {
    case 'owner':
      return { users: owner === undefined ? [] : [owner] };
    case 'admin':
      return { users: members.admins.filter((admin) => admin !== owner) };
    case 'member':
      return { users: [...members.moderators, ...members.users] };
    default:
      return result(400, 'no such list');
  }
}

async function byRole(context: HostContext, { user, group, roomJid }: Visit, role: string): Promise<Items> {
  if (role === 'visitor') return { items: [] };
  if (role !== 'moderator' && role !== 'participant') return result(400, 'no such list');
  const members = await ask(context, user, group, { primitive: 'GetGroupMemberRequest' });
  if (members.primitive !== 'GetGroupMemberResponse') return members.result;
  const joined = await ask(context, user, group, { primitive: 'GetJoinedUsersRequest' });
  if (joined.primitive !== 'GetJoinedUsersResponse') return joined.result;
  const items = joined.joined.flatMap((mapping) => {
    const standing = standingIn(members, mapping.user);
    const isModerator = standing === 'admin' || standing === 'mod';
    if (isModerator !== (role === 'moderator')) return [];
    const affiliation = { admin: 'admin', mod: 'member', user: 'member', none: 'none' }[standing];
    const jid = mapping.user === undefined ? undefined : jidOf(context, mapping.user);
    return [xml(NS.mucAdmin, 'item', { affiliation, role, nick: mapping.screenName, jid })];
  });
  context.bridge.relay.log.debug({ room: roomJid, items: items.length }, 'XMPP gateway: occupants listed');
  return { items };
}

function standingIn(
  { admins, moderators, users }: GetGroupMemberResponse,
  user: UserAddress | undefined,
): Exclude<Now, 'outcast'> {
  if (user === undefined) return 'none';
  if (admins.includes(user)) return 'admin';
  if (moderators.includes(user)) return 'mod';
  return users.includes(user) ? 'user' : 'none';
}

/** `set`: one item after another; the first that fails ends it. */
export async function changed(context: HostContext, visit: Visit, query: XmlElement): Promise<Answered> {
  const items = elementsOf(query).filter(({ name }) => name === 'item');
  if (items.length === 0 || items.length > MOST_ITEMS) return result(400, 'no items, or too many');
  for (const item of items) {
    const outcome = await changedOne(context, visit, item);
    if (!isSuccess(outcome) || outcome.code === 201) return outcome;
  }
  return { payload: undefined };
}

async function changedOne(context: HostContext, visit: Visit, item: XmlElement): Promise<Result> {
  const { affiliation, role } = item.attrs;
  const wish = WISHES[affiliation === undefined ? `role ${role ?? ''}` : `affiliation ${affiliation}`];
  if (wish === undefined) return result(400, 'no such affiliation or role');
  const target = await targetOf(context, visit, item);
  if ('code' in target) return target;
  const now = await standingNow(context, visit, target.user);
  if (typeof now !== 'string') return now;
  const reason = textOf(childOf(item, 'reason'));
  for (const act of wish[now]) {
    if (act === 'refuse') return result(405, 'not a change that WV knows');
    const { result: outcome } = await inRoom(context, visit.roomJid, () =>
      carryOut(context, visit, target, act, reason),
    );
    if (!isSuccess(outcome) || outcome.code === 201) return outcome;
  }
  await inRoom(context, visit.roomJid, () => showStanding(context, visit, target));
  return result(200);
}

/** Whom an item means: by JID, or by nick, where the home tells the asker who that is. */
async function targetOf(context: HostContext, visit: Visit, item: XmlElement): Promise<Target | Result> {
  const { jid, nick } = item.attrs;
  const joined = await ask(context, visit.user, visit.group, { primitive: 'GetJoinedUsersRequest' });
  const mappings = joined.primitive === 'GetJoinedUsersResponse' ? joined.joined : [];
  if (jid === undefined) {
    const meant = mappings.find(({ screenName }) => foldNick(screenName) === foldNick(nick ?? ''));
    if (meant === undefined) return result(410, 'nobody of that nick');
    return meant.user === undefined ? result(816) : { user: meant.user, nick: meant.screenName };
  }
  const { codec } = context.bridge;
  const parts = parseJid(jid);
  if (parts === undefined) return result(901);
  const local = codec.localUser(parts);
  const user = isUnmappable(local) ? codec.foreignUser(parts) : local;
  if (isUnmappable(user)) return result(user.unmappable, user.reason);
  return { user, nick: mappings.find((mapping) => mapping.user === user)?.screenName };
}

async function standingNow(context: HostContext, visit: Visit, user: UserAddress): Promise<Now | Result> {
  const members = await ask(context, visit.user, visit.group, { primitive: 'GetGroupMemberRequest' });
  if (members.primitive !== 'GetGroupMemberResponse') return members.result;
  const rejected = await usersOf(context, visit, 'outcast');
  if ('code' in rejected) return rejected;
  return rejected.users.includes(user) ? 'outcast' : standingIn(members, user);
}

async function carryOut(
  context: HostContext,
  visit: Visit,
  { user, nick }: Target,
  act: Exclude<Act, 'refuse'>,
  reason: string,
): Promise<ResponsePrimitive> {
  const room = context.rooms.get(visit.roomJid);
  const why = { actor: room?.occupants.get(visit.jid)?.nick ?? '', reason };
  const none = { admins: [], moderators: [], users: [] };
  const { user: asker, group } = visit;
  const noting = async (status: Removal['status'], task: () => Promise<ResponsePrimitive>) => {
    if (nick !== undefined) room?.removals.set(foldNick(nick), { status, ...why });
    const answer = await task();
    const failed = !isSuccess(answer.result) || answer.result.code === 201;
    if (failed && nick !== undefined) room?.removals.delete(foldNick(nick));
    return answer;
  };
  switch (act) {
    case 'add':
      return await ask(context, asker, group, { primitive: 'AddGroupMemberRequest', users: [user] });
    case 'remove':
      return await noting('321', () =>
        ask(context, asker, group, { primitive: 'RemoveGroupMemberRequest', users: [user] }),
      );
    case 'reject':
      return await noting('301', () =>
        ask(context, asker, group, { primitive: 'RejectListRequest', add: [user], remove: [] }),
      );
    case 'pardon':
      return await ask(context, asker, group, { primitive: 'RejectListRequest', add: [], remove: [user] });
    case 'kick':
      if (nick === undefined) return { primitive: 'Status', result: result(410, 'nobody of that nick') };
      // Rejected and pardoned in one step: out, but not for good. WV has no other way to expel who is no member.
      return await noting('307', () =>
        ask(context, asker, group, { primitive: 'RejectListRequest', add: [user], remove: [user] }),
      );
    default: {
      const wanted = { admin: { admins: [user] }, mod: { moderators: [user] }, user: { users: [user] } };
      return await ask(context, asker, group, { primitive: 'MemberAccessRequest', ...none, ...wanted[act] });
    }
  }
}

/** Everybody of ours sees how somebody stands now. */
async function showStanding(context: HostContext, visit: Visit, { user, nick }: Target): Promise<void> {
  const room = context.rooms.get(visit.roomJid);
  const actor = room?.occupants.get(visit.jid);
  if (room === undefined || actor === undefined) return;
  await learnPrivileges(context, room, actor);
  const about = nick === undefined ? undefined : room.presentAs(nick);
  // Who was taken out by this is told of by the home.
  if (nick === undefined || about === undefined || room.removals.get(foldNick(nick)) !== undefined) return;
  const own = room.byNick(nick);
  if (own !== undefined) own.standing = room.standingOfUser(user);
  const standing = room.standingOfUser(user);
  await tellAll(context, allOf(room), (viewer, resource) => {
    const statuses = viewer === own ? ['110'] : [];
    return [presenceFor(context, room, about, viewer, resource, { standing, statuses })];
  });
}

function allOf(room: Room): readonly Parameters<typeof presenceFor>[3][] {
  return [...room.occupants.values()];
}
