// Its groups, for members on the other side; and what their groups tell its users.

import { tellMembers } from './group-notices.ts';
import type { Serve, Served } from './serve.ts';
import { findGroup, findUser, sameAddress, withoutPrefix, type Group, type Member } from './world.ts';
import { statusElement } from './write.ts';
import {
  getGroupPropsResponse,
  getGroupSubStatusResponse,
  getJoinedUsersResponse,
  joinGroupResponse,
  leaveGroupIndication,
} from './write-groups.ts';
import { all, at, child, type Xml } from './xml.ts';

type ServeGroup = (served: Served, group: Group) => ReturnType<Serve>;

const groupId = (primitive: Xml): string => primitive.attributes['groupID'] ?? '';

/** Whatever is asked of a group that does not exist: a bare Status. */
const ofGroup =
  (serve: ServeGroup): Serve =>
  (served) => {
    const group = findGroup(served.peer.state.world, groupId(served.primitive));
    return group === undefined ? { content: statusElement(800) } : serve(served, group);
  };

const memberOf = (group: Group, { requestor = '' }: Served): Member | undefined =>
  group.members.find((member) => sameAddress(member.address, requestor));

/** Members from elsewhere are plain members. */
const notPrivileged: ServeGroup = () => ({ content: statusElement(816) });

const SUBSCRIBE =
  (notices: boolean): ServeGroup =>
  (served, group) => {
    const member = memberOf(group, served);
    if (member === undefined) return { content: statusElement(808) };
    member.notices = notices;
    return { content: statusElement(200, 'Complete') };
  };

export const SERVED_GROUPS: Readonly<Record<string, Serve>> = {
  JoinGroupRequest: ofGroup(serveJoin),
  LeaveGroupRequest: ofGroup(serveLeave),
  GetGroupPropsRequest: ofGroup(() => ({ content: getGroupPropsResponse() })),
  GetJoinedUsersRequest: ofGroup((_served, group) => ({
    content: getJoinedUsersResponse(group.members.map((member) => member.screenName)),
  })),
  GetGroupSubStatusRequest: ofGroup((served, group) => ({
    content: getGroupSubStatusResponse(groupId(served.primitive), memberOf(group, served)?.notices ?? false),
  })),
  SetGroupPropsRequest: ofGroup(() => ({
    content: statusElement(201, 'Partial Success', [{ code: 816, description: 'Insufficient privileges' }]),
  })),
  SubscribeGroupChangeRequest: ofGroup(SUBSCRIBE(true)),
  UnsubscribeGroupChangeRequest: ofGroup(SUBSCRIBE(false)),
  GetGroupMemberRequest: ofGroup(notPrivileged),
  AddGroupMemberRequest: ofGroup(notPrivileged),
  RemoveGroupMemberRequest: ofGroup(notPrivileged),
  MemberAccessRequest: ofGroup(notPrivileged),
  RejectListRequest: ofGroup(notPrivileged),
  DeleteGroupRequest: ofGroup(notPrivileged),
  GroupChangeNotice: takeNotice,
  LeaveGroupIndication: takeIndication,
};

/** Screen names may be taken twice. A second join of the same user replaces the first. */
function serveJoin(served: Served, group: Group): ReturnType<Serve> {
  const { peer, primitive, requestor = '', clientId } = served;
  const refusal = refuse(group, requestor);
  if (refusal !== undefined) return { content: statusElement(refusal) };
  const member: Member = {
    address: withoutPrefix(requestor),
    local: false,
    clientId,
    screenName: child(primitive, 'ScreenName')?.text ?? requestor,
    notices: primitive.attributes['subscribeNotif'] === 'Yes',
  };
  const before = group.members.findIndex((one) => sameAddress(one.address, requestor));
  group.members.splice(before < 0 ? group.members.length : before, before < 0 ? 0 : 1, member);
  const joined = group.members.map((one) => one.screenName);
  return {
    content: joinGroupResponse(primitive.attributes['joinedListRequest'] === 'Yes' ? joined : undefined),
    afterwards: () => tellMembers(peer, group, group.members, 'Joined', member.screenName),
  };
}

function refuse({ rejected, restricted, admitted }: Group, user: string): number | undefined {
  if (rejected.some((one) => sameAddress(one, user))) return 809;
  return restricted && !admitted.some((one) => sameAddress(one, user)) ? 816 : undefined;
}

/** Who leaves gets his own notice as well. */
function serveLeave(served: Served, group: Group): ReturnType<Serve> {
  const id = groupId(served.primitive);
  const member = memberOf(group, served);
  if (member === undefined) return { content: leaveGroupIndication(id, 808, 'Not joined') };
  const told = [...group.members];
  group.members.splice(group.members.indexOf(member), 1);
  return {
    content: leaveGroupIndication(id, 200, 'Complete'),
    afterwards: () => tellMembers(served.peer, group, told, 'Left', member.screenName),
  };
}

const screenNames = (primitive: Xml, change: 'Joined' | 'Left'): string[] =>
  all(child(primitive, change), 'Name').map((name) => name.text);

function takeNotice({ peer, primitive }: Served): ReturnType<Serve> {
  for (const { attributes } of all(primitive, 'User')) {
    findUser(peer.state.world, attributes['userID'] ?? '')?.groupChanges.push({
      groupId: groupId(primitive),
      joined: screenNames(primitive, 'Joined'),
      left: screenNames(primitive, 'Left'),
    });
  }
  return {};
}

/** Unasked. It names no user, and is for everybody here who joined the group. */
function takeIndication({ peer, primitive }: Served): ReturnType<Serve> {
  const code = Number(at(primitive, 'Status')?.attributes['code'] ?? 0);
  const group = groupId(primitive).toLowerCase();
  for (const user of peer.state.world.users.values()) {
    if (!user.foreignGroups.delete(group)) continue;
    user.groupsLeft.push({ groupId: groupId(primitive), code });
  }
  return {};
}
