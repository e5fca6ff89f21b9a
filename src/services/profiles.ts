// User profiles (csp-transactions section 11, public profile): read and changed by their owners and the operator.

import type { Clock } from '../ops/ports.ts';
import type { Profile, Terminal } from '../store/profiles.ts';
import type { AccountChange, Store, UserRecord } from '../store/store.ts';
import { domainOf } from '../wv/address.ts';
import type { ClientId, UserAddress } from '../wv/ids.ts';
import { isPublicProperty, isPublicValue, type PublicProfile, type PublicProperty } from '../wv/profile.ts';
import { OK, result, type DetailedResult, type Result } from '../wv/status.ts';
import type { Homes } from './home.ts';
import type { Publishing } from './presence/publishing.ts';
import { presenceOf } from './presence/values.ts';

export interface ProfilesDependencies {
  readonly store: Store;
  readonly homes: Homes;
  readonly publishing: Pick<Publishing, 'announce'>;
  readonly clock: Clock;
  readonly limits: {
    /** Terminals remembered of one user; the one unseen longest goes. */
    readonly terminals: number;
  };
}

/** A change of a profile: what is undefined stays, null is removed; records are merged key by key. */
export interface ProfileChange {
  readonly firstName?: string | null | undefined;
  readonly lastName?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly mobileNumber?: string | null | undefined;
  readonly publicProfile?: Readonly<Record<string, string | null>> | undefined;
  readonly preferences?: Readonly<Record<string, string | number | boolean | null>> | undefined;
  readonly findable?: Partial<Profile['findable']> | undefined;
  readonly networkPresence?: boolean | undefined;
}

/** Everything about a user that he and the operator may see. */
export interface WholeProfile {
  readonly user: UserRecord;
  readonly profile: Profile;
  readonly terminals: readonly Terminal[];
}

export class Profiles {
  private readonly deps: ProfilesDependencies;

  constructor(deps: ProfilesDependencies) {
    this.deps = deps;
  }

  /** undefined = no such user. */
  async whole(address: UserAddress): Promise<WholeProfile | undefined> {
    const { store } = this.deps;
    const [user, profile] = [await store.getUser(address), await store.getProfile(address)];
    if (user === undefined || profile === undefined) return undefined;
    return { user, profile, terminals: await store.terminalsOf(address) };
  }

  /** The public profiles of some users, and details for those who are unknown (531) or of other servers (516). */
  async publicProfiles(users: readonly UserAddress[]): Promise<{
    readonly found: readonly (readonly [UserAddress, PublicProfile])[];
    readonly failures: readonly DetailedResult[];
  }> {
    const found: (readonly [UserAddress, PublicProfile])[] = [];
    const failures: DetailedResult[] = [];
    for (const user of users) {
      if (domainOf(user) !== this.deps.homes.domain) {
        failures.push({ code: 516, domains: [domainOf(user)] });
        continue;
      }
      const profile = await this.deps.store.getProfile(user);
      if (profile === undefined) failures.push({ code: 531, users: [user] });
      else found.push([user, profile.publicProfile]);
    }
    return { found, failures };
  }

  /** UpdatePublicProfile: an empty value removes a property. 702 for a property or a value that cannot be; nothing changes then. */
  async updatePublic(
    user: UserAddress,
    clear: boolean,
    values: readonly (readonly [name: string, value: string])[],
  ): Promise<Result> {
    const changes: [PublicProperty, string | null][] = [];
    for (const [name, value] of values) {
      if (!isPublicProperty(name)) return result(702, `Not a property: ${name.slice(0, 40)}`);
      if (value !== '' && !isPublicValue(name, value)) return result(702, `Not a value of ${name}`);
      changes.push([name, value === '' ? null : value]);
    }
    const change = { publicProfile: Object.fromEntries(changes) };
    const changed = await this.deps.store.changeProfile(user, (before) =>
      changedProfile(clear ? { ...before, publicProfile: {} } : before, change),
    );
    return changed ? OK : result(531);
  }

  /** The values must have been checked. 'full': the preferences would grow beyond MAX_PREFERENCES. */
  async change(user: UserAddress, change: ProfileChange): Promise<'changed' | 'unknown' | 'full'> {
    let fits = true;
    const done = await this.deps.store.changeProfile(user, (current) => {
      const changed = changedProfile(current, change);
      fits = preferencesFit(changed);
      return fits ? changed : current;
    });
    if (!done) return 'unknown';
    return fits ? 'changed' : 'full';
  }

  /**
   * Changes the account: shown name, services, active or not. Live sessions know at once, and neighbours see the
   * name; that the sessions of an inactive account end is the caller's business. False = no such user.
   */
  async changeAccount(address: UserAddress, change: AccountChange): Promise<boolean> {
    const { store, homes, publishing } = this.deps;
    if (!(await store.setProfile(address, change))) return false;
    const [home, user] = [await homes.get(address), await store.getUser(address)];
    if (home === undefined || user === undefined) return false;
    const before = presenceOf(home);
    home.user = user;
    await publishing.announce(home, before);
    return true;
  }

  /** A client logged in or negotiated its capabilities. */
  async sawTerminal(
    user: UserAddress,
    clientId: ClientId,
    about: { readonly type?: string | undefined; readonly capabilities?: string } = {},
  ): Promise<void> {
    const { store, clock, limits } = this.deps;
    const { type, ...rest } = about;
    const terminal = { clientId, seenAt: clock.now(), ...rest, ...(type === undefined ? {} : { type }) };
    await store.noteTerminal(user, terminal, limits.terminals);
  }
}

/** Most octets of all preferences of a user, as JSON. */
export const MAX_PREFERENCES = 8_192;

function preferencesFit({ preferences }: Profile): boolean {
  return Buffer.byteLength(JSON.stringify(preferences)) <= MAX_PREFERENCES;
}

function merged<T>(
  before: Readonly<Record<string, T>>,
  change: Readonly<Record<string, T | null>> | undefined,
): Readonly<Record<string, T>> {
  const kept = Object.entries({ ...before, ...change }).filter(([, value]) => value !== null);
  return Object.fromEntries(kept) as Record<string, T>;
}

const TEXTS = ['firstName', 'lastName', 'email', 'mobileNumber'] as const;

/** Pure: the store may call it twice. */
export function changedProfile(before: Profile, change: ProfileChange): Profile {
  const { firstName: _f, lastName: _l, email: _e, mobileNumber: _m, ...rest } = before;
  const texts = Object.fromEntries(
    TEXTS.map((name) => [name, change[name] === undefined ? before[name] : change[name]] as const).filter(
      ([, value]) => value !== undefined && value !== null && value !== '',
    ),
  );
  return {
    ...rest,
    ...texts,
    publicProfile: merged(before.publicProfile as Record<string, string>, change.publicProfile),
    preferences: merged(before.preferences, change.preferences),
    findable: { ...before.findable, ...change.findable },
    networkPresence: change.networkPresence ?? before.networkPresence,
  };
}
