// Properties and members of rooms of Matrix (bridging.md 7.1, 7.2): room state, power levels, bans. The room decides
// who may change them; our user's own ghost asks.

import type { UserAddress } from '../../../src/wv/ids.ts';
import { status } from '../../../src/wv/primitives.ts';
import type {
  GetGroupPropsResponse,
  GroupPrimitive,
  GroupProperty,
  MemberAccessRequest,
  ResponsePrimitive,
  SetGroupPropsRequest,
  Status,
} from '../../../src/wv/primitives.ts';
import { combine, OK, result } from '../../../src/wv/status.ts';
import type { DetailedResult, Result } from '../../../src/wv/status.ts';
import { text } from '../events.ts';
import type { MatrixUserId } from '../ids.ts';
import { changeLevels, levelOf, LEVELS, privilegeOf, readLevels } from '../power-levels.ts';
import type { PowerLevels, Privilege } from '../power-levels.ts';
import { outcomeOf, rosterOf } from './context.ts';
import type { GuestContext } from './context.ts';
import type { Guest } from './guests.ts';

const SETTABLE: Readonly<Record<string, readonly [type: string, field: string]>> = {
  Name: ['m.room.name', 'name'],
  Topic: ['m.room.topic', 'topic'],
};

export class Managing {
  readonly #context: GuestContext;

  constructor(context: GuestContext) {
    this.#context = context;
  }

  /** Serves a request of somebody who is in the room. Whatever the room refuses is 816. */
  async serve(guest: Guest, request: GroupPrimitive): Promise<ResponsePrimitive> {
    try {
      switch (request.primitive) {
        case 'GetGroupPropsRequest':
          return await this.#properties(guest);
        case 'SetGroupPropsRequest':
          return await this.#setProperties(guest, request);
        case 'GetGroupMemberRequest':
          return await this.#members(guest);
        case 'AddGroupMemberRequest':
          return await this.#each(guest, request.users, 'invite');
        case 'RemoveGroupMemberRequest':
          return await this.#each(guest, request.users, 'kick');
        case 'RejectListRequest':
          return await this.#reject(guest, request.add, request.remove);
        case 'MemberAccessRequest':
          return await this.#setAccess(guest, request);
        default:
          return status(result(405));
      }
    } catch (error) {
      return status(outcomeOf(error, 816));
    }
  }

  async #properties({ ghost, room, group }: Guest): Promise<GetGroupPropsResponse> {
    const { calls } = this.#context;
    const [name, topic, rules, levels] = await Promise.all(
      ['m.room.name', 'm.room.topic', 'm.room.join_rules', 'm.room.power_levels'].map((type) =>
        calls.state(ghost, room.id, type),
      ),
    );
    const isOpen = (text(rules ?? {}, 'join_rule') ?? 'invite') === 'public';
    const property = (key: string, value: string | undefined): GroupProperty[] =>
      value === undefined || value === '' ? [] : [{ name: key, value }];
    return {
      primitive: 'GetGroupPropsResponse',
      result: OK,
      properties: [
        ...property('Name', text(name ?? {}, 'name') ?? this.#context.rooms.roomOf(group)),
        ...property('Topic', text(topic ?? {}, 'topic')),
        { name: 'Accesstype', value: isOpen ? 'Open' : 'Restricted' },
        { name: 'Type', value: isOpen ? 'Public' : 'Private' },
        { name: 'PrivateMessaging', value: 'T' },
        { name: 'ActiveUsers', value: String((await rosterOf(this.#context, room)).size) },
      ],
      ownProperties: [
        { name: 'IsMember', value: 'T' },
        { name: 'PrivilegeLevel', value: privilegeOf(levelOf(readLevels(levels), ghost)) },
        { name: 'ShowID', value: 'T' },
      ],
    };
  }

  async #setProperties(guest: Guest, request: SetGroupPropsRequest): Promise<Status> {
    const { properties = [], ownProperties = [], welcomeNote } = request;
    const unknown = properties.some(({ name }) => SETTABLE[name] === undefined);
    if (unknown || ownProperties.length > 0 || welcomeNote !== undefined) return status(result(806));
    for (const { name, value } of properties) {
      const [type, field] = SETTABLE[name] ?? ['', ''];
      await this.#context.calls.setState(guest.ghost, guest.room.id, type, { [field]: value });
    }
    return status(OK);
  }

  async #members(guest: Guest): Promise<ResponsePrimitive> {
    const levels = await this.#levels(guest);
    const by: Record<Privilege, UserAddress[]> = { Admin: [], Mod: [], User: [] };
    for (const [user] of (await rosterOf(this.#context, guest.room)).entries()) {
      const address = this.#addressOf(user);
      if (address !== undefined) by[privilegeOf(levelOf(levels, user))].push(address);
    }
    const { Admin: admins, Mod: moderators, User: users } = by;
    return { primitive: 'GetGroupMemberResponse', result: OK, admins, moderators, users };
  }

  async #setAccess(guest: Guest, { admins, moderators, users }: MemberAccessRequest): Promise<Status> {
    const { calls } = this.#context;
    const wishes = [
      ...admins.map((user) => [user, LEVELS.Admin] as const),
      ...moderators.map((user) => [user, LEVELS.Mod] as const),
      ...users.map((user) => [user, LEVELS.User] as const),
    ];
    const known = wishes.flatMap(([user, level]) => {
      const id = this.#idOf(user);
      return id === undefined ? [] : [[id, level] as const];
    });
    const strangers = wishes.filter(([user]) => this.#idOf(user) === undefined).map(([user]) => user);
    const levels = await calls.state(guest.ghost, guest.room.id, 'm.room.power_levels');
    await calls.setState(
      guest.ghost,
      guest.room.id,
      'm.room.power_levels',
      changeLevels(levels ?? {}, known),
    );
    return status(combine(known.length, strangers.length === 0 ? [] : [{ code: 531, users: strangers }]));
  }

  async #reject(
    guest: Guest,
    add: readonly UserAddress[],
    remove: readonly UserAddress[],
  ): Promise<ResponsePrimitive> {
    const outcomes = [await this.#each(guest, add, 'ban'), await this.#each(guest, remove, 'unban')];
    const refused = outcomes.find((outcome) => outcome.result.code !== 200);
    // The list of bans is the room's whole state: not read for a phone.
    return refused ?? { primitive: 'RejectListResponse', result: OK, users: add };
  }

  async #each(
    { ghost, room }: Guest,
    users: readonly UserAddress[],
    action: 'invite' | 'kick' | 'ban' | 'unban',
  ): Promise<Status> {
    const failures: DetailedResult[] = [];
    for (const user of users) {
      const outcome = await this.#one(ghost, room.id, user, action);
      if (outcome.code !== 200) failures.push({ code: outcome.code, users: [user] });
    }
    return status(users.length === 0 ? OK : combine(users.length - failures.length, failures));
  }

  async #one(
    ghost: MatrixUserId,
    room: Guest['room']['id'],
    user: UserAddress,
    action: 'invite' | 'kick' | 'ban' | 'unban',
  ): Promise<Result> {
    const id = this.#idOf(user);
    if (id === undefined) return result(531);
    try {
      await this.#context.calls.act(ghost, room, action, id);
      return OK;
    } catch (error) {
      return outcomeOf(error, 816);
    }
  }

  async #levels({ ghost, room }: Guest): Promise<PowerLevels> {
    return readLevels(await this.#context.calls.state(ghost, room.id, 'm.room.power_levels'));
  }

  #addressOf(user: MatrixUserId): UserAddress | undefined {
    const { addresses } = this.#context;
    return addresses.userOf(user) ?? addresses.addressOf(user);
  }

  #idOf(user: UserAddress): MatrixUserId | undefined {
    const { addresses } = this.#context;
    return addresses.peerOf(user) ?? addresses.ghostOf(user);
  }
}
