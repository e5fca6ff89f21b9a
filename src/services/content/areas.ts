// Who may do what in which storage area: everybody in his own, members in those of their groups.

import type { GroupAddress, UserAddress } from '../../wv/ids.ts';
import type { ContentOwner, ContentRecord } from '../../store/content.ts';

/** Roles in a group, the part of the group service that areas need. */
export interface GroupRoles {
  /** undefined = no member, or no such group: areas of both look the same. */
  roleOf(group: GroupAddress, user: UserAddress): Promise<GroupRole | undefined>;
}

export type GroupRole = 'admin' | 'moderator' | 'member';

/** An area as one user sees it. */
export interface Area {
  readonly owner: ContentOwner;
  readonly user: UserAddress;
  /** May rename, delete and share this item: his own, those he added to a group, all as its moderator. */
  readonly mayChange: (item: ContentRecord) => boolean;
}

export function ownArea(user: UserAddress): Area {
  return { owner: user, user, mayChange: () => true };
}

/** undefined when the user may not see it. */
export async function groupArea(
  roles: GroupRoles | undefined,
  group: GroupAddress,
  user: UserAddress,
): Promise<Area | undefined> {
  const role = await roles?.roleOf(group, user);
  if (role === undefined) return undefined;
  return { owner: group, user, mayChange: ({ addedBy }) => role !== 'member' || addedBy === user };
}
