// Making groups: those of users (CreateGroup) and those of the operator.

import { domainOf, groupOwner, resourceOf } from '../../wv/address.ts';
import type { ClientId, GroupAddress, UserAddress } from '../../wv/ids.ts';
import type { GroupProperty } from '../../wv/primitives.ts';
import { OK, result, type Result } from '../../wv/status.ts';
import type {
  GroupCreation,
  GroupPerson,
  GroupProfile,
  GroupState,
  JoinedRecord,
} from '../../store/store.ts';
import type { GroupContext } from './context.ts';
import { GroupHome } from './group-home.ts';
import { screenNameFor } from './joining.ts';
import { changedProfile, changedSettings, INITIAL_SETTINGS } from './properties.ts';

/** What making a group takes; the command line has no more than this. */
export type CreatingContext = Pick<GroupContext, 'store' | 'homes' | 'groups' | 'clock' | 'limits'>;

/** What CreateGroup asks for. */
export interface GroupDraft {
  readonly group: GroupAddress;
  readonly properties: readonly GroupProperty[];
  readonly welcomeNote?: string;
  /** The creator joins at once, under this screen name. */
  readonly join: boolean;
  readonly screenName?: string;
  readonly subscribe: boolean;
  readonly ownProperties?: readonly GroupProperty[];
}

/** What the operator gives a group of his. */
export type ProviderDraft = Pick<GroupDraft, 'group' | 'properties' | 'welcomeNote'> & {
  readonly admins: readonly UserAddress[];
};

const OUTCOMES: Readonly<Record<GroupCreation, Result>> = {
  created: OK,
  exists: result(801),
  'owner-full': result(814),
  'server-full': result(815),
};

/** 516 a group elsewhere, 806 not one's own or bad properties, 822, 402 screen name, 801, 814, 815. */
export async function create(
  context: CreatingContext,
  creator: UserAddress,
  clientId: ClientId,
  draft: GroupDraft,
): Promise<Result> {
  const refused = addressRefusal(context, draft.group, creator);
  if (refused !== undefined) return refused;
  const profile = firstProfile(context, draft);
  if ('code' in profile) return profile;
  const facts = { isMember: true, privilege: 'Admin' };
  const settings = changedSettings(INITIAL_SETTINGS, draft.ownProperties ?? [], facts);
  if ('code' in settings) return settings;
  const admin: GroupPerson = { user: creator, privilege: 'Admin', settings };
  const state = { ...emptyGroup(context, draft.group, profile, [admin]), owner: creator };
  if (!draft.join) return enter(context, state);
  const asker = { user: creator, clientId };
  const screenName = screenNameFor(new GroupHome(state), asker, draft.screenName);
  if (typeof screenName !== 'string') return screenName;
  const joined: JoinedRecord = { user: creator, clientId, screenName, subscribed: draft.subscribe };
  return enter(context, { ...state, joined: [joined] });
}

/** A group `wv:/name@domain` of the operator. 806 for another address or bad properties, 531, 801, 815, 822. */
export async function createForProvider(context: CreatingContext, draft: ProviderDraft): Promise<Result> {
  const refused = addressRefusal(context, draft.group, undefined);
  if (refused !== undefined) return refused;
  const profile = firstProfile(context, draft);
  if ('code' in profile) return profile;
  const unknown = await unknownUser(context, draft.admins);
  if (unknown !== undefined) return { code: 531, details: [{ code: 531, users: [unknown] }] };
  const admins = draft.admins.map((user): GroupPerson => ({
    user,
    privilege: 'Admin',
    settings: INITIAL_SETTINGS,
  }));
  return enter(context, emptyGroup(context, draft.group, profile, admins));
}

async function unknownUser(
  { homes }: CreatingContext,
  users: readonly UserAddress[],
): Promise<UserAddress | undefined> {
  for (const user of users) {
    if (domainOf(user) === homes.domain && (await homes.get(user)) === undefined) return user;
  }
  return undefined;
}

function addressRefusal(
  { homes }: CreatingContext,
  group: GroupAddress,
  owner: UserAddress | undefined,
): Result | undefined {
  if (domainOf(group) !== homes.domain) return result(516);
  const name = resourceOf(group);
  if (groupOwner(group) !== owner) return result(806, 'Not a group of the creator');
  return name.length <= 100 && !/[/@+\s]/.test(name) ? undefined : result(806, 'Unfit group name');
}

function firstProfile(
  { clock }: CreatingContext,
  { group, properties, welcomeNote }: Pick<GroupDraft, 'group' | 'properties' | 'welcomeNote'>,
): GroupProfile | Result {
  const facts = { isPublic: groupOwner(group) === undefined, activeUsers: 0 };
  const change = { properties, ...(welcomeNote === undefined ? {} : { welcomeNote }) };
  return changedProfile({ properties: {} }, change, facts, clock.now());
}

function emptyGroup(
  { clock }: CreatingContext,
  address: GroupAddress,
  profile: GroupProfile,
  people: readonly GroupPerson[],
): GroupState {
  return { address, createdAt: clock.now(), profile, people, joined: [], rejected: [] };
}

async function enter({ store, groups, limits }: CreatingContext, state: GroupState): Promise<Result> {
  const { perUser: perOwner, perServer } = limits;
  const creation = await store.createGroup(state, { perOwner, perServer });
  if (creation === 'created') groups.enter(new GroupHome(state));
  return OUTCOMES[creation];
}
