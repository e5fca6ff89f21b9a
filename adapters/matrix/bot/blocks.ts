// Whom of WV a user of Matrix does not want to hear of. All in memory, for every message asks; each change is on disk
// first.

import type { RelayPort } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { MatrixUserId } from '../ids.ts';

/** Users of Matrix who block anybody, and whom one of them can block. */
const MAX_PEOPLE = 10_000;
const MAX_BLOCKED = 500;
const KEY = 'blocks ';

export class Blocks {
  readonly #relay: RelayPort;
  readonly #blocked = new Map<MatrixUserId, ReadonlySet<UserAddress>>();

  constructor(relay: RelayPort) {
    this.#relay = relay;
  }

  /** Reads what is on disk. Before anything else. */
  async load(): Promise<void> {
    for (const [key, value] of await this.#relay.storage.list(KEY))
      this.#blocked.set(
        key.slice(KEY.length) as MatrixUserId,
        new Set(value.split(' ').filter((user) => user !== '') as UserAddress[]),
      );
  }

  of(peer: MatrixUserId): readonly UserAddress[] {
    return [...(this.#blocked.get(peer) ?? [])];
  }

  has(peer: MatrixUserId, user: UserAddress): boolean {
    return this.#blocked.get(peer)?.has(user) ?? false;
  }

  /** False when there is no room for more. */
  async set(peer: MatrixUserId, user: UserAddress, isBlocked: boolean): Promise<boolean> {
    const others = this.of(peer).filter((each) => each !== user);
    const after = isBlocked ? [...others, user] : others;
    const isFull =
      after.length > MAX_BLOCKED || (!this.#blocked.has(peer) && this.#blocked.size >= MAX_PEOPLE);
    if (isFull && isBlocked) return false;
    const { storage } = this.#relay;
    if (after.length === 0) await storage.delete(KEY + peer);
    else await storage.put(KEY + peer, after.join(' '));
    if (after.length === 0) this.#blocked.delete(peer);
    else this.#blocked.set(peer, new Set(after));
    return true;
  }
}
