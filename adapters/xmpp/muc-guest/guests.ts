// Our users in rooms of other servers: joining, coming back, leaving (XEP-0045 section 7). What happens to a guest is
// the table in states.ts; this file does what the table says.

import { trusted } from '../../../src/wv/ids.ts';
import type { ClientId, GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import { result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { guarded } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { BareJid } from '../jid.ts';
import { Pacer } from '../pacer.ts';
import type { RoomNotices } from './notices.ts';
import { GuestRecords } from './records.ts';
import type { GuestRecord } from './records.ts';
import { NO_CLIENT, Room } from './room.ts';
import type { Guest, JoinOutcome } from './room.ts';
import { joinStanza, leaveStanza, puppetJid } from './stanzas.ts';
import type { History } from './stanzas.ts';
import { stepOf } from './states.ts';
import type { GuestEffect, GuestEvent } from './states.ts';

/** Vain attempts to come back before the user is told that he is out; the pauses double between these bounds. */
const MAX_FAILURES = 8;
const MIN_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 300_000;
/** How long a room may take to say goodbye. */
const GOODBYE_MS = 2_000;
/** History asked for when somebody comes back: what was missed. What is known already is recognised. */
const MISSED_MS = 86_400_000;

export interface Place {
  readonly user: UserAddress;
  readonly userJid: BareJid;
  readonly group: GroupAddress;
  readonly roomJid: BareJid;
}

const OUT: Result = result(800, 'The service of the room cannot be reached');

export class Guests {
  readonly #bridge: Bridge;
  readonly #notices: RoomNotices;
  readonly #records: GuestRecords;
  readonly #pacer: Pacer;
  readonly #rooms = new Map<BareJid, Room>();
  /** Room passwords that came with invitations; not on disk. */
  readonly passwords: { get(key: string): string | undefined };
  #size = 0;
  #stopped = false;

  constructor(bridge: Bridge, notices: RoomNotices, passwords: { get(key: string): string | undefined }) {
    const { probeRate, maxRoomGuests } = bridge.settings;
    this.#bridge = bridge;
    this.#notices = notices;
    this.#records = new GuestRecords(bridge.relay.storage);
    this.#pacer = new Pacer(bridge.relay.clock, probeRate, 2 * maxRoomGuests);
    this.passwords = passwords;
  }

  get size(): number {
    return this.#size;
  }

  find(userJid: BareJid, roomJid: BareJid): Guest | undefined {
    return this.#rooms.get(roomJid)?.guests.get(userJid);
  }

  *all(): Generator<Guest> {
    for (const room of this.#rooms.values()) yield* room.guests.values();
  }

  /** Takes up what the last run left. Whose clients are all gone leaves. */
  async load(): Promise<void> {
    for (const record of await this.#records.all()) {
      const clients = record.clients.filter(([clientId]) => this.#isIn(record, clientId));
      const guest = this.#create(record, record.nick, record.joinedAt);
      for (const [clientId, subscribed] of clients) guest.clients.set(clientId, subscribed);
      guest.state = record.leaving || clients.length === 0 ? 'leaving' : 'rejoining';
    }
  }

  #isIn({ user, group }: GuestRecord, clientId: ClientId): boolean {
    return this.#bridge.relay.hasJoined(user, clientId === NO_CLIENT ? undefined : clientId, group);
  }

  /** The stream is there: everybody comes back, at a bounded rate; who was leaving leaves. */
  online(userJid?: BareJid): void {
    for (const guest of this.all()) {
      if (userJid !== undefined && guest.userJid !== userJid) continue;
      if (guest.state === 'leaving') this.#do('withdraw', guest);
      else if (guest.state === 'rejoining') this.#comeBack(guest);
    }
  }

  /** With `userJid`: only his stream ended, and rooms that others are in too stay known. */
  offline(userJid?: BareJid): void {
    if (userJid === undefined) this.#pacer.clear();
    for (const guest of this.all()) {
      if (userJid === undefined || guest.userJid === userJid) this.happened(guest, 'lost');
    }
    for (const room of this.#rooms.values()) {
      if (![...room.guests.values()].some(({ state }) => state === 'in')) room.reset();
    }
  }

  /** Our users leave with us, and come back with us: on disk they stay, as their clients stay joined. */
  stop(): void {
    this.#stopped = true;
    this.#pacer.clear();
    for (const guest of this.all()) {
      guest.cancelTimer();
      guest.waiter?.({ refused: result(503) });
      if (guest.state !== 'in') continue;
      const { userJid, room, nick } = guest;
      this.#bridge.link.send(leaveStanza(puppetJid(userJid), `${room.jid}/${nick}`));
    }
  }

  /** A guest who is not in the room yet; undefined when there are too many. On disk when it resolves. */
  async enter(
    place: Place,
    nick: string,
    clientId: ClientId,
    subscribed: boolean,
  ): Promise<Guest | undefined> {
    const old = this.find(place.userJid, place.roomJid);
    if (old === undefined && this.#size >= this.#bridge.settings.maxRoomGuests) return undefined;
    if (old !== undefined) this.#remove(old);
    const guest = this.#create(place, nick, this.#bridge.relay.clock.now());
    guest.clients.set(clientId, subscribed);
    await this.#records.save(guest);
    return guest;
  }

  /** Asks the room to let a guest in under his nick; resolves with its answer, or 504 when it is late since `started`. */
  ask(guest: Guest, started: number): Promise<JoinOutcome> {
    const { clock } = this.#bridge.relay;
    const { roomHistory, roomWaitMs } = this.#bridge.settings;
    const left = Math.max(0, started + roomWaitMs - clock.now());
    return new Promise((resolve) => {
      guest.waiter = resolve;
      guest.historyLeft = roomHistory;
      guest.cancelTimer();
      guest.cancelTimer = clock.after(left, () => this.happened(guest, 'late', { refused: result(504) }));
      if (!this.#sendJoin(guest, { maxstanzas: roomHistory })) {
        this.happened(guest, 'refused', { refused: result(503) });
      }
    });
  }

  /** Keeps a guest as he is now. */
  async save(guest: Guest): Promise<void> {
    if (guest.state !== 'gone') await this.#records.save(guest);
  }

  /** Own wish. Resolves when the room was told, or it is on disk that it has to be. */
  async leave(guest: Guest): Promise<void> {
    const step = stepOf(guest.state, 'leave');
    if (step === undefined) return;
    guest.state = step.next;
    guest.cancelTimer();
    guest.waiter?.({ refused: result(503) });
    guest.clients.clear();
    await this.#withdraw(guest);
  }

  /** Runs the table. `outcome`: what a waiting join is told, or why the user is out. */
  happened(guest: Guest, event: GuestEvent, outcome: JoinOutcome = { refused: result(503) }): void {
    const step = this.#stopped ? undefined : stepOf(guest.state, event);
    if (step === undefined) return;
    guest.state = step.next;
    guest.cancelTimer();
    if (event === 'entered') guest.failures = 0;
    if (step.next === 'gone') this.#remove(guest);
    for (const effect of step.effects) this.#do(effect, guest, outcome);
  }

  #do(effect: GuestEffect, guest: Guest, outcome: JoinOutcome = { refused: OUT }): void {
    switch (effect) {
      case 'answer': {
        const { waiter } = guest;
        guest.waiter = undefined;
        return waiter?.(outcome);
      }
      case 'tell':
        return this.#notices.out(guest, 'refused' in outcome ? outcome.refused : OUT);
      case 'withdraw':
        return guarded(this.#bridge, 'leaving a room', this.#withdraw(guest));
      case 'again':
        return this.#later(guest);
      case 'forget':
        return guarded(this.#bridge, 'forgetting a room', this.#forget(guest));
    }
  }

  async #forget(guest: Guest): Promise<void> {
    // A new stay in the same room may have begun, whose record has the same key.
    if (this.find(guest.userJid, guest.room.jid) === undefined) await this.#records.forget(guest);
  }

  async #withdraw(guest: Guest): Promise<void> {
    await this.save(guest);
    const { link, relay } = this.#bridge;
    const { userJid, room, nick } = guest;
    if (!link.send(leaveStanza(puppetJid(userJid), `${room.jid}/${nick}`))) return;
    if (!(await link.confirmed()) || guest.state !== 'leaving') return;
    guest.cancelTimer();
    guest.cancelTimer = relay.clock.after(GOODBYE_MS, () => this.happened(guest, 'late'));
  }

  #comeBack(guest: Guest): void {
    const { clock, metrics } = this.#bridge.relay;
    const { userJid, room } = guest;
    const asked = this.#pacer.run(`${userJid} ${room.jid}`, () => {
      if (guest.state !== 'rejoining' || this.#stopped) return;
      metrics.count('xmpp_room_rejoins_total');
      guest.cancelTimer();
      guest.cancelTimer = clock.after(this.#bridge.settings.roomWaitMs, () => this.happened(guest, 'late'));
      this.#sendJoin(guest, { since: Math.max(guest.joinedAt, clock.now() - MISSED_MS) });
    });
    if (!asked) this.#later(guest);
  }

  /** Tries again after a pause, but not for ever. */
  #later(guest: Guest): void {
    guest.failures += 1;
    if (guest.failures > MAX_FAILURES) return this.happened(guest, 'refused', { refused: OUT });
    const pause = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** (guest.failures - 1));
    guest.cancelTimer();
    guest.cancelTimer = this.#bridge.relay.clock.after(pause, () => this.#comeBack(guest));
  }

  #sendJoin(guest: Guest, history: History): boolean {
    const { userJid, room, nick } = guest;
    guest.synced = false;
    guest.heardAt = this.#bridge.relay.clock.now();
    const password = this.passwords.get(`${userJid} ${room.jid}`);
    return this.#bridge.link.send(joinStanza(puppetJid(userJid), `${room.jid}/${nick}`, history, password));
  }

  #create(place: Place, nick: string, joinedAt: number): Guest {
    const { user, userJid, group, roomJid } = place;
    const room =
      this.#rooms.get(roomJid) ?? new Room(roomJid, group, this.#bridge.settings.maxListedOccupants);
    const guest: Guest = {
      user,
      userJid,
      room,
      clients: new Map(),
      joinedAt,
      nick,
      toldNick: nick,
      state: 'joining',
      role: 'none',
      affiliation: 'none',
      heardAt: joinedAt,
      synced: false,
      historyLeft: 0,
      failures: 0,
      waiter: undefined,
      cancelTimer: () => undefined,
    };
    this.#add(guest);
    return guest;
  }

  #add(guest: Guest): void {
    const { room, userJid } = guest;
    if (!room.guests.has(userJid)) this.#size += 1;
    room.guests.set(userJid, guest);
    this.#rooms.set(room.jid, room);
    this.#bridge.relay.metrics.gauge('xmpp_room_guests', this.#size);
  }

  #remove(guest: Guest): void {
    const { room, userJid } = guest;
    guest.cancelTimer();
    guest.state = 'gone';
    if (room.guests.get(userJid) !== guest) return;
    room.guests.delete(userJid);
    this.#size -= 1;
    if (room.guests.size === 0) {
      room.reset();
      if (this.#rooms.get(room.jid) === room) this.#rooms.delete(room.jid);
    }
    this.#bridge.relay.metrics.gauge('xmpp_room_guests', this.#size);
  }
}

/** The client that a request names. */
export function clientOf({ clientId }: { readonly clientId?: ClientId }): ClientId {
  return clientId ?? trusted<ClientId>(NO_CLIENT);
}
