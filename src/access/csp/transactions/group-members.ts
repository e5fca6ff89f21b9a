// Groups: members and their privileges, and who is kept out (csp-transactions section 8).

import { isAddressError, parseUser } from '../../../wv/address.ts';
import type { GroupAddress, UserAddress } from '../../../wv/ids.ts';
import { combine, isSuccess, type DetailedResult, type Result } from '../../../wv/status.ts';
import { statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { memberList } from '../group-forms.ts';
import type { Handlers, SessionExchange } from '../transaction.ts';
import { aboutGroup, ask } from './about-group.ts';

/** Users as clients name them: by address in either form, or by their screen name in the group. */
interface Named {
  readonly UserList?: Body<'UserList'> | undefined;
  readonly UserIDList?: Body<'UserIDList'> | undefined;
  readonly UserID?: readonly string[] | undefined;
  readonly ScreenName?: readonly Body<'ScreenName'>[] | undefined;
}

interface Reading {
  readonly users: readonly UserAddress[];
  readonly failures: readonly DetailedResult[];
}

/** Addresses that are none fail with 531; screen names that nobody has, or whose user is not told to us, with 410. */
async function usersIn(
  exchange: SessionExchange,
  group: GroupAddress,
  ...lists: readonly Named[]
): Promise<Reading> {
  const users = new Set<UserAddress>();
  const failures: DetailedResult[] = [];
  for (const text of lists.flatMap(addressesIn)) {
    const user = parseUser(text, exchange.services.homes.domain);
    if (isAddressError(user))
      failures.push({ code: 531, description: `${text.slice(0, 60)}: ${user.reason}` });
    else users.add(user);
  }
  const names = lists.flatMap(screenNamesIn);
  const known = names.length === 0 ? undefined : await usersByScreenName(exchange, group);
  for (const name of names) {
    const user = known?.get(name.toLowerCase());
    if (user === undefined) failures.push({ code: 410, description: `Nobody here is ${name.slice(0, 60)}` });
    else users.add(user);
  }
  return { users: [...users], failures };
}

function addressesIn({ UserID = [], UserList, UserIDList }: Named): readonly string[] {
  return [...UserID, ...(UserList?.User ?? []).map((user) => user.UserID), ...(UserIDList?.UserID ?? [])];
}

function screenNamesIn({ ScreenName = [], UserList }: Named): readonly string[] {
  return [...ScreenName, ...(UserList?.ScreenName ?? [])].flatMap(({ SName }) => SName ?? []);
}

async function usersByScreenName(
  exchange: SessionExchange,
  group: GroupAddress,
): Promise<ReadonlyMap<string, UserAddress>> {
  const answer = await ask(exchange, { primitive: 'GetJoinedUsersRequest', group });
  const joined = answer.primitive === 'GetJoinedUsersResponse' ? answer.joined : [];
  return new Map(
    joined.flatMap(({ screenName, user }) =>
      user === undefined ? [] : [[screenName.toLowerCase(), user] as const],
    ),
  );
}

/** Whether the request names more users than one may; then nothing of it is done. */
function tooMany({ services }: SessionExchange, ...readings: readonly Reading[]): boolean {
  const named = readings.reduce((sum, { users, failures }) => sum + users.length + failures.length, 0);
  return named > services.settings.maxEntities;
}

/** The home's answer, with what had been unreadable before it was asked. */
function withFailures(outcome: Result, named: number, failures: readonly DetailedResult[]): Result {
  if (failures.length === 0 || (!isSuccess(outcome) && outcome.details === undefined)) return outcome;
  const details = outcome.details ?? [];
  const refused = new Set(details.flatMap(({ users }) => users ?? []));
  return combine(named - refused.size, [...details, ...failures]);
}

const getMembers = aboutGroup(
  'GetGroupMembers-Request',
  async (exchange, group) => {
    const { session, version } = exchange;
    const answer = await ask(exchange, { primitive: 'GetGroupMemberRequest', group });
    if (answer.primitive !== 'GetGroupMemberResponse' || !isSuccess(answer.result)) {
      return statusElement(answer.result, version);
    }
    const { admins, moderators, users } = answer;
    const ordinary = memberList(session, users);
    return buildElement(
      'GetGroupMembers-Response',
      {
        ...(admins.length === 0 ? {} : { Admin: memberList(session, admins) }),
        ...(moderators.length === 0 ? {} : { Mod: memberList(session, moderators) }),
        // 1.3 has no Users: ordinary members stand in the answer itself.
        ...(users.length === 0 ? {} : version === '1.3' ? ordinary : { Users: ordinary }),
      },
      version,
    );
  },
  'GETGM',
);

const changeMembers = (
  name: 'AddGroupMembers-Request' | 'RemoveGroupMembers-Request',
  primitive: 'AddGroupMemberRequest' | 'RemoveGroupMemberRequest',
  needs: 'ADDGM' | 'RMVGM',
) =>
  aboutGroup(
    name,
    async (exchange, group, body) => {
      const { version } = exchange;
      const reading = await usersIn(exchange, group, body);
      const { users, failures } = reading;
      if (users.length + failures.length === 0) return statusOf(402, version, 'Nobody is named');
      if (tooMany(exchange, reading)) return statusOf(402, version, 'Too many users at once');
      if (users.length === 0) return statusElement(combine(0, failures), version);
      const { result } = await ask(exchange, { primitive, group, users });
      return statusElement(withFailures(result, users.length, failures), version);
    },
    needs,
  );

const memberAccess = aboutGroup(
  'MemberAccess-Request',
  async (exchange, group, body) => {
    const { version } = exchange;
    const admins = await usersIn(exchange, group, body.Admin ?? {});
    const moderators = await usersIn(exchange, group, body.Mod ?? {});
    const ordinary: Named = { UserList: body.UserList, UserIDList: body.UserIDList };
    const users = await usersIn(exchange, group, body.Users ?? {}, ordinary);
    const failures = [...admins.failures, ...moderators.failures, ...users.failures];
    const named = admins.users.length + moderators.users.length + users.users.length;
    if (named + failures.length === 0) return statusOf(402, version, 'Nobody is named');
    if (tooMany(exchange, admins, moderators, users)) return statusOf(402, version, 'Too many users at once');
    if (named === 0) return statusElement(combine(0, failures), version);
    const { result } = await ask(exchange, {
      primitive: 'MemberAccessRequest',
      group,
      admins: admins.users,
      moderators: moderators.users,
      users: users.users,
    });
    return statusElement(withFailures(result, named, failures), version);
  },
  'MBRAC',
);

/** Without lists it only asks. The list is in the answer where nothing failed; failures come as a Status. */
const rejectList = aboutGroup(
  'RejectList-Request',
  async (exchange, group, body) => {
    const { session, version } = exchange;
    const add = await usersIn(exchange, group, body.AddList ?? {});
    const remove = await usersIn(exchange, group, body.RemoveList ?? {});
    const failures = [...add.failures, ...remove.failures];
    const named = add.users.length + remove.users.length;
    if (tooMany(exchange, add, remove)) return statusOf(402, version, 'Too many users at once');
    if (named === 0 && failures.length > 0) return statusElement(combine(0, failures), version);
    const answer = await ask(exchange, {
      primitive: 'RejectListRequest',
      group,
      add: add.users,
      remove: remove.users,
    });
    const result = withFailures(answer.result, named, failures);
    if (answer.primitive !== 'RejectListResponse' || result.code !== 200)
      return statusElement(result, version);
    return buildElement('RejectList-Response', memberList(session, answer.users), version);
  },
  'REJEC',
);

export const groupMemberTransactions: Handlers = {
  'GetGroupMembers-Request': getMembers,
  'AddGroupMembers-Request': changeMembers('AddGroupMembers-Request', 'AddGroupMemberRequest', 'ADDGM'),
  'RemoveGroupMembers-Request': changeMembers(
    'RemoveGroupMembers-Request',
    'RemoveGroupMemberRequest',
    'RMVGM',
  ),
  'MemberAccess-Request': memberAccess,
  'RejectList-Request': rejectList,
};
