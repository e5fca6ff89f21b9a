// Groups of this server as rooms of Matrix (bridging.md 7): it takes what comes from Matrix and from the group's home and
// hands it to the part that knows. Events of one room come one after another; requests of the home take their turn there.

import { domainOf } from '../../../src/wv/address.ts';
import type { Party } from '../../../src/wv/message.ts';
import { status } from '../../../src/wv/primitives.ts';
import type {
  GroupChangeNotice,
  LeaveGroupIndication,
  RequestPrimitive,
  ResponsePrimitive,
  SendMessageRequest,
} from '../../../src/wv/primitives.ts';
import { OK } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { HomeserverError, resultOf } from '../errors.ts';
import { text } from '../events.ts';
import type { RoomEvent } from '../events.ts';
import type { MatrixUserId } from '../ids.ts';
import { NotNow, reasonOf } from '../inbox.ts';
import { announce, ask, tried } from './context.ts';
import type { HostContext } from './context.ts';
import { HostInvitations } from './invitations.ts';
import { Making } from './making.ts';
import { Masks } from './masks.ts';
import { HostMessages } from './messages.ts';
import { People } from './people.ts';
import { memberOf } from './rooms.ts';
import type { HostRoom } from './rooms.ts';
import { Ruling } from './ruling.ts';

const DELETED = 'The group was deleted.';
/** After this a comparison with a group's home that was not possible is tried again, in ms. */
const COMPARE_AGAIN_MS = 30_000;

export class GroupHost {
  readonly #context: HostContext;
  readonly #making: Making;
  readonly #masks: Masks;
  readonly #people: People;
  readonly #messages: HostMessages;
  readonly #ruling: Ruling;
  readonly #invitations: HostInvitations;
  #cancel: () => void = () => undefined;
  #stopped = false;

  constructor(context: HostContext, maxRooms: number) {
    this.#context = context;
    this.#making = new Making(context, maxRooms);
    this.#masks = new Masks(context);
    this.#invitations = new HostInvitations(context, this.#making);
    this.#people = new People(context, this.#masks, this.#invitations);
    this.#messages = new HostMessages(context, this.#masks);
    this.#ruling = new Ruling(context, this.#masks, this.#making);
  }

  async load(): Promise<void> {
    await this.#context.rooms.load();
  }

  /** The homeserver is there (again): who is in which group is compared with its home. */
  online(): void {
    this.#cancel();
    void Promise.all(this.#context.rooms.all().map((room) => this.#compare(room))).then((done) => {
      if (this.#stopped || done.every(Boolean)) return;
      this.#cancel = this.#context.relay.clock.after(COMPARE_AGAIN_MS, () => this.online());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** True when one of our aliases names a group, whose room is there now. Rejects with HomeserverError. */
  async aliasExists(alias: string): Promise<boolean> {
    const group = this.#context.names.groupOfAlias(alias);
    return group !== undefined && (await this.#making.room(group)) !== undefined;
  }

  // ---- from Matrix

  /** True when the event was in the room of a group. */
  async handle(event: RoomEvent, attempt: number): Promise<boolean> {
    if (event.type === 'm.room.create') return await this.#making.adopt(event);
    const room = this.#context.rooms.byId(event.room);
    if (room === undefined) return await this.#openedWhisper(event);
    switch (event.type) {
      case 'm.room.message':
      case 'm.sticker':
        await this.#messages.heard(room, event, attempt);
        break;
      case 'm.room.member':
        await this.#member(room, event, attempt);
        break;
      case 'm.room.name':
      case 'm.room.topic':
        await this.#ruling.property(room, event, attempt);
        break;
      case 'm.room.power_levels':
        await this.#ruling.levels(room, event, attempt);
        break;
      default:
    }
    return true;
  }

  async #member(room: HostRoom, event: RoomEvent, attempt: number): Promise<void> {
    const { addresses, names } = this.#context;
    const membership = text(event.content, 'membership');
    const target = event.stateKey as MatrixUserId | undefined;
    if (target === undefined || target === addresses.bot) return;
    if (membership === 'invite' && addresses.isOurs(target) && !names.isMask(target)) {
      return await this.#invitations.ofGhost(room, target, event.sender);
    }
    if (membership === 'join' && target === event.sender)
      return await this.#people.joined(room, event, attempt);
    if (membership !== 'leave' && membership !== 'ban') return;
    const isMember = room.members.has(target) || names.isMask(target);
    if (target !== event.sender && membership === 'leave' && !isMember) {
      return await this.#ruling.pardoned(room, event.sender, target);
    }
    if (
      target !== event.sender &&
      !(await this.#ruling.removed(room, event, attempt)) &&
      names.isMask(target)
    )
      return;
    if (!room.members.has(target)) return await this.#invitations.declined(room, target);
    await this.#people.left(room, target, attempt);
  }

  /** A user of Matrix who is in a group invites the ghost of a screen name to a chat of two. */
  async #openedWhisper({ type, room, sender, stateKey = '', content }: RoomEvent): Promise<boolean> {
    const { names, rooms, client, whispers } = this.#context;
    if (type !== 'm.room.member' || text(content, 'membership') !== 'invite' || !names.isMask(stateKey))
      return false;
    const ghost = stateKey as MatrixUserId;
    const mask = await this.#masks.behind(ghost);
    const member = mask === undefined ? undefined : rooms.byGroup(mask.group)?.members.get(sender);
    if (mask === undefined || member?.state !== 'in') return false;
    const isIn = await tried(this.#context, 'an invitation', () => client.join(ghost, room));
    const who = { ghost, peer: sender, group: mask.group, ghostName: mask.name, peerName: member.name };
    if (isIn) await whispers.opened(who, room);
    return true;
  }

  // ---- from the relay

  deliver({ message }: SendMessageRequest, recipient: Party): Promise<Result> {
    return this.#messages.deliver(message, recipient);
  }

  /** News of groups and invitations; undefined: about none of ours. */
  async serve(request: RequestPrimitive): Promise<ResponsePrimitive | undefined> {
    try {
      switch (request.primitive) {
        case 'GroupChangeNotice':
          return await this.#changed(request);
        case 'LeaveGroupIndication':
          return await this.#indicated(request);
        case 'InviteRequest':
          return await this.#invitations.invite(request);
        case 'InviteResponse':
          return this.#invitations.answered(request);
        case 'CancelInviteRequest':
          return await this.#invitations.cancel(request);
        default:
          return undefined;
      }
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      return status(resultOf(error));
    }
  }

  async #changed(notice: GroupChangeNotice): Promise<ResponsePrimitive | undefined> {
    if (domainOf(notice.group) !== this.#context.relay.homeDomain) return undefined;
    const room = this.#context.rooms.byGroup(notice.group);
    for (const user of notice.recipients) {
      if (room !== undefined && memberOf(room, user) !== undefined) continue;
      // The home takes somebody for joined who is not in our room: he would stay for ever.
      await ask(this.#context, user, notice.group, { primitive: 'LeaveGroupRequest' });
    }
    if (room === undefined) return status(OK);
    await this.#inTurn(room, async () => {
      const gone = notice.left.flatMap(({ screenName }) => room.shown.get(screenName.toLowerCase()) ?? []);
      const back = new Set(notice.joined.map(({ screenName }) => screenName.toLowerCase()));
      await this.#masks.hide(
        room,
        gone.filter(({ name }) => !back.has(name.toLowerCase())),
      );
      await this.#masks.show(room, notice.joined);
      if (notice.properties !== undefined) await this.#making.show(room, notice.properties);
    });
    return status(OK);
  }

  async #indicated(indication: LeaveGroupIndication): Promise<ResponsePrimitive | undefined> {
    const { group, users, result: reason } = indication;
    if (domainOf(group) !== this.#context.relay.homeDomain) return undefined;
    const room = this.#context.rooms.byGroup(group);
    if (room === undefined) return status(OK);
    await this.#inTurn(room, async () => {
      const isOver = reason.code === 800;
      // The door first: nobody shall come in while the others are put out.
      if (isOver) await this.#shut(room);
      const named =
        users.length === 0 ? [...room.members.values()] : users.flatMap((user) => memberOf(room, user) ?? []);
      for (const member of named) {
        await this.#people.expelled(room, member, isOver ? { ...reason, description: DELETED } : reason);
      }
      if (isOver && room.members.size === 0) await this.#end(room);
    });
    return status(OK);
  }

  async #shut(room: HostRoom): Promise<void> {
    const { calls, addresses, names } = this.#context;
    const alias = names.aliasOf(room.group)?.alias;
    const rule = { join_rule: 'invite' };
    await tried(this.#context, 'a join rule', () =>
      calls.setState(addresses.bot, room.id, 'm.room.join_rules', rule),
    );
    if (alias !== undefined) {
      await tried(this.#context, 'an alias', () => calls.removeAlias(addresses.bot, alias));
    }
    await tried(this.#context, 'a notice', () => announce(this.#context, room, 'deleted', DELETED));
  }

  /** The group is gone: nothing of it stays (there is no successor, so no tombstone). */
  async #end(room: HostRoom): Promise<void> {
    const { addresses, rooms, client } = this.#context;
    await this.#masks.hide(room, [...room.shown.values()]);
    await tried(this.#context, 'a leave', () => client.leave(addresses.bot, room.id));
    await rooms.remove(room);
  }

  /** False: not possible now. Never rejects. */
  async #compare(room: HostRoom): Promise<boolean> {
    const { relay } = this.#context;
    try {
      await this.#inTurn(room, () => this.#people.compare(room));
      return true;
    } catch (error) {
      if (error instanceof NotNow || (error instanceof HomeserverError && error.transient)) return false;
      relay.log.error({ room: room.id, error: reasonOf(error) }, 'matrix: a comparison failed');
      return true;
    }
  }

  #inTurn(room: HostRoom, work: () => Promise<void>): Promise<void> {
    return this.#context.queues.run(room.id, work);
  }
}
