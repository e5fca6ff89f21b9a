// `wvgate user show|set|activate|deactivate`: profiles, also while the server runs.

import { changedProfile } from '../services/profiles.ts';
import { EMPTY_PROFILE } from '../store/profiles.ts';
import type { AccountChange, Store } from '../store/store.ts';
import type { UserAddress } from '../wv/ids.ts';
import { isPublicProperty } from '../wv/profile.ts';
import { WebError, checked } from '../web/errors.ts';
import { changeSchema, partsOf, profileJson } from '../web/profile-schema.ts';
import { UsageError } from './command.ts';

/** The whole profile as JSON. */
export async function showUser(store: Store, user: UserAddress): Promise<boolean> {
  const record = await store.getUser(user);
  if (record === undefined) return false;
  const profile = (await store.getProfile(user)) ?? EMPTY_PROFILE;
  const whole = { user: record, profile, terminals: await store.terminalsOf(user) };
  process.stdout.write(`${JSON.stringify(profileJson(whole), undefined, 2)}\n`);
  return true;
}

/** False when there is no such user. */
export function changeUser(store: Store, user: UserAddress, change: AccountChange): Promise<boolean> {
  return store.setProfile(user, change);
}

/** Changes given as KEY=VALUE. @throws UsageError that names the key. */
export async function setUser(
  store: Store,
  user: UserAddress,
  assignments: readonly string[],
): Promise<boolean> {
  const { profile, account } = partsOf(readAssignments(assignments));
  if ((await store.getUser(user)) === undefined) return false;
  if (account !== undefined) await store.setProfile(user, account);
  if (profile !== undefined) await store.changeProfile(user, (before) => changedProfile(before, profile));
  return true;
}

const YES_NO: Readonly<Record<string, boolean>> = { yes: true, no: false };

/** Keys as the HTTP API has them; PP_… are properties of the public profile, an empty value removes. */
function readAssignments(assignments: readonly string[]): ReturnType<typeof changeSchema.parse> {
  const change: Record<string, unknown> = {};
  const into = (part: string, key: string, value: unknown) => {
    change[part] = { ...(change[part] as object | undefined), [key]: value };
  };
  for (const assignment of assignments) {
    const [, key = '', value = ''] = /^([\w.-]+)=([^]*)$/.exec(assignment) ?? [];
    if (key === '') throw new UsageError(`not KEY=VALUE: ${assignment}`);
    const given = value === '' ? null : value;
    const [part = '', name] = key.split(/\.(.*)/);
    if (isPublicProperty(key)) into('publicProfile', key, given);
    else if ((part === 'findable' || part === 'preferences') && name !== undefined) into(part, name, given);
    else if (key === 'services') change[key] = value === 'all' ? null : value.split(',').filter(Boolean);
    else if (key === 'networkPresence') change[key] = YES_NO[value] ?? value;
    else change[key] = given;
  }
  try {
    return checked(changeSchema, change);
  } catch (error) {
    if (error instanceof WebError)
      throw new UsageError(`${error.field ?? 'set'}: ${error.message}`, { cause: error });
    throw error;
  }
}
