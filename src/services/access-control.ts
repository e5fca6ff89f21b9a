// Block and grant lists (csp-transactions section 6): who may reach a user with messages, invitations and
// presence subscriptions.

import { parseGroup, parseUser } from '../wv/address.ts';
import type { GroupAddress, UserAddress } from '../wv/ids.ts';
import type { AccessList, AccessLists, Store } from '../store/store.ts';
import type { Home } from './home.ts';

export const NO_ACCESS_LISTS: AccessLists = {
  block: { inUse: false, entities: [] },
  grant: { inUse: false, entities: [] },
};

/** What BlockEntity asks of one of the two lists; undefined parts stay as they are. */
export interface AccessListChange {
  readonly inUse?: boolean;
  /** Replaces the list. */
  readonly replace?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** Blocked when the grant list is in use and does not name the sender, or the block list names and no grant saves. */
export function isBlocked(home: Home, from: UserAddress): boolean {
  const { block, grant } = home.access;
  const granted = grant.inUse && grant.entities.includes(from);
  if (granted) return false;
  return grant.inUse || (block.inUse && block.entities.includes(from));
}

/** Blocked by name: also in groups, where a grant list keeps nobody away. */
export function isNamedAndBlocked(home: Home, from: UserAddress): boolean {
  return isBlocked(home, from) && home.access.block.inUse && home.access.block.entities.includes(from);
}

/** Only a block counts: who joined a group wants to hear of it, also where a grant list keeps strangers away. */
export function isGroupBlocked(home: Home, group: GroupAddress): boolean {
  const { block } = home.access;
  return block.inUse && block.entities.includes(group);
}

function changed(list: AccessList, change: AccessListChange | undefined): AccessList {
  if (change === undefined) return list;
  const entities = new Set(change.replace ?? list.entities);
  for (const entity of change.add ?? []) entities.add(entity);
  for (const entity of change.remove ?? []) entities.delete(entity);
  return { inUse: change.inUse ?? list.inUse, entities: [...entities] };
}

/** Most entities one list may hold; more is answered with 507 by the caller. */
export const MAX_ACCESS_ENTITIES = 1000;

export async function changeAccess(
  store: Store,
  home: Home,
  changes: { readonly block?: AccessListChange | undefined; readonly grant?: AccessListChange | undefined },
): Promise<void> {
  home.access = {
    block: changed(home.access.block, changes.block),
    grant: changed(home.access.grant, changes.grant),
  };
  await store.setAccessLists(home.address, home.access);
}

/** Canonical form of an entity in an access list: a user or a group. undefined = not an address. */
export function accessEntity(text: string, homeDomain: Home['address'] | string): string | undefined {
  const domain = homeDomain.slice(homeDomain.lastIndexOf('@') + 1) as Parameters<typeof parseUser>[1];
  const user = parseUser(text, domain);
  if (typeof user === 'string') return user;
  const group = parseGroup(text, domain);
  return typeof group === 'string' ? group : undefined;
}
