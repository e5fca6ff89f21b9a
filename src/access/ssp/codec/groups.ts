// Groups on the wire (ssp.md section 6.6, observed-peer.md section 12).

import type { Element } from '../../../wv/element.ts';
import type { UserAddress } from '../../../wv/ids.ts';
import type { GroupProperty, ScreenMapping } from '../../../wv/primitives.ts';
import { STATUS } from '../../../wv/status.ts';
import { GROUP_ID, groupOrigin, meta, NAME, OUR_USER_ID, OUTCOME, USER_ID } from './common.ts';
import { SHOWN_NOTE, WELCOME_NOTE } from './content.ts';
import {
  also,
  attribute,
  attributeOf,
  build,
  child,
  children,
  childrenOf,
  content,
  extension,
  list,
  mapped,
  must,
  or,
  record,
  some,
  type Part,
  type ReadContext,
} from './parts.ts';
import type { Answer, Body, RequestParts } from './tables.ts';
import { PLAIN, USER, YES_NO } from './values.ts';

/** What most of them are: a question about one group. */
const ABOUT_GROUP = record({ group: GROUP_ID, meta: meta() });

const USERS: Part<readonly UserAddress[]> = children('UserID', USER_ID);
const SOME_USERS: Part<readonly UserAddress[]> = some('UserID', USER_ID);

/** `Property`, in the syntax of CSP. */
const PROPERTY: Part<GroupProperty> = record({
  name: must(child('Name', content(PLAIN)), 'Name'),
  value: or(child('Value', content(PLAIN)), ''),
});

const PROPERTIES: Part<readonly GroupProperty[]> = children('Property', PROPERTY);
const OWN_PROPERTIES = child('OwnProperties', PROPERTIES);

// ---- joining and leaving

const JOIN: Part<Body<'JoinGroupRequest'>> = mapped(
  record({
    group: GROUP_ID,
    wantsJoinedList: or(attribute('joinedListRequest', YES_NO), false),
    subscribe: or(attribute('subscribeNotif', YES_NO), false),
    meta: meta(),
    name: child('ScreenName', record({ group: attribute('groupID', PLAIN), name: content(PLAIN) })),
    ownProperties: OWN_PROPERTIES,
  }),
  ({ name, ...wire }) => ({
    ...wire,
    ...(name === undefined || name.name === '' ? {} : { screenName: name.name }),
  }),
  ({ screenName, ...value }) => ({
    ...value,
    ...(screenName === undefined ? {} : { name: { group: value.group, name: screenName } }),
  }),
);

const JOIN_ANSWER: Part<Answer<'JoinGroupResponse'>> = record({
  screenName: extension(attribute('screenName', PLAIN)),
  result: OUTCOME,
  joined: child('JoinedList', children('Name', NAME)),
  welcomeNote: SHOWN_NOTE,
});

/** COMPAT(Baraza): unasked, without MetaInfo and without saying who is out; also its answer to LeaveGroupRequest. */
const LEAVE_INDICATION: Part<Body<'LeaveGroupIndication'>> = also(
  record({
    group: GROUP_ID,
    meta: meta(groupOrigin),
    users: extension(children('User', OUR_USER_ID)),
    result: OUTCOME,
  }),
  (draft, { result: { code, description } }) => {
    draft.children.push({ name: 'ReasonText', text: description ?? STATUS[code], children: [] });
  },
);

// ---- members

const MEMBER_LISTS = {
  admins: list('Admins', USERS),
  moderators: list('Moderators', USERS),
  users: list('OrdinaryUsers', USERS),
} as const;

// ---- who is joined

/** COMPAT: the user stands in UserID as attribute or as text, or in an attribute of Mapping, in any case. */
function mappedUser(mapping: Element, context: ReadContext): UserAddress | undefined {
  const named = mapping.children.find(({ name }) => name.toLowerCase() === 'userid');
  const written = named === undefined ? undefined : (attributeOf(named, 'userID') ?? named.text.trim());
  const text = written || attributeOf(mapping, 'userID');
  return text === undefined || text === '' ? undefined : USER.read(text, context);
}

const MAPPING: Part<ScreenMapping> = {
  read: (element, context) => {
    const screenName = must(child('SName', content(PLAIN)), 'SName').read(element, context);
    const user = mappedUser(element, context);
    return user === undefined ? { screenName } : { screenName, user };
  },
  write: ({ screenName, user }, draft, context) => {
    child('SName', content(PLAIN)).write(screenName, draft, context);
    if (user !== undefined && context.dialect.extensions)
      draft.children.push(build('UserID', USER_ID, user, context));
  },
};

const MAP_LIST = child('UserMapList', child('UserMapping', children('Mapping', MAPPING)));

const JOINED_NAMES = ['JoinedUsers', 'JoinedUser', 'JoinedAdmin', 'JoinedBlocked'] as const;

/** Mappings at any level below: lists and mappings may repeat. The scan has bounded the levels. */
function mappingsIn(element: Element): readonly Element[] {
  return element.children.flatMap((found) => (found.name === 'Mapping' ? [found] : mappingsIn(found)));
}

/** COMPAT(Baraza): reads JoinedUsers and writes JoinedUser; whoever stands under several names counts once. */
const JOINED: Part<readonly ScreenMapping[]> = {
  read: (element, context) => {
    const found = childrenOf(element, ...JOINED_NAMES)
      .flatMap(mappingsIn)
      .map((mapping) => MAPPING.read(mapping, context));
    return [...new Map(found.map((mapping) => [JSON.stringify(mapping), mapping])).values()];
  },
  write: (joined, draft, context) => {
    const names = context.dialect.bothJoinedNames ? ['JoinedUsers', 'JoinedUser'] : ['JoinedUsers'];
    for (const name of names) draft.children.push(build(name, MAP_LIST, joined, context));
  },
};

// ---- properties

/** A group's properties; its welcome note counts as one. */
interface Properties {
  readonly properties?: readonly GroupProperty[];
  readonly welcomeNote?: string;
}

const SET_PROPERTIES: Part<Properties | undefined> = child(
  'GroupProperties',
  mapped(
    record({ properties: PROPERTIES, welcomeNote: WELCOME_NOTE }),
    ({ properties, welcomeNote }): Properties =>
      welcomeNote === undefined
        ? { properties }
        : { ...(properties.length > 0 ? { properties } : {}), welcomeNote },
    ({ properties = [], welcomeNote }) => ({
      properties,
      ...(welcomeNote === undefined ? {} : { welcomeNote }),
    }),
  ),
);

const SET_PROPS: Part<Body<'SetGroupPropsRequest'>> = mapped(
  record({ group: GROUP_ID, meta: meta(), changed: SET_PROPERTIES, ownProperties: OWN_PROPERTIES }),
  ({ changed, ...wire }) => ({ ...wire, ...changed }),
  ({ properties, welcomeNote, ...value }) => ({
    ...value,
    ...(properties === undefined && welcomeNote === undefined
      ? {}
      : {
          changed: {
            ...(properties === undefined ? {} : { properties }),
            ...(welcomeNote === undefined ? {} : { welcomeNote }),
          },
        }),
  }),
);

const SHOWN_PROPERTIES = record({ properties: PROPERTIES, welcomeNote: SHOWN_NOTE });

const PROPS_ANSWER: Part<Answer<'GetGroupPropsResponse'>> = mapped(
  record({
    result: OUTCOME,
    shown: or(child('GroupProperties', SHOWN_PROPERTIES), { properties: [] }),
    ownProperties: or(OWN_PROPERTIES, []),
  }),
  ({ shown, ...wire }) => ({ ...wire, ...shown }),
  ({ properties, welcomeNote, ...value }) => ({
    ...value,
    shown: welcomeNote === undefined ? { properties } : { properties, welcomeNote },
  }),
);

// ---- changes

const CHANGE_NOTICE: Part<Body<'GroupChangeNotice'>> = mapped(
  record({
    group: GROUP_ID,
    meta: meta(groupOrigin),
    recipients: some('User', OUR_USER_ID),
    joined: list('Joined', children('Name', NAME)),
    left: list('Left', children('Name', NAME)),
    joinedBlocked: list('JoinedBlocked', children('Name', NAME)),
    leftBlocked: list('LeftBlocked', children('Name', NAME)),
    properties: child('GroupProperties', PROPERTIES),
  }),
  ({ joined, left, joinedBlocked, leftBlocked, ...wire }): Body<'GroupChangeNotice'> => ({
    ...wire,
    joined: [...joined, ...joinedBlocked],
    left: [...left, ...leftBlocked],
  }),
  (value) => ({ ...value, joinedBlocked: [], leftBlocked: [] }),
);

export const GROUP_REQUESTS = {
  JoinGroupRequest: JOIN,
  LeaveGroupRequest: ABOUT_GROUP,
  LeaveGroupIndication: LEAVE_INDICATION,
  DeleteGroupRequest: ABOUT_GROUP,
  GetGroupMemberRequest: ABOUT_GROUP,
  GetJoinedUsersRequest: ABOUT_GROUP,
  AddGroupMemberRequest: record({ group: GROUP_ID, meta: meta(), users: SOME_USERS }),
  RemoveGroupMemberRequest: record({ group: GROUP_ID, meta: meta(), users: SOME_USERS }),
  MemberAccessRequest: record({ group: GROUP_ID, meta: meta(), ...MEMBER_LISTS }),
  GetGroupPropsRequest: ABOUT_GROUP,
  SetGroupPropsRequest: SET_PROPS,
  RejectListRequest: record({
    group: GROUP_ID,
    meta: meta(),
    add: list('AddUsers', USERS),
    remove: list('RemoveUsers', USERS),
  }),
  SubscribeGroupChangeRequest: ABOUT_GROUP,
  UnsubscribeGroupChangeRequest: ABOUT_GROUP,
  GetGroupSubStatusRequest: ABOUT_GROUP,
  GroupChangeNotice: CHANGE_NOTICE,
} satisfies Partial<RequestParts>;

export const GROUP_RESPONSES = {
  JoinGroupResponse: JOIN_ANSWER,
  GetGroupMemberResponse: record({ result: OUTCOME, ...MEMBER_LISTS }),
  GetJoinedUsersResponse: record({ result: OUTCOME, joined: JOINED }),
  GetGroupPropsResponse: PROPS_ANSWER,
  RejectListResponse: record({ result: OUTCOME, users: or(child('RejectList', USERS), []) }),
  GetGroupSubStatusResponse: record({
    subscribed: or(attribute('subscribed', YES_NO), false),
    result: OUTCOME,
  }),
};
