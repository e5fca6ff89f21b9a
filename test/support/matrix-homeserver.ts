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
  readonly body: Readonly<Record<string, unknown>>;
}

/** How one request goes wrong: an answer, a connection cut before or after it took effect, or silence. */
export type Failure =
  | { readonly status: number; readonly body?: object; readonly headers?: Readonly<Record<string, string>> }
  | 'cut before'
  | 'cut after'
  | 'hang';

export const SERVER_NAME = 'hs.test';
export const BOT = '@_impst_bot:hs.test';

type Answer = (asked: Asked) => object;

export class FakeHomeserver {
  readonly asked: Asked[] = [];
  /** Events by transaction: path of the send. */
  readonly sent = new Map<string, { event_id: string; content: Readonly<Record<string, unknown>> }>();
  readonly presence = new Map<string, unknown>();
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
    else answer(response, result === undefined ? 404 : 200, result ?? { errcode: 'M_UNRECOGNIZED' });
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
    [/^GET .*\/profile\//, () => ({ displayname: 'Dave' })],
    [/^GET .*\/presence\//, () => ({ presence: 'online' })],
    [/^PUT .*\/presence\//, (asked) => this.#setPresence(asked)],
    [/^PUT .*\/profile\//, () => ({})],
    [/^POST .*\/(?:join|rooms)\//, () => ({})],
  ];

  #send(asked: Asked): object {
    const known = this.sent.get(asked.path);
    if (known !== undefined) return { event_id: known.event_id };
    const event = { event_id: `$event${this.sent.size}`, content: asked.body };
    this.sent.set(asked.path, event);
    return { event_id: event.event_id };
  }

  #setPresence(asked: Asked): object {
    this.presence.set(asked.user ?? '', asked.body);
    return {};
  }
}

async function readAsked(request: IncomingMessage): Promise<Asked> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const url = new URL(request.url ?? '/', 'http://localhost');
  return {
    method: request.method ?? '',
    path: decodeURIComponent(url.pathname),
    user: url.searchParams.get('user_id'),
    query: url.searchParams,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

function answer(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
