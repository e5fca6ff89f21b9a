// Which group of this server is which room, and which users of Matrix are in it, on disk: after a crash nobody stays
// behind on either side, and no room is made twice.

import type { GatewayStorage } from '../../../src/sap/port.ts';
import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { MatrixUserId, RoomId } from '../ids.ts';

/** Written before the group's home is asked. `joining`: perhaps joined there. */
export type MemberState = 'joining' | 'in';

/** A user of Matrix in the room of a group. */
export interface Member {
  readonly id: MatrixUserId;
  readonly user: UserAddress;
  state: MemberState;
  /** His screen name in the group. */
  name: string;
}

/** The room of a group. */
export interface HostRoom {
  readonly id: RoomId;
  readonly group: GroupAddress;
  readonly members: Map<MatrixUserId, Member>;
  /** Screen names of others, whose ghosts are in the room, folded. */
  readonly shown: Map<string, Shown>;
}

export interface Shown {
  readonly ghost: MatrixUserId;
  readonly name: string;
}

const ROOM = 'group-room ';
const MEMBER = 'group-member ';
const SHOWN = 'group-shown ';

export class HostRooms {
  readonly #storage: GatewayStorage;
  readonly #byId = new Map<RoomId, HostRoom>();
  readonly #byGroup = new Map<GroupAddress, HostRoom>();

  constructor(storage: GatewayStorage) {
    this.#storage = storage;
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): readonly HostRoom[] {
    return [...this.#byId.values()];
  }

  byId(id: RoomId): HostRoom | undefined {
    return this.#byId.get(id);
  }

  byGroup(group: GroupAddress): HostRoom | undefined {
    return this.#byGroup.get(group);
  }

  async load(): Promise<void> {
    for (const [key, id] of await this.#storage.list(ROOM)) {
      this.#open(key.slice(ROOM.length) as GroupAddress, id as RoomId);
    }
    for (const [key, text] of await this.#storage.list(MEMBER)) {
      const room = this.#byId.get(key.split(' ')[1] as RoomId);
      const member = JSON.parse(text) as Member;
      room?.members.set(member.id, member);
    }
    for (const [key, text] of await this.#storage.list(SHOWN)) {
      const room = this.#byId.get(key.split(' ')[1] as RoomId);
      const shown = JSON.parse(text) as Shown;
      room?.shown.set(shown.name.toLowerCase(), shown);
    }
  }

  async add(group: GroupAddress, id: RoomId): Promise<HostRoom> {
    await this.#storage.put(`${ROOM}${group}`, id);
    return this.#open(group, id);
  }

  /** The group is no more; its room is nobody's business from now on. */
  async remove(room: HostRoom): Promise<void> {
    this.#byId.delete(room.id);
    this.#byGroup.delete(room.group);
    for (const member of room.members.values())
      await this.#storage.delete(`${MEMBER}${room.id} ${member.id}`);
    for (const { ghost } of room.shown.values()) await this.#storage.delete(`${SHOWN}${room.id} ${ghost}`);
    await this.#storage.delete(`${ROOM}${room.group}`);
  }

  async save(room: HostRoom, member: Member): Promise<void> {
    room.members.set(member.id, member);
    await this.#storage.put(`${MEMBER}${room.id} ${member.id}`, JSON.stringify(member));
  }

  async forget(room: HostRoom, id: MatrixUserId): Promise<void> {
    room.members.delete(id);
    await this.#storage.delete(`${MEMBER}${room.id} ${id}`);
  }

  async show(room: HostRoom, shown: Shown): Promise<void> {
    room.shown.set(shown.name.toLowerCase(), shown);
    await this.#storage.put(`${SHOWN}${room.id} ${shown.ghost}`, JSON.stringify(shown));
  }

  async hide(room: HostRoom, { ghost, name }: Shown): Promise<void> {
    room.shown.delete(name.toLowerCase());
    await this.#storage.delete(`${SHOWN}${room.id} ${ghost}`);
  }

  #open(group: GroupAddress, id: RoomId): HostRoom {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const room: HostRoom = { id, group, members: new Map(), shown: new Map() };
    this.#byId.set(id, room);
    this.#byGroup.set(group, room);
    return room;
  }
}

/** The member of that screen name. */
export function memberNamed(room: HostRoom, screenName: string): Member | undefined {
  const wanted = screenName.toLowerCase();
  return [...room.members.values()].find(
    ({ name, state }) => state === 'in' && name.toLowerCase() === wanted,
  );
}

export function memberOf(room: HostRoom, user: UserAddress): Member | undefined {
  return [...room.members.values()].find((member) => member.user === user);
}
