// A Matrix user with the client-server API itself: a sync loop, and sends under transaction ids of our own.

import type { MatrixServer } from '../../../scripts/stack/description.ts';
import { RunOver, type Names, type Person, type Surroundings } from './person.ts';
import { eventually } from '../eventually.ts';

interface RoomEvent {
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly event_id?: string;
  readonly content: { readonly body?: string; readonly membership?: string };
}

interface Sync {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Record<string, { timeline?: { events?: RoomEvent[]; limited?: boolean } }>;
    readonly invite?: Record<string, { invite_state?: { events?: RoomEvent[] } }>;
  };
}

const LONG_POLL_MS = 5_000;
const ROOM_MS = 60_000;
const FILTER = JSON.stringify({
  presence: { types: [] },
  account_data: { types: [] },
  room: { timeline: { limit: 500 }, ephemeral: { types: [] }, account_data: { types: [] } },
});

export class MatrixPerson implements Person {
  readonly names: Names;
  readonly #server: MatrixServer;
  readonly #surroundings: Surroundings;
  readonly #rooms = new Map<string, string>();
  /** Event ids of what was sent, by text. */
  readonly sent = new Map<string, string>();
  readonly #joined = new Set<string>();
  readonly #closed = new AbortController();
  #token = '';
  #since = '';
  #loop: Promise<void> = Promise.resolve();
  #sent = 0;

  private constructor(names: Names, server: MatrixServer, surroundings: Surroundings) {
    this.names = names;
    this.#server = server;
    this.#surroundings = surroundings;
  }

  static async login(
    names: Names,
    server: MatrixServer,
    password: string,
    surroundings: Surroundings,
  ): Promise<MatrixPerson> {
    const person = new MatrixPerson(names, server, surroundings);
    const identifier = { type: 'm.id.user', user: names.matrix };
    const session = await person.#call('POST', '/login', { type: 'm.login.password', identifier, password });
    person.#token = String(session['access_token']);
    const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 0 } } }));
    person.#since = String((await person.#call('GET', `/sync?filter=${filter}`))['next_batch']);
    person.#loop = person.#follow();
    return person;
  }

  /** Starts a direct chat with a ghost, and waits until the ghost came. */
  async startChat(ghost: string): Promise<void> {
    const body = { invite: [ghost], is_direct: true, preset: 'trusted_private_chat' };
    const room = String((await this.#call('POST', '/createRoom', body))['room_id']);
    this.#rooms.set(ghost, room);
    this.#joined.add(room);
    await eventually(
      () => `${ghost} joins`,
      async () =>
        ghost in ((await this.#call('GET', `/rooms/${room}/joined_members`))['joined'] as object) ||
        undefined,
      ROOM_MS,
    );
  }

  /** Into the chat with that user; where he has not begun one, waits for it. */
  async send(to: Names, text: string): Promise<void> {
    const room = await eventually(
      () => `a chat with ${to.name}`,
      () => this.#rooms.get(to.matrix),
      ROOM_MS,
    );
    this.#sent += 1;
    const transaction = `${text.replace(/\W+/g, '-')}-${this.#sent}`;
    const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/${transaction}`;
    const { event_id: event } = await this.#call('PUT', path, { msgtype: 'm.text', body: text });
    this.sent.set(text, String(event));
    if (this.#surroundings.over.aborted) throw new RunOver(this.names.name);
  }

  /** Leaves the rooms of the run, so that they do not pile up. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#loop;
    for (const room of this.#joined) {
      await this.#call('POST', `/rooms/${room}/leave`, {});
      await this.#call('POST', `/rooms/${room}/forget`, {});
    }
    await this.#call('POST', '/logout', {});
  }

  async #follow(): Promise<void> {
    const query = `filter=${encodeURIComponent(FILTER)}&timeout=${LONG_POLL_MS}`;
    while (!this.#closed.signal.aborted) {
      try {
        const path = `/sync?${query}&since=${this.#since}`;
        const news = (await this.#call('GET', path, undefined, this.#closed.signal)) as unknown as Sync;
        this.#since = news.next_batch;
        await this.#take(news);
      } catch (error) {
        if (!this.#closed.signal.aborted)
          this.#surroundings.ledger.violation(`${this.names.name}: ${String(error)}`);
        return;
      }
    }
  }

  async #take({ rooms = {} }: Sync): Promise<void> {
    for (const [room, { invite_state: state }] of Object.entries(rooms.invite ?? {})) {
      const invitation = state?.events?.find((event) => event.state_key === this.names.matrix);
      await this.#invited(room, invitation?.sender ?? '');
    }
    for (const [room, { timeline }] of Object.entries(rooms.join ?? {})) {
      if (timeline?.limited === true && this.#joined.has(room) && (timeline.events?.length ?? 0) >= 500)
        this.#surroundings.ledger.violation(`${this.names.name} could not follow ${room}`);
      for (const event of timeline?.events ?? []) this.#heard(event);
    }
  }

  /** Only by ghosts of this run. */
  async #invited(room: string, ghost: string): Promise<void> {
    if (!this.#surroundings.ghosts.has(ghost)) return;
    await this.#call('POST', `/rooms/${encodeURIComponent(room)}/join`, {});
    this.#joined.add(room);
    if (!this.#rooms.has(ghost)) this.#rooms.set(ghost, room);
  }

  #heard({ type, sender, content }: RoomEvent): void {
    if (type !== 'm.room.message' || sender === this.names.matrix) return;
    this.#surroundings.ledger.noteArrived(this.names.name, content.body ?? '');
  }

  async #call(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.#server.baseUrl}/_matrix/client/v3${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const result = (await answer.json()) as Record<string, unknown>;
    if (!answer.ok)
      throw new Error(`${method} ${path.split('?')[0]}: ${answer.status} ${String(result['errcode'])}`);
    return result;
  }
}
