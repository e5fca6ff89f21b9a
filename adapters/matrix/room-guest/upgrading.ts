// Upgraded rooms (Client-Server API, "Room Upgrades"). Anybody may point at the rooms of others (CVE-2021-32659): our
// users follow only into a room that names the old one as what it continues.

import { HomeserverError } from '../errors.ts';
import { isRecord } from '../events.ts';
import type { RoomEvent } from '../events.ts';
import { isRoomId } from '../ids.ts';
import type { RoomId } from '../ids.ts';
import type { GuestContext } from './context.ts';
import { present } from './guests.ts';
import type { Guest, GuestRoom } from './guests.ts';

export class Upgrading {
  readonly #context: GuestContext;

  constructor(context: GuestContext) {
    this.#context = context;
  }

  /** True when everybody who could be let in has moved. Rejects with a transient HomeserverError. */
  async follow(room: GuestRoom, tombstone: RoomEvent): Promise<boolean> {
    const successor = tombstone.content['replacement_room'];
    if (!isRoomId(successor) || successor === room.id) return false;
    const via = [tombstone.sender.slice(tombstone.sender.indexOf(':') + 1)];
    const [scout, ...others] = present(room);
    if (scout === undefined) return false;
    if (!(await this.#enter(scout, successor, via)) || !(await this.#continues(scout, successor, room.id))) {
      return false;
    }
    await this.#move(scout, successor);
    for (const guest of others) {
      if (await this.#enter(guest, successor, via)) await this.#move(guest, successor);
    }
    return room.guests.size === 0;
  }

  async #enter(guest: Guest, room: RoomId, via: readonly string[]): Promise<boolean> {
    try {
      await this.#context.calls.join(guest.ghost, { room, via });
      return true;
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.transient) throw error;
      this.#context.relay.log.info({ room, errcode: error.errcode }, 'matrix: not let into a new room');
      return false;
    }
  }

  async #continues(guest: Guest, successor: RoomId, old: RoomId): Promise<boolean> {
    const { calls, client, relay } = this.#context;
    const created = await calls.state(guest.ghost, successor, 'm.room.create');
    const predecessor = created?.['predecessor'];
    const isSealed = await client.isEncrypted(guest.ghost, successor);
    if (!isSealed && isRecord(predecessor) && predecessor['room_id'] === old) return true;
    relay.log.warn({ room: old, successor }, 'matrix: a tombstone leads to a room that does not continue it');
    await client.leave(guest.ghost, successor);
    return false;
  }

  async #move(guest: Guest, successor: RoomId): Promise<void> {
    const { guests, client, relay } = this.#context;
    const moved = await guests.enter(guest, guest.ghost, successor);
    for (const [id, subscribed] of guest.clients) moved.clients.set(id, subscribed);
    moved.state = 'in';
    moved.name = guest.name;
    await guests.save(moved);
    await guests.forgetOld(guest);
    try {
      await client.leave(guest.ghost, guest.room.id);
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      relay.log.info(
        { room: guest.room.id, errcode: error.errcode },
        'matrix: an old room could not be left',
      );
    }
  }
}
