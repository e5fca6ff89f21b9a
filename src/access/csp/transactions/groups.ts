// Groups: creating and deleting them, coming and going, who is there, notices (csp-transactions section 8).

import { isAddressError, parseGroup } from '../../../wv/address.ts';
import type { ScreenMapping } from '../../../wv/primitives.ts';
import { isSuccess } from '../../../wv/status.ts';
import type { GroupDraft } from '../../../services/groups/creating.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement } from '../codec/binding.ts';
import {
  joinedUsers,
  mappingElements,
  propertiesIn,
  screenNameIn,
  userMapList,
  welcomeNote,
  welcomeNoteIn,
} from '../group-forms.ts';
import { create, entering, leaving } from '../group-participation.ts';
import { inSession, type Handlers, type SessionExchange } from '../transaction.ts';
import { aboutGroup, ask } from './about-group.ts';

/** An address that is no group's is a bad property of the group to be (806), as one that is not the creator's. */
const createGroup = inSession(
  'CreateGroup-Request',
  async ({ services, session, version }, body) => {
    const group = parseGroup(body.GroupID, services.homes.domain);
    if (isAddressError(group)) return statusOf(806, version, group.reason);
    const note = welcomeNoteIn(body.GroupProperties?.WelcomeNote);
    if (note === 'unreadable') return statusOf(415, version, 'WelcomeNote is not text');
    const screenName = screenNameIn(body.ScreenName);
    const draft: GroupDraft = {
      group,
      properties: propertiesIn(body.GroupProperties),
      ownProperties: propertiesIn(body.OwnProperties),
      join: body.JoinGroup === true,
      subscribe: body.SubscribeNotification === true,
      ...(note.text === undefined ? {} : { welcomeNote: note.text }),
      ...(screenName === undefined ? {} : { screenName }),
    };
    const outcome = await create(services, session, draft);
    return statusElement(outcome, version);
  },
  'CREAG',
);

const deleteGroup = aboutGroup(
  'DeleteGroup-Request',
  async (exchange, group) => {
    const { result } = await ask(exchange, { primitive: 'DeleteGroupRequest', group });
    return statusElement(result, exchange.version);
  },
  'DELGR',
);

const joinGroup = aboutGroup('JoinGroup-Request', async (exchange, group, body) => {
  const { services, session, version } = exchange;
  const screenName = screenNameIn(body.ScreenName);
  const subscribe = body.SubscribeNotification === true;
  const answer = await entering(services, session, group, subscribe, () =>
    ask(exchange, {
      primitive: 'JoinGroupRequest',
      group,
      wantsJoinedList: body.JoinedRequest === true,
      subscribe,
      ...(screenName === undefined ? {} : { screenName }),
      ...(body.OwnProperties === undefined ? {} : { ownProperties: propertiesIn(body.OwnProperties) }),
    }),
  );
  if (answer.primitive !== 'JoinGroupResponse' || !isSuccess(answer.result)) {
    return statusElement(answer.result, version);
  }
  const joined = body.JoinedRequest === true ? joinedUsers(session, group, answer.joined ?? []) : {};
  return buildElement('JoinGroup-Response', { ...joined, ...welcomeNote(answer.welcomeNote) }, version);
});

const leaveGroup = aboutGroup('LeaveGroup-Request', async ({ services, session, version }, group) => {
  const { result } = await leaving(services, session, group);
  return buildElement('LeaveGroup-Response', { GroupID: group, Result: resultBody(result) }, version);
});

/** Admins and moderators get the users by privilege, everybody else one list. */
const getJoinedUsers = aboutGroup(
  'GetJoinedUsers-Request',
  async (exchange, group) => {
    const { session, version } = exchange;
    if (version === '1.1') return statusOf(405, version, 'GetJoinedUsers begins with 1.2');
    const answer = await ask(exchange, { primitive: 'GetJoinedUsersRequest', group });
    if (answer.primitive !== 'GetJoinedUsersResponse' || !isSuccess(answer.result)) {
      return statusElement(answer.result, version);
    }
    const members = await ask(exchange, { primitive: 'GetGroupMemberRequest', group });
    const lists =
      members.primitive === 'GetGroupMemberResponse' && isSuccess(members.result)
        ? { AdminMapList: byPrivilege(answer.joined, new Set(members.admins), new Set(members.moderators)) }
        : { UserMapList: userMapList(session, answer.joined) };
    return buildElement('GetJoinedUsers-Response', lists, version);
  },
  'GETJU',
);

function byPrivilege(
  joined: readonly ScreenMapping[],
  admins: ReadonlySet<ScreenMapping['user']>,
  moderators: ReadonlySet<ScreenMapping['user']>,
) {
  const levelOf = ({ user }: ScreenMapping) =>
    admins.has(user) ? 'AdminMapping' : moderators.has(user) ? 'ModMapping' : 'UserMapping';
  const groups = Object.groupBy(joined, levelOf);
  return Object.fromEntries(
    Object.entries(groups).map(([level, mappings]) => [level, { Mapping: mappingElements(mappings) }]),
  );
}

const SUBSCRIPTIONS = {
  S: { primitive: 'SubscribeGroupChangeRequest', subscribed: true },
  U: { primitive: 'UnsubscribeGroupChangeRequest', subscribed: false },
} as const;

const subscribeNotice = aboutGroup(
  'SubscribeGroupNotice-Request',
  async (exchange, group, body) => {
    const { version } = exchange;
    const type = body.SubscribeType.toUpperCase();
    if (type === 'G') {
      const answer = await ask(exchange, { primitive: 'GetGroupSubStatusRequest', group });
      return answer.primitive === 'GetGroupSubStatusResponse' && isSuccess(answer.result)
        ? buildElement('SubscribeGroupNotice-Response', { Value: answer.subscribed }, version)
        : statusElement(answer.result, version);
    }
    if (type !== 'S' && type !== 'U') return statusOf(402, version, 'SubscribeType');
    const { primitive, subscribed } = SUBSCRIPTIONS[type];
    const { result } = await ask(exchange, { primitive, group });
    if (isSuccess(result)) await remember(exchange, group, subscribed);
    return statusElement(result, version);
  },
  'SUBGCN',
);

async function remember(
  { services, session }: SessionExchange,
  group: Parameters<typeof session.groups.get>[0],
  subscribed: boolean,
): Promise<void> {
  const joined = session.groups.get(group);
  if (joined === undefined) return;
  session.groups.set(group, { ...joined, subscribed });
  await services.sessions.save(session);
}

export const groupTransactions: Handlers = {
  'CreateGroup-Request': createGroup,
  'DeleteGroup-Request': deleteGroup,
  'JoinGroup-Request': joinGroup,
  'LeaveGroup-Request': leaveGroup,
  'GetJoinedUsers-Request': getJoinedUsers,
  'SubscribeGroupNotice-Request': subscribeNotice,
};
