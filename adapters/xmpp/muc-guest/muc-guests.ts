// Rooms of other servers as groups (bridging sections 7, 11): for the relay this gateway is the home of these groups.

import { status } from '../../../src/wv/primitives.ts';
import type {
  GroupPrimitive,
  RequestPrimitive,
  ResponsePrimitive,
  SendMessageRequest,
  SendMessageResponse,
} from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Bridge } from '../bridge.ts';
import { ChatMemory } from '../chat-memory.ts';
import type { Incoming } from '../component-link.ts';
import { QueueFull } from '../conversation-queue.ts';
import type { OutgoingFiles } from '../files/outgoing-files.ts';
import type { IqRequests } from '../iq-requests.ts';
import { RoomTexts } from '../room-texts.ts';
import type { RoomTextParts } from '../room-texts.ts';
import type { BareJid } from '../jid.ts';
import { Arrivals } from './arrivals.ts';
import { Guests } from './guests.ts';
import type { Place } from './guests.ts';
import { Hearing } from './hearing.ts';
import { RoomInvitations } from './invitations.ts';
import { Joining } from './joining.ts';
import { RoomMembers } from './members.ts';
import { RoomNotices } from './notices.ts';
import { listFor } from './people.ts';
import { RoomProperties } from './properties.ts';
import type { Guest } from './room.ts';
import { SelfPing } from './self-ping.ts';
import { Speaking } from './speaking.ts';

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

export function isGroupRequest(request: RequestPrimitive): request is GroupPrimitive {
  return NAMES.has(request.primitive);
}

/** Room passwords remembered at once. */
const MAX_PASSWORDS = 1_000;

interface GuestParts extends RoomTextParts {
  readonly uploads?: OutgoingFiles;
}

export class MucGuests {
  readonly #bridge: Bridge;
  readonly #guests: Guests;
  readonly #notices: RoomNotices;
  readonly #speaking: Speaking;
  readonly #selfPing: SelfPing;
  readonly #arrivals: Arrivals;
  readonly #hearing: Hearing;
  readonly #joining: Joining;
  readonly #properties: RoomProperties;
  readonly #members: RoomMembers;
  readonly #invitations: RoomInvitations;
  readonly #passwords = new BoundedMap<string, string>(MAX_PASSWORDS);

  /** Without `parts.files` and `parts.uploads`, files are words about them. */
  constructor(
    bridge: Bridge,
    iq: IqRequests,
    parts: GuestParts = { memory: new ChatMemory(bridge.settings) },
  ) {
    this.#bridge = bridge;
    this.#notices = new RoomNotices(bridge);
    this.#guests = new Guests(bridge, this.#notices, this.#passwords);
    this.#selfPing = new SelfPing(bridge, this.#guests, iq);
    this.#speaking = new Speaking(bridge, this.#guests, this.#selfPing, parts.uploads);
    this.#arrivals = new Arrivals(bridge, this.#guests, this.#notices, (guest) =>
      this.#joining.reopen(guest),
    );
    this.#hearing = new Hearing(bridge, {
      guests: this.#guests,
      notices: this.#notices,
      speaking: this.#speaking,
      texts: new RoomTexts(bridge, parts),
      files: parts.files,
    });
    this.#joining = new Joining(bridge, this.#guests, iq);
    this.#properties = new RoomProperties(this.#guests, iq, this.#speaking);
    this.#members = new RoomMembers(bridge, this.#guests, iq);
    this.#invitations = new RoomInvitations(bridge, this);
  }

  /** Users of ours in rooms, counted once for each room. */
  get size(): number {
    return this.#guests.size;
  }

  // ---- life

  /** Before the first request: who is in which room is on disk. */
  async start(): Promise<void> {
    await this.#guests.load();
    this.#selfPing.start();
  }

  /** The stream is there; with `userJid`, only his. */
  online(userJid?: BareJid): void {
    this.#guests.online(userJid);
  }

  offline(userJid?: BareJid): void {
    this.#speaking.lost(userJid);
    this.#guests.offline(userJid);
  }

  stop(): void {
    this.#selfPing.stop();
    this.#notices.stop();
    this.#speaking.lost();
    this.#guests.stop();
  }

  // ---- from the relay

  send(request: SendMessageRequest): Promise<SendMessageResponse> {
    return this.#speaking.send(request);
  }

  /** Serves a request about a room of another server; 516 and 901 for a group that is none. Undefined: it is none. */
  async serve(request: RequestPrimitive): Promise<ResponsePrimitive | undefined> {
    switch (request.primitive) {
      case 'InviteRequest':
        return await this.#invitations.invite(request);
      case 'InviteResponse':
        return await this.#invitations.answered(request);
      default:
        return isGroupRequest(request) ? await this.#serveGroup(request) : undefined;
    }
  }

  async #serveGroup(request: GroupPrimitive): Promise<ResponsePrimitive> {
    const place = this.#placeOf(request);
    if ('code' in place) return status(place);
    try {
      return await this.#at(place, request);
    } catch (error) {
      if (error instanceof QueueFull) return status(result(503));
      throw error;
    }
  }

  #at(place: Place, request: GroupPrimitive): Promise<ResponsePrimitive> | ResponsePrimitive {
    switch (request.primitive) {
      case 'JoinGroupRequest':
        return this.#inTurn(place, () => this.#joining.join(place, request));
      case 'LeaveGroupRequest':
        return this.#inTurn(place, () => this.#joining.leave(place, request));
      case 'SubscribeGroupChangeRequest':
      case 'UnsubscribeGroupChangeRequest':
        return this.#inTurn(place, () => this.#joining.subscribe(place, request));
      case 'GetGroupSubStatusRequest':
        return this.#joining.subscription(place, request.meta);
      case 'GetJoinedUsersRequest':
        return this.#joined(place);
      case 'GetGroupPropsRequest':
        return this.#properties.get(place);
      case 'SetGroupPropsRequest':
        return this.#properties.set(place, request);
      default:
        return this.#administer(place, request);
    }
  }

  #administer(place: Place, request: GroupPrimitive): Promise<ResponsePrimitive> | ResponsePrimitive {
    switch (request.primitive) {
      case 'GetGroupMemberRequest':
        return this.#members.list(place);
      case 'AddGroupMemberRequest':
        return this.#members.add(place, request.users);
      case 'RemoveGroupMemberRequest':
        return this.#members.remove(place, request.users);
      case 'MemberAccessRequest':
        return this.#members.setAccess(place, request);
      case 'RejectListRequest':
        return this.#members.reject(place, request);
      case 'DeleteGroupRequest':
        return this.#members.destroy(place);
      default:
        return status(result(405));
    }
  }

  #joined({ userJid, roomJid }: Place): ResponsePrimitive {
    const guest = this.guest(userJid, roomJid);
    if (guest === undefined) return status(result(808));
    return {
      primitive: 'GetJoinedUsersResponse',
      result: OK,
      joined: listFor(this.#bridge, guest.room, guest),
    };
  }

  /** A user of ours who is in a room, or on his way back. */
  guest(userJid: BareJid, roomJid: BareJid): Guest | undefined {
    const guest = this.#guests.find(userJid, roomJid);
    return guest?.state === 'in' || guest?.state === 'rejoining' ? guest : undefined;
  }

  /** The password of a room that came with an invitation. */
  rememberPassword(userJid: BareJid, roomJid: BareJid, password: string): void {
    this.#passwords.set(`${userJid} ${roomJid}`, password);
  }

  #inTurn<T>({ userJid, roomJid }: Place, task: () => Promise<T>): Promise<T> {
    return this.#bridge.queues.run(`join ${userJid} ${roomJid}`, task);
  }

  #placeOf({ group, meta }: GroupPrimitive): Place | Result {
    const { user } = meta;
    if (user === undefined) return result(403, 'Only users use groups');
    const userJid = this.#bridge.codec.localJid(user);
    if (isUnmappable(userJid)) return result(userJid.unmappable, userJid.reason);
    const roomJid = this.#bridge.codec.roomJid(group);
    if (isUnmappable(roomJid)) return result(roomJid.unmappable, roomJid.reason);
    return { user, userJid, group, roomJid };
  }

  // ---- from XMPP

  /** True when the stanza was about a room that some user of ours is in, or is thought to be in. */
  received(incoming: Incoming): boolean {
    if (incoming.stanza.name === 'presence') return this.#arrivals.received(incoming);
    if (incoming.stanza.name !== 'message') return false;
    return this.#invitations.received(incoming) || this.#hearing.received(incoming);
  }
}
