// Direct rooms at the homeserver, as a linked account sees and makes them.

import type { RelayPort } from '../../../src/sap/port.ts';
import type { HomeserverClient } from '../client.ts';
import { HomeserverError } from '../errors.ts';
import { isRecord } from '../events.ts';
import type { MatrixUserId, RoomId } from '../ids.ts';
import type { AccountCalls } from './account-calls.ts';
import type { ChatState } from './direct-chats.ts';

export interface DirectRoomsOptions {
  /** The account's own. */
  readonly relay: RelayPort;
  readonly self: MatrixUserId;
  readonly client: HomeserverClient;
  readonly calls: AccountCalls;
}

/** In the content of m.room.create: with whom, so that a room whose creation was not seen to its end is found again. */
const MARK = 'org.wvgate.linked';
/** Rooms among which such a room is looked for. */
const MAX_SEARCHED = 200;

export class DirectRooms {
  readonly #options: DirectRoomsOptions;

  constructor(options: DirectRoomsOptions) {
    this.#options = options;
  }

  /** How it stands with a room. @throws HomeserverError while the homeserver does not say */
  async stateOf(peer: MatrixUserId, room: RoomId): Promise<ChatState> {
    const { client, self } = this.#options;
    try {
      const members = await client.members(self, room);
      if (members.some((member) => member !== self && member !== peer)) return 'crowded';
      if (await client.isEncrypted(self, room)) return 'encrypted';
      return members.includes(peer) ? 'open' : 'left';
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.transient) throw error;
      return 'outside';
    }
  }

  /**
   * A new direct chat, also in the account's m.direct; the one that an interrupted try made, if there is one.
   * @throws HomeserverError: 404 when there is nobody of that name
   */
  async create(peer: MatrixUserId): Promise<RoomId> {
    const { client, self, relay } = this.#options;
    const begun = `creating ${peer}`;
    const wasBegun = (await relay.storage.get(begun)) !== undefined;
    if (!wasBegun) {
      // Homeservers invite names that nobody has; a message to such a name must fail, not vanish.
      await this.#checkExists(peer);
      await relay.storage.put(begun, '');
    }
    const room =
      (wasBegun ? await this.#interrupted(peer) : undefined) ??
      (await client.createRoom(self, { invite: peer, creationContent: { [MARK]: { peer } } }));
    await this.#addToDirect(peer, room);
    await relay.storage.delete(begun);
    relay.metrics.count('matrix_portals_total', { by: 'account' });
    return room;
  }

  async #checkExists(peer: MatrixUserId): Promise<void> {
    const { client, self } = this.#options;
    await client.displayName(self, peer).catch((error: unknown) => {
      // Whatever else the homeserver says, the user may well be there.
      if (error instanceof HomeserverError && error.status === 404) throw error;
    });
  }

  async #interrupted(peer: MatrixUserId): Promise<RoomId | undefined> {
    const { client, calls, self } = this.#options;
    const rooms = await calls.joinedRooms();
    for (const room of rooms.slice(-MAX_SEARCHED)) {
      const mark = (await client.state(self, room, 'm.room.create'))?.[MARK];
      if (isRecord(mark) && mark['peer'] === peer) return room;
    }
    return undefined;
  }

  /** Other clients of the account show the room as a chat with the peer. */
  async #addToDirect(peer: MatrixUserId, room: RoomId): Promise<void> {
    const { calls } = this.#options;
    const direct = await calls.directMap();
    const rooms = direct.get(peer) ?? [];
    if (!rooms.includes(room)) await calls.setDirectMap(new Map([...direct, [peer, [...rooms, room]]]));
  }
}
