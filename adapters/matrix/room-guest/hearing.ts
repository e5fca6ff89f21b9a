// Events of rooms of Matrix for our users in them (bridging.md 4, 7.3, 11). The homeserver pushes each event once,
// however many ghosts are in the room: it is handed to all of them at once.

import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import type { Party } from '../../../src/wv/message.ts';
import { isSuccess, result } from '../../../src/wv/status.ts';
import { HomeserverError } from '../errors.ts';
import { text } from '../events.ts';
import type { RoomEvent } from '../events.ts';
import { groupText } from '../group-text.ts';
import { groupMessageIdOf, markOf } from '../ids.ts';
import type { MatrixUserId } from '../ids.ts';
import { hand, rosterOf } from './context.ts';
import type { GuestContext } from './context.ts';
import { present } from './guests.ts';
import type { Guest, GuestRoom } from './guests.ts';
import type { Joining } from './joining.ts';
import { byGroup } from './notices.ts';
import type { RoomNotices } from './notices.ts';
import type { Upgrading } from './upgrading.ts';

/** How long a message from Matrix is worth delivering, in ms. */
const LIFETIME_MS = 7 * 24 * 60 * 60_000;
/** Recipients of one request. */
const CHUNK = 200;
const ENCRYPTED = 'The room is encrypted now: its messages cannot be read';
const PROPERTIES: Readonly<Record<string, readonly [property: string, field: string]>> = {
  'm.room.topic': ['Topic', 'topic'],
  'm.room.name': ['Name', 'name'],
};
/** Longest property that groups have, in characters. */
const MAX_PROPERTY = 200;

export class Hearing {
  readonly #context: GuestContext;
  readonly #notices: RoomNotices;
  readonly #joining: Joining;
  readonly #upgrading: Upgrading;

  constructor(context: GuestContext, notices: RoomNotices, joining: Joining, upgrading: Upgrading) {
    this.#context = context;
    this.#notices = notices;
    this.#joining = joining;
    this.#upgrading = upgrading;
  }

  /** In the room's queue. */
  async event(room: GuestRoom, event: RoomEvent, attempt: number): Promise<void> {
    switch (event.type) {
      case 'm.room.message':
      case 'm.sticker':
        return await this.#message(room, event, attempt);
      case 'm.room.member':
        return await this.#member(room, event, attempt);
      case 'm.room.topic':
      case 'm.room.name':
        return await this.#property(room, event, attempt);
      case 'm.room.encryption':
      case 'm.room.encrypted':
        return await this.#end(room, ENCRYPTED, attempt);
      case 'm.room.tombstone':
        if (await this.#upgrading.follow(room, event)) return;
        return await this.#end(room, 'The room was replaced by another', attempt);
      default:
    }
  }

  async #message(room: GuestRoom, event: RoomEvent, attempt: number): Promise<void> {
    const { relay } = this.#context;
    const roster = await rosterOf(this.#context, room);
    const screenName = roster.nameOf(event.sender) ?? roster.free('', event.sender);
    const body = groupText(event, screenName);
    if (body === undefined) return;
    const listeners = present(room).filter(({ ghost }) => ghost !== event.sender);
    for (const together of byGroup(listeners)) {
      for (let start = 0; start < together.length; start += CHUNK) {
        const answer = await this.#hand(
          together.slice(start, start + CHUNK),
          event,
          { screenName, body },
          attempt,
        );
        relay.metrics.count('matrix_messages_total', { to: 'wv', code: String(answer) });
      }
    }
  }

  async #hand(
    guests: readonly Guest[],
    event: RoomEvent,
    { screenName, body }: { readonly screenName: string; readonly body: string },
    attempt: number,
  ): Promise<number> {
    const [first] = guests;
    if (first === undefined) return 200;
    const { group } = first;
    const now = this.#context.relay.clock.now();
    const answer = await hand(
      this.#context,
      {
        primitive: 'SendMessageRequest',
        meta: { service: serviceAddress(domainOf(group)) },
        deliveryReport: false,
        repeatable: true,
        message: {
          id: groupMessageIdOf(group, event.id),
          sender: { kind: 'group', group, screenName },
          recipients: guests.map(({ user }): Party => ({ kind: 'user', user })),
          addressedTo: { kind: 'group', group },
          sentAt: event.sentAt > 0 ? Math.min(event.sentAt, now) : now,
          expiresAt: now + LIFETIME_MS,
          content: { contentType: 'text/plain', encoding: 'none', data: body },
        },
      },
      attempt,
    );
    return answer.code;
  }

  async #member(room: GuestRoom, event: RoomEvent, attempt: number): Promise<void> {
    const target = event.stateKey as MatrixUserId | undefined;
    const membership = text(event.content, 'membership');
    if (target === undefined) return;
    if (membership === 'join') return await this.#cameOrRenamed(room, target, event, attempt);
    if (membership === 'invite') return await this.#invited(room, target, event, attempt);
    if (membership !== 'leave' && membership !== 'ban') return;
    const guest = present(room).find(({ ghost }) => ghost === target);
    const joining = [...room.guests.values()].find(
      ({ ghost, state }) => ghost === target && state === 'joining',
    );
    const putOut = event.sender === target ? undefined : (guest ?? joining);
    const roster = room.roster;
    const name = roster?.nameOf(target);
    if (name !== undefined) await this.#notices.changed(room, { left: [[target, name]] }, attempt);
    if (putOut !== undefined) {
      // The victim is who is named, not who did it; and he is not brought back (bridging.md 14, row 7).
      await this.#notices.out(putOut, result(809, text(event.content, 'reason')?.slice(0, 200)), attempt);
      await this.#context.guests.remove(putOut);
    }
    roster?.delete(target);
  }

  async #cameOrRenamed(
    room: GuestRoom,
    user: MatrixUserId,
    event: RoomEvent,
    attempt: number,
  ): Promise<void> {
    // Not read yet: whoever reads it next reads this, too.
    const { roster } = room;
    if (roster === undefined) return;
    const guest = [...room.guests.values()].find(({ ghost }) => ghost === user);
    // Whoever is on his way in is told of when he has his name.
    if (guest?.state === 'joining') return;
    const before = roster.nameOf(user);
    // The name of a guest is what he was told; a new profile name of his ghost does not change it.
    const name = roster.set(user, guest?.name || (text(event.content, 'displayname') ?? ''));
    if (name === undefined || name === before) return;
    const left = before === undefined ? {} : { left: [[user, before]] as const };
    await this.#notices.changed(room, { joined: [[user, name]], ...left }, attempt);
  }

  /** A ghost is invited where others of ours are: its user is asked, as by a WV invitation. */
  async #invited(room: GuestRoom, ghost: MatrixUserId, event: RoomEvent, attempt: number): Promise<void> {
    const { addresses, relay, client } = this.#context;
    const user = addresses.userOf(ghost);
    const inviter = addresses.addressOf(event.sender);
    const [host] = present(room);
    if (user === undefined || inviter === undefined || host === undefined) return;
    const inviteId = markOf(room.id, 'invite', ghost);
    await relay.storage.put(`room-invite ${inviteId}`, JSON.stringify({ room: room.id, ghost }));
    const outcome = await hand(
      this.#context,
      {
        primitive: 'InviteRequest',
        meta: { service: serviceAddress(domainOf(host.group)), user: inviter },
        inviteId,
        inviteType: 'GR',
        inviting: { kind: 'user', user: inviter },
        invited: { kind: 'user', user },
        group: host.group,
        validity: LIFETIME_MS / 1000,
      },
      attempt,
    );
    if (isSuccess(outcome)) return;
    try {
      await this.#context.ghosts.ensure(user);
      await client.leave(ghost, room.id);
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.transient) throw error;
      relay.log.info({ ghost, errcode: error.errcode }, 'matrix: an invitation could not be refused');
    }
  }

  async #property(room: GuestRoom, event: RoomEvent, attempt: number): Promise<void> {
    const [name, field] = PROPERTIES[event.type] ?? ['', ''];
    if (event.stateKey !== '' || name === '') return;
    const value = (text(event.content, field) ?? '').slice(0, MAX_PROPERTY);
    await this.#notices.changed(room, { properties: [{ name, value }] }, attempt);
  }

  async #end(room: GuestRoom, reason: string, attempt: number): Promise<void> {
    for (const guest of room.guests.values()) {
      if (guest.state === 'in') await this.#notices.out(guest, result(800, reason), attempt);
      if (guest.state !== 'leaving') await this.#joining.goOut(guest);
    }
  }
}
