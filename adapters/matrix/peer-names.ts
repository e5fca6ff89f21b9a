// The profile names of Matrix users, as they are written into texts; in memory, within limits.

import type { RelayPort } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { excerpt } from '../bridging/split-text.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './errors.ts';
import { text } from './events.ts';
import type { RoomEvent } from './events.ts';
import { cleanName } from './ghosts.ts';
import type { Ghosts } from './ghosts.ts';
import { localpartOf } from './ids.ts';
import type { MatrixUserId } from './ids.ts';
import { Lru } from './lru.ts';

const REMEMBERED = 5000;
/** Characters of a name in a text. */
const MAX_NAME = 60;

export class PeerNames {
  readonly #relay: RelayPort;
  readonly #client: HomeserverClient;
  readonly #ghosts: Pick<Ghosts, 'ensure'>;
  readonly #names = new Lru<MatrixUserId, string>(REMEMBERED);

  constructor(relay: RelayPort, client: HomeserverClient, ghosts: Pick<Ghosts, 'ensure'>) {
    this.#relay = relay;
    this.#client = client;
    this.#ghosts = ghosts;
  }

  /** The profile name, as `user`'s ghost sees it; the localpart when there is none, or it cannot be had now. */
  async nameOf(peer: MatrixUserId, user: UserAddress): Promise<string> {
    return (await this.#profileName(peer, user)) || cleanName(localpartOf(peer));
  }

  /** The profile name if it was looked up before; '' otherwise. */
  known(peer: MatrixUserId): string {
    return this.#names.get(peer) ?? '';
  }

  /** A member event carries the current name. */
  renamed(event: RoomEvent): void {
    if (event.stateKey !== event.sender || this.#names.get(event.sender) === undefined) return;
    this.#names.set(event.sender, shown(text(event.content, 'displayname') ?? ''));
  }

  async #profileName(peer: MatrixUserId, user: UserAddress): Promise<string> {
    const known = this.#names.get(peer);
    if (known !== undefined) return known;
    try {
      const name = shown(await this.#client.displayName(await this.#ghosts.ensure(user), peer));
      this.#names.set(peer, name);
      return name;
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      this.#relay.log.debug({ peer, errcode: error.errcode }, 'matrix: no profile');
      return '';
    }
  }
}

function shown(name: string): string {
  return excerpt(cleanName(name), MAX_NAME);
}
