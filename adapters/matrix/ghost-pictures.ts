// Pictures of WV users as avatars of their ghosts (bridging.md 3.2): of users who let Matrix see their StatusContent,
// and only when it changed (field-lessons 2, row 11).

import { createHash } from 'node:crypto';
import type { RelayPort } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { PresenceNotification } from '../../src/wv/primitives.ts';
import { statusPicture } from '../bridging/status-picture.ts';
import type { StatusPicture } from '../bridging/status-picture.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './errors.ts';
import type { Ghosts } from './ghosts.ts';
import { reasonOf } from './inbox.ts';
import type { MediaRepository } from './media.ts';

export interface GhostPictureOptions {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly ghosts: Ghosts;
  readonly media: MediaRepository;
  /** The pseudo-watcher that stands for Matrix. */
  readonly watcher: UserAddress;
}

const MAX_BYTES = 65_536;
/** Users whose newest picture waits; more are told of with the next resynchronisation. */
const MAX_WAITING = 10_000;
/** Pause after a failure that may pass, in ms. */
const AGAIN_MS = 30_000;

export class GhostPictures {
  readonly #options: GhostPictureOptions;
  /** The newest picture of each user that is not shown yet; undefined = he shows none. */
  readonly #waiting = new Map<UserAddress, StatusPicture | undefined>();
  #work: Promise<void> | undefined;
  #cancelAgain: (() => void) | undefined;
  #stopped = false;

  constructor(options: GhostPictureOptions) {
    this.#options = options;
  }

  /** Takes what a user shows to the pseudo-watcher. */
  noticed({ watchers, publisher, attributes }: PresenceNotification): void {
    const { StatusContent: content } = attributes;
    if (content === undefined || !watchers.includes(this.#options.watcher)) return;
    this.#want(publisher, statusPicture(content, MAX_BYTES));
  }

  /** The user no longer lets Matrix watch. */
  withdrawn(user: UserAddress): void {
    this.#want(user, undefined);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelAgain?.();
  }

  /** Resolves when what was being done is done. */
  async settled(): Promise<void> {
    await this.#work;
  }

  #want(user: UserAddress, picture: StatusPicture | undefined): void {
    if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(user)) return;
    this.#waiting.set(user, picture);
    this.#begin();
  }

  /** One after another: a crowd that comes back is no storm. */
  #begin(): void {
    if (this.#stopped || this.#work !== undefined || this.#cancelAgain !== undefined) return;
    this.#work = this.#showAll().finally(() => {
      this.#work = undefined;
    });
  }

  /** Never rejects. */
  async #showAll(): Promise<void> {
    const { relay } = this.#options;
    for (const [user, picture] of this.#waiting) {
      if (this.#stopped) return;
      this.#waiting.delete(user);
      try {
        await this.#show(user, picture);
      } catch (error) {
        if (error instanceof HomeserverError && error.transient) {
          if (!this.#waiting.has(user)) this.#waiting.set(user, picture);
          this.#later();
          return;
        }
        relay.log.warn({ user, error: reasonOf(error) }, 'matrix: a picture could not be shown');
      }
    }
  }

  #later(): void {
    if (this.#stopped) return;
    this.#cancelAgain = this.#options.relay.clock.after(AGAIN_MS, () => {
      this.#cancelAgain = undefined;
      this.#begin();
    });
  }

  async #show(user: UserAddress, picture: StatusPicture | undefined): Promise<void> {
    const { relay, client, ghosts, media } = this.#options;
    const key = `picture ${user}`;
    const hash = picture === undefined ? '' : createHash('sha256').update(picture.octets).digest('base64url');
    if (((await relay.storage.get(key)) ?? '') === hash) return;
    const ghost = await ghosts.ensure(user);
    const uri = picture === undefined ? '' : await media.upload(ghost, { ...picture, name: 'picture' });
    await client.setAvatar(ghost, uri);
    if (hash === '') await relay.storage.delete(key);
    else await relay.storage.put(key, hash);
    relay.metrics.count('matrix_pictures_total');
  }
}
