// The room service (XEP-0045): groups of this server as rooms of a component of their own. It takes what comes from
// XMPP and from the group's home, puts events of one room in order, and hands them to the part that knows.

import type {
  RequestPrimitive,
  ResponsePrimitive,
  SendMessageRequest,
  SendMessageResponse,
} from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import { result } from '../../../src/wv/status.ts';
import { BoundedMap } from '../bounded-map.ts';
import { guarded } from '../bridge.ts';
import type { Bridge, StanzaPort } from '../bridge.ts';
import { ChatMemory } from '../chat-memory.ts';
import type { Incoming } from '../component-link.ts';
import { QueueFull } from '../conversation-queue.ts';
import { hasHopped } from '../hop.ts';
import { NS } from '../namespaces.ts';
import { childOf, elementsOf } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { inRoom, refuse, visitOf } from './context.ts';
import type { HostContext, Visit } from './context.ts';
import { isOfHome, RoomInvitations } from './invitations.ts';
import { Joining } from './joining.ts';
import { Leaving } from './leaving.ts';
import { RoomMessages } from './messages.ts';
import type { RoomParts } from './messages.ts';
import { Notices } from './notices.ts';
import { OCCUPANCY } from './occupancy.ts';
import type { Place, PresenceEvent } from './occupancy.ts';
import { query } from './queries.ts';
import { isDeadly } from './refusals.ts';
import { endOfService, Restoring } from './restoring.ts';
import { foldNick, RoomCodec } from './room-addresses.ts';
import { Rooms } from './rooms.ts';

/** No transit from one WV network into another. */
const HOPPED = result(516, 'no second gateway');
/** Rooms remembered as missing. */
const MISSING = 10_000;

export class MucHost {
  readonly invitations: RoomInvitations;
  readonly #context: HostContext;
  readonly #joining: Joining;
  readonly #leaving: Leaving;
  readonly #messages: RoomMessages;
  readonly #notices: Notices;
  readonly #restoring: Restoring;
  #loaded: Promise<void> | undefined;
  #closing = false;

  /** @param users the bridge of the users' component @param link the stream of the groups component */
  constructor(
    users: Bridge,
    link: StanzaPort,
    domain: string,
    parts: RoomParts = { memory: new ChatMemory(users.settings) },
  ) {
    const bridge = { ...users, link };
    const { relay, settings } = bridge;
    const codec = new RoomCodec(relay.homeDomain, domain);
    const rooms = new Rooms(relay.storage, settings.maxRooms);
    this.#context = { bridge, codec, rooms, missing: new BoundedMap(MISSING) };
    this.invitations = new RoomInvitations(this.#context, users);
    this.#joining = new Joining(this.#context, (visit) => this.invitations.accepted(visit));
    this.#leaving = new Leaving(this.#context);
    this.#messages = new RoomMessages(this.#context, parts);
    this.#notices = new Notices(this.#context);
    this.#restoring = new Restoring(this.#context, this.#leaving);
  }

  /** Reads who was in when the last run ended; everything else waits for it. */
  load(): Promise<void> {
    this.#loaded ??= this.#restoring.load().then(() => this.invitations.expire());
    return this.#loaded;
  }

  /** A new stream: whatever the last one did not carry is told now. */
  online(): void {
    guarded(this.#context.bridge, 'comparison of rooms', this.load().then(() => this.#restoring.online())); // prettier-ignore
  }

  offline(): void {
    this.#restoring.offline();
  }

  /** Everybody learns that the service ends (332). */
  async stop(): Promise<void> {
    this.#closing = true;
    this.#restoring.offline();
    await this.load();
    if (this.#context.bridge.link.online) await endOfService(this.#context, this.#leaving);
  }

  // ---- from the relay

  /** Copies of messages to a group. */
  async deliver(request: SendMessageRequest): Promise<SendMessageResponse> {
    await this.load();
    return await this.#messages.deliver(request);
  }

  /** News of groups and invitations; undefined = none of the room service's business. */
  async serve(request: RequestPrimitive): Promise<ResponsePrimitive | undefined> {
    await this.load();
    try {
      switch (request.primitive) {
        case 'GroupChangeNotice':
          return await this.#notices.changed(request);
        case 'LeaveGroupIndication':
          return await this.#leaving.indicated(request);
        case 'InviteRequest':
          return isOfHome(request, this.#context.bridge.relay.homeDomain)
            ? await this.invitations.invite(request)
            : undefined;
        case 'InviteResponse':
          return await this.invitations.answered(request);
        case 'CancelInviteRequest':
          return await this.invitations.cancel(request);
        default:
          return undefined;
      }
    } catch (error) {
      if (error instanceof QueueFull) return status(result(503));
      throw error;
    }
  }

  // ---- from XMPP

  received(incoming: Incoming): void {
    if (this.#closing) return refuse(this.#context, incoming.stanza, result(503));
    if (incoming.stanza.name === 'iq') {
      if (!this.#restoring.answered(incoming)) query(this.#context, incoming);
      return;
    }
    const visit = visitOf(this.#context, incoming);
    if ('code' in visit) return refuse(this.#context, incoming.stanza, visit);
    const what = incoming.stanza.name === 'presence' ? 'presence in a room' : 'message in a room';
    guarded(this.#context.bridge, what, this.#inTurn(visit));
  }

  async #inTurn(visit: Visit): Promise<void> {
    await this.load();
    const { stanza } = visit.incoming;
    try {
      await inRoom(this.#context, visit.roomJid, () =>
        stanza.name === 'presence' ? this.#presence(visit) : this.#message(visit),
      );
    } catch (error) {
      refuse(this.#context, stanza, result(error instanceof QueueFull ? 507 : 500));
      if (!(error instanceof QueueFull)) throw error;
    } finally {
      await this.#closeEmpty(visit);
    }
  }

  /** A join that failed must not keep its room in memory. */
  async #closeEmpty({ roomJid }: Visit): Promise<void> {
    if (this.#context.rooms.get(roomJid)?.occupants.size !== 0) return;
    await inRoom(this.#context, roomJid, async () => {
      const room = this.#context.rooms.get(roomJid);
      if (room !== undefined) await this.#context.rooms.closeEmpty(room);
    });
  }

  async #presence(visit: Visit): Promise<void> {
    const { stanza } = visit.incoming;
    const room = this.#context.rooms.get(visit.roomJid);
    const occupant = room?.occupants.get(visit.jid);
    const event = eventOf(stanza, occupant?.nick, visit.nick);
    if (event === undefined) return this.#drop('unknown_presence');
    if (visit.nick === '' && event !== 'exit' && event !== 'fail') {
      return refuse(this.#context, stanza, result(901, 'no nick'));
    }
    const place: Place =
      occupant === undefined ? 'out' : occupant.resources.has(visit.resource) ? 'in' : 'beside';
    const step = OCCUPANCY[place][event];
    if (step === 'join') {
      return hasHopped(stanza) ? refuse(this.#context, stanza, HOPPED) : await this.#joining.join(visit);
    }
    if (step === 'refuse') return refuse(this.#context, stanza, result(808));
    if (step === 'ignore' || room === undefined || occupant === undefined) return this.#drop('room_presence');
    switch (step) {
      case 'add':
        return await this.#joining.add(room, occupant, visit);
      case 'resync':
        return await this.#joining.resync(room, occupant, visit);
      case 'rename':
        return await this.#joining.rename(room, occupant, visit);
      case 'drop':
        return await this.#leaving.drop(room, occupant, visit.resource);
    }
  }

  async #message(visit: Visit): Promise<void> {
    const { stanza } = visit.incoming;
    const { type } = stanza.attrs;
    const room = this.#context.rooms.get(visit.roomJid);
    const occupant = room?.occupants.get(visit.jid);
    const isIn = occupant?.resources.has(visit.resource) === true;
    if (type === 'error') {
      if (room === undefined || occupant === undefined || !isIn || !isDeadly(conditionOf(stanza))) {
        return this.#drop('room_error');
      }
      return await this.#leaving.drop(room, occupant, visit.resource, { statuses: ['333'] });
    }
    if (elementsOf(stanza).some(({ ns }) => ns === NS.carbons)) return this.#drop('carbon');
    if (hasHopped(stanza)) return refuse(this.#context, stanza, HOPPED);
    if (visit.nick === '' && (await this.invitations.mediated(visit))) return;
    if (room === undefined || occupant === undefined || !isIn) {
      return refuse(this.#context, stanza, result(808, 'not an occupant'));
    }
    if (type === 'groupchat') return await this.#messages.toRoom(room, occupant, visit);
    if (visit.nick === '') return refuse(this.#context, stanza, result(400, 'write groupchat, or to a nick'));
    await this.#messages.whisper(room, occupant, visit);
  }

  #drop(reason: string): void {
    this.#context.bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}

function eventOf(presence: XmlElement, nick: string | undefined, wanted: string): PresenceEvent | undefined {
  const { type } = presence.attrs;
  if (type === 'unavailable') return 'exit';
  if (type === 'error') return 'fail';
  if (type !== undefined) return undefined;
  const isOther = nick !== undefined && foldNick(nick) !== foldNick(wanted);
  if (childOf(presence, 'x', NS.muc) !== undefined) return isOther ? 'enterAs' : 'enter';
  return isOther ? 'rename' : 'show';
}

function conditionOf(error: XmlElement): string {
  const inside = childOf(error, 'error');
  return (
    (inside === undefined ? [] : elementsOf(inside)).find(
      ({ ns, name }) => ns === NS.stanzaError && name !== 'text',
    )?.name ?? 'gone'
  );
}
