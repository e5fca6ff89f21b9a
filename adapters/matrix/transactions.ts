// The HTTP face towards the homeserver (Matrix Application Service API). matrix-appservice answers a transaction
// before its handlers are done and remembers only the last id, in memory; so its routes for transactions, users,
// rooms and pings are taken over here, and only the rest reaches its Express application.

import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { AppService } from 'matrix-appservice-bridge';
import { NotKnownNow } from '../../src/sap/port.ts';
import type { Clock, Log, Metrics } from '../../src/sap/port.ts';
import { isRecord } from './events.ts';
import { RareLog } from './rare-log.ts';

/** What was pushed, as JSON values not yet looked at. */
export interface PushedTransaction {
  readonly events: readonly unknown[];
  readonly ephemeral: readonly unknown[];
}

export interface TransactionTaker {
  /**
   * Commits a transaction. True: it is on disk. False: too much is waiting; the homeserver keeps it and tries again
   * with back-off.
   */
  take(transaction: PushedTransaction): Promise<boolean>;
  /** True when the WV user of this ghost exists; its account is then made. */
  userExists(ghost: string): Promise<boolean>;
}

/** Octets of a transaction: 100 events of 64 KiB, and their ephemeral company. */
const MAX_BODY = 16 * 1024 * 1024;
/** Deadline of a whole request, in ms. */
const REQUEST_TIMEOUT_MS = 60_000;

interface Surroundings {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

type Handler = (request: IncomingMessage, response: ServerResponse, name: string) => Promise<void>;

class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly errcode: string;

  constructor(status: number, errcode: string, reason: string) {
    super(reason);
    this.status = status;
    this.errcode = errcode;
  }
}

/** Given to the library's `Bridge.listen`. */
export class TransactionFace extends AppService {
  readonly #intake: TransactionTaker;
  readonly #tokenDigest: Buffer;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #rarely: RareLog;
  #listener: Server | undefined;

  constructor(hsToken: string, intake: TransactionTaker, { log, metrics, clock }: Surroundings) {
    super({ homeserverToken: hsToken });
    this.#intake = intake;
    this.#tokenDigest = sha256(hsToken);
    this.#log = log;
    this.#metrics = metrics;
    this.#rarely = new RareLog(log, clock);
  }

  override listen(port: number, hostname: string): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    this.#listener = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, hostname, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#log.error({ error: error.message }, 'matrix: listener failed'));
        resolve();
      });
    });
  }

  /** Answers what is under way, then closes; the homeserver keeps its connections open otherwise. */
  override close(): Promise<void> {
    const server = this.#listener;
    this.#listener = undefined;
    if (server === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  }

  /** The port it listens on; undefined before. */
  get port(): number | undefined {
    const address = this.#listener?.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  }

  /** Never rejects: every failure becomes an answer. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    try {
      await this.#route(request, response);
    } catch (error) {
      this.#refuse(response, error);
    } finally {
      const labels = { status: String(response.statusCode) };
      this.#metrics.observe('matrix_push_seconds', (performance.now() - started) / 1000, labels);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    this.#authenticate(request, url);
    // COMPAT(Synapse < 1.75): paths without the prefix.
    const path = url.pathname.replace(/^(?:\/_matrix\/app\/v1)?(?=\/)/, '');
    for (const [method, start, handler] of this.#routes) {
      if (request.method === method && path.startsWith(start)) {
        await handler(request, response, decodeName(path.slice(start.length)));
        return;
      }
    }
    if (path.startsWith('/thirdparty/')) {
      this.app(request, response);
      return;
    }
    throw new Refusal(404, 'M_UNRECOGNIZED', 'no such endpoint');
  }

  readonly #routes: readonly (readonly [method: string, start: string, handler: Handler])[] = [
    ['PUT', '/transactions/', (request, response) => this.#transaction(request, response)],
    ['GET', '/users/', (_request, response, name) => this.#user(response, name)],
    ['GET', '/rooms/', () => Promise.reject(new Refusal(404, 'M_NOT_FOUND', 'no such room'))],
    ['POST', '/ping', (request, response) => this.#ping(request, response)],
  ];

  #authenticate(request: IncomingMessage, url: URL): void {
    const header = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    // COMPAT(Matrix < 1.4): the token as a query parameter.
    const token = header ?? url.searchParams.get('access_token');
    if (token === null) throw new Refusal(401, 'M_UNAUTHORIZED', 'a token is needed');
    if (timingSafeEqual(sha256(token), this.#tokenDigest)) return;
    this.#metrics.count('matrix_token_refused_total');
    this.#rarely.warn({}, 'matrix: a request with a wrong hs_token was refused');
    throw new Refusal(403, 'M_FORBIDDEN', 'bad token');
  }

  async #transaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    const events = this.#arrayOf(body, 'events');
    const ephemeral = [
      ...this.#arrayOf(body, 'ephemeral'),
      ...this.#arrayOf(body, 'de.sorunome.msc2409.ephemeral'),
    ];
    if (!(await this.#intake.take({ events, ephemeral }))) {
      throw new Refusal(503, 'M_UNKNOWN', 'too many events are waiting');
    }
    answer(response, 200, {});
  }

  /** What is not as it should be is left out: it would be the same at the next try, for ever. */
  #arrayOf(body: unknown, key: string): readonly unknown[] {
    const value = isRecord(body) ? (body[key] ?? []) : undefined;
    if (Array.isArray(value)) return value;
    this.#metrics.count('matrix_events_total', { kind: 'malformed' });
    this.#rarely.warn({ key }, 'matrix: a malformed transaction was taken, and what is wrong in it left out');
    return [];
  }

  async #user(response: ServerResponse, name: string): Promise<void> {
    if (!(await this.#intake.userExists(name))) throw new Refusal(404, 'M_NOT_FOUND', 'no such user');
    answer(response, 200, {});
  }

  async #ping(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await readJson(request);
    answer(response, 200, {});
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const refusal = refusalFor(error);
    if (refusal.status === 500) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error({ error: reason }, 'matrix: a request of the homeserver failed');
    }
    if (response.headersSent) response.destroy();
    else answer(response, refusal.status, { errcode: refusal.errcode, error: refusal.message });
  }
}

function refusalFor(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  // Not 404: the user may well be there.
  if (error instanceof NotKnownNow) return new Refusal(503, 'M_UNKNOWN', 'not known now');
  return new Refusal(500, 'M_UNKNOWN', 'internal error');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new Refusal(400, 'M_INVALID_PARAM', error instanceof Error ? error.message : 'malformed path');
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  // After a refusal before the body was read, the rest of it must not be taken for the next request.
  const close = status >= 400 && !response.req.complete ? { connection: 'close' } : {};
  response.writeHead(status, { 'content-type': 'application/json', ...close });
  response.end(text);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  // destroyOnReturn would cut the connection before a refusal is written.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refusal(413, 'M_TOO_LARGE', 'body too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks, size).toString('utf8'));
  } catch {
    // A body that was cut on its way may be whole the next time.
    throw new Refusal(400, 'M_NOT_JSON', 'not JSON');
  }
}
