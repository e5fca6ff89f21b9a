// Going out of a room (XEP-0045 sections 7.14, 8.2, 9.1, 10.9): by oneself, because a client is dead, expelled, banned,
// or because the group or the service ends. Only the dead client is dropped (bridging section 14, failure modes 3, 12).

import type { LeaveGroupIndication, Status } from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { ask, inRoom, occupantOf, presenceFor, propertiesOf, tellAll } from './context.ts';
import type { HostContext } from './context.ts';
import { foldNick } from './room-addresses.ts';
import { propertyOf, VISITOR } from './room.ts';
import type { Occupant, Removal, Room } from './room.ts';
import type { OccupantPresence } from './stanzas.ts';

type Farewell = Partial<Pick<OccupantPresence, 'statuses' | 'actor' | 'reason' | 'destroyed' | 'standing'>>;

/** The home's answers after which nobody is in there any more. */
const OUTSIDE: ReadonlySet<number> = new Set([800, 808]);

export class Leaving {
  readonly #context: HostContext;

  constructor(context: HostContext) {
    this.#context = context;
  }

  /** One client goes; with the last one the user. */
  async drop(room: Room, occupant: Occupant, resource: string, farewell: Farewell = {}): Promise<void> {
    const { rooms } = this.#context;
    const statuses = ['110', ...(farewell.statuses ?? [])];
    const self = room.presentAs(occupant.nick) ?? { nick: occupant.nick };
    const gone = { ...farewell, gone: true, statuses };
    this.#context.bridge.link.send(presenceFor(this.#context, room, self, occupant, resource, gone));
    occupant.resources.delete(resource);
    if (occupant.resources.size > 0) return await rooms.write(room, occupant.jid, 'in', occupant);
    await rooms.write(room, occupant.jid, 'leaving', occupant);
    room.remove(occupant.jid);
    await this.leaveHome(room, occupant);
  }

  /** Tells the home. What it could not be told stays on disk, and is told after the next start. */
  async leaveHome(room: Room, { user, jid, nick }: Occupant): Promise<void> {
    const { rooms, bridge } = this.#context;
    const answer = await ask(this.#context, user, room.group, { primitive: 'LeaveGroupRequest' });
    await rooms.forgetNames(room, [nick]);
    if (isSuccess(answer.result) || OUTSIDE.has(answer.result.code)) return await rooms.remove(room, jid);
    bridge.relay.log.warn({ code: answer.result.code }, 'XMPP gateway: a room could not be left at its home');
    await rooms.closeEmpty(room);
  }

  /** The home put users out, or ended the group. No users named: all of ours. */
  async indicated(indication: LeaveGroupIndication): Promise<Status> {
    const roomJid = this.#context.codec.roomJid(indication.group);
    if (isUnmappable(roomJid)) return status(result(roomJid.unmappable, roomJid.reason));
    await inRoom(this.#context, roomJid, async () => {
      const room = this.#context.rooms.get(roomJid);
      if (room === undefined) return;
      const users = indication.users.length === 0 ? [...room.occupants.values()].map(({ user }) => user) : indication.users; // prettier-ignore
      for (const user of users) await this.#out(room, user, indication.result.code);
    });
    return status(OK);
  }

  async #out(room: Room, user: UserAddress, code: number): Promise<void> {
    const occupant = occupantOf(this.#context, room, user);
    if (occupant === undefined) return;
    await this.takeOut(room, occupant, await this.#reason(room, occupant, code));
  }

  /** All clients of a user, whom the home has taken out already. */
  async takeOut(room: Room, occupant: Occupant, farewell: Farewell): Promise<void> {
    const self = room.presentAs(occupant.nick) ?? { nick: occupant.nick };
    const gone = { ...farewell, gone: true, statuses: ['110', ...(farewell.statuses ?? [])] };
    await tellAll(this.#context, [occupant], (viewer, resource) => [
      presenceFor(this.#context, room, self, viewer, resource, gone),
    ]);
    room.present.delete(foldNick(occupant.nick));
    await this.#context.rooms.forgetNames(room, [occupant.nick]);
    await this.#context.rooms.remove(room, occupant.jid);
  }

  async #reason(room: Room, occupant: Occupant, code: number): Promise<Farewell> {
    if (code === 800) {
      return { destroyed: room.destruction ?? { reason: '', alternate: '' }, standing: VISITOR };
    }
    if (code !== 809) return {};
    const known = room.removals.get(foldNick(occupant.nick));
    return known === undefined ? await this.#guess(room, occupant) : farewellOf(known);
  }

  /**
   * WV says expelled (809) whatever it was. Who was a member and is none lost his membership; everybody else is on the
   * reject list, for there is no other way to expel.
   */
  async #guess(room: Room, { user, standing }: Occupant): Promise<Farewell> {
    const properties = await propertiesOf(this.#context, user, room.group);
    if ('code' in properties) return { statuses: ['307'] };
    const isMember = propertyOf(properties.ownProperties, 'IsMember') === 'T';
    if (standing.affiliation === 'none' || isMember)
      return farewellOf({ status: '301', actor: '', reason: '' });
    const closed = propertyOf(properties.properties, 'Accesstype') === 'Restricted';
    return farewellOf({ status: closed ? '321' : '307', actor: '', reason: '' });
  }
}

/** What the victim and the others are told of a removal. */
export function farewellOf({ status: code, actor, reason }: Removal): Farewell {
  return {
    statuses: [code],
    reason,
    ...(actor === '' ? {} : { actor }),
    standing: { affiliation: code === '301' ? 'outcast' : 'none', role: 'none' },
  };
}
