// Whom a user of ours knows: from others no files are fetched, for a fetch tells them that, and where, he reads.

import type { BareJid } from '../jid.ts';
import type { GatewayStorage } from '../../../src/sap/port.ts';
import { BoundedMap } from '../bounded-map.ts';

/** Pairs remembered without a look at the disk. */
const CACHED = 10_000;

export class Partners {
  readonly #storage: GatewayStorage;
  readonly #written = new BoundedMap<string, true>(CACHED);

  constructor(storage: GatewayStorage) {
    this.#storage = storage;
  }

  /** Our user writes to the contact. */
  async wrote(user: BareJid, contact: BareJid): Promise<void> {
    const key = `wrote ${user} ${contact}`;
    if (this.#written.has(key)) return;
    if ((await this.#storage.get(key)) === undefined) await this.#storage.put(key, '1');
    this.#written.set(key, true);
  }

  /** The user watches or asked to watch the contact, let him watch, or wrote to him before. */
  async knows(user: BareJid, contact: BareJid): Promise<boolean> {
    // As Subscriptions keeps it: "weSee theySee".
    const subscription = (await this.#storage.get(`subscription ${user} ${contact}`)) ?? '';
    const [weSee = 'none', theySee = 'none'] = subscription === '' ? [] : subscription.split(' ');
    if (weSee !== 'none' || theySee === 'yes') return true;
    return (await this.#storage.get(`wrote ${user} ${contact}`)) !== undefined;
  }
}
