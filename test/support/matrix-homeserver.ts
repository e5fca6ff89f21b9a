// A homeserver for tests, just enough of one to misbehave at will: it answers, fails or hangs up as told, and keeps
// what it was asked. Sends with a transaction id that it knows make no second event.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly user: string | null;
  readonly query: URLSearchParams;
  /** Empty when it was no JSON. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly type: string;
  readonly octets: Buffer;
}

/** How one request goes wrong: an answer, a connection cut before or after it took effect, or silence. */
export type Failure =
  | { readonly status: number; readonly body?: object; readonly headers?: Readonly<Record<string, string>> }
  | 'cut before'
  | 'cut after'
  | 'hang';

export const SERVER_NAME = 'hs.test';
export const BOT = '@_impst_bot:hs.test';

type Answer = (asked: Asked) => object | undefined;

export class FakeHomeserver {
  readonly asked: Asked[] = [];
  /** Events by transaction: path of the send. */
  readonly sent = new Map<string, { event_id: string; content: Readonly<Record<string, unknown>> }>();
  readonly presence = new Map<string, unknown>();
  /** The media repository, by `server/id`. */
  readonly media = new Map<string, Buffer>();
  /** State events by `room/state/type/`, and members by room. */
  readonly state = new Map<string, object>();
  readonly members = new Map<string, readonly object[]>();
  /** Events that may be asked for one by one. */
  readonly events = new Map<string, object>();
  /** Failures to come, by the start of the path's end: `send`, `createRoom`, `whoami`, … */
  readonly failures = new Map<string, Failure[]>();
  /** Who our token stands for. */
  self = BOT;
  #server: Server | undefined;
  #port = 0;

  /** Listens on the port it had before, or on a new one. */
  async open(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  fail(call: string, ...failures: readonly Failure[]): void {
    this.failures.set(call, [...failures]);
  }

  /** Answers requests that match, `METHOD path`, from now on; the last one asked for counts. */
  answer(pattern: RegExp, given: Answer): void {
    this.#given.unshift([pattern, given]);
  }

  /** Requests whose path contains `part`. */
  all(part: string): Asked[] {
    return this.asked.filter(({ path }) => path.includes(part));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await readAsked(request);
    this.asked.push(asked);
    const failure = this.#failureOf(asked.path);
    if (failure === 'hang') return;
    if (failure === 'cut before') {
      request.socket.destroy();
      return;
    }
    if (failure !== undefined && failure !== 'cut after') {
      answer(response, failure.status, failure.body ?? {}, failure.headers);
      return;
    }
    const result = this.#answerOf(asked);
    if (failure === 'cut after') request.socket.destroy();
    else answer(response, result === undefined ? 404 : 200, result ?? { errcode: 'M_NOT_FOUND' });
  }

  #failureOf(path: string): Failure | undefined {
    for (const [call, failures] of this.failures) {
      if (path.includes(`/${call}`)) return failures.shift();
    }
    return undefined;
  }

  #answerOf(asked: Asked): object | undefined {
    const found = [...this.#given, ...this.#answers].find(([pattern]) =>
      pattern.test(`${asked.method} ${asked.path}`),
    );
    return found?.[1](asked);
  }

  readonly #given: (readonly [RegExp, Answer])[] = [];
  readonly #answers: readonly (readonly [RegExp, Answer])[] = [
    [/^GET .*\/versions$/, () => ({ versions: ['v1.13'] })],
    [/^GET .*\/whoami$/, () => ({ user_id: this.self })],
    [/^POST .*\/ping$/, () => ({ duration_ms: 1 })],
    [/^POST .*\/register$/, () => ({ user_id: 'whoever' })],
    [/^POST .*\/createRoom$/, () => ({ room_id: `!room${this.all('createRoom').length}:hs.test` })],
    [/^PUT .*\/send\/m\.room\.message\//, (asked) => this.#send(asked)],
    [/^POST .*\/media\/v3\/upload$/, (asked) => this.#upload(asked)],
    [/^GET .*\/media\/download\//, ({ path }) => this.media.get(path.split('/').slice(-2).join('/'))],
    [/^GET .*\/event\//, ({ path }) => this.events.get(path.split('/').at(-1) ?? '')],
    [/^GET .*\/profile\//, () => ({ displayname: 'Dave' })],
    [/^GET .*\/presence\//, () => ({ presence: 'online' })],
    [/^PUT .*\/presence\//, (asked) => this.#setPresence(asked)],
    [/^PUT .*\/profile\//, () => ({})],
    [/^GET .*\/state\//, ({ path }) => this.state.get(path.replace(/^.*\/rooms\//, ''))],
    [/^GET .*\/members$/, ({ path }) => ({ chunk: this.members.get(path.split('/').at(-2) ?? '') ?? [] })],
    [/^POST .*\/(?:join|rooms)\//, () => ({})],
  ];

  #send(asked: Asked): object {
    const known = this.sent.get(asked.path);
    if (known !== undefined) return { event_id: known.event_id };
    const event = { event_id: `$event${this.sent.size}`, content: asked.body };
    this.sent.set(asked.path, event);
    return { event_id: event.event_id };
  }

  #upload({ octets }: Asked): object {
    const id = `file${this.media.size}`;
    this.media.set(`${SERVER_NAME}/${id}`, octets);
    return { content_uri: `mxc://${SERVER_NAME}/${id}` };
  }

  #setPresence(asked: Asked): object {
    this.presence.set(asked.user ?? '', asked.body);
    return {};
  }
}

async function readAsked(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const octets = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  const isJson = octets.length > 0 && type.startsWith('application/json');
  const url = new URL(request.url ?? '/', 'http://localhost');
  return {
    method: request.method ?? '',
    path: decodeURIComponent(url.pathname),
    user: url.searchParams.get('user_id'),
    query: url.searchParams,
    body: isJson ? (JSON.parse(octets.toString('utf8')) as Record<string, unknown>) : {},
    type,
    octets,
  };
}

function answer(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const isFile = Buffer.isBuffer(body);
  const type = isFile ? 'application/octet-stream' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(isFile ? body : JSON.stringify(body));
}
