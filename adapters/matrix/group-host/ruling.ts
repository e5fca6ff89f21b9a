// What users of Matrix with rights do to the room of a group (bridging.md 7.2, 14 row 8): it is asked for at the group's
// home in their name; what the home refuses is undone in the room, and said.

import type { UserAddress } from '../../../src/wv/ids.ts';
import { isSuccess, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { text } from '../events.ts';
import type { RoomEvent } from '../events.ts';
import type { MatrixUserId } from '../ids.ts';
import { changeLevels, levelOf, LEVELS, privilegeOf, readLevels } from '../power-levels.ts';
import type { Privilege } from '../power-levels.ts';
import { announce, ask, askInTurn, propertiesOf, tried } from './context.ts';
import type { HostContext } from './context.ts';
import type { Making } from './making.ts';
import type { Masks } from './masks.ts';
import type { HostRoom, Member } from './rooms.ts';

const PROPERTIES: Readonly<Record<string, readonly [property: string, field: string]>> = {
  'm.room.topic': ['Topic', 'topic'],
  'm.room.name': ['Name', 'name'],
};

export class Ruling {
  readonly #context: HostContext;
  readonly #masks: Masks;
  readonly #making: Making;

  constructor(context: HostContext, masks: Masks, making: Making) {
    this.#context = context;
    this.#masks = masks;
    this.#making = making;
  }

  /** A name or topic. */
  async property(room: HostRoom, event: RoomEvent, attempt: number): Promise<void> {
    const [name, field] = PROPERTIES[event.type] ?? ['', ''];
    const member = room.members.get(event.sender);
    if (event.stateKey !== '' || name === '') return;
    const value = (text(event.content, field) ?? '').trim();
    const request = { primitive: 'SetGroupPropsRequest', properties: [{ name, value }] } as const;
    const outcome =
      member === undefined
        ? result(808)
        : (await askInTurn(this.#context, member.user, room.group, request, attempt)).result;
    if (isSuccess(outcome)) return;
    const properties = await propertiesOf(this.#context, member?.user ?? this.#context.self, room.group);
    if (!('code' in properties)) await this.#making.show(room, [EMPTY_TOPIC, ...properties.properties]);
    await this.#say(room, event, `${name} was not changed`, outcome);
  }

  /** Somebody was kicked or banned by a user of Matrix. True: the home agrees. */
  async removed(room: HostRoom, event: RoomEvent, attempt: number): Promise<boolean> {
    const target = event.stateKey as MatrixUserId;
    const actor = room.members.get(event.sender);
    const isBan = text(event.content, 'membership') === 'ban';
    const user = actor === undefined ? undefined : await this.#userOf(room, target, actor);
    const outcome =
      actor === undefined || user === undefined
        ? result(actor === undefined ? 808 : 531)
        : await this.#reject(room, actor, user, isBan, attempt);
    if (isSuccess(outcome)) return true;
    await this.#bringBack(room, target, isBan);
    await this.#say(room, event, 'Nobody was put out', outcome);
    return false;
  }

  /** A pardon: off the reject list. */
  async pardoned(room: HostRoom, actor: MatrixUserId, target: MatrixUserId): Promise<void> {
    const [member, user] = [room.members.get(actor), this.#context.addresses.addressOf(target)];
    if (member === undefined || user === undefined) return;
    await ask(this.#context, member.user, room.group, {
      primitive: 'RejectListRequest',
      add: [],
      remove: [user],
    });
  }

  /** Other power levels: each is asked for as a privilege; if one is refused, all are as the home says. */
  async levels(room: HostRoom, event: RoomEvent, attempt: number): Promise<void> {
    const actor = room.members.get(event.sender);
    const wanted = readLevels(event.content);
    const now = actor === undefined ? undefined : await this.#privileges(room, actor);
    const undone: [MatrixUserId, number][] = [];
    let refusal: Result = result(816);
    for (const member of room.members.values()) {
      const wish = privilegeOf(levelOf(wanted, member.id));
      const has = now?.get(member.user) ?? 'User';
      if (now !== undefined && wish === has) continue;
      const outcome = actor === undefined ? refusal : await this.#grant(room, actor, member, wish, attempt);
      if (isSuccess(outcome)) continue;
      refusal = outcome;
      if (now !== undefined) undone.push([member.id, LEVELS[has]]);
    }
    if (undone.length === 0) return;
    const { calls, addresses } = this.#context;
    const content = changeLevels(event.content, undone);
    await tried(this.#context, 'a power level', () =>
      calls.setState(addresses.bot, room.id, 'm.room.power_levels', content),
    );
    await this.#say(room, event, 'The rights were not changed', refusal);
  }

  async #grant(
    room: HostRoom,
    actor: Member,
    { user }: Member,
    wish: Privilege,
    attempt: number,
  ): Promise<Result> {
    const none = { admins: [], moderators: [], users: [] };
    const named = { Admin: { admins: [user] }, Mod: { moderators: [user] }, User: { users: [user] } }[wish];
    const request = { primitive: 'MemberAccessRequest', ...none, ...named } as const;
    return (await askInTurn(this.#context, actor.user, room.group, request, attempt)).result;
  }

  /** Undefined: he may not know. */
  async #privileges(room: HostRoom, actor: Member): Promise<ReadonlyMap<UserAddress, Privilege> | undefined> {
    const answer = await ask(this.#context, actor.user, room.group, { primitive: 'GetGroupMemberRequest' });
    if (answer.primitive !== 'GetGroupMemberResponse') return undefined;
    return new Map<UserAddress, Privilege>([
      ...answer.users.map((user) => [user, 'User'] as const),
      ...answer.moderators.map((user) => [user, 'Mod'] as const),
      ...answer.admins.map((user) => [user, 'Admin'] as const),
    ]);
  }

  /** Rejected, and for a kick pardoned in the same step: WV has no other way to expel who is no member. */
  async #reject(
    room: HostRoom,
    actor: Member,
    user: UserAddress,
    isBan: boolean,
    attempt: number,
  ): Promise<Result> {
    const request = { primitive: 'RejectListRequest', add: [user], remove: isBan ? [] : [user] } as const;
    return (await askInTurn(this.#context, actor.user, room.group, request, attempt)).result;
  }

  /** Who is behind a member of the room, as far as the actor may know. */
  async #userOf(room: HostRoom, target: MatrixUserId, actor: Member): Promise<UserAddress | undefined> {
    const { names, addresses } = this.#context;
    if (!names.isMask(target)) return addresses.addressOf(target);
    const shown = [...room.shown.values()].find(({ ghost }) => ghost === target);
    const answer = await ask(this.#context, actor.user, room.group, { primitive: 'GetJoinedUsersRequest' });
    if (shown === undefined || answer.primitive !== 'GetJoinedUsersResponse') return undefined;
    const wanted = shown.name.toLowerCase();
    return answer.joined.find(({ screenName }) => screenName.toLowerCase() === wanted)?.user;
  }

  async #bringBack(room: HostRoom, target: MatrixUserId, isBan: boolean): Promise<void> {
    const { names, calls, addresses } = this.#context;
    if (names.isMask(target)) return await this.#masks.back(room, target);
    if (isBan)
      await tried(this.#context, 'a pardon', () => calls.act(addresses.bot, room.id, 'unban', target));
    await tried(this.#context, 'an invitation', () => calls.act(addresses.bot, room.id, 'invite', target));
  }

  async #say(room: HostRoom, event: RoomEvent, what: string, { code }: Result): Promise<void> {
    const why = code === 816 ? 'you do not have the right in this group' : `the group refused it (${code})`;
    await announce(this.#context, room, `undone ${event.id}`, `${what}: ${why}.`);
  }
}

const EMPTY_TOPIC = { name: 'Topic', value: '' } as const;
