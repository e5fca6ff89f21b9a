// Searchable groups of this server for the search service (csp-transactions 2.1).

import type { GroupSearch, Store } from '../../store/store.ts';
import type { GroupCriterion, GroupFinder } from '../group-finder.ts';

type Wanted = { -readonly [By in keyof GroupSearch]: NonNullable<GroupSearch[By]>[number][] };

/**
 * Finds groups whose Searchable is T. By their users only as far as these show themselves in the group (ShowID): the
 * same for everybody who searches.
 */
export function groupFinder(store: Pick<Store, 'searchGroups'>): GroupFinder {
  return {
    findGroups: (_searcher, criteria, limit) => store.searchGroups(wantedOf(criteria), undefined, limit),
  };
}

function wantedOf(criteria: readonly GroupCriterion[]): GroupSearch {
  const wanted: Required<Wanted> = { id: [], name: [], topic: [], owner: [], joined: [], autoJoin: [] };
  for (const criterion of criteria) {
    if ('text' in criterion) wanted[criterion.by].push(criterion.text.toLowerCase());
    else wanted[criterion.by === 'autojoin' ? 'autoJoin' : criterion.by].push(criterion.user);
  }
  return wanted;
}
