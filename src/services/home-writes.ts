// Keeps homes in memory true to the store when a write fails. Services change a home and then write; this stands
// between them and the store, so that none of them has to think of it.

import { listOwner } from '../wv/address.ts';
import type { UserAddress } from '../wv/ids.ts';
import type { Store } from '../store/store.ts';

/**
 * The store, whose failed home writes lead to `renew(owner)`: the home is to be read anew. That happens before the
 * failure reaches the service, and never while other writes of the same home are under way: the store would not show
 * them yet. `renew` must not reject.
 */
export function watchHomeWrites(store: Store, renew: (owner: UserAddress) => Promise<void>): Store {
  const underWay = new Map<UserAddress, number>();
  const spoilt = new Set<UserAddress>();

  async function guarded<T>(owner: UserAddress, write: Promise<T>): Promise<T> {
    underWay.set(owner, (underWay.get(owner) ?? 0) + 1);
    try {
      return await write;
    } catch (error) {
      spoilt.add(owner);
      throw error;
    } finally {
      const others = (underWay.get(owner) ?? 1) - 1;
      if (others > 0) underWay.set(owner, others);
      else underWay.delete(owner);
      if (others === 0 && spoilt.delete(owner)) await renew(owner);
    }
  }

  return {
    ...store,
    setProfile: (user, change) => guarded(user, store.setProfile(user, change)),
    putList: (owner, list) => guarded(owner, store.putList(owner, list)),
    deleteList: (list) => guarded(listOwner(list), store.deleteList(list)),
    putContacts: (list, contacts) => guarded(listOwner(list), store.putContacts(list, contacts)),
    removeContacts: (list, users) => guarded(listOwner(list), store.removeContacts(list, users)),
    putAttributeList: (owner, list) => guarded(owner, store.putAttributeList(owner, list)),
    deleteAttributeList: (owner, subject) => guarded(owner, store.deleteAttributeList(owner, subject)),
    putAuthorization: (owner, record) => guarded(owner, store.putAuthorization(owner, record)),
    deleteAuthorization: (owner, watcher) => guarded(owner, store.deleteAuthorization(owner, watcher)),
    setAccessLists: (owner, access) => guarded(owner, store.setAccessLists(owner, access)),
    putPresence: (owner, attributes) => guarded(owner, store.putPresence(owner, attributes)),
    putWatcher: (owner, watcher) => guarded(owner, store.putWatcher(owner, watcher)),
    deleteWatcher: (owner, watcher) => guarded(owner, store.deleteWatcher(owner, watcher)),
  };
}
