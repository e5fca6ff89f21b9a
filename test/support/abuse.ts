// Test support of the abuse suites: a connection that sends what no client should, a log that remembers, chance that
// repeats itself, and a watch over what nobody caught.

import { connect, type Socket } from 'node:net';
import { pino, type Logger } from 'pino';
import { requestFields } from '../../src/access/request-scope.ts';
import { logOptions } from '../../src/ops/log.ts';
import { eventually } from './eventually.ts';

/** Numbers that look random and are the same in every run (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to, not including, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  octets(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** The same octets with up to five bits turned over. */
  damaged(octets: Uint8Array): Buffer {
    const copy = Buffer.from(octets);
    for (let flips = 1 + this.below(5); flips > 0; flips -= 1) {
      const at = this.below(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << this.below(8));
    }
    return copy;
  }
}

/** A log, at level debug unless said otherwise, in memory, with the options of the real one. */
export class RememberedLog {
  readonly lines: string[] = [];
  readonly log: Logger;

  constructor(level = 'debug') {
    this.log = pino(logOptions(level, requestFields), { write: (line) => this.lines.push(line) });
  }

  entries(): readonly Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Lines of level error: what a handler threw, what went wrong inside. */
  errors(): readonly string[] {
    return this.lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  }
}

/** What nobody caught, from now on. Call the result to have it checked and the watch ended. */
export function watchForUncaught(): () => void {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  return () => {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
    if (uncaught.length > 0) throw new AggregateError(uncaught, 'something was thrown and not caught');
  };
}

export interface HttpAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
}

/** A TCP connection to a server, octet by octet. */
export class Wire {
  closed = false;
  #received = Buffer.alloc(0);
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => (this.#received = Buffer.concat([this.#received, data])));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => {});
  }

  static async open(port: number, localAddress = '127.0.0.1'): Promise<Wire> {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true, allowHalfOpen: true });
    const wire = new Wire(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return wire;
  }

  get text(): string {
    return this.#received.toString('latin1');
  }

  send(octets: string | Uint8Array): void {
    if (typeof octets === 'string') this.#socket.write(octets, 'latin1');
    else this.#socket.write(octets);
  }

  /** Says that nothing more will come, and goes on listening. */
  finish(): void {
    this.#socket.end();
  }

  /** Takes nothing more from the server. */
  pause(): void {
    this.#socket.pause();
  }

  drop(): void {
    this.#socket.destroy();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  hears(text: string): Promise<boolean> {
    return eventually(`hears ${JSON.stringify(text)}: ${this.text.slice(0, 500)}`, () =>
      this.text.includes(text),
    );
  }

  isClosed(): Promise<boolean> {
    return eventually(`the connection ends; heard ${this.text.slice(0, 500)}`, () => this.closed);
  }

  /** The first `count` HTTP answers. */
  answers(count: number): Promise<HttpAnswer[]> {
    return eventually(`${count} answers; heard ${this.text.slice(0, 500)}`, () => {
      const all = answersIn(this.#received);
      return all.length >= count && all.slice(0, count);
    });
  }

  async answer(): Promise<HttpAnswer> {
    const [first] = await this.answers(1);
    if (first === undefined) throw new Error('no answer');
    return first;
  }
}

function answersIn(received: Buffer): HttpAnswer[] {
  const answers: HttpAnswer[] = [];
  for (let at = 0; ;) {
    const end = received.indexOf('\r\n\r\n', at);
    if (end < 0) return answers;
    const head = received.toString('latin1', at, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (received.length < end + 4 + length) return answers;
    const status = Number(head.split(' ')[1]);
    answers.push({ status, head, body: received.subarray(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
}

/** A POST to /csp as octets; headers in the order given. */
export function posted(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Buffer {
  const octets = typeof body === 'string' ? Buffer.from(body) : body;
  const lines = Object.entries({
    Host: 'im.example',
    'Content-Type': 'application/vnd.wv.csp.xml',
    'Content-Length': String(octets.length),
    ...headers,
  }).filter(([, value]) => value !== '');
  const head = ['POST /csp HTTP/1.1', ...lines.map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  );
  return Buffer.concat([Buffer.from(head, 'latin1'), octets]);
}
