// Members, privileges and the reject list of a group (csp-transactions section 8).

import { domainOf } from '../../wv/address.ts';
import type { UserAddress } from '../../wv/ids.ts';
import {
  status,
  type GetGroupMemberResponse,
  type MemberAccessRequest,
  type RejectListRequest,
  type RejectListResponse,
  type Status,
} from '../../wv/primitives.ts';
import { combine, OK, result, type DetailedResult, type StatusCode } from '../../wv/status.ts';
import type { GroupPerson, Privilege } from '../../store/store.ts';
import { changeGroup, takeOut } from './changing.ts';
import type { GroupContext } from './context.ts';
import type { GroupHome } from './group-home.ts';
import { mayExpel, mustStayAdmin, type Asker } from './privileges.ts';

export function members(home: GroupHome): GetGroupMemberResponse {
  return {
    primitive: 'GetGroupMemberResponse',
    result: OK,
    admins: home.membersWith('Admin'),
    moderators: home.membersWith('Mod'),
    users: home.membersWith('User'),
  };
}

/** Users of this server must exist (531); of others nobody here can tell. */
async function splitUnknown({ homes }: GroupContext, users: readonly UserAddress[]) {
  const known: UserAddress[] = [];
  const failures: DetailedResult[] = [];
  for (const user of new Set(users)) {
    const exists = domainOf(user) !== homes.domain || (await homes.get(user)) !== undefined;
    if (exists) known.push(user);
    else failures.push({ code: 531, users: [user] });
  }
  return { known, failures };
}

/** New members are ordinary users; who is a member stays what he is. */
export async function addMembers(
  context: GroupContext,
  home: GroupHome,
  users: readonly UserAddress[],
): Promise<Status> {
  if (users.length === 0) return status(result(402, 'No user'));
  const { known, failures } = await splitUnknown(context, users);
  const people: GroupPerson[] = [];
  let room = context.limits.members - home.people.size;
  let done = 0;
  for (const user of known) {
    const another = home.person(user) === undefined;
    if (another && room-- <= 0) {
      failures.push({ code: 817, description: 'Too many members', users: [user] });
      continue;
    }
    done++;
    if (!home.isMember(user)) people.push({ user, privilege: 'User', settings: home.settingsOf(user) });
  }
  if (!(await changeGroup(context, home, { people }))) return status(result(800));
  return status(combine(done, failures));
}

/** Who is joined is forced out (809). */
export async function removeMembers(
  context: GroupContext,
  home: GroupHome,
  asker: Asker,
  users: readonly UserAddress[],
): Promise<Status> {
  if (users.length === 0) return status(result(402, 'No user'));
  const { taken, failures } = sorted(users, (user) => {
    if (!home.isMember(user)) return 810;
    if (!mayExpel(home, asker.user, user)) return 816;
    // One after another, as in setPrivileges.
    home.apply({ removedPeople: [user] });
    return undefined;
  });
  if (taken.length > 0 && !(await expel(context, home, taken, { removedPeople: taken })))
    return status(result(800));
  return status(combine(taken.length, failures));
}

export async function setPrivileges(
  context: GroupContext,
  home: GroupHome,
  request: MemberAccessRequest,
): Promise<Status> {
  const wanted = new Map<UserAddress, Privilege>();
  for (const user of request.users) wanted.set(user, 'User');
  for (const user of request.moderators) wanted.set(user, 'Mod');
  for (const user of request.admins) wanted.set(user, 'Admin');
  if (wanted.size === 0) return status(result(402, 'No user'));
  const people: GroupPerson[] = [];
  const { taken, failures } = sorted([...wanted.keys()].toReversed(), (user) => {
    const privilege = wanted.get(user);
    const person = home.person(user);
    if (person?.privilege === undefined || privilege === undefined) return 810;
    if (privilege !== 'Admin' && mustStayAdmin(home, user)) return 816;
    people.push({ ...person, privilege });
    // One after another, so that two Admins are not both taken for the other one's successor.
    home.apply({ people: [{ ...person, privilege }] });
    return undefined;
  });
  if (taken.length > 0 && !(await changeGroup(context, home, { people }))) return status(result(800));
  return status(combine(taken.length, failures));
}

/** Without users to add or remove: reads. The list comes with full success only, as others do it. */
export async function reject(
  context: GroupContext,
  home: GroupHome,
  asker: Asker,
  request: RejectListRequest,
): Promise<RejectListResponse | Status> {
  const { known, failures } = await splitUnknown(context, request.add);
  let room = context.limits.rejected - home.rejected.size;
  const { taken, failures: refused } = sorted(known, (user) => {
    if (!mayExpel(home, asker.user, user)) return 816;
    return home.rejected.has(user) || room-- > 0 ? undefined : 507;
  });
  failures.push(...refused);
  const change = { rejected: taken, pardoned: request.remove };
  if (taken.length + request.remove.length > 0 && !(await expel(context, home, taken, change))) {
    return status(result(800));
  }
  const outcome = combine(taken.length + request.remove.length, failures);
  const users = failures.length === 0 ? [...home.rejected] : [];
  return { primitive: 'RejectListResponse', result: outcome, users };
}

/** A change after which users are not wanted in the group: those who are joined are forced out. */
async function expel(
  context: GroupContext,
  home: GroupHome,
  users: readonly UserAddress[],
  change: Parameters<typeof takeOut>[3],
): Promise<boolean> {
  const joined = users.filter((user) => home.isJoined(user));
  const clients = joined.flatMap((user) => home.joinedAs(user));
  if (!(await takeOut(context, home, clients, change))) return false;
  context.notices.out(home.address, joined, result(809));
  return true;
}

/** Users for whom nothing speaks against it, and what speaks against the others. */
function sorted(users: readonly UserAddress[], objection: (user: UserAddress) => StatusCode | undefined) {
  const taken: UserAddress[] = [];
  const failures: DetailedResult[] = [];
  for (const user of new Set(users)) {
    const code = objection(user);
    if (code === undefined) taken.push(user);
    else failures.push({ code, users: [user] });
  }
  return { taken, failures };
}
