// One change of a group: in memory, on disk, and then told to those who subscribed.

import type { GroupChange, JoinedRecord } from '../../store/store.ts';
import type { UserAddress } from '../../wv/ids.ts';
import { result } from '../../wv/status.ts';
import type { GroupContext } from './context.ts';
import { distinctNames, type GroupHome } from './group-home.ts';
import type { GroupNews, PresentName } from './notices.ts';
import { groupFlag } from './properties.ts';

export interface Telling {
  /** Who is not told: he did it himself. */
  readonly except?: UserAddress;
  readonly properties?: GroupNews['properties'];
}

/** False = the group is gone. */
export async function changeGroup(
  { groups, notices }: GroupContext,
  home: GroupHome,
  change: GroupChange,
  { except, properties }: Telling = {},
): Promise<boolean> {
  const users = new Set([...(change.joined ?? []), ...(change.left ?? [])].map(({ user }) => user));
  const before = namesOf(home, users);
  // Memory changes before this returns its promise.
  const committing = groups.change(home, change);
  const after = namesOf(home, users);
  if (!(await committing)) return false;
  const joined = after.filter((name) => !includes(before, name));
  const left = before.filter((name) => !includes(after, name));
  notices.changed(home, { joined, left, ...(properties === undefined ? {} : { properties }) }, except);
  return true;
}

function namesOf(home: GroupHome, users: Iterable<UserAddress>): readonly PresentName[] {
  return [...users].flatMap((user) => {
    const shown = home.settingsOf(user).showId;
    return distinctNames(home.joinedAs(user)).map((screenName) => ({ user, screenName, shown }));
  });
}

function includes(names: readonly PresentName[], { user, screenName }: PresentName): boolean {
  return names.some((name) => name.user === user && name.screenName === screenName);
}

/**
 * Takes clients out of a group together with another change. Visitors are forgotten with it, unless they come back
 * by themselves (AutoJoin). A group with AutoDelete ends with its last joined user. False = the group is gone.
 */
export async function takeOut(
  context: GroupContext,
  home: GroupHome,
  clients: readonly JoinedRecord[],
  change: GroupChange = {},
  telling: Telling = {},
): Promise<boolean> {
  const leaving = Map.groupBy(clients, ({ user }) => user);
  const forgotten = [...leaving].flatMap(([user, own]) => {
    const person = home.person(user);
    const visitor = person !== undefined && person.privilege === undefined && !person.settings.autoJoin;
    return visitor && own.length === home.joinedAs(user).length ? [user] : [];
  });
  const removedPeople = [...(change.removedPeople ?? []), ...forgotten];
  const done = await changeGroup(context, home, { ...change, left: clients, removedPeople }, telling);
  if (done && clients.length > 0 && home.activeUsers === 0 && groupFlag(home.profile, 'AutoDelete')) {
    await dissolve(context, home);
  }
  return done;
}

/** Deletes a group; who is in it learns so (800). False = it was gone already. */
export async function dissolve({ groups, notices }: GroupContext, home: GroupHome): Promise<boolean> {
  const users = [...home.joinedUsers()];
  const done = await groups.remove(home);
  if (done) notices.out(home.address, users, result(800));
  return done;
}
