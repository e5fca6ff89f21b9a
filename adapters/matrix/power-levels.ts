// Power levels and group privileges (bridging.md 7.2; Client-Server API, "m.room.power_levels"). The content is anybody's
// JSON: whatever is no number counts as absent. Pure.

import { isRecord } from './events.ts';

type Fields = Readonly<Record<string, unknown>>;

export type Privilege = 'Admin' | 'Mod' | 'User';

/** The level that a privilege gets. */
export const LEVELS = { Admin: 75, Mod: 50, User: 0 } as const satisfies Record<Privilege, number>;

/** What the creator of a group gets, and the gateway's bot. */
export const CREATOR_LEVEL = 95;
export const BOT_LEVEL = 100;

export interface PowerLevels {
  readonly users: ReadonlyMap<string, number>;
  readonly usersDefault: number;
}

/** COMPAT(room versions < 10): levels may be texts of integers. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  return typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : undefined;
}

export function readLevels(content: Fields | undefined): PowerLevels {
  const users = content?.['users'];
  const entries = Object.entries(isRecord(users) ? users : {}).flatMap(([user, level]) => {
    const number = numberOf(level);
    return number === undefined ? [] : [[user, number] as const];
  });
  return { users: new Map(entries), usersDefault: numberOf(content?.['users_default']) ?? 0 };
}

export function levelOf({ users, usersDefault }: PowerLevels, user: string): number {
  return users.get(user) ?? usersDefault;
}

export function privilegeOf(level: number): Privilege {
  if (level >= LEVELS.Admin) return 'Admin';
  return level >= LEVELS.Mod ? 'Mod' : 'User';
}

/** The content with other levels for some users. */
export function changeLevels(
  content: Fields,
  wishes: readonly (readonly [user: string, level: number])[],
): Fields {
  const users = content['users'];
  return { ...content, users: { ...(isRecord(users) ? users : {}), ...Object.fromEntries(wishes) } };
}
