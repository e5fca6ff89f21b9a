// Who may ask what of a group (csp-transactions section 8), as a table.

import type { Privilege } from '../../store/store.ts';
import type { ClientId, UserAddress } from '../../wv/ids.ts';
import type { GroupPrimitive } from '../../wv/primitives.ts';
import { result, type Result } from '../../wv/status.ts';
import type { GroupHome } from './group-home.ts';

/** `anyone`; `inside` = joined or member (808); `joined` = this very client (808); a privilege or higher (816). */
type Need = 'anyone' | 'inside' | 'joined' | 'Mod' | 'Admin';

const NEEDS: Readonly<Record<GroupPrimitive['primitive'], Need>> = {
  JoinGroupRequest: 'anyone',
  LeaveGroupRequest: 'joined',
  DeleteGroupRequest: 'Admin',
  GetGroupMemberRequest: 'Mod',
  GetJoinedUsersRequest: 'inside',
  AddGroupMemberRequest: 'Mod',
  RemoveGroupMemberRequest: 'Mod',
  MemberAccessRequest: 'Admin',
  GetGroupPropsRequest: 'anyone',
  // Own properties; setting those of the group needs a Mod.
  SetGroupPropsRequest: 'inside',
  RejectListRequest: 'Mod',
  SubscribeGroupChangeRequest: 'joined',
  UnsubscribeGroupChangeRequest: 'joined',
  GetGroupSubStatusRequest: 'joined',
};

/** What only the operator may do to his groups (804). */
const OPERATOR_ONLY: ReadonlySet<string> = new Set<GroupPrimitive['primitive']>(['DeleteGroupRequest']);

const RANK: Readonly<Record<Privilege, number>> = { User: 1, Mod: 2, Admin: 3 };

export interface Asker {
  readonly user: UserAddress;
  /** Undefined where the user's home names no client: then any client of the user is meant. */
  readonly clientId: ClientId | undefined;
}

/** The refusal of a request, or undefined when it may go on. */
export function refusal(
  home: GroupHome,
  asker: Asker,
  primitive: GroupPrimitive['primitive'],
): Result | undefined {
  if (home.isPublic && OPERATOR_ONLY.has(primitive)) return result(804);
  const need = NEEDS[primitive];
  switch (need) {
    case 'anyone':
      return undefined;
    case 'inside':
      return home.isInside(asker.user) ? undefined : result(808);
    case 'joined':
      return home.joinedAs(asker.user, asker.clientId).length > 0 ? undefined : result(808);
    default:
      return hasPrivilege(home, asker.user, need) ? undefined : result(816);
  }
}

/** The refusal of a change of the group's own properties: the operator's groups are his alone. */
export function profileRefusal(home: GroupHome, user: UserAddress): Result | undefined {
  if (home.isPublic) return result(804);
  return hasPrivilege(home, user, 'Mod') ? undefined : result(816);
}

export function hasPrivilege(home: GroupHome, user: UserAddress, least: Privilege): boolean {
  return rankOf(home, user) >= RANK[least];
}

/** Whether one may remove or reject the other: Mods ordinary users, Admins everybody but the owner and the last Admin. */
export function mayExpel(home: GroupHome, actor: UserAddress, target: UserAddress): boolean {
  if (mustStayAdmin(home, target)) return false;
  return hasPrivilege(home, actor, 'Admin') || rankOf(home, actor) > rankOf(home, target);
}

/** The owner is always Admin, and a group that has one never loses its last. */
export function mustStayAdmin(home: GroupHome, user: UserAddress): boolean {
  if (home.owner === user) return true;
  if (home.person(user)?.privilege !== 'Admin') return false;
  for (const person of home.people.values()) {
    if (person.privilege === 'Admin' && person.user !== user) return false;
  }
  return true;
}

/** Who is on the reject list has no say, whatever he was: else a Mod could pardon himself. */
function rankOf(home: GroupHome, user: UserAddress): number {
  if (home.rejected.has(user)) return 0;
  const privilege = home.person(user)?.privilege;
  return privilege === undefined ? 0 : RANK[privilege];
}
