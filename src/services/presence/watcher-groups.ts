// Watchers who are told the same.

import type { Domain, UserAddress } from '../../wv/ids.ts';
import type { AttributeMask } from './masks.ts';

/** Watchers by domain and visible attributes: each group gets one notification (ssp 16, "Presence change"). */
export class WatcherGroups {
  private readonly groups = new Map<Domain, Map<AttributeMask, UserAddress[]>>();

  add(domain: Domain, mask: AttributeMask, watcher: UserAddress): void {
    let byMask = this.groups.get(domain);
    if (byMask === undefined) this.groups.set(domain, (byMask = new Map()));
    const members = byMask.get(mask);
    if (members === undefined) byMask.set(mask, [watcher]);
    else members.push(watcher);
  }

  domains(): readonly Domain[] {
    return [...this.groups.keys()];
  }

  drop(domain: Domain): void {
    this.groups.delete(domain);
  }

  map<T>(visit: (mask: AttributeMask, watchers: readonly UserAddress[]) => T): T[] {
    const results: T[] = [];
    for (const byMask of this.groups.values()) {
      for (const [mask, watchers] of byMask) results.push(visit(mask, watchers));
    }
    return results;
  }
}
