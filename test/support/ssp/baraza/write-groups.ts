// Groups as it prints them (samples 40 to 42 and 47 to 58).

import { escape } from './xml.ts';
import { cspElement, metaInfo, statusElement, userElement, type Actor } from './write.ts';

const names = (screenNames: readonly string[]): string =>
  screenNames.map((name) => `<Name>${escape(name)}</Name>\n`).join('');

/** Its welcome notes are garbage; seen over SSP: empty. */
const WELCOME_NOTE = `<WelcomeNote>
<ContentData contentType="text/plain" encoding="base64">


</ContentData>

</WelcomeNote>
`;

export interface Join {
  readonly groupId: string;
  readonly screenName: string;
  readonly joinedList: boolean;
  readonly notices: boolean;
}

const yesNo = (flag: boolean): string => (flag ? 'Yes' : 'No');

export const joinGroupRequest = (actor: Actor, join: Join): string => {
  const group = escape(join.groupId);
  return `<JoinGroupRequest groupID="${group}" joinedListRequest="${yesNo(join.joinedList)}" subscribeNotif="${yesNo(join.notices)}">
${metaInfo(actor)}
<ScreenName groupID="${group}">${escape(join.screenName)}</ScreenName>
</JoinGroupRequest>
`;
};

export const joinGroupResponse = (joined: readonly string[] | undefined): string =>
  `<JoinGroupResponse>
${statusElement(200)}${joined === undefined ? '' : `<JoinedList>${names(joined)}</JoinedList>`}${WELCOME_NOTE}
</JoinGroupResponse>
`;

/** Requests that say no more than who and which group. */
export type GroupQuery =
  | 'LeaveGroupRequest'
  | 'GetGroupPropsRequest'
  | 'GetGroupMemberRequest'
  | 'GetJoinedUsersRequest'
  | 'GetGroupSubStatusRequest'
  | 'RejectListRequest';

export const groupQuery = (name: GroupQuery, actor: Actor, groupId: string): string => {
  // The lists to add and to remove, both empty, leave a line.
  const lists = name === 'RejectListRequest' ? '\n' : '';
  return `<${name} groupID="${escape(groupId)}">\n${metaInfo(actor)}\n${lists}</${name}>\n`;
};

export const setGroupPropsRequest = (
  actor: Actor,
  groupId: string,
  properties: Readonly<Record<string, string>>,
): string => {
  const value = Object.entries(properties).map(([property, text]) => ({
    name: 'Property',
    value: [
      { name: 'Name', value: property },
      { name: 'Value', value: text },
    ],
  }));
  return `<SetGroupPropsRequest groupID="${escape(groupId)}">
${metaInfo(actor)}
${cspElement({ name: 'GroupProperties', value })}</SetGroupPropsRequest>
`;
};

/** What a plain member is shown: nothing. */
export const getGroupPropsResponse = (): string =>
  `<GetGroupPropsResponse>
${statusElement(200)}<GroupProperties>
${WELCOME_NOTE}
</GroupProperties>
<OwnProperties/>

</GetGroupPropsResponse>
`;

/** All mappings in one UserMapping, under the name JoinedUser, which it does not read itself. */
export const getJoinedUsersResponse = (joined: readonly string[]): string =>
  `<GetJoinedUsersResponse>
${statusElement(200)}<JoinedUser>
<UserMapList><UserMapping>${joined.map((name) => `<Mapping><SName>${escape(name)}</SName>\n</Mapping>\n`).join('')}</UserMapping></UserMapList></JoinedUser>
</GetJoinedUsersResponse>
`;

export const getGroupSubStatusResponse = (groupId: string, subscribed: boolean): string =>
  `<GetGroupSubStatusResponse groupID="${escape(groupId)}" subscribed="${yesNo(subscribed)}">${' '}
${statusElement(200)}</GetGroupSubStatusResponse>
`;

/** Who is told: written without `wv:`. */
export interface Told {
  readonly userId: string;
  readonly clientId: string | undefined;
}

export const groupChangeNotice = (
  domain: string,
  groupId: string,
  told: Told,
  change: 'Joined' | 'Left',
  screenName: string,
): string =>
  `<GroupChangeNotice groupID="${escape(groupId)}">
${metaInfo({ domain })}
${userElement(told.userId, told.clientId)}<${change}>
${names([screenName])}</${change}>
</GroupChangeNotice>
`;

/** The answer to LeaveGroupRequest, and what comes unasked, without MetaInfo, when a group is deleted. */
export const leaveGroupIndication = (groupId: string, code: number, description: string): string =>
  `<LeaveGroupIndication groupID="${escape(groupId)}">
${statusElement(code, description)}
<ReasonText/></LeaveGroupIndication>
`;
