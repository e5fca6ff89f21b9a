// What only an account of its own asks of its homeserver (Client-Server API: sync, account data, filters); one try each.

import type { SendToHomeserver } from '../bridge.ts';
import { HomeserverError } from '../errors.ts';
import { isRecord } from '../events.ts';
import { isMatrixUserId, isRoomId } from '../ids.ts';
import type { MatrixUserId, RoomId } from '../ids.ts';

/** m.direct: whom the account has direct chats with, and where. */
export type DirectMap = ReadonlyMap<MatrixUserId, readonly RoomId[]>;

const V3 = '/_matrix/client/v3';
const CALL_MS = 20_000;
/** How long the homeserver may keep a sync that has nothing to say, in ms; and how much later it is given up. */
const LONG_POLL_MS = 30_000;
const SYNC_SLACK_MS = 30_000;
const part = encodeURIComponent;

export interface MessagesPage {
  /** Newest first. */
  readonly events: readonly unknown[];
  /** Undefined: there is nothing before. */
  readonly end: string | undefined;
}

export class AccountCalls {
  readonly #self: MatrixUserId;
  readonly #send: SendToHomeserver;

  constructor(self: MatrixUserId, send: SendToHomeserver) {
    this.#self = self;
    this.#send = send;
  }

  /** Keeps a filter and gives its id. */
  async filter(filter: object): Promise<string> {
    const path = `${V3}/user/${part(this.#self)}/filter`;
    const answer = await this.#send(this.#self, { method: 'POST', path, body: filter, timeoutMs: CALL_MS });
    const id = isRecord(answer) ? answer['filter_id'] : undefined;
    if (typeof id !== 'string') throw malformed('filter');
    return id;
  }

  /**
   * What is new since a token; waits for it. The account's other clients say whether it is online, not we.
   * @param since undefined: from the beginning, at once
   */
  async sync(filter: string, since: string | undefined): Promise<unknown> {
    const wait = since === undefined ? 0 : LONG_POLL_MS;
    const query = {
      filter,
      timeout: String(wait),
      set_presence: 'offline',
      ...(since === undefined ? {} : { since }),
    };
    const timeoutMs = LONG_POLL_MS + SYNC_SLACK_MS;
    return await this.#send(this.#self, { method: 'GET', path: `${V3}/sync`, query, timeoutMs });
  }

  /** Events of a room before `from`, back to `to`. */
  async messages(room: RoomId, from: string, to: string, limit: number): Promise<MessagesPage> {
    const path = `${V3}/rooms/${part(room)}/messages`;
    const query = { dir: 'b', from, to, limit: String(limit) };
    const answer = await this.#send(this.#self, { method: 'GET', path, query, timeoutMs: CALL_MS });
    if (!isRecord(answer)) throw malformed('messages');
    const { chunk, end } = answer;
    return {
      events: Array.isArray(chunk) ? (chunk as unknown[]) : [],
      end: typeof end === 'string' && end !== from ? end : undefined,
    };
  }

  async joinedRooms(): Promise<readonly RoomId[]> {
    const path = `${V3}/joined_rooms`;
    const answer = await this.#send(this.#self, { method: 'GET', path, timeoutMs: CALL_MS });
    const rooms = isRecord(answer) ? answer['joined_rooms'] : undefined;
    return Array.isArray(rooms) ? rooms.filter(isRoomId) : [];
  }

  async directMap(): Promise<DirectMap> {
    try {
      const path = this.#directPath();
      return directMapOf(await this.#send(this.#self, { method: 'GET', path, timeoutMs: CALL_MS }));
    } catch (error) {
      if (error instanceof HomeserverError && error.status === 404) return new Map();
      throw error;
    }
  }

  async setDirectMap(direct: DirectMap): Promise<void> {
    const body = Object.fromEntries(direct);
    await this.#send(this.#self, { method: 'PUT', path: this.#directPath(), body, timeoutMs: CALL_MS });
  }

  #directPath(): string {
    return `${V3}/user/${part(this.#self)}/account_data/m.direct`;
  }
}

/** The content of m.direct; what is malformed is left out. */
export function directMapOf(content: unknown): DirectMap {
  const entries = isRecord(content) ? Object.entries(content) : [];
  return new Map(
    entries.flatMap(([user, rooms]) =>
      isMatrixUserId(user) && Array.isArray(rooms) ? [[user, rooms.filter(isRoomId)] as const] : [],
    ),
  );
}

function malformed(call: string): HomeserverError {
  return new HomeserverError({ status: 502, errcode: 'M_UNKNOWN', reason: `${call}: malformed answer` });
}
