// After a restart, and after the stream was away: clients are asked whether they are still there (XEP-0199 from the
// nick they have), the home who else is, and both are told what they missed. No ghost stays on either side (bridging
// section 14, failure modes 3, 13).

import { isSuccess } from '../../../src/wv/status.ts';
import { guarded } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import type { BareJid } from '../jid.ts';
import { ask, inRoom, presenceFor, propertiesOf, tellAll } from './context.ts';
import type { HostContext } from './context.ts';
import { learnPrivileges } from './joining.ts';
import type { Leaving } from './leaving.ts';
import { RollCall } from './roll-call.ts';
import type { Seat } from './roll-call.ts';
import { foldNick, occupantIdOf } from './room-addresses.ts';
import { ownStanding, propertyOf, VISITOR } from './room.ts';
import type { Occupant, Room } from './room.ts';
import type { OccupantRecord } from './rooms.ts';
import { occupantPresence } from './stanzas.ts';

/** The service ended: come back when you like. */
const SERVICE_ENDS = { statuses: ['332'] };

type Left = OccupantRecord & { readonly room: BareJid; readonly jid: BareJid };

export class Restoring {
  readonly #context: HostContext;
  readonly #leaving: Leaving;
  readonly #rollCall: RollCall;
  /** Of an earlier run: neither in nor out. */
  #unsettled: readonly Left[] = [];

  constructor(context: HostContext, leaving: Leaving) {
    this.#context = context;
    this.#leaving = leaving;
    this.#rollCall = new RollCall(context, (seat) => this.#dead(seat));
  }

  async load(): Promise<void> {
    this.#unsettled = await this.#context.rooms.load();
  }

  /** A new stream. */
  async online(): Promise<void> {
    const unsettled = this.#unsettled;
    this.#unsettled = [];
    for (const left of unsettled) await this.#settle(left);
    this.#rollCall.begin();
    for (const { jid } of this.#context.rooms.all()) {
      await inRoom(this.#context, jid, async () => {
        const room = this.#context.rooms.get(jid);
        if (room !== undefined) await this.#compare(room);
      });
    }
  }

  /** The stream ended, or the gateway. */
  offline(): void {
    this.#rollCall.end();
  }

  /** True when the stanza answers one of our questions. */
  answered(incoming: Incoming): boolean {
    return this.#rollCall.answered(incoming);
  }

  /** Half in when we ended: out, on both sides. */
  async #settle({ room: roomJid, jid, user, group, nick, resources, state }: Left): Promise<void> {
    if (state !== 'leaving') {
      for (const resource of resources) {
        const to = resource === '' ? jid : `${jid}/${resource}`;
        const occupantId = occupantIdOf(this.#context.bridge.settings.groupsSecret, roomJid, user);
        const shown = { from: `${roomJid}/${nick}`, to, gone: true, standing: VISITOR, occupantId };
        this.#context.bridge.link.send(occupantPresence({ ...shown, statuses: ['110', '332'] }));
      }
    }
    const answer = await ask(this.#context, user, group, { primitive: 'LeaveGroupRequest' });
    const { code } = answer.result;
    if (isSuccess(answer.result) || code === 800 || code === 808) {
      await this.#context.rooms.forget(roomJid, jid);
    }
  }

  #dead({ room: roomJid, jid, resource }: Seat): void {
    const task = inRoom(this.#context, roomJid, async () => {
      const room = this.#context.rooms.get(roomJid);
      const occupant = room?.occupants.get(jid);
      if (room === undefined || occupant?.resources.has(resource) !== true) return;
      await this.#leaving.drop(room, occupant, resource, SERVICE_ENDS);
    });
    guarded(this.#context.bridge, 'farewell of a client', task);
  }

  /** What the home says of a room, against what clients were shown: they are told the difference. */
  async #compare(room: Room): Promise<void> {
    for (const occupant of room.occupants.values()) {
      const properties = await propertiesOf(this.#context, occupant.user, room.group);
      if ('code' in properties) {
        await this.#leaving.takeOut(room, occupant, SERVICE_ENDS);
        continue;
      }
      const own = ownStanding(room, occupant.user, properties.ownProperties);
      occupant.standing = own.standing;
      occupant.showsId = own.showsId;
      room.topic = propertyOf(properties.properties, 'Topic') ?? '';
    }
    const occupants = [...room.occupants.values()];
    const isMod = ({ standing }: Occupant): boolean => standing.role === 'moderator';
    // One of either kind is enough: all of a kind see the same.
    await this.#compareAs(room, occupants.filter(isMod));
    await this.#compareAs(
      room,
      occupants.filter((occupant) => !isMod(occupant)),
    );
  }

  async #compareAs(room: Room, viewers: readonly Occupant[]): Promise<void> {
    for (const viewer of viewers) {
      const { user, standing } = viewer;
      const answer = await ask(this.#context, user, room.group, { primitive: 'GetJoinedUsersRequest' });
      if (answer.primitive !== 'GetJoinedUsersResponse') {
        await this.#leaving.takeOut(room, viewer, SERVICE_ENDS);
        continue;
      }
      const names = new Set(answer.joined.map(({ screenName }) => foldNick(screenName)));
      for (const other of viewers) {
        if (!names.has(foldNick(other.nick))) await this.#leaving.takeOut(room, other, SERVICE_ENDS);
      }
      if (standing.role === 'moderator') await learnPrivileges(this.#context, room, viewer);
      return await this.#difference(room, answer.joined, standing.role === 'moderator');
    }
  }

  async #difference(
    room: Room,
    joined: readonly { readonly screenName: string }[],
    isMod: boolean,
  ): Promise<void> {
    const names = new Set(joined.map(({ screenName }) => foldNick(screenName)));
    const untold = new Map(room.untold);
    room.untold.clear();
    const shown = [...untold.values()].map((nick) => room.presentAs(nick) ?? { nick });
    const known = new Map([...shown, ...room.present.values()].map((each) => [foldNick(each.nick), each]));
    const gone = [...known].filter(([folded]) => !names.has(folded)).map(([, each]) => each);
    const came = joined.filter(
      ({ screenName }) => room.presentAs(screenName) === undefined || untold.has(foldNick(screenName)),
    );
    await this.#context.rooms.forgetNames(
      room,
      gone.map(({ nick }) => nick),
    );
    for (const mapping of joined) room.enter(mapping, isMod);
    await this.#context.rooms.writeNames(
      room,
      came.map(({ screenName }) => screenName),
    );
    const context = this.#context;
    const present = came.flatMap(({ screenName }) => room.presentAs(screenName) ?? []);
    const isWritten = await tellAll(context, room.occupants.values(), (viewer, resource) => [
      ...gone.map((about) => presenceFor(context, room, about, viewer, resource, { gone: true })),
      ...present.map((about) => presenceFor(context, room, about, viewer, resource)),
    ]);
    if (isWritten) return;
    for (const { nick } of [...gone, ...present]) room.untold.set(foldNick(nick), nick);
  }
}

/** All of a user's clients, before this service ends. */
export async function endOfService(context: HostContext, leaving: Leaving): Promise<void> {
  for (const room of context.rooms.all()) {
    for (const occupant of room.occupants.values()) {
      await context.rooms.write(room, occupant.jid, 'leaving', occupant);
      const self = room.presentAs(occupant.nick) ?? { nick: occupant.nick };
      const extras = { gone: true, statuses: ['110', '332'] };
      const told = await tellAll(context, [occupant], (viewer, resource) => [
        presenceFor(context, room, self, viewer, resource, extras),
      ]);
      if (!told) return;
    }
  }
  for (const room of context.rooms.all()) {
    for (const occupant of room.occupants.values()) {
      room.remove(occupant.jid);
      await leaving.leaveHome(room, occupant);
    }
  }
}
