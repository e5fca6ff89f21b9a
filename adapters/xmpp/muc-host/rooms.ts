// All rooms in which somebody of XMPP is, and their state on disk: who is in with which clients, and which names those
// clients were shown, so that after a restart no ghost stays on either side.

import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { GatewayStorage } from '../../../src/sap/port.ts';
import type { BareJid } from '../jid.ts';
import { Room, VISITOR } from './room.ts';
import type { Occupant } from './room.ts';
import { foldNick } from './room-addresses.ts';

/**
 * Written before the group's home is asked. `joining`: perhaps in; `in`; `leaving`: has been told that he is out, the
 * home perhaps not.
 */
export type RecordState = 'joining' | 'in' | 'leaving';

/** What is on disk of an occupant. */
export interface OccupantRecord {
  readonly state: RecordState;
  readonly user: UserAddress;
  readonly group: GroupAddress;
  readonly nick: string;
  readonly resources: readonly string[];
}

const OCCUPANT = 'muc-occupant ';
const NAME = 'muc-name ';

export class Rooms {
  readonly #storage: GatewayStorage;
  readonly #limit: number;
  readonly #rooms = new Map<BareJid, Room>();

  constructor(storage: GatewayStorage, limit: number) {
    this.#storage = storage;
    this.#limit = limit;
  }

  get size(): number {
    return this.#rooms.size;
  }

  get(jid: BareJid): Room | undefined {
    return this.#rooms.get(jid);
  }

  all(): readonly Room[] {
    return [...this.#rooms.values()];
  }

  /** The room, entered into memory if need be; undefined at the limit. */
  open(jid: BareJid, group: GroupAddress): Room | undefined {
    const known = this.#rooms.get(jid);
    if (known !== undefined || this.#rooms.size >= this.#limit) return known;
    const room = new Room(jid, group);
    this.#rooms.set(jid, room);
    return room;
  }

  /** Puts on disk that somebody is on his way in or out, or who he is with which clients. */
  async write(room: Room, jid: BareJid, state: RecordState, occupant: RecordedOccupant): Promise<void> {
    const { user, nick, resources } = occupant;
    const record: OccupantRecord = { state, user, group: room.group, nick, resources: [...resources] };
    await this.#storage.put(`${OCCUPANT}${room.jid} ${jid}`, JSON.stringify(record));
  }

  /** Forgets an occupant; the last one takes the room with him. */
  async remove(room: Room, jid: BareJid): Promise<void> {
    room.remove(jid);
    await this.#storage.delete(`${OCCUPANT}${room.jid} ${jid}`);
    await this.closeEmpty(room);
  }

  /** A room without occupants of ours is not followed any more. */
  async closeEmpty(room: Room): Promise<void> {
    if (room.occupants.size > 0 || this.#rooms.get(room.jid) !== room) return;
    this.#rooms.delete(room.jid);
    await this.forgetNames(room, [...room.present.values()].map(({ nick }) => nick)); // prettier-ignore
  }

  async writeNames(room: Room, nicks: readonly string[]): Promise<void> {
    await Promise.all(nicks.map((nick) => this.#storage.put(nameKey(room.jid, nick), nick)));
  }

  async forgetNames(room: Room, nicks: readonly string[]): Promise<void> {
    for (const nick of nicks) room.present.delete(foldNick(nick));
    await Promise.all(nicks.map((nick) => this.#storage.delete(nameKey(room.jid, nick))));
  }

  /** Reads what an earlier run left: occupants that were in, into memory; the others are returned. */
  async load(): Promise<readonly (OccupantRecord & { readonly room: BareJid; readonly jid: BareJid })[]> {
    const open: (OccupantRecord & { readonly room: BareJid; readonly jid: BareJid })[] = [];
    for (const [key, value] of await this.#storage.list(OCCUPANT)) {
      const [roomJid, jid] = key.slice(OCCUPANT.length).split(' ') as [BareJid, BareJid];
      const record = JSON.parse(value) as OccupantRecord;
      const room = record.state === 'in' ? this.open(roomJid, record.group) : undefined;
      if (room === undefined) open.push({ ...record, room: roomJid, jid });
      else room.add(restored(record, jid));
    }
    for (const [key, nick] of await this.#storage.list(NAME)) {
      const jid = key.slice(NAME.length).split(' ')[0] as BareJid;
      const room = this.#rooms.get(jid);
      if (room === undefined) await this.#storage.delete(key);
      else room.enter({ screenName: nick }, false);
    }
    return open;
  }

  async forget(roomJid: BareJid, jid: BareJid): Promise<void> {
    await this.#storage.delete(`${OCCUPANT}${roomJid} ${jid}`);
  }
}

export interface RecordedOccupant {
  readonly user: UserAddress;
  readonly nick: string;
  readonly resources: Iterable<string>;
}

function nameKey(room: BareJid, nick: string): string {
  return `${NAME}${room} ${foldNick(nick)}`;
}

function restored({ user, nick, resources }: OccupantRecord, jid: BareJid): Occupant {
  return { user, jid, nick, standing: VISITOR, showsId: false, resources: new Set(resources) };
}
