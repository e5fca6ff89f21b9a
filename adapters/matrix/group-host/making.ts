// The room of a group: made by the bot when somebody first asks for its alias or is invited (bridging.md 7.1, 7.4).

import type { GroupAddress } from '../../../src/wv/ids.ts';
import type { GroupProperty } from '../../../src/wv/primitives.ts';
import { HomeserverError } from '../errors.ts';
import type { RoomEvent } from '../events.ts';
import type { RoomId } from '../ids.ts';
import type { NewRoom } from '../room-calls.ts';
import { SerialQueues } from '../queues.ts';
import { propertiesOf, tried, valueOf } from './context.ts';
import type { HostContext } from './context.ts';
import type { HostRoom } from './rooms.ts';

/** In the content of m.room.create. */
const MARK = 'org.wvgate.group';
/** Only the bot may change what the group's home decides, and nobody may encrypt or replace the room. */
const BOT_ONLY = 100;

export class Making {
  readonly #context: HostContext;
  readonly #maxRooms: number;
  readonly #turns = new SerialQueues();

  constructor(context: HostContext, maxRooms: number) {
    this.#context = context;
    this.#maxRooms = maxRooms;
  }

  /**
   * The room of a group, made if need be; undefined when there is no such group, or it does not show itself to strangers.
   * @param invited somebody of Matrix was asked to come: the group has shown itself
   * @throws HomeserverError
   */
  room(group: GroupAddress, invited = false): Promise<HostRoom | undefined> {
    return this.#turns.run(group, async () => {
      const known = this.#context.rooms.byGroup(group);
      return known ?? (await this.#make(group, invited));
    });
  }

  /** A room that we made and forgot (killed between the homeserver's answer and our note). */
  async adopt({ sender, room, content }: RoomEvent): Promise<boolean> {
    const { addresses, rooms } = this.#context;
    const group = content[MARK];
    if (sender !== addresses.bot || typeof group !== 'string') return false;
    await this.#turns.run(group, async () => {
      if (rooms.byGroup(group as GroupAddress) === undefined) await rooms.add(group as GroupAddress, room);
    });
    return true;
  }

  /** What changed at the home is shown by the room. Rejects with a transient HomeserverError. */
  async show(room: HostRoom, properties: readonly GroupProperty[]): Promise<void> {
    const { calls, addresses } = this.#context;
    const { bot } = addresses;
    for (const { type, content } of stateOf(properties)) {
      const now = await calls.state(bot, room.id, type);
      // A user of Matrix who changed it has set it himself.
      if (now !== undefined && isSame(now, content)) continue;
      await tried(this.#context, 'a room state', () => calls.setState(bot, room.id, type, content));
    }
    const searchable = valueOf(properties, 'Searchable');
    if (searchable !== '') {
      const listed = searchable === 'T';
      await tried(this.#context, 'a listing', () => calls.setListed(bot, room.id, listed));
    }
  }

  async #make(group: GroupAddress, invited: boolean): Promise<HostRoom | undefined> {
    const { names, rooms, relay, self } = this.#context;
    const alias = names.aliasOf(group);
    if (alias === undefined || rooms.size >= this.#maxRooms) return undefined;
    const answer = await propertiesOf(this.#context, self, group);
    const isSecret = 'code' in answer || valueOf(answer.properties, 'Accesstype') === 'Restricted';
    if (isSecret && !invited) return undefined;
    const properties = 'code' in answer ? [] : answer.properties;
    const rules = [{ name: 'Accesstype', value: isSecret ? 'Restricted' : 'Open' }];
    const room = await this.#created(alias.alias, {
      alias: alias.localpart,
      name: valueOf(properties, 'Name') || titleOf(group),
      listed: valueOf(properties, 'Searchable') === 'T',
      state: [...stateOf([...properties.filter(({ name }) => name !== 'Accesstype'), ...rules])]
        .filter(({ type }) => type !== 'm.room.name')
        .concat([
          // Who comes later does not read what was said before: nor do phones.
          { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } },
          { type: 'm.room.guest_access', content: { guest_access: 'forbidden' } },
        ])
        .map((state) => ({ ...state, state_key: '' })),
      powerLevels: POWER_LEVELS,
      creationContent: { [MARK]: group, 'm.federate': true },
    });
    relay.metrics.count('matrix_group_rooms_total');
    return await rooms.add(group, room);
  }

  /** Looked for only when it is there: the homeserver would ask us whether it is, and wait for the answer. */
  async #created(alias: string, wishes: NewRoom): Promise<RoomId> {
    const { calls, addresses } = this.#context;
    try {
      return await calls.create(addresses.bot, wishes);
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.errcode !== 'M_ROOM_IN_USE') throw error;
      return (await calls.resolve(addresses.bot, alias)).room;
    }
  }
}

/** The creator is not named: in room version 12 that is an error, and before it the homeserver adds him. */
const POWER_LEVELS = {
  events: {
    'm.room.encryption': BOT_ONLY,
    'm.room.tombstone': BOT_ONLY,
    'm.room.join_rules': BOT_ONLY,
    'm.room.history_visibility': BOT_ONLY,
    'm.room.guest_access': BOT_ONLY,
    'm.room.canonical_alias': BOT_ONLY,
    'm.room.server_acl': BOT_ONLY,
  },
} as const;

/** True when everything that is wanted is there. */
function isSame(now: Readonly<Record<string, unknown>>, wanted: object): boolean {
  return Object.entries(wanted).every(([key, value]) => now[key] === value);
}

interface StateEvent {
  readonly type: string;
  readonly content: object;
}

function stateOf(properties: readonly GroupProperty[]): readonly StateEvent[] {
  return properties.flatMap(({ name, value }): readonly StateEvent[] => {
    if (name === 'Name' && value !== '') return [{ type: 'm.room.name', content: { name: value } }];
    if (name === 'Topic') return [{ type: 'm.room.topic', content: { topic: value } }];
    if (name !== 'Accesstype') return [];
    return [{ type: 'm.room.join_rules', content: { join_rule: value === 'Open' ? 'public' : 'invite' } }];
  });
}

function titleOf(group: GroupAddress): string {
  return decodeURIComponent(group.slice(3, group.lastIndexOf('@'))).replace(/^\//, '');
}
