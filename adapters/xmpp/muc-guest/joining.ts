// JoinGroup and LeaveGroup of rooms of other servers, and who wants to be told of changes (XEP-0045 section 7.2).

import { status } from '../../../src/wv/primitives.ts';
import type {
  GetGroupSubStatusResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  MetaInfo,
  Status,
  SubscribeGroupChangeRequest,
  UnsubscribeGroupChangeRequest,
} from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { Bridge } from '../bridge.ts';
import type { IqRequests } from '../iq-requests.ts';
import { NS } from '../namespaces.ts';
import { xml } from '../xml.ts';
import { clientOf } from './guests.ts';
import type { Guests, Place } from './guests.ts';
import { nextNick, ownNick, wishedNick } from './names.ts';
import { listFor } from './people.ts';
import { NO_CLIENT } from './room.ts';
import type { Guest } from './room.ts';
import { puppetJid } from './stanzas.ts';

/** Nicks tried for a user without a wish of his own. */
const MAX_TRIES = 9;

export class Joining {
  readonly #bridge: Bridge;
  readonly #guests: Guests;
  readonly #iq: IqRequests;

  constructor(bridge: Bridge, guests: Guests, iq: IqRequests) {
    this.#bridge = bridge;
    this.#guests = guests;
    this.#iq = iq;
  }

  /** 402, 503, 504, 817 and what the room says (codes.ts). A user who is in already shares his occupant. */
  async join(place: Place, request: JoinGroupRequest): Promise<JoinGroupResponse | Status> {
    const wish = wishedNick(request.screenName);
    if (wish === undefined) return status(result(402, 'Unfit screen name'));
    const present = this.#guests.find(place.userJid, place.roomJid);
    const staying = present?.state === 'in' || present?.state === 'rejoining' ? present : undefined;
    const guest = staying ?? (await this.#enter(place, request, wish));
    if ('code' in guest) return status(guest);
    guest.clients.set(clientOf(request.meta), request.subscribe);
    guest.toldNick = guest.nick;
    await this.#guests.save(guest);
    return {
      primitive: 'JoinGroupResponse',
      result: OK,
      screenName: guest.nick,
      ...(request.wantsJoinedList ? { joined: listFor(this.#bridge, guest.room, guest) } : {}),
    };
  }

  async #enter(place: Place, request: JoinGroupRequest, wish: string): Promise<Guest | Result> {
    const { link, relay } = this.#bridge;
    if (!link.writable) return result(503);
    const nick = wish === '' ? await ownNick(relay, place.user) : wish;
    const guest = await this.#guests.enter(place, nick, clientOf(request.meta), request.subscribe);
    if (guest === undefined) return result(817);
    return (await this.#ask(guest, wish === '' ? MAX_TRIES : 1)) ?? guest;
  }

  /** Undefined: he is in. */
  async #ask(guest: Guest, tries: number): Promise<Result | undefined> {
    const started = this.#bridge.relay.clock.now();
    for (let left = tries; ; guest.nick = nextNick(guest.nick)) {
      left -= 1;
      const outcome = await this.#guests.ask(guest, started);
      if (!('refused' in outcome)) return outcome.created ? await this.#created(guest) : undefined;
      if (guest.state !== 'joining') return outcome.refused;
      if (left > 0) continue;
      this.#guests.happened(guest, 'refused', outcome);
      return outcome.refused;
    }
  }

  /** A room that nobody had: it stays only where the operator wants that, with the settings its service gives it. */
  async #created(guest: Guest): Promise<Result | undefined> {
    if (this.#bridge.settings.createRooms && (await this.#unlock(guest))) return undefined;
    await this.#guests.leave(guest);
    return result(800);
  }

  /** The room ended with its service, and he who comes back is the first: the others shall find it open. */
  async reopen(guest: Guest): Promise<void> {
    if (!(await this.#unlock(guest))) this.#guests.happened(guest, 'evicted');
  }

  /** Takes the settings that the service gives a new room (XEP-0045 section 10.1.2); until then nobody else gets in. */
  async #unlock(guest: Guest): Promise<boolean> {
    const form = xml(NS.dataForm, 'x', { type: 'submit' });
    const query = xml(NS.mucOwner, 'query', {}, form);
    const answer = await this.#iq.ask(puppetJid(guest.userJid), guest.room.jid, 'set', query);
    return !('error' in answer);
  }

  /** 808. The occupant leaves with the last client; a request that names no client means them all. */
  async leave(place: Place, { meta }: LeaveGroupRequest): Promise<Status> {
    const guest = this.#joined(place);
    if (guest === undefined) return status(result(808));
    if (meta.clientId === undefined) guest.clients.clear();
    else if (!guest.clients.delete(meta.clientId) && !guest.clients.has(NO_CLIENT))
      return status(result(808));
    if (guest.clients.size === 0) await this.#guests.leave(guest);
    else await this.#guests.save(guest);
    return status(OK);
  }

  async subscribe(
    place: Place,
    { meta, primitive }: SubscribeGroupChangeRequest | UnsubscribeGroupChangeRequest,
  ): Promise<Status> {
    const guest = this.#joined(place);
    const client = clientOf(meta);
    if (guest?.clients.has(client) !== true) return status(result(808));
    guest.clients.set(client, primitive === 'SubscribeGroupChangeRequest');
    await this.#guests.save(guest);
    return status(OK);
  }

  subscription(place: Place, meta: MetaInfo): GetGroupSubStatusResponse | Status {
    const subscribed = this.#joined(place)?.clients.get(clientOf(meta));
    if (subscribed === undefined) return status(result(808));
    return { primitive: 'GetGroupSubStatusResponse', result: OK, subscribed };
  }

  #joined({ userJid, roomJid }: Place): Guest | undefined {
    const guest = this.#guests.find(userJid, roomJid);
    return guest?.state === 'in' || guest?.state === 'rejoining' ? guest : undefined;
  }
}
