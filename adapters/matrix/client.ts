// The client-server API calls of the gateway, typed, each with a deadline and bounded tries (field-lessons 2, rows 2
// and 17). Whoever calls gets a HomeserverError when it is over.

import type { Clock, Log, Metrics } from '../../src/sap/port.ts';
import type { HomeserverRequest, SendToHomeserver } from './bridge.ts';
import type { RetrySettings } from './config.ts';
import { HomeserverError } from './errors.ts';
import { isEventId, isRoomId, localpartOf } from './ids.ts';
import type { EventId, MatrixUserId, RoomId } from './ids.ts';

/** `online`, `unavailable` or `offline`, with the text that goes with it. */
export interface MatrixPresence {
  readonly presence: 'online' | 'unavailable' | 'offline';
  readonly status_msg?: string;
}

export interface RoomWishes {
  readonly invite: MatrixUserId;
  /** Marks the room as ours, so that one whose creation was not seen to its end is recognised. */
  readonly creationContent: object;
}

export interface ClientOptions {
  readonly send: SendToHomeserver;
  readonly retry: RetrySettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told after every try whether the homeserver answers us. */
  readonly onOutcome: (reachable: boolean) => void;
}

type Call = Omit<HomeserverRequest, 'timeoutMs'> & {
  /** What it is called in logs and metrics. */
  readonly name: string;
  /** False: repeating it might do it twice; it is repeated only when it certainly had no effect. Default true. */
  readonly repeatable?: boolean;
  readonly tries?: number;
  /** Deadline with all tries, in ms. */
  readonly timeoutMs?: number;
};

const V3 = '/_matrix/client/v3';
/** What the last try gets at least, in ms. */
const LEAST_TIMEOUT_MS = 500;
/** Calls of the link check: it has its own back-off. */
const PROBE = { tries: 1, timeoutMs: 5000 } as const;
const part = encodeURIComponent;

/** Calls of the bot and of ghosts. */
export class HomeserverClient {
  readonly #options: ClientOptions;
  /** End the pauses under way. */
  readonly #wakers = new Set<() => void>();
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** From now on nothing is repeated: calls under way fail as "not now". */
  close(): void {
    this.#closed = true;
    for (const wake of this.#wakers) wake();
  }

  /** The versions that the homeserver speaks; one try. */
  async versions(bot: MatrixUserId): Promise<readonly string[]> {
    const call = { name: 'versions', method: 'GET', path: '/_matrix/client/versions', ...PROBE } as const;
    const answer = record(await this.#call(bot, call));
    const versions: unknown = answer['versions'];
    if (!Array.isArray(versions)) {
      throw new HomeserverError({ status: 404, errcode: 'M_NOT_FOUND', reason: 'not a homeserver' });
    }
    return versions.filter((version) => typeof version === 'string');
  }

  /** Who our token stands for; one try. */
  async whoami(bot: MatrixUserId): Promise<string | undefined> {
    const call = { name: 'whoami', method: 'GET', path: `${V3}/account/whoami`, ...PROBE } as const;
    const answer = record(await this.#call(bot, call));
    return typeof answer['user_id'] === 'string' ? answer['user_id'] : undefined;
  }

  /** Asks the homeserver to reach us (Matrix 1.7); one try. */
  async ping(bot: MatrixUserId, applicationService: string, transaction: string): Promise<void> {
    await this.#call(bot, {
      name: 'ping',
      method: 'POST',
      path: `/_matrix/client/v1/appservice/${part(applicationService)}/ping`,
      body: { transaction_id: transaction },
      ...PROBE,
    });
  }

  /** Registers a ghost; one that exists is as good. */
  async register(bot: MatrixUserId, user: MatrixUserId): Promise<void> {
    const body = { type: 'm.login.application_service', username: localpartOf(user), inhibit_login: true };
    try {
      await this.#call(bot, { name: 'register', method: 'POST', path: `${V3}/register`, body });
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.errcode !== 'M_USER_IN_USE') throw error;
    }
  }

  async setDisplayName(user: MatrixUserId, name: string): Promise<void> {
    const path = `${V3}/profile/${part(user)}/displayname`;
    await this.#call(user, { name: 'displayname', method: 'PUT', path, body: { displayname: name } });
  }

  /** '' takes it away. */
  async setAvatar(user: MatrixUserId, uri: string): Promise<void> {
    const path = `${V3}/profile/${part(user)}/avatar_url`;
    await this.#call(user, { name: 'avatar', method: 'PUT', path, body: { avatar_url: uri } });
  }

  /** The profile name of a user; '' when he has none. Rejects with 404 when there is no such user. */
  async displayName(as: MatrixUserId, user: MatrixUserId): Promise<string> {
    const path = `${V3}/profile/${part(user)}`;
    const answer = record(
      await this.#call(as, { name: 'profile', method: 'GET', path, timeoutMs: 5000, tries: 2 }),
    );
    return typeof answer['displayname'] === 'string' ? answer['displayname'] : '';
  }

  /** Makes a direct chat and invites its other member. */
  async createRoom(ghost: MatrixUserId, wishes: RoomWishes): Promise<RoomId> {
    const body = {
      preset: 'trusted_private_chat',
      visibility: 'private',
      is_direct: true,
      invite: [wishes.invite],
      creation_content: wishes.creationContent,
    };
    const path = `${V3}/createRoom`;
    const call = { name: 'create', method: 'POST', path, body, repeatable: false } as const;
    const { room_id: room } = record(await this.#call(ghost, call));
    if (!isRoomId(room)) throw malformed('createRoom');
    return room;
  }

  async invite(ghost: MatrixUserId, room: RoomId, user: MatrixUserId): Promise<void> {
    const path = `${V3}/rooms/${part(room)}/invite`;
    await this.#call(ghost, { name: 'invite', method: 'POST', path, body: { user_id: user } });
  }

  /** @param via a server that is in the room, where ours may not be */
  async join(ghost: MatrixUserId, room: RoomId, via?: string): Promise<void> {
    const path = `${V3}/join/${part(room)}`;
    // COMPAT(Matrix < 1.12): `via` was `server_name`.
    const query = via === undefined ? {} : { query: { via, server_name: via } };
    await this.#call(ghost, { name: 'join', method: 'POST', path, body: {}, ...query });
  }

  /** Leaves a room, or refuses an invitation. */
  async leave(ghost: MatrixUserId, room: RoomId, reason?: string): Promise<void> {
    const path = `${V3}/rooms/${part(room)}/leave`;
    const body = reason === undefined ? {} : { reason };
    await this.#call(ghost, { name: 'leave', method: 'POST', path, body });
  }

  /** The users who are in a room or invited to it. */
  async members(ghost: MatrixUserId, room: RoomId): Promise<readonly string[]> {
    const path = `${V3}/rooms/${part(room)}/members`;
    const answer = record(await this.#call(ghost, { name: 'members', method: 'GET', path }));
    const chunk: unknown[] = Array.isArray(answer['chunk']) ? answer['chunk'] : [];
    return chunk.map(record).flatMap((event) => {
      const membership = record(event['content'])['membership'];
      const user = event['state_key'];
      return typeof user === 'string' && (membership === 'join' || membership === 'invite') ? [user] : [];
    });
  }

  /** The content of a state event with an empty key; undefined when the room has none. */
  async state(
    ghost: MatrixUserId,
    room: RoomId,
    type: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const path = `${V3}/rooms/${part(room)}/state/${part(type)}/`;
    try {
      return record(await this.#call(ghost, { name: 'state', method: 'GET', path }));
    } catch (error) {
      if (error instanceof HomeserverError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** True when the room has switched encryption on, for which there is no way back. */
  async isEncrypted(ghost: MatrixUserId, room: RoomId): Promise<boolean> {
    return (await this.state(ghost, room, 'm.room.encryption')) !== undefined;
  }

  /**
   * Sends an event under our own transaction id: repeated, it is the same event (Synapse forgets ids after 30 to
   * 60 minutes and at its restart; echoes cover the rest, see messages-out.ts).
   * @param sentAt when it was really sent, in ms; undefined = now ("Timestamp massaging")
   */
  async sendMessage(
    ghost: MatrixUserId,
    room: RoomId,
    content: object,
    transaction: string,
    sentAt?: number,
  ): Promise<EventId> {
    const answer = await this.#call(ghost, {
      name: 'send',
      method: 'PUT',
      path: `${V3}/rooms/${part(room)}/send/m.room.message/${part(transaction)}`,
      body: content,
      ...(sentAt === undefined ? {} : { query: { ts: String(Math.round(sentAt)) } }),
    });
    const { event_id: event } = record(answer);
    if (!isEventId(event)) throw malformed('send');
    return event;
  }

  /** An event as the ghost sees it. */
  async event(ghost: MatrixUserId, room: RoomId, event: EventId): Promise<Readonly<Record<string, unknown>>> {
    const path = `${V3}/rooms/${part(room)}/event/${part(event)}`;
    return record(await this.#call(ghost, { name: 'event', method: 'GET', path }));
  }

  async readReceipt(ghost: MatrixUserId, room: RoomId, event: EventId): Promise<void> {
    const path = `${V3}/rooms/${part(room)}/receipt/m.read/${part(event)}`;
    await this.#call(ghost, { name: 'receipt', method: 'POST', path, body: {} });
  }

  /** The presence of a user, as `as` may see it; one try, at most `timeoutMs`. */
  async presence(as: MatrixUserId, user: MatrixUserId, timeoutMs: number): Promise<unknown> {
    const path = `${V3}/presence/${part(user)}/status`;
    return await this.#call(as, { name: 'presence', method: 'GET', path, tries: 1, timeoutMs });
  }

  /** Shows a ghost's presence; one try, for the next state replaces it anyway. */
  async setPresence(ghost: MatrixUserId, presence: MatrixPresence): Promise<void> {
    const path = `${V3}/presence/${part(ghost)}/status`;
    await this.#call(ghost, { name: 'set_presence', method: 'PUT', path, body: presence, tries: 1 });
  }

  async #call(user: MatrixUserId, call: Call): Promise<unknown> {
    const { retry, clock } = this.#options;
    const tries = call.tries ?? retry.tries;
    const end = clock.now() + (call.timeoutMs ?? retry.timeoutMs);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(user, call, Math.max(LEAST_TIMEOUT_MS, end - clock.now()));
      } catch (error) {
        if (!(error instanceof HomeserverError)) throw error;
        const delay = this.#pauseAfter(error, call, attempt);
        if (attempt >= tries || delay === undefined || this.#closed || clock.now() + delay > end) throw error;
        await this.#pause(delay);
        if (this.#closed) throw error;
      }
    }
  }

  async #once(user: MatrixUserId, call: Call, timeoutMs: number): Promise<unknown> {
    const { send, clock, metrics, log, onOutcome } = this.#options;
    const { name, repeatable: _repeatable, tries: _tries, timeoutMs: _timeoutMs, ...request } = call;
    const started = clock.now();
    try {
      const answer = await this.#inTime(send(user, { ...request, timeoutMs }), timeoutMs);
      onOutcome(true);
      return answer;
    } catch (error) {
      if (error instanceof HomeserverError) {
        const { status, errcode } = error;
        metrics.count('matrix_failures_total', { call: name, status: String(status) });
        log.debug({ call: name, user, status, errcode }, 'the homeserver refused or did not answer');
        onOutcome(status !== 0 && status !== 401 && status !== 502);
      }
      throw error;
    } finally {
      metrics.observe('matrix_call_seconds', (clock.now() - started) / 1000, { call: name });
    }
  }

  /** How long to wait before the next try, in ms; undefined: it makes no sense now. */
  #pauseAfter(error: HomeserverError, call: Call, attempt: number): number | undefined {
    const { baseDelayMs, maxDelayMs } = this.#options.retry;
    if (!error.transient || error.status === 401 || error.errcode === 'M_EXCLUSIVE') return undefined;
    if (call.repeatable === false && !error.untouched) return undefined;
    if (error.retryAfterMs !== undefined)
      return error.retryAfterMs <= maxDelayMs ? error.retryAfterMs : undefined;
    const delay = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1));
    return delay * (0.5 + Math.random() / 2);
  }

  #pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#wakers.delete(wake);
        resolve();
      };
      const cancel = this.#options.clock.after(delay, wake);
      this.#wakers.add(wake);
    });
  }

  /** By our clock as well: the library's own deadline counts silence, not the whole. */
  #inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(timeoutMs, () =>
        reject(new HomeserverError({ status: 0, errcode: 'no answer in time' })),
      );
      work.then(resolve, reject).finally(cancel);
    });
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function malformed(call: string): HomeserverError {
  return new HomeserverError({ status: 502, errcode: 'M_UNKNOWN', reason: `${call}: malformed answer` });
}
