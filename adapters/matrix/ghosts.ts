// Ghosts: the Matrix accounts of WV users, made at first need, their profile touched only when it changed
// (field-lessons 2, rows 11 and 12).

import { createHash } from 'node:crypto';
import { userPartOf } from '../../src/wv/address.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { RelayPort } from '../../src/sap/port.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './errors.ts';
import type { MatrixUserId } from './ids.ts';
import { Lru } from './lru.ts';

/** Ghosts remembered in memory. */
const REMEMBERED = 10_000;
/** How long a display name is taken to be what it was, in ms. */
const NAME_LIFETIME_MS = 10 * 60_000;
/** Longest display name, in characters. */
const MAX_NAME = 100;

// oxlint-disable-next-line no-control-regex -- controls and direction overrides are exactly what is removed
const UNWANTED = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A display name without controls and direction overrides (bridging.md 2.3). */
export function cleanName(name: string): string {
  const clean = name.toWellFormed().normalize('NFC').replaceAll(UNWANTED, '').trim();
  return Array.from(clean).slice(0, MAX_NAME).join('');
}

export class Ghosts {
  readonly #relay: RelayPort;
  readonly #client: HomeserverClient;
  readonly #addresses: MatrixAddresses;
  /** When the profile was looked at last. */
  readonly #ready = new Lru<MatrixUserId, number>(REMEMBERED);
  readonly #underWay = new Map<MatrixUserId, Promise<void>>();

  constructor(relay: RelayPort, client: HomeserverClient, addresses: MatrixAddresses) {
    this.#relay = relay;
    this.#client = client;
    this.#addresses = addresses;
  }

  /**
   * The ghost of a user, registered and named.
   * @throws HomeserverError, with M_INVALID_USERNAME when the user's id does not fit a Matrix id
   */
  async ensure(user: UserAddress): Promise<MatrixUserId> {
    const ghost = this.#addresses.ghostOf(user);
    if (ghost === undefined) throw new HomeserverError({ status: 400, errcode: 'M_INVALID_USERNAME' });
    const seen = this.#ready.get(ghost);
    if (seen !== undefined && this.#relay.clock.now() - seen < NAME_LIFETIME_MS) return ghost;
    const known = this.#underWay.get(ghost);
    const work = known ?? this.#prepare(user, ghost).finally(() => this.#underWay.delete(ghost));
    if (known === undefined) this.#underWay.set(ghost, work);
    await work;
    return ghost;
  }

  async #prepare(user: UserAddress, ghost: MatrixUserId): Promise<void> {
    const key = `ghost ${ghost}`;
    const known = await this.#relay.storage.get(key);
    if (known === undefined) {
      await this.#client.register(this.#addresses.bot, ghost);
      await this.#introduce(ghost);
      await this.#relay.storage.put(key, '');
      this.#relay.metrics.count('matrix_ghosts_total');
    }
    await this.#name(user, ghost, key, known ?? '');
    this.#ready.set(ghost, this.#relay.clock.now());
  }

  /**
   * COMPAT(Synapse): reads of an account whose presence was never set overwrite what is being set at that moment;
   * the members of a ghost's first room would then not see it online.
   */
  async #introduce(ghost: MatrixUserId): Promise<void> {
    try {
      await this.#client.setPresence(ghost, { presence: 'offline' });
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      this.#relay.log.debug({ ghost, errcode: error.errcode }, 'matrix: a new ghost has no presence');
    }
  }

  /** A name that cannot be set now does not hold up a message: it is tried again after NAME_LIFETIME_MS. */
  async #name(user: UserAddress, ghost: MatrixUserId, key: string, known: string): Promise<void> {
    const wanted = await this.#relay.displayName(user);
    const name = cleanName(wanted ?? '') || userPartOf(user);
    const hash = createHash('sha256').update(name).digest('base64url');
    if (hash === known) return;
    try {
      await this.#client.setDisplayName(ghost, name);
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      this.#relay.log.warn({ ghost, errcode: error.errcode }, 'matrix: a display name could not be set');
      return;
    }
    await this.#relay.storage.put(key, hash);
  }
}
