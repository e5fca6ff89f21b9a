// Whom on Matrix a user of ours knows: files of others are not fetched, for a fetch tells the sender of the file's
// server that, and when, somebody looks (bridging.md 4: no automatic download from unknown senders).

import type { GatewayStorage } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { MatrixUserId } from './ids.ts';
import { Lru } from './lru.ts';

/** Pairs remembered without a look at the disk. */
const REMEMBERED = 10_000;

export class Acquaintances {
  readonly #storage: GatewayStorage;
  readonly #known = new Lru<string, true>(REMEMBERED);

  constructor(storage: GatewayStorage) {
    this.#storage = storage;
  }

  /** The user wrote to the Matrix user, or began to watch him. */
  async made(user: UserAddress, peer: MatrixUserId): Promise<void> {
    const key = keyOf(user, peer);
    if (this.#known.get(key) === true) return;
    if ((await this.#storage.get(key)) === undefined) await this.#storage.put(key, '1');
    this.#known.set(key, true);
  }

  async have(user: UserAddress, peer: MatrixUserId): Promise<boolean> {
    const key = keyOf(user, peer);
    return this.#known.get(key) === true || (await this.#storage.get(key)) !== undefined;
  }
}

/** Neither addresses nor user ids contain a blank. */
function keyOf(user: UserAddress, peer: MatrixUserId): string {
  return `knows ${user} ${peer}`;
}
