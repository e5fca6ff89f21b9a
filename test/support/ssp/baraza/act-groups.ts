// What its users do in groups of the other side, and with groups here.

import { tellMembers } from './group-notices.ts';
import { send } from './sender.ts';
import type { Peer, Sent } from './state.ts';
import {
  groupQuery,
  joinGroupRequest,
  leaveGroupIndication,
  setGroupPropsRequest,
  type GroupQuery,
} from './write-groups.ts';

export interface JoinOptions {
  /** The full user id when absent. */
  readonly screenName?: string;
  /** Both yes when absent. */
  readonly joinedList?: boolean;
  readonly notices?: boolean;
}

type AskAboutGroup = (user: string, groupId: string) => Sent;

export interface GroupActs {
  readonly join: (user: string, groupId: string, options?: JoinOptions) => Sent;
  readonly leave: AskAboutGroup;
  readonly groupProps: AskAboutGroup;
  readonly groupMembers: AskAboutGroup;
  readonly joinedUsers: AskAboutGroup;
  readonly groupSubStatus: AskAboutGroup;
  /** Reads the list: adds and removes nobody. */
  readonly rejectList: AskAboutGroup;
  readonly setGroupProps: (
    user: string,
    groupId: string,
    properties: Readonly<Record<string, string>>,
  ) => Sent;
  /** The owner deletes a group here: members on the other side are told, one by one, without being named. */
  readonly deleteGroup: (groupName: string) => Sent[];
  /** A user here joins a group here, or leaves it. */
  readonly joinHere: (user: string, groupName: string, screenName: string) => void;
  readonly leaveHere: (user: string, groupName: string) => void;
}

/** All that is done with groups. */
export function groupActs(peer: Peer): GroupActs {
  const actor = (name: string) => peer.actor(peer.userOf(name));
  const ask = (primitive: string, content: string): Sent =>
    send(peer, { queue: 'groups', primitive, content });
  const query =
    (name: GroupQuery): AskAboutGroup =>
    (user, groupId) =>
      ask(name, groupQuery(name, actor(user), groupId));
  return {
    join: (name, groupId, { screenName, joinedList = true, notices = true } = {}) => {
      const user = peer.userOf(name);
      user.foreignGroups.add(groupId.toLowerCase());
      const join = { groupId, screenName: screenName ?? user.address, joinedList, notices };
      return ask('JoinGroupRequest', joinGroupRequest(peer.actor(user), join));
    },
    leave: (name, groupId) => {
      peer.userOf(name).foreignGroups.delete(groupId.toLowerCase());
      return query('LeaveGroupRequest')(name, groupId);
    },
    groupProps: query('GetGroupPropsRequest'),
    groupMembers: query('GetGroupMemberRequest'),
    joinedUsers: query('GetJoinedUsersRequest'),
    groupSubStatus: query('GetGroupSubStatusRequest'),
    rejectList: query('RejectListRequest'),
    setGroupProps: (user, groupId, properties) =>
      ask('SetGroupPropsRequest', setGroupPropsRequest(actor(user), groupId, properties)),
    deleteGroup: (groupName) => deleteGroup(peer, groupName),
    joinHere: (user, groupName, screenName) => joinHere(peer, user, groupName, screenName),
    leaveHere: (user, groupName) => leaveHere(peer, user, groupName),
  };
}

function deleteGroup(peer: Peer, groupName: string): Sent[] {
  const group = peer.groupOf(groupName);
  peer.state.world.groups.delete(group.id.toLowerCase());
  const content = leaveGroupIndication(group.id, 800, 'Deleted');
  return group.members
    .filter((member) => !member.local)
    .map(() => send(peer, { queue: 'groups', primitive: 'LeaveGroupIndication', content, notice: true }));
}

function joinHere(peer: Peer, name: string, groupName: string, screenName: string): void {
  const group = peer.groupOf(groupName);
  const user = peer.userOf(name);
  const address = `${user.name}@${peer.settings.domain}`;
  group.members.push({ address, local: true, clientId: user.clientId, screenName, notices: true });
  tellMembers(peer, group, group.members, 'Joined', screenName);
}

function leaveHere(peer: Peer, name: string, groupName: string): void {
  const group = peer.groupOf(groupName);
  const address = `${peer.userOf(name).name}@${peer.settings.domain}`;
  const told = [...group.members];
  const index = told.findIndex((member) => member.address === address);
  const member = told[index];
  if (member === undefined) throw new Error(`${name} is not in ${group.id}`);
  group.members.splice(index, 1);
  tellMembers(peer, group, told, 'Left', member.screenName);
}
