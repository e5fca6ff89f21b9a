// Joining and leaving a group (csp-transactions section 8: JoinGroup, LeaveGroup, SubscribeGroupNotice).

import { userPartOf } from '../../wv/address.ts';
import type { UserAddress } from '../../wv/ids.ts';
import {
  status,
  type GetGroupSubStatusResponse,
  type JoinGroupRequest,
  type JoinGroupResponse,
  type Status,
} from '../../wv/primitives.ts';
import { OK, result, type Result } from '../../wv/status.ts';
import type { GroupPerson, JoinedRecord, OwnSettings } from '../../store/store.ts';
import { changeGroup, takeOut } from './changing.ts';
import type { GroupContext } from './context.ts';
import { NO_CLIENT, type GroupHome } from './group-home.ts';
import type { Asker } from './privileges.ts';
import { changedSettings, groupNumber, groupValue, groupFlag, INITIAL_SETTINGS } from './properties.ts';

/** Longest screen name, characters (csp-datatypes section 1). */
const MAX_SCREEN_NAME = 50;

// oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

export type JoinWish = Pick<
  JoinGroupRequest,
  'screenName' | 'wantsJoinedList' | 'subscribe' | 'ownProperties'
>;

/** `tellJoiner`: an automatic join, of which the client knows nothing yet. */
export async function join(
  context: GroupContext,
  home: GroupHome,
  asker: Asker,
  wish: JoinWish,
  tellJoiner = false,
): Promise<JoinGroupResponse | Status> {
  const { user, clientId = NO_CLIENT } = asker;
  const refused = joinRefusal(context, home, user);
  if (refused !== undefined) return status(refused);
  const screenName = screenNameFor(home, asker, wish.screenName);
  if (typeof screenName !== 'string') return status(screenName);
  const settings = settingsFor(context, home, user, wish);
  if ('code' in settings) return status(settings);
  const joined: JoinedRecord = { user, clientId, screenName, subscribed: wish.subscribe };
  const change = { joined: [joined], people: keptPerson(home, user, settings) };
  if (!(await changeGroup(context, home, change, tellJoiner ? {} : { except: user }))) {
    return status(result(800));
  }
  const { welcomeNote } = home.profile;
  return {
    primitive: 'JoinGroupResponse',
    result: OK,
    screenName,
    ...(wish.wantsJoinedList ? { joined: home.mappings(user) } : {}),
    ...(welcomeNote === undefined ? {} : { welcomeNote }),
  };
}

/** In the order of the official servers: rejected, members only, full. */
function joinRefusal({ limits }: GroupContext, home: GroupHome, user: UserAddress): Result | undefined {
  if (home.rejected.has(user)) return result(809);
  if (isClosed(home) && !home.isMember(user)) return result(803);
  const most = Math.min(groupNumber(home.profile, 'MaxActiveUsers') ?? Infinity, limits.joined);
  return !home.isJoined(user) && home.activeUsers >= most ? result(817) : undefined;
}

/** Who was invited is who is a member: invitations themselves pass between users, not through the group. */
function isClosed(home: GroupHome): boolean {
  return (
    groupValue(home.profile, 'Accesstype') === 'Restricted' || groupFlag(home.profile, 'RequireInvitation')
  );
}

function settingsFor(
  context: GroupContext,
  home: GroupHome,
  user: UserAddress,
  { ownProperties = [] }: JoinWish,
): OwnSettings | Result {
  const settings = changedSettings(home.settingsOf(user), ownProperties, home.ownFacts(user));
  if ('code' in settings) return settings;
  return hasRoomFor(context, home, user, settings) ? settings : result(817);
}

/** Whether the group can remember another visitor's wishes. */
export function hasRoomFor(
  { limits }: Pick<GroupContext, 'limits'>,
  home: GroupHome,
  user: UserAddress,
  settings: OwnSettings,
): boolean {
  return home.people.size < limits.members || home.person(user) !== undefined || isInitial(settings);
}

/** The person to keep; nothing for a visitor without wishes. */
export function keptPerson(
  home: GroupHome,
  user: UserAddress,
  settings: OwnSettings,
): readonly GroupPerson[] {
  const person = home.person(user);
  if (person === undefined && isInitial(settings)) return [];
  return [{ ...person, user, settings }];
}

function isInitial(settings: OwnSettings): boolean {
  return (
    settings.autoJoin === INITIAL_SETTINGS.autoJoin &&
    settings.privateMessaging === INITIAL_SETTINGS.privateMessaging &&
    settings.showId === INITIAL_SETTINGS.showId
  );
}

/** The screen name asked for, else the one the client has, else the user part made unique. 402 unfit, 811 taken. */
export function screenNameFor(home: GroupHome, asker: Asker, asked: string | undefined): string | Result {
  const { user, clientId = NO_CLIENT } = asker;
  const name = asked?.trim() ?? '';
  if (name === '') return home.joinedAs(user, clientId)[0]?.screenName ?? inventedName(home, user);
  if (name.length > MAX_SCREEN_NAME || CONTROL.test(name)) return result(402, 'Unfit screen name');
  const bearer = home.bearerOf(name);
  return bearer === undefined || bearer.user === user ? name : result(811);
}

function inventedName(home: GroupHome, user: UserAddress): string {
  const base = userPartOf(user).slice(0, MAX_SCREEN_NAME - 10);
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}${n}`;
    const bearer = home.bearerOf(name);
    if (bearer === undefined || bearer.user === user) return name;
  }
}

/** The user's own wish: the answer tells him, a notice the others. */
export async function leave(
  context: GroupContext,
  home: GroupHome,
  { user, clientId }: Asker,
): Promise<Status> {
  const done = await takeOut(context, home, home.joinedAs(user, clientId), {}, { except: user });
  return status(done ? OK : result(800));
}

export async function subscribe(
  context: GroupContext,
  home: GroupHome,
  { user, clientId }: Asker,
  subscribed: boolean,
): Promise<Status> {
  const joined = home.joinedAs(user, clientId).map((record) => ({ ...record, subscribed }));
  return status((await changeGroup(context, home, { joined })) ? OK : result(800));
}

export function subscription(home: GroupHome, { user, clientId }: Asker): GetGroupSubStatusResponse {
  const subscribed = home.joinedAs(user, clientId).some((joined) => joined.subscribed);
  return { primitive: 'GetGroupSubStatusResponse', result: OK, subscribed };
}
