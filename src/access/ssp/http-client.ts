// SSP documents that go out, as POSTs over connections that are kept (ssp.md section 3, observed-peer.md section 10).

import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Metrics } from '../../ops/ports.ts';
import { Connections, destination, type ConnectionOptions } from './connections.ts';
import { SSP_CONTENT_TYPE } from './document.ts';
import { failureReason, isHangUp, refusesCertificate } from './post-failure.ts';
import type { PeerAddress, PostHeaders, PostOutcome, Poster } from './transport.ts';

export interface PosterOptions extends Partial<ConnectionOptions> {
  /** Of this program: peers see `wvgate/<version>`. */
  readonly version: string;
  readonly patience?: Partial<PosterPatience>;
  readonly metrics: Metrics;
}

/** How long a peer may take, ms. */
export interface PosterPatience {
  /** Until the connection stands, TLS included. */
  readonly connect: number;
  /** From then until the last octet of the answer. As long a document waits for a connection when all are in use. */
  readonly answer: number;
  /** What is under way when the poster closes has as long to end. */
  readonly close: number;
}

const PATIENCE: PosterPatience = { connect: 10_000, answer: 60_000, close: 2_000 };
const CONNECTIONS = { maxSockets: 8, maxFreeSockets: 4, idle: 60_000 };
/** Octets of an answer that are taken, and thrown away, so that its connection can be used again. */
const MAX_DISCARDED = 65_536;
const MAX_RETRY_AFTER = 86_400;

/** @throws Error for TLS material that cannot be used. */
export function createPoster(options: PosterOptions): Poster {
  return new HttpPoster(options);
}

/** `stale`: the peer closed a connection that had been kept, perhaps before it saw what was written to it. */
type Try = PostOutcome | { readonly kind: 'stale'; readonly reason: string };

class HttpPoster implements Poster {
  readonly #options: PosterOptions;
  readonly #patience: PosterPatience;
  readonly #connections: Connections;
  readonly #underWay = new Set<Exchange>();
  /** Sockets that have carried a request before: the peer may be about to close them. */
  readonly #used = new WeakSet<Socket>();
  #closed = false;

  constructor(options: PosterOptions) {
    this.#options = options;
    this.#patience = { ...PATIENCE, ...options.patience };
    this.#connections = new Connections({ ...CONNECTIONS, ...options });
  }

  async post(address: PeerAddress, document: string, headers: PostHeaders): Promise<PostOutcome> {
    const outcome = await this.#postTwice(address, document, headers);
    this.#options.metrics.count('ssp_posts_total', { outcome: outcome.kind });
    return outcome;
  }

  /** Once as a rule; again, on a connection of its own, what met the end of a connection that had been kept. */
  async #postTwice(address: PeerAddress, document: string, headers: PostHeaders): Promise<PostOutcome> {
    const first = await this.#try(address, document, headers, false);
    if (first.kind !== 'stale') return first;
    this.#options.metrics.count('ssp_posts_repeated_total');
    const last = await this.#try(address, document, headers, true);
    if (last.kind === 'answered' || last.kind === 'silent') return last;
    // The first try was written: whatever became of the second, the peer may have taken it.
    return { kind: 'silent', reason: last.reason };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connections.closeIdle();
    setTimeout(() => {
      for (const exchange of this.#underWay) exchange.abandon('wvgate is stopping');
    }, this.#patience.close).unref();
  }

  #try(address: PeerAddress, document: string, headers: PostHeaders, fresh: boolean): Promise<Try> {
    const { url } = address;
    const agent = this.#connections.agent(url, fresh);
    if (this.#closed) return unreachable('wvgate is stopping');
    if (agent === undefined) return unreachable(`${url.host}: ${url.protocol} is neither http: nor https:`);
    const octets = Buffer.from(document);
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
    let request: ClientRequest;
    try {
      request = open({
        ...destination(url, address.certificateNames),
        agent,
        method: 'POST',
        headers: this.#headers(url, octets.length, headers),
      });
    } catch (error) {
      return unreachable(failureReason(url.host, error as Error));
    }
    const exchange = new Exchange(request, octets, url, this.#patience, this.#used);
    this.#underWay.add(exchange);
    request.once('close', () => this.#underWay.delete(exchange));
    return exchange.outcome;
  }

  /** In the order that peers are known to take (observed-peer.md section 10). */
  #headers(url: URL, length: number, { transactionId, sessionId }: PostHeaders): Record<string, string> {
    return {
      Connection: 'keep-alive',
      ...(isHeaderText(transactionId) ? { 'x-wv-transactionid': transactionId } : {}),
      ...(isHeaderText(sessionId) ? { 'x-wv-sessionid': sessionId } : {}),
      'User-Agent': `wvgate/${this.#options.version}`,
      'Content-Type': SSP_CONTENT_TYPE,
      'Content-Length': String(length),
      Host: url.host,
    };
  }
}

function unreachable(reason: string): Promise<PostOutcome> {
  return Promise.resolve({ kind: 'unreachable', reason });
}

/** Ids that do not fit a header are left out: what counts is the document. */
function isHeaderText(id: string | undefined): id is string {
  return id !== undefined && /^[\x21-\x7e]{1,256}$/.test(id);
}

/** One POST and its answer. Every way it can end settles `outcome`; the first one counts. */
class Exchange {
  readonly outcome: Promise<Try>;
  readonly #request: ClientRequest;
  readonly #document: Buffer;
  readonly #url: URL;
  readonly #patience: PosterPatience;
  readonly #used: WeakSet<Socket>;
  readonly #settle: (outcome: Try) => void;
  #timer: NodeJS.Timeout;
  /** Set when the first octet may have gone out; `readBefore`: octets the socket had taken by then. */
  #sent: { readonly socket: Socket; readonly reused: boolean; readonly readBefore: number } | undefined;

  constructor(
    request: ClientRequest,
    document: Buffer,
    url: URL,
    patience: PosterPatience,
    used: WeakSet<Socket>,
  ) {
    const { promise, resolve } = Promise.withResolvers<Try>();
    this.outcome = promise;
    this.#settle = resolve;
    this.#request = request;
    this.#document = document;
    this.#url = url;
    this.#patience = patience;
    this.#used = used;
    this.#timer = this.#within(patience.answer, 'no connection became free');
    request.on('error', (error) => this.#fail(error));
    request.once('socket', (socket) => this.#take(socket));
    request.once('response', (response) => this.#answered(response));
    request.once('close', () => {
      clearTimeout(this.#timer);
      this.#fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    });
  }

  /** Gives up: what is not known by now is not to be known. */
  abandon(reason: string): void {
    this.#request.destroy(new Error(reason));
  }

  /** Nothing is written before the connection stands and the certificate was found good. */
  #take(socket: Socket): void {
    if (this.#used.has(socket)) return this.#send(socket, true);
    clearTimeout(this.#timer);
    this.#timer = this.#within(this.#patience.connect, 'no connection');
    const ready = this.#url.protocol === 'https:' ? 'secureConnect' : 'connect';
    socket.once(ready, () => this.#send(socket, false));
  }

  #send(socket: Socket, reused: boolean): void {
    if (this.#request.destroyed) return;
    clearTimeout(this.#timer);
    this.#timer = this.#within(this.#patience.answer, 'no answer');
    this.#sent = { socket, reused, readBefore: socket.bytesRead };
    this.#used.add(socket);
    this.#request.end(this.#document);
  }

  #within(patience: number, what: string): NodeJS.Timeout {
    return setTimeout(() => this.abandon(`${what} within ${patience / 1000} s`), patience);
  }

  #answered(response: IncomingMessage): void {
    const retryAfterSeconds = retryAfter(response.headers['retry-after']);
    this.#settle({
      kind: 'answered',
      status: response.statusCode ?? 0,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
    let left = MAX_DISCARDED;
    response.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) response.destroy();
    });
    // The status is known: how the rest ends changes nothing.
    response.on('error', () => {});
  }

  #fail(error: NodeJS.ErrnoException): void {
    const reason = failureReason(this.#url.host, error);
    const sent = this.#sent;
    if (sent === undefined || refusesCertificate(error.code))
      return this.#settle({ kind: 'unreachable', reason });
    const unread = sent.socket.bytesRead === sent.readBefore;
    if (sent.reused && unread && isHangUp(error)) return this.#settle({ kind: 'stale', reason });
    this.#settle({ kind: 'silent', reason });
  }
}

/** Seconds, as a peer of this protocol gives them; a date is not understood. */
function retryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\s*\d{1,9}\s*$/.test(value)
    ? Math.min(Number(value), MAX_RETRY_AFTER)
    : undefined;
}
