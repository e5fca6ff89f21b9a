// The client-server API calls about rooms that groups need, beside those of direct chats in client.ts.

import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './errors.ts';
import { isRecord, text } from './events.ts';
import { isMatrixUserId, isRoomId } from './ids.ts';
import type { MatrixUserId, RoomId } from './ids.ts';

type Fields = Readonly<Record<string, unknown>>;

const V3 = '/_matrix/client/v3';
const part = encodeURIComponent;

/** The state of a room that a bot makes. */
export interface NewRoom {
  readonly alias?: string;
  readonly name: string;
  readonly invite?: readonly MatrixUserId[];
  readonly isDirect?: boolean;
  readonly listed: boolean;
  readonly state: readonly { readonly type: string; readonly state_key: string; readonly content: object }[];
  readonly powerLevels: object;
  readonly creationContent: object;
}

/** Where a room is, and through whom it can be joined. */
export interface Directions {
  readonly room: RoomId;
  readonly via: readonly string[];
}

/** Somebody who is in a room, with his name there; '' = none. */
export type Present = readonly [user: MatrixUserId, name: string];

/** All of them reject with HomeserverError. */
export class RoomCalls {
  readonly #client: HomeserverClient;

  constructor(client: HomeserverClient) {
    this.#client = client;
  }

  /** The room of an alias. */
  async resolve(as: MatrixUserId, alias: string): Promise<Directions> {
    const path = `${V3}/directory/room/${part(alias)}`;
    const answer = await this.#get(as, 'alias', path);
    const { room_id: room, servers } = answer;
    if (!isRoomId(room)) throw malformed('alias');
    const via = Array.isArray(servers) ? servers.filter((server) => typeof server === 'string') : [];
    return { room, via: via.slice(0, 3) };
  }

  async join(as: MatrixUserId, { room, via }: Directions): Promise<void> {
    const [server] = via;
    const query = server === undefined ? {} : { query: { server_name: server, via: server } };
    const path = `${V3}/join/${part(room)}`;
    await this.#client.perform(as, { name: 'join', method: 'POST', path, body: {}, ...query });
  }

  /** Who has joined, at most `limit` of them, by user id. */
  async joined(as: MatrixUserId, room: RoomId, limit: number): Promise<readonly Present[]> {
    const answer = await this.#get(as, 'members', `${V3}/rooms/${part(room)}/joined_members`);
    const { joined } = answer;
    if (!isRecord(joined)) throw malformed('joined_members');
    return Object.entries(joined)
      .flatMap(([user, profile]): Present[] =>
        isMatrixUserId(user)
          ? [[user, (isRecord(profile) ? text(profile, 'display_name') : undefined) ?? '']]
          : [],
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit);
  }

  /** The content of a state event; undefined when there is none. */
  async state(as: MatrixUserId, room: RoomId, type: string, key = ''): Promise<Fields | undefined> {
    try {
      return await this.#get(as, 'state', `${V3}/rooms/${part(room)}/state/${part(type)}/${part(key)}`);
    } catch (error) {
      if (error instanceof HomeserverError && error.status === 404) return undefined;
      throw error;
    }
  }

  async setState(as: MatrixUserId, room: RoomId, type: string, content: object, key = ''): Promise<void> {
    const path = `${V3}/rooms/${part(room)}/state/${part(type)}/${part(key)}`;
    await this.#client.perform(as, { name: 'set_state', method: 'PUT', path, body: content });
  }

  /** Kicks, bans, pardons or invites. */
  async act(
    as: MatrixUserId,
    room: RoomId,
    action: 'kick' | 'ban' | 'unban' | 'invite',
    user: MatrixUserId,
    reason?: string,
  ): Promise<void> {
    const path = `${V3}/rooms/${part(room)}/${action}`;
    const body = { user_id: user, ...(reason === undefined ? {} : { reason }) };
    await this.#client.perform(as, { name: action, method: 'POST', path, body });
  }

  /** Withdraws an event; the same one only once. */
  async redact(
    as: MatrixUserId,
    room: RoomId,
    event: string,
    transaction: string,
    reason: string,
  ): Promise<void> {
    const path = `${V3}/rooms/${part(room)}/redact/${part(event)}/${part(transaction)}`;
    await this.#client.perform(as, { name: 'redact', method: 'PUT', path, body: { reason } });
  }

  async create(as: MatrixUserId, wishes: NewRoom): Promise<RoomId> {
    const body = {
      preset: wishes.isDirect === true ? 'trusted_private_chat' : 'private_chat',
      visibility: wishes.listed ? 'public' : 'private',
      name: wishes.name,
      ...(wishes.alias === undefined ? {} : { room_alias_name: wishes.alias }),
      ...(wishes.isDirect === true ? { is_direct: true } : {}),
      invite: wishes.invite ?? [],
      initial_state: wishes.state,
      power_level_content_override: wishes.powerLevels,
      creation_content: wishes.creationContent,
    };
    const call = {
      name: 'create',
      method: 'POST',
      path: `${V3}/createRoom`,
      body,
      repeatable: false,
    } as const;
    const { room_id: room } = fields(await this.#client.perform(as, call));
    if (!isRoomId(room)) throw malformed('createRoom');
    return room;
  }

  async removeAlias(as: MatrixUserId, alias: string): Promise<void> {
    const path = `${V3}/directory/room/${part(alias)}`;
    await this.#client.perform(as, { name: 'alias', method: 'DELETE', path });
  }

  async setListed(as: MatrixUserId, room: RoomId, listed: boolean): Promise<void> {
    const path = `${V3}/directory/list/room/${part(room)}`;
    const body = { visibility: listed ? 'public' : 'private' };
    await this.#client.perform(as, { name: 'list', method: 'PUT', path, body });
  }

  async #get(as: MatrixUserId, name: string, path: string): Promise<Fields> {
    return fields(await this.#client.perform(as, { name, method: 'GET', path }));
  }
}

function fields(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

function malformed(call: string): HomeserverError {
  return new HomeserverError({ status: 502, errcode: 'M_UNKNOWN', reason: `${call}: malformed answer` });
}
