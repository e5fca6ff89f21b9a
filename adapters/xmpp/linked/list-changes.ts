// What a user's change of the lists that show his roster means for the roster. Only what differs from what was shown is
// his doing: the roster may have changed meanwhile too.

import type { AccountGroup } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';

/** How a contact is to stand in the roster. */
export interface WantedItem {
  readonly user: UserAddress;
  readonly name: string;
  readonly groups: readonly string[];
}

/**
 * Contacts whose name or groups the user changed. Who is on none of the lists any more is not among them: that he was
 * given up is said otherwise, and he may be on a list of the user's own.
 */
export function changesOf(
  shown: readonly AccountGroup[],
  now: readonly AccountGroup[],
): readonly WantedItem[] {
  const before = itemsOf(shown);
  return [...itemsOf(now).values()].filter((item) => !isSame(before.get(item.user), item));
}

function itemsOf(groups: readonly AccountGroup[]): ReadonlyMap<UserAddress, WantedItem> {
  const items = new Map<UserAddress, WantedItem>();
  for (const { group, contacts } of groups) {
    for (const { user, name } of contacts) {
      const known = items.get(user);
      const inGroups = [...(known?.groups ?? []), ...(group === '' ? [] : [group])].sort();
      items.set(user, { user, name: name === '' ? (known?.name ?? '') : name, groups: inGroups });
    }
  }
  return items;
}

function isSame(a: WantedItem | undefined, b: WantedItem): boolean {
  return a !== undefined && a.name === b.name && a.groups.join('\n') === b.groups.join('\n');
}
