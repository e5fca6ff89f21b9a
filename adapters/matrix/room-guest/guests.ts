// Which of our users are in which rooms of Matrix, on disk: after a crash nobody stays behind there as a ghost, and
// nobody who is in one falls out of it. Being in a room outlasts our process, so a restart asks the homeserver nothing.

import type { GatewayStorage, Metrics } from '../../../src/sap/port.ts';
import type { ClientId, GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { MatrixUserId, RoomId } from '../ids.ts';
import type { Roster } from './roster.ts';

/** `joining`: the homeserver has not said yet that he is in. `leaving`: it has not said yet that he is out. */
export type GuestState = 'joining' | 'in' | 'leaving';

/** One of our users in a room: one ghost, however many of his clients joined. */
export interface Guest {
  readonly user: UserAddress;
  readonly ghost: MatrixUserId;
  /** The name by which he joined the room. */
  readonly group: GroupAddress;
  readonly room: GuestRoom;
  /** The clients that joined, and whether they want to be told of changes. */
  readonly clients: Map<ClientId, boolean>;
  state: GuestState;
  name: string;
}

/** A room as our users in it see it together. */
export interface GuestRoom {
  readonly id: RoomId;
  readonly guests: Map<UserAddress, Guest>;
  /** Read when first needed, and kept up to date by events from then on. */
  roster: Roster | undefined;
}

export interface Place {
  readonly user: UserAddress;
  readonly group: GroupAddress;
}

interface Row {
  readonly user: UserAddress;
  readonly ghost: MatrixUserId;
  readonly group: GroupAddress;
  readonly room: RoomId;
  readonly state: GuestState;
  readonly name: string;
  readonly clients: readonly (readonly [ClientId, boolean])[];
}

const PREFIX = 'room-guest ';

/** A client that names no id of its own. */
export const NO_CLIENT = '' as ClientId;

export class Guests {
  readonly #storage: GatewayStorage;
  readonly #metrics: Metrics;
  readonly #rooms = new Map<RoomId, GuestRoom>();
  readonly #places = new Map<string, Guest>();

  constructor(storage: GatewayStorage, metrics: Metrics) {
    this.#storage = storage;
    this.#metrics = metrics;
  }

  get size(): number {
    return this.#places.size;
  }

  async load(): Promise<void> {
    for (const [, text] of await this.#storage.list(PREFIX)) {
      const { clients, room, ...row } = JSON.parse(text) as Row;
      this.#add({ ...row, room: this.#open(room), clients: new Map(clients) });
    }
  }

  all(): readonly Guest[] {
    return [...this.#places.values()];
  }

  find({ user, group }: Place): Guest | undefined {
    return this.#places.get(`${user} ${group}`);
  }

  room(id: RoomId): GuestRoom | undefined {
    return this.#rooms.get(id);
  }

  /** A user on his way into a room; on disk when it resolves. */
  async enter(place: Place, ghost: MatrixUserId, room: RoomId): Promise<Guest> {
    const { user, group } = place;
    const guest: Guest = {
      user,
      ghost,
      group,
      room: this.#open(room),
      clients: new Map(),
      state: 'joining',
      name: '',
    };
    this.#add(guest);
    await this.save(guest);
    return guest;
  }

  async save(guest: Guest): Promise<void> {
    if (this.find(guest) !== guest) return;
    const { room, clients, ...facts } = guest;
    await this.#storage.put(keyOf(guest), JSON.stringify({ ...facts, room: room.id, clients: [...clients] }));
  }

  /** The last one takes the room with him. */
  async remove(guest: Guest): Promise<void> {
    if (this.find(guest) !== guest) return;
    this.#places.delete(`${guest.user} ${guest.group}`);
    guest.room.guests.delete(guest.user);
    if (guest.room.guests.size === 0) this.#rooms.delete(guest.room.id);
    this.#metrics.gauge('matrix_room_guests', this.#places.size);
    await this.#storage.delete(keyOf(guest));
  }

  /** Forgets the stay of a user who has moved on from one room to the next, under the same name of the group. */
  async forgetOld(guest: Guest): Promise<void> {
    guest.room.guests.delete(guest.user);
    if (guest.room.guests.size === 0) this.#rooms.delete(guest.room.id);
    await this.#storage.delete(keyOf(guest));
  }

  #open(id: RoomId): GuestRoom {
    const room = this.#rooms.get(id) ?? { id, guests: new Map<UserAddress, Guest>(), roster: undefined };
    this.#rooms.set(id, room);
    return room;
  }

  #add(guest: Guest): void {
    guest.room.guests.set(guest.user, guest);
    this.#places.set(`${guest.user} ${guest.group}`, guest);
    this.#metrics.gauge('matrix_room_guests', this.#places.size);
  }
}

/** Neither room ids nor addresses hold blanks. */
function keyOf({ room, user }: Guest): string {
  return `${PREFIX}${room.id} ${user}`;
}

/** Our users whom a room counts in. */
export function present(room: GuestRoom): readonly Guest[] {
  return [...room.guests.values()].filter(({ state }) => state === 'in');
}
