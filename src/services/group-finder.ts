// The port through which search finds groups; the group service implements it.

import type { GroupAddress, UserAddress } from '../wv/ids.ts';

export type GroupCriterion =
  /** Some part of the group's address, name or topic, without regard to case. */
  | { readonly by: 'id' | 'name' | 'topic'; readonly text: string }
  /** The user owns it, has joined it now, or is joined to it at log-in. */
  | { readonly by: 'owner' | 'joined' | 'autojoin'; readonly user: UserAddress };

export interface GroupFinder {
  /**
   * Groups with Searchable=T for which all criteria hold, at most `limit`. What `searcher` may not learn (who joined
   * a group that hides it) must not match.
   */
  findGroups(
    searcher: UserAddress,
    criteria: readonly GroupCriterion[],
    limit: number,
  ): Promise<readonly GroupAddress[]>;
}

/** Where there are no groups. */
export const NO_GROUPS: GroupFinder = { findGroups: () => Promise.resolve([]) };
