// JoinGroup and LeaveGroup of rooms of Matrix, and who wants to be told of changes (bridging.md 7.3).

import type { ClientId } from '../../../src/wv/ids.ts';
import { status } from '../../../src/wv/primitives.ts';
import type {
  GetGroupSubStatusResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  MetaInfo,
  ScreenMapping,
  Status,
  SubscribeGroupChangeRequest,
  UnsubscribeGroupChangeRequest,
} from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { HomeserverError, resultOf } from '../errors.ts';
import { cleanName } from '../ghosts.ts';
import type { RoomId } from '../ids.ts';
import type { Directions } from '../room-calls.ts';
import { guarded, mappingOf, outcomeOf, rosterOf } from './context.ts';
import type { GuestContext } from './context.ts';
import { NO_CLIENT } from './guests.ts';
import type { Guest, Place } from './guests.ts';
import type { RoomNotices } from './notices.ts';

/** A join over federation may end after the request that it is for; nobody asks again after this, in ms. */
const LATE_JOIN_MS = 120_000;
const ENCRYPTED = 'The room is encrypted: its messages could not be read';

export class Joining {
  readonly #context: GuestContext;
  readonly #notices: RoomNotices;

  constructor(context: GuestContext, notices: RoomNotices) {
    this.#context = context;
    this.#notices = notices;
  }

  /** 800, 803, 807, 809, 817, 405 encrypted, 503 not yet: it may be asked again. */
  async join(place: Place, request: JoinGroupRequest): Promise<JoinGroupResponse | Status> {
    const { guests } = this.#context;
    const known = guests.find(place);
    const guest = known?.state === 'in' ? known : await this.#enter(place, request.screenName ?? '');
    if ('code' in guest) return status(guest);
    guest.clients.set(clientOf(request.meta), request.subscribe);
    await guests.save(guest);
    return {
      primitive: 'JoinGroupResponse',
      result: OK,
      screenName: guest.name,
      ...(request.wantsJoinedList ? { joined: await this.list(guest) } : {}),
    };
  }

  /** 808. The ghost leaves with the last client; a request that names no client means them all. */
  async leave(place: Place, { meta }: LeaveGroupRequest): Promise<Status> {
    const { guests } = this.#context;
    const guest = guests.find(place);
    if (guest?.state !== 'in') return status(result(808));
    if (meta.clientId === undefined) guest.clients.clear();
    else if (!guest.clients.delete(meta.clientId)) return status(result(808));
    if (guest.clients.size === 0) await this.goOut(guest);
    else await guests.save(guest);
    return status(OK);
  }

  async subscribe(
    place: Place,
    { meta, primitive }: SubscribeGroupChangeRequest | UnsubscribeGroupChangeRequest,
  ): Promise<Status> {
    const guest = this.#context.guests.find(place);
    const client = clientOf(meta);
    if (guest?.state !== 'in' || !guest.clients.has(client)) return status(result(808));
    guest.clients.set(client, primitive === 'SubscribeGroupChangeRequest');
    await this.#context.guests.save(guest);
    return status(OK);
  }

  subscription(place: Place, meta: MetaInfo): GetGroupSubStatusResponse | Status {
    const subscribed = this.#context.guests.find(place)?.clients.get(clientOf(meta));
    if (subscribed === undefined) return status(result(808));
    return { primitive: 'GetGroupSubStatusResponse', result: OK, subscribed };
  }

  /** Everybody in the room, as far as known. Rejects with HomeserverError. */
  async list(guest: Guest): Promise<readonly ScreenMapping[]> {
    const roster = await rosterOf(this.#context, guest.room);
    return [...roster.entries()].map(([user, name]) => mappingOf(this.#context, user, name));
  }

  /** Own wish. On disk when it resolves; the homeserver is told now, or when it is there again. */
  async goOut(guest: Guest): Promise<void> {
    guest.state = 'leaving';
    guest.clients.clear();
    await this.#context.guests.save(guest);
    await this.tellLeave(guest);
  }

  /** Whoever is to leave leaves. False: the homeserver is to be told later. */
  async tellLeave(guest: Guest): Promise<boolean> {
    const { client, guests, relay } = this.#context;
    try {
      await client.leave(guest.ghost, guest.room.id);
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      if (error.transient) return false;
      // Outside already, or the room is no more: what was wanted.
      relay.log.info({ room: guest.room.id, errcode: error.errcode }, 'matrix: a room was left already');
    }
    await guests.remove(guest);
    return true;
  }

  async #enter(place: Place, wish: string): Promise<Guest | Result> {
    const { guests, limits, relay } = this.#context;
    const waiting = guests.find(place);
    if (waiting === undefined && guests.size >= limits.guests) return result(817);
    try {
      const ghost = await this.#context.ghosts.ensure(place.user);
      const directions = await this.#directions(place);
      if (directions === undefined) return result(800);
      const elsewhere = guests.room(directions.room)?.guests.get(place.user);
      if (elsewhere !== undefined && elsewhere.group !== place.group) return result(807);
      const guest = waiting ?? (await guests.enter(place, ghost, directions.room));
      guest.state = 'joining';
      const refused = await this.#goIn(guest, directions, wish);
      relay.metrics.count('matrix_room_joins_total', { code: String(refused?.code ?? 200) });
      return refused ?? guest;
    } catch (error) {
      return outcomeOf(error, 803);
    }
  }

  async #directions({ group }: Place): Promise<Directions | undefined> {
    const { rooms, calls, addresses } = this.#context;
    const name = rooms.roomOf(group);
    if (name === undefined) return undefined;
    if (name.startsWith('#')) return await calls.resolve(addresses.bot, name);
    const colon = name.indexOf(':');
    return { room: name as RoomId, via: colon < 0 ? [] : [name.slice(colon + 1)] };
  }

  /** Undefined: he is in. */
  async #goIn(guest: Guest, directions: Directions, wish: string): Promise<Result | undefined> {
    const { calls, client, guests, queues } = this.#context;
    try {
      await calls.join(guest.ghost, directions);
    } catch (error) {
      return await this.#notIn(guest, error);
    }
    try {
      if (await client.isEncrypted(guest.ghost, guest.room.id)) {
        await this.goOut(guest);
        return result(405, ENCRYPTED);
      }
      // In the room's turn: events of the room change the roster, too.
      await queues.run(guest.room.id, () => this.#takeName(guest, wish));
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      await this.goOut(guest);
      return resultOf(error);
    }
    if (guests.find(guest) !== guest || guest.state !== 'joining') return result(809);
    guest.state = 'in';
    await guests.save(guest);
    return undefined;
  }

  async #notIn(guest: Guest, error: unknown): Promise<Result> {
    const { guests, relay } = this.#context;
    const outcome = outcomeOf(error, 803);
    if (error instanceof HomeserverError && error.transient) {
      // He may be in all the same, or be so soon.
      relay.clock.after(LATE_JOIN_MS, () => {
        if (guest.state === 'joining') guarded(this.#context, 'leaving a room', this.goOut(guest));
      });
      return outcome;
    }
    await guests.remove(guest);
    return outcome.code === 803 && isBan(error) ? result(809) : outcome;
  }

  /** Display names are not unique in Matrix, screen names are: a wish that is taken gets a number. */
  async #takeName(guest: Guest, wish: string): Promise<void> {
    const { calls, relay } = this.#context;
    const { room, ghost } = guest;
    const roster = await rosterOf(this.#context, room, guest);
    const own = (await relay.displayName(guest.user)) ?? '';
    const name = roster.free(cleanName(wish) || own, ghost);
    if (name !== cleanName(own)) {
      const member = await calls.state(ghost, room.id, 'm.room.member', ghost);
      await calls.setState(
        ghost,
        room.id,
        'm.room.member',
        { ...member, membership: 'join', displayname: name },
        ghost,
      );
    }
    guest.name = name;
    roster.set(ghost, name);
    await this.#notices.changed(room, { joined: [[ghost, name]] }, 1);
  }
}

/**
 * COMPAT(Matrix): a ban and a closed door are both M_FORBIDDEN, and who is banned may not read how he stands; only the
 * words differ.
 */
function isBan(error: unknown): boolean {
  return error instanceof HomeserverError && /\bbanned\b/i.test(error.message);
}

function clientOf({ clientId }: MetaInfo): ClientId {
  return clientId ?? NO_CLIENT;
}
