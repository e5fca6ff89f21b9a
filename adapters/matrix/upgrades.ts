// Upgraded rooms (Client-Server API, "Room Upgrades"). A tombstone says where a room goes on, and anybody may point at
// the rooms of others (CVE-2021-32659): it is followed only into a room that says the same of itself.

import type { RelayPort } from '../../src/sap/port.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './errors.ts';
import { isRecord } from './events.ts';
import type { RoomEvent } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import { isRoomId } from './ids.ts';
import type { MatrixUserId, RoomId } from './ids.ts';
import type { Portal, Portals } from './portals.ts';

export interface UpgradeOptions {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly ghosts: Ghosts;
  readonly portals: Portals;
}

const NOT_OURS = 'This room does not continue our chat.';

export class Upgrades {
  readonly #options: UpgradeOptions;

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /**
   * Moves a portal into its successor. False: it does not check out, or the ghost is not let in (yet); the other may
   * still invite it there.
   * @throws HomeserverError while it may work a little later
   */
  async follow(tombstone: RoomEvent, portal: Portal): Promise<boolean> {
    const successor = tombstone.content['replacement_room'];
    if (!isRoomId(successor) || successor === portal.room || tombstone.sender !== portal.peer) return false;
    // A room that the chat left long ago leads nowhere.
    const current = await this.#options.portals.find(portal.user, portal.peer);
    if (current?.room !== portal.room && current?.room !== successor) return false;
    const ghost = await this.#options.ghosts.ensure(portal.user);
    if (!(await this.#isLetIn(ghost, successor, portal.peer))) return false;
    if (!(await this.#isSuccessor(ghost, successor, portal))) {
      this.#options.relay.log.warn(
        { room: portal.room, successor },
        'matrix: a tombstone leads to a room that does not continue this one',
      );
      await this.#leave(ghost, successor, NOT_OURS);
      return false;
    }
    await this.#options.portals.open({ ...portal, room: successor, state: 'joined' });
    await this.#leave(ghost, portal.room);
    return true;
  }

  async #isLetIn(ghost: MatrixUserId, successor: RoomId, peer: MatrixUserId): Promise<boolean> {
    try {
      await this.#options.client.join(ghost, successor, peer.slice(peer.indexOf(':') + 1));
      return true;
    } catch (error) {
      if (isFinal(error)) return false;
      throw error;
    }
  }

  /** It names this room as its predecessor, holds the two and nobody else, and can be read. */
  async #isSuccessor(ghost: MatrixUserId, successor: RoomId, portal: Portal): Promise<boolean> {
    const { client } = this.#options;
    const create = await client.state(ghost, successor, 'm.room.create');
    const predecessor = create?.['predecessor'];
    if (!isRecord(predecessor) || predecessor['room_id'] !== portal.room) return false;
    if (await client.isEncrypted(ghost, successor)) return false;
    const members = await client.members(ghost, successor);
    return (
      members.includes(portal.peer) && members.every((member) => member === ghost || member === portal.peer)
    );
  }

  async #leave(ghost: MatrixUserId, room: RoomId, reason?: string): Promise<void> {
    try {
      await this.#options.client.leave(ghost, room, reason);
    } catch (error) {
      if (!isFinal(error)) throw error;
      this.#options.relay.log.info({ ghost, room, errcode: error.errcode }, 'matrix: could not leave a room');
    }
  }
}

function isFinal(error: unknown): error is HomeserverError {
  return error instanceof HomeserverError && !error.transient;
}
