// Who sees which presence of its users, and telling him.

import { send } from './sender.ts';
import type { Peer } from './state.ts';
import type { User, Watcher } from './world.ts';
import type { Csp } from './write.ts';
import { presenceNotification } from './write-presence.ts';

/** What is published, asked for and authorised, all three. */
export function visible(user: User, watcher: Watcher): Csp[] {
  const grant = user.grants.get(watcher.address.toLowerCase()) ?? user.grants.get('*');
  if (grant === undefined) return [];
  return [...user.presence.values()].filter(
    ({ name }) =>
      (grant === 'all' || grant.has(name)) && (watcher.asked === undefined || watcher.asked.includes(name)),
  );
}

/** Everything that he may see, not only what changed; nobody's presence when that is nothing. */
export function notifyWatcher(peer: Peer, user: User, watcher: Watcher): void {
  const attributes = visible(user, watcher);
  const published = attributes.length === 0 ? [] : [{ userId: user.address, attributes }];
  send(peer, {
    queue: 'presence',
    primitive: 'PresenceNotification',
    content: presenceNotification(watcher.address, published),
    notice: true,
  });
}

/** After a change: those who may see nothing are not told. */
export function notifyWatchers(peer: Peer, user: User): void {
  for (const watcher of user.watchers.values()) {
    if (visible(user, watcher).length > 0) notifyWatcher(peer, user, watcher);
  }
}
