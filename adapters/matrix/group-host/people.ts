// Users of Matrix who come into the room of a group, and go (bridging.md 7.2, 7.3): the group's home decides, and whoever
// it does not let in is put out again, with the reason.

import type { UserAddress } from '../../../src/wv/ids.ts';
import type { JoinGroupResponse } from '../../../src/wv/primitives.ts';
import { isSuccess } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { text } from '../events.ts';
import type { RoomEvent } from '../events.ts';
import { cleanName } from '../ghosts.ts';
import { localpartOf } from '../ids.ts';
import type { MatrixUserId } from '../ids.ts';
import { changeLevels, CREATOR_LEVEL, LEVELS } from '../power-levels.ts';
import { announce, askInTurn, propertiesOf, putOut, tried, valueOf } from './context.ts';
import type { HostContext } from './context.ts';
import type { HostInvitations } from './invitations.ts';
import type { Masks } from './masks.ts';
import type { HostRoom, Member } from './rooms.ts';
import { groupOwner } from '../../../src/wv/address.ts';

/** Names tried for somebody whose display name another has in the group. */
const MAX_TRIES = 9;
/** Longest screen name. */
const MAX_NAME = 50;

/** Why somebody is not let in, for people. */
const REASONS: Partial<Record<number, string>> = {
  800: 'The group does not exist any more.',
  803: 'The group is restricted to its members.',
  809: 'You are on the reject list of the group.',
  810: 'The group is restricted to its members.',
  811: 'Your name is already in use in the group.',
  817: 'The group is full.',
};

export class People {
  readonly #context: HostContext;
  readonly #masks: Masks;
  readonly #invitations: HostInvitations;

  constructor(context: HostContext, masks: Masks, invitations: HostInvitations) {
    this.#context = context;
    this.#masks = masks;
    this.#invitations = invitations;
  }

  /** A join, or another display name of one who is in. */
  async joined(room: HostRoom, event: RoomEvent, attempt: number): Promise<void> {
    const id = event.sender;
    const wish = wishOf(event);
    const user = this.#context.addresses.addressOf(id);
    if (user === undefined)
      return await putOut(this.#context, room, id, 'Users of other bridges are not bridged.');
    const known = room.members.get(id);
    if (known?.state === 'in') return await this.#renamed(room, known, wish, attempt);
    await this.enter(room, { id, user, state: 'joining', name: wish }, attempt);
    if (room.members.has(id)) await this.#invitations.accepted(room, id, user);
  }

  /** Joins the home, perhaps once more. */
  async enter(room: HostRoom, member: Member, attempt: number): Promise<void> {
    const { rooms } = this.#context;
    // First on disk: were we to end now, the home would be asked again.
    await rooms.save(room, { ...member, state: 'joining' });
    const answer = await this.#join(room, member.user, member.name, attempt);
    if ('code' in answer) {
      await rooms.forget(room, member.id);
      const reason = REASONS[answer.code] ?? `The group did not let you in (${answer.code}).`;
      return await putOut(this.#context, room, member.id, reason);
    }
    await rooms.save(room, { ...member, state: 'in', name: answer.screenName ?? member.name });
    await this.#masks.match(room, answer.joined ?? []);
    await this.#raise(room, member);
    if (answer.welcomeNote !== undefined && answer.welcomeNote !== '' && member.state === 'joining') {
      await announce(this.#context, room, `welcome ${member.id}`, answer.welcomeNote);
    }
  }

  /** Left, kicked or banned: he is out of the group, too. */
  async left(room: HostRoom, id: MatrixUserId, attempt: number): Promise<void> {
    const member = room.members.get(id);
    if (member === undefined) return;
    await askInTurn(this.#context, member.user, room.group, { primitive: 'LeaveGroupRequest' }, attempt);
    await this.#context.rooms.forget(room, id);
    await this.#emptied(room);
  }

  /** The home has put him out. */
  async expelled(room: HostRoom, member: Member, { code, description }: Result): Promise<void> {
    await this.#context.rooms.forget(room, member.id);
    const why = code === 809 ? 'You were put out of the group.' : 'You have left the group.';
    await putOut(this.#context, room, member.id, description ?? why);
    await this.#emptied(room);
  }

  /** Nobody of Matrix is left: nobody tells us any more who is in, so nobody is shown. */
  async #emptied(room: HostRoom): Promise<void> {
    if (room.members.size === 0) await this.#masks.match(room, []);
  }

  async #join(
    { group }: HostRoom,
    user: UserAddress,
    wish: string,
    attempt: number,
  ): Promise<JoinGroupResponse | Result> {
    for (let n = 1; ; n++) {
      const screenName = n === 1 ? wish : `${wish} (${n})`;
      const request = {
        primitive: 'JoinGroupRequest',
        screenName,
        wantsJoinedList: true,
        subscribe: true,
      } as const;
      const answer = await askInTurn(this.#context, user, group, request, attempt);
      if (answer.primitive === 'JoinGroupResponse' && isSuccess(answer.result)) {
        return { ...answer, screenName: answer.screenName ?? screenName };
      }
      if (answer.result.code !== 811 || n >= MAX_TRIES) return answer.result;
    }
  }

  async #renamed(room: HostRoom, member: Member, wish: string, attempt: number): Promise<void> {
    if (wish === member.name) return;
    const answer = await this.#join(room, member.user, wish, attempt);
    if (!('code' in answer)) {
      return await this.#context.rooms.save(room, { ...member, name: answer.screenName ?? wish });
    }
    const words = `In the group you are still called ${member.name}: the new name was refused.`;
    await announce(this.#context, room, `name ${member.id} ${wish}`, words);
  }

  /** His privilege in the group becomes his power level. */
  async #raise(room: HostRoom, { id, user }: Member): Promise<void> {
    const { calls, addresses } = this.#context;
    const properties = await propertiesOf(this.#context, user, room.group);
    if ('code' in properties) return;
    const privilege = valueOf(properties.ownProperties, 'PrivilegeLevel');
    const wanted =
      groupOwner(room.group) === user
        ? CREATOR_LEVEL
        : privilege === 'Admin' || privilege === 'Mod'
          ? LEVELS[privilege]
          : LEVELS.User;
    const content = (await calls.state(addresses.bot, room.id, 'm.room.power_levels')) ?? {};
    const levels = content['users'] as Readonly<Record<string, unknown>> | undefined;
    if ((levels?.[id] ?? 0) === wanted) return;
    const changed = changeLevels(content, [[id, wanted]]);
    await tried(this.#context, 'a power level', () =>
      calls.setState(addresses.bot, room.id, 'm.room.power_levels', changed),
    );
  }

  /**
   * After a restart of either side: what the home says of those who are in, against what the room shows.
   * @throws NotNow while the home cannot say
   */
  async compare(room: HostRoom): Promise<void> {
    let isMatched = false;
    for (const member of room.members.values()) {
      const request = { primitive: 'GetJoinedUsersRequest' } as const;
      const answer = await askInTurn(this.#context, member.user, room.group, request, 1);
      if (answer.primitive === 'GetJoinedUsersResponse' && member.state === 'in') {
        if (!isMatched) await this.#masks.match(room, answer.joined);
        isMatched = true;
      } else if (answer.result.code === 800) {
        await this.expelled(room, member, answer.result);
      } else {
        await this.enter(room, member, 1);
      }
    }
  }
}

function wishOf({ sender, content }: RoomEvent): string {
  const name = cleanName(text(content, 'displayname') ?? '') || localpartOf(sender);
  return Array.from(name).slice(0, MAX_NAME).join('').trim();
}
