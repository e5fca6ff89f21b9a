// Rooms of Matrix as groups (bridging.md 7, 11): for the relay this gateway is the home of these groups.

import { domainOf } from '../../../src/wv/address.ts';
import { status } from '../../../src/wv/primitives.ts';
import type {
  GroupPrimitive,
  InviteResponse,
  RequestPrimitive,
  ResponsePrimitive,
  SendMessageRequest,
} from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { Party } from '../../../src/wv/message.ts';
import { HomeserverError, resultOf } from '../errors.ts';
import type { RoomEvent } from '../events.ts';
import type { MatrixUserId, RoomId } from '../ids.ts';
import { SerialQueues } from '../queues.ts';
import { guarded, outcomeOf, rosterOf } from './context.ts';
import type { GuestContext } from './context.ts';
import type { Guest, Place } from './guests.ts';
import { Hearing } from './hearing.ts';
import { Joining } from './joining.ts';
import { Managing } from './managing.ts';
import { RoomNotices } from './notices.ts';
import { Speaking } from './speaking.ts';
import { Upgrading } from './upgrading.ts';

/** What the home of a group answers. */
export const GROUP_REQUESTS = [
  'JoinGroupRequest',
  'LeaveGroupRequest',
  'DeleteGroupRequest',
  'GetGroupMemberRequest',
  'GetJoinedUsersRequest',
  'AddGroupMemberRequest',
  'RemoveGroupMemberRequest',
  'MemberAccessRequest',
  'GetGroupPropsRequest',
  'SetGroupPropsRequest',
  'RejectListRequest',
  'SubscribeGroupChangeRequest',
  'UnsubscribeGroupChangeRequest',
  'GetGroupSubStatusRequest',
] as const satisfies readonly GroupPrimitive['primitive'][];

const NAMES: ReadonlySet<string> = new Set(GROUP_REQUESTS);

function isGroupRequest(request: RequestPrimitive): request is GroupPrimitive {
  return NAMES.has(request.primitive);
}

/** Events of our own ghosts that count: whoever of ours is there, too, hears them from the room like everybody's. */
const HEARD_OF_OURS: ReadonlySet<string> = new Set(['m.room.message', 'm.room.member']);

export class RoomGuests {
  readonly #context: GuestContext;
  readonly #joining: Joining;
  readonly #hearing: Hearing;
  readonly #speaking: Speaking;
  readonly #managing: Managing;
  /** What one user does about one group happens one after another. */
  readonly #turns = new SerialQueues();

  constructor(context: GuestContext) {
    this.#context = context;
    const notices = new RoomNotices(context);
    this.#joining = new Joining(context, notices);
    this.#hearing = new Hearing(context, notices, this.#joining, new Upgrading(context));
    this.#speaking = new Speaking(context);
    this.#managing = new Managing(context);
  }

  /** Before the first request: who is in which room is on disk. */
  async load(): Promise<void> {
    await this.#context.guests.load();
    for (const guest of this.#context.guests.all()) {
      // A join of the last run: whoever asked for it has heard nothing, and asks again.
      if (guest.state === 'joining' || !this.#isStillIn(guest)) guest.state = 'leaving';
    }
  }

  /** The homeserver is there: whoever was leaving leaves, and those whose clients are all gone. */
  online(): void {
    guarded(this.#context, 'leaving of rooms', this.#reconcile());
  }

  /** True for an event of one of our own ghosts that has to be handled nevertheless. */
  hears({ type, room }: RoomEvent): boolean {
    return HEARD_OF_OURS.has(type) && this.#context.guests.room(room) !== undefined;
  }

  /** True when the event was in a room that users of ours are in. */
  async handle(event: RoomEvent, attempt: number): Promise<boolean> {
    const room = this.#context.guests.room(event.room);
    if (room === undefined) return false;
    await this.#hearing.event(room, event, attempt);
    return true;
  }

  /** Serves a request about a room of Matrix; undefined: it is about none. */
  async serve(request: RequestPrimitive): Promise<ResponsePrimitive | undefined> {
    if (request.primitive === 'InviteRequest') return await this.#invite(request);
    if (request.primitive === 'InviteResponse') return await this.#answered(request);
    if (!isGroupRequest(request)) return undefined;
    const { group, meta } = request;
    if (meta.user === undefined) return status(result(403, 'Only users use groups'));
    if (this.#context.rooms.roomOf(group) === undefined) return status(result(800));
    return await this.#at({ user: meta.user, group }, request);
  }

  send(request: SendMessageRequest, party: Party & { readonly kind: 'group' }): Promise<Result> {
    return this.#speaking.send(request, party);
  }

  #at(place: Place, request: GroupPrimitive): Promise<ResponsePrimitive> | ResponsePrimitive {
    const turn = `${place.user} ${place.group}`;
    switch (request.primitive) {
      case 'JoinGroupRequest':
        return this.#turns.run(turn, () => this.#answeringErrors(() => this.#joining.join(place, request)));
      case 'LeaveGroupRequest':
        return this.#turns.run(turn, () => this.#joining.leave(place, request));
      case 'SubscribeGroupChangeRequest':
      case 'UnsubscribeGroupChangeRequest':
        return this.#turns.run(turn, () => this.#joining.subscribe(place, request));
      case 'GetGroupSubStatusRequest':
        return this.#joining.subscription(place, request.meta);
      case 'DeleteGroupRequest':
        // Rooms of Matrix have no end.
        return status(result(405));
      default:
        return this.#inside(place, request);
    }
  }

  async #inside(place: Place, request: GroupPrimitive): Promise<ResponsePrimitive> {
    const guest = this.#context.guests.find(place);
    if (guest?.state !== 'in') return status(result(808));
    if (request.primitive !== 'GetJoinedUsersRequest') return await this.#managing.serve(guest, request);
    return await this.#answeringErrors(async () => ({
      primitive: 'GetJoinedUsersResponse',
      result: OK,
      joined: await this.#joining.list(guest),
    }));
  }

  async #answeringErrors(work: () => Promise<ResponsePrimitive>): Promise<ResponsePrimitive> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      return status(resultOf(error));
    }
  }

  /** A WV user in a room invites somebody of Matrix there (or another WV user: his ghost). */
  async #invite(
    request: RequestPrimitive & { primitive: 'InviteRequest' },
  ): Promise<ResponsePrimitive | undefined> {
    const { group, invited, meta, note } = request;
    const { guests, addresses, calls, rooms } = this.#context;
    if (group === undefined || rooms.roomOf(group) === undefined || invited.kind !== 'user') return undefined;
    const guest = meta.user === undefined ? undefined : guests.find({ user: meta.user, group });
    if (guest?.state !== 'in') return status(result(808));
    const id = addresses.peerOf(invited.user);
    if (id === undefined) return status(result(531));
    try {
      await calls.act(guest.ghost, guest.room.id, 'invite', id, note);
      return status(OK);
    } catch (error) {
      return status(outcomeOf(error, 816));
    }
  }

  /** The answer to an invitation of a ghost; who accepts joins by himself. */
  async #answered({ inviteId, accepted }: InviteResponse): Promise<ResponsePrimitive | undefined> {
    const { relay, client } = this.#context;
    const stored = await relay.storage.get(`room-invite ${inviteId}`);
    if (stored === undefined) return undefined;
    const { room, ghost } = JSON.parse(stored) as { room: RoomId; ghost: MatrixUserId };
    await relay.storage.delete(`room-invite ${inviteId}`);
    if (accepted) return status(OK);
    return await this.#answeringErrors(async () => {
      await client.leave(ghost, room);
      return status(OK);
    });
  }

  async #reconcile(): Promise<void> {
    const { guests, relay } = this.#context;
    for (const guest of guests.all()) {
      if (guest.state === 'leaving') await this.#joining.goOut(guest);
    }
    for (const guest of guests.all()) {
      if (guest.state === 'in') await this.#refresh(guest);
    }
    relay.metrics.gauge('matrix_room_guests', guests.size);
  }

  /** So that the first event after a restart finds who is in, and its changes are seen as such. */
  async #refresh({ room }: Guest): Promise<void> {
    try {
      await this.#context.queues.run(room.id, () => rosterOf(this.#context, room));
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      this.#context.relay.log.info(
        { room: room.id, errcode: error.errcode },
        'matrix: members could not be read',
      );
    }
  }

  /** Those of his clients that are still there stay. */
  #isStillIn(guest: Guest): boolean {
    const { relay } = this.#context;
    const { user, group, clients } = guest;
    for (const id of clients.keys()) {
      if (!relay.hasJoined(user, id === '' ? undefined : id, group)) clients.delete(id);
    }
    return clients.size > 0;
  }
}

/** True when the group is one of the pseudo-domain. */
export function isRoom(
  { rooms }: Pick<GuestContext, 'rooms'>,
  party: Party,
): party is Party & { kind: 'group' } {
  return party.kind === 'group' && domainOf(party.group) !== '' && rooms.roomOf(party.group) !== undefined;
}
