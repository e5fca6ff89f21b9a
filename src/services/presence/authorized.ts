// Which of a user's attributes a watcher may see (csp-transactions sections 4, 5.6 and 6).

import type { UserAddress } from '../../wv/ids.ts';
import { isBlocked } from '../access-control.ts';
import { subjectKey, type Home } from '../home.ts';
import { ALL_ATTRIBUTES, maskOf, type AttributeMask } from './masks.ts';

/**
 * undefined = no attribute list applies to this watcher. The default list is about people: a watcher that stands for
 * a whole network (`collective`) has to be named (bridging 3.5).
 */
function listed(home: Home, watcher: UserAddress, collective: boolean): AttributeMask | undefined {
  const own = home.attributeLists.get(subjectKey({ kind: 'user', user: watcher }));
  if (own !== undefined) return maskOf(own.attributes);
  let union: AttributeMask | undefined;
  for (const list of home.lists.values()) {
    const attached = home.attributeLists.get(subjectKey({ kind: 'list', list: list.address }));
    if (attached !== undefined && list.contacts.has(watcher))
      union = (union ?? 0) | maskOf(attached.attributes);
  }
  if (union !== undefined || collective) return union;
  const others = home.attributeLists.get(subjectKey({ kind: 'default' }));
  return others === undefined ? undefined : maskOf(others.attributes);
}

/**
 * The attributes a watcher may see without what is open to everybody of this server: the list attached to him, else the union of those of the contact lists he is
 * on, else the default list; and what was granted reactively. Blocking beats authorization.
 */
export function authorized(home: Home, watcher: UserAddress, collective: boolean): AttributeMask {
  if (watcher === home.address) return ALL_ATTRIBUTES;
  if (isBlocked(home, watcher)) return 0;
  const answer = home.authorizations.get(watcher);
  const granted = answer?.state === 'GRANTED' ? maskOf(answer.attributes) : 0;
  return (listed(home, watcher, collective) ?? 0) | granted;
}

/** True when nothing was ever decided about this watcher: the user has to be asked. */
export function isUndecided(home: Home, watcher: UserAddress): boolean {
  return (
    watcher !== home.address &&
    !home.authorizations.has(watcher) &&
    listed(home, watcher, false) === undefined
  );
}
