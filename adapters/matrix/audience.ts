// Who on Matrix might be looking at a ghost: the other members of its chats, as far as they are not known to be away.
// A presence that nobody looks at is not kept up.

import type { UserAddress } from '../../src/wv/ids.ts';
import { isRecord, text } from './events.ts';
import type { PresenceUpdate } from './events.ts';
import type { MatrixUserId } from './ids.ts';

/** Bounded by the table of portals, which it mirrors. */
export class Audience {
  readonly #peersOf = new Map<UserAddress, Set<MatrixUserId>>();
  readonly #usersOf = new Map<MatrixUserId, Set<UserAddress>>();
  readonly #away = new Set<MatrixUserId>();

  /** There is a chat of these two. */
  met(user: UserAddress, peer: MatrixUserId): void {
    add(this.#peersOf, user, peer);
    add(this.#usersOf, peer, user);
  }

  /** What the homeserver says about anybody. Returns the users whose ghosts have somebody to look at them again. */
  saw({ user: peer, content }: PresenceUpdate): readonly UserAddress[] {
    const users = this.#usersOf.get(peer);
    if (users === undefined || !isRecord(content)) return [];
    if (text(content, 'presence') === 'offline') {
      this.#away.add(peer);
      return [];
    }
    return this.#away.delete(peer) ? [...users] : [];
  }

  /** Nothing that was seen of anybody counts any more: the homeserver may have told of changes that we missed. */
  forget(): void {
    this.#away.clear();
  }

  /** False when everybody who could look is away. A user without a chat is taken to be looked at. */
  isWatched(user: UserAddress): boolean {
    const peers = this.#peersOf.get(user);
    return peers === undefined || [...peers].some((peer) => !this.#away.has(peer));
  }
}

function add<Key, Value>(map: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const known = map.get(key) ?? new Set<Value>();
  map.set(key, known.add(value));
}
