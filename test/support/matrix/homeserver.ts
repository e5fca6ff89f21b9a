// A homeserver for tests that keeps rooms as a real one does, pushes what happens in them to the application service in
// order until it takes it, and fails as its script says: before a request takes effect, or after it.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pusher } from './pusher.ts';
import { Rooms } from './rooms.ts';

/** One request of the gateway. */
export interface Call {
  /** `send`, `createRoom`, `join`, …; `unknown` for what this homeserver does not have. */
  readonly name: string;
  /** Whom it is for: the masqueraded user. */
  readonly user: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * How a request goes wrong: the connection breaks before or after it took effect, there is no answer (until `release`)
 * before or after it took effect, or another answer than the right one is given.
 */
export type Fault =
  | 'cut before'
  | 'cut after'
  | 'hang before'
  | 'hang after'
  | {
      readonly status: number;
      readonly after?: boolean;
      readonly body?: object;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** Undefined: all goes well. */
export type Script = (call: Call) => Fault | undefined;

export interface HomeserverOptions {
  readonly serverName: string;
  /** The application service. */
  readonly service: {
    readonly url: string;
    readonly asToken: string;
    readonly hsToken: string;
    readonly bot: string;
  };
  /** Default: a free port. */
  readonly port?: number;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

const OK: Answer = { status: 200, body: {} };
const V3 = '/_matrix/client/v3';

type Route = readonly [
  name: string,
  pattern: RegExp,
  answer: (call: Call, parts: readonly string[]) => Answer | Promise<Answer>,
];

export class ScriptedHomeserver {
  readonly rooms: Rooms;
  readonly pusher: Pusher;
  /** Everything that was asked, in order. */
  readonly calls: Call[] = [];
  /** What ghosts show. */
  readonly presence = new Map<string, unknown>();
  script: Script = () => undefined;
  readonly #options: HomeserverOptions;
  readonly #users = new Set<string>();
  readonly #hanging = new Set<ServerResponse>();
  #server: Server | undefined;
  #port: number;

  constructor(options: HomeserverOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
    this.rooms = new Rooms(options.serverName);
    this.pusher = new Pusher(options.service);
    this.rooms.listeners.push((event) => this.pusher.push(event));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Nobody is there any more; what it keeps, it keeps. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    this.#hanging.clear();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** Breaks the connections of all requests that hang. */
  release(): void {
    for (const response of this.#hanging) response.destroy();
    this.#hanging.clear();
  }

  /** Breaks every connection, as when the other side dies. */
  breakConnections(): void {
    this.#server?.closeAllConnections();
  }

  /** Requests of one kind. */
  called(name: string): Call[] {
    return this.calls.filter((call) => call.name === name);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [call, route, parts] = await this.#read(request);
    this.calls.push(call);
    const fault = this.script(call);
    if (fault === 'cut before') return void request.socket.destroy();
    if (fault === 'hang before') return void this.#hanging.add(response);
    if (typeof fault === 'object' && fault.after !== true)
      return reply(response, fault.status, fault.body, fault.headers);
    const answer = await this.#answer(call, route, parts);
    if (fault === 'cut after') return void request.socket.destroy();
    if (fault === 'hang after') return void this.#hanging.add(response);
    if (typeof fault === 'object') return reply(response, fault.status, fault.body, fault.headers);
    return reply(response, answer.status, answer.body);
  }

  async #read(request: IncomingMessage): Promise<readonly [Call, Route | undefined, readonly string[]]> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const line = `${request.method} ${url.pathname}`;
    const route = this.#routes.find(([, pattern]) => pattern.test(line));
    const parts = (route?.[1].exec(line) ?? []).slice(1).map((part) => decodeURIComponent(part));
    const call: Call = {
      name: route?.[0] ?? 'unknown',
      user: url.searchParams.get('user_id') ?? this.#options.service.bot,
      path: decodeURIComponent(url.pathname),
      body: text === '' ? {} : (JSON.parse(text) as Call['body']),
    };
    return [call, route, parts];
  }

  async #answer(call: Call, route: Route | undefined, parts: readonly string[]): Promise<Answer> {
    return route === undefined ? refusal(404, 'M_UNRECOGNIZED') : await route[2](call, parts);
  }

  readonly #routes: readonly Route[] = [
    [
      'versions',
      /^GET \/_matrix\/client\/versions$/,
      () => ({ status: 200, body: { versions: ['v1.1', 'v1.13'] } }),
    ],
    ['ping', /^POST \/_matrix\/client\/v1\/appservice\/[^/]+\/ping$/, () => this.#ping()],
    ['whoami', at('GET', '/account/whoami'), (call) => ({ status: 200, body: { user_id: call.user } })],
    ['register', at('POST', '/register'), (call) => this.#register(call)],
    ['profile', at('GET', '/profile/([^/]+)'), () => ({ status: 200, body: { displayname: 'Somebody' } })],
    ['displayname', at('PUT', '/profile/([^/]+)/displayname'), () => OK],
    [
      'presence',
      at('GET', '/presence/([^/]+)/status'),
      () => ({ status: 200, body: { presence: 'online' } }),
    ],
    ['set_presence', at('PUT', '/presence/([^/]+)/status'), (call) => this.#show(call)],
    ['createRoom', at('POST', '/createRoom'), (call) => this.#create(call)],
    ['join', at('POST', '/join/([^/]+)'), (call, [room = '']) => this.#move(room, call.user, 'join')],
    [
      'leave',
      at('POST', '/rooms/([^/]+)/leave'),
      (call, [room = '']) => this.#move(room, call.user, 'leave'),
    ],
    [
      'invite',
      at('POST', '/rooms/([^/]+)/invite'),
      (call, [room = '']) => this.#move(room, String(call.body['user_id']), 'invite', call.user),
    ],
    ['members', at('GET', '/rooms/([^/]+)/members'), (_call, [room = '']) => this.#members(room)],
    [
      'state',
      at('GET', '/rooms/([^/]+)/state/([^/]+)/?'),
      (_call, [, type]) =>
        // Everybody may do everything; there is no other state.
        type === 'm.room.power_levels'
          ? {
              status: 200,
              body: { users_default: 0, events_default: 0, events: {}, users: {} },
            }
          : refusal(404, 'M_NOT_FOUND'),
    ],
    [
      'event',
      at('GET', '/rooms/([^/]+)/event/([^/]+)'),
      (_call, [room = '', id = '']) => this.#event(room, id),
    ],
    ['receipt', at('POST', '/rooms/([^/]+)/receipt/m.read/([^/]+)'), () => OK],
    [
      'send',
      at('PUT', '/rooms/([^/]+)/send/([^/]+)/([^/]+)'),
      (call, [room = '', type = '', transaction = '']) => this.#send(call, { room, type, transaction }),
    ],
  ];

  async #ping(): Promise<Answer> {
    return (await this.pusher.ping())
      ? { status: 200, body: { duration_ms: 1 } }
      : refusal(502, 'M_CONNECTION_FAILED');
  }

  #register(call: Call): Answer {
    const user = `@${String(call.body['username'])}:${this.#options.serverName}`;
    if (this.#users.has(user)) return refusal(400, 'M_USER_IN_USE');
    this.#users.add(user);
    return { status: 200, body: { user_id: user } };
  }

  #show(call: Call): Answer {
    this.presence.set(call.user, call.body);
    return OK;
  }

  #create(call: Call): Answer {
    const invited = (call.body['invite'] as string[] | undefined) ?? [];
    const content = (call.body['creation_content'] as object | undefined) ?? {};
    return { status: 200, body: { room_id: this.rooms.create(call.user, content, invited) } };
  }

  #move(room: string, user: string, membership: 'join' | 'leave' | 'invite', sender = user): Answer {
    if (!this.rooms.mayMove(room, user, membership)) return refusal(403, 'M_FORBIDDEN');
    this.rooms.move(room, user, membership, sender);
    return OK;
  }

  #members(room: string): Answer {
    const chunk = [...this.rooms.members(room)].map(([user, membership]) => ({
      type: 'm.room.member',
      state_key: user,
      content: { membership },
    }));
    return { status: 200, body: { chunk } };
  }

  #event(room: string, id: string): Answer {
    const event = this.rooms.timeline(room).find(({ event_id: known }) => known === id);
    return event === undefined ? refusal(404, 'M_NOT_FOUND') : { status: 200, body: event };
  }

  #send(
    call: Call,
    { room, type, transaction }: { room: string; type: string; transaction: string },
  ): Answer {
    if (this.rooms.members(room).get(call.user) !== 'join') return refusal(403, 'M_FORBIDDEN');
    return {
      status: 200,
      body: { event_id: this.rooms.send(room, call.user, { type, content: call.body, transaction }) },
    };
  }
}

function at(method: string, path: string): RegExp {
  return new RegExp(`^${method} ${V3}${path}$`);
}

function refusal(status: number, errcode: string): Answer {
  return { status, body: { errcode, error: errcode } };
}

function reply(
  response: ServerResponse,
  status: number,
  body: object = {},
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
