// Test support: HTTP as phones speak it. One keep-alive connection, every header under control, every octet of the
// answer kept, so that tests can judge the very bytes (client-quirks section 1).

import { connect, type Socket } from 'node:net';

export interface RawResponse {
  /** All octets from the first interim answer to the end of the body. */
  readonly raw: Buffer;
  /** Status lines of interim answers, such as `HTTP/1.1 100 Continue`. */
  readonly interim: readonly string[];
  readonly status: number;
  readonly statusLine: string;
  /** As they came: order and case kept. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly chunked: boolean;
}

/** The value of a header, whatever its case. */
export function header(response: RawResponse, name: string): string | undefined {
  return response.headers.find(([own]) => own.toLowerCase() === name.toLowerCase())?.[1];
}

export interface RawRequest {
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** Send the body only after `100 Continue`. */
  readonly waitForContinue?: boolean;
}

const DEADLINE_MS = 15_000;

/** One connection. It connects with the first request, and again with the next one after it was closed. */
export class RawConnection {
  readonly #port: number;
  #socket: Socket | undefined;
  #received = Buffer.alloc(0);
  #ended = false;
  #changed: () => void = () => {};
  /** How many connections were opened. */
  opened = 0;

  constructor(port: number) {
    this.#port = port;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined && !this.#ended;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async post(request: RawRequest): Promise<RawResponse> {
    if (!this.isOpen) await this.#open();
    this.#received = Buffer.alloc(0);
    const head = [
      `POST ${request.path} HTTP/1.1`,
      ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ];
    this.write(`${head.join('\r\n')}\r\n\r\n`);
    if (request.waitForContinue === true) await this.#until(() => hasInterim(this.#received));
    this.write(request.body);
    const response = await this.#until(() => parse(this.#received, this.#ended));
    if (header(response, 'connection')?.toLowerCase() === 'close') await this.closed();
    return response;
  }

  /** Octets as they are, for what no well-behaved client sends. */
  write(octets: string | Uint8Array): void {
    this.#socket?.write(octets);
  }

  /** Waits until the server closes the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.#ended || undefined);
  }

  async #open(): Promise<void> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    this.#ended = false;
    this.opened += 1;
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#changed();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#changed();
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  }

  /** The first value that is not undefined; looked for whenever something arrived. */
  #until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new Error(`no complete answer; received ${JSON.stringify(this.#received.toString('latin1'))}`),
        );
      }, DEADLINE_MS);
      this.#changed = () => {
        const found = look();
        if (found === undefined && !this.#ended) return;
        clearTimeout(timer);
        if (found === undefined) reject(new Error('the server closed the connection without an answer'));
        else resolve(found);
      };
      this.#changed();
    });
  }
}

function hasInterim(received: Buffer): true | undefined {
  return /^HTTP\/1\.[01] 1\d\d [\s\S]*?\r\n\r\n/.test(received.toString('latin1')) || undefined;
}

interface Head {
  readonly statusLine: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly end: number;
}

function readHead(received: Buffer, from: number): Head | undefined {
  const end = received.indexOf('\r\n\r\n', from);
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = received.toString('latin1', from, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { statusLine, status: Number(statusLine.split(' ')[1]), headers, end: end + 4 };
}

/** undefined = not complete yet. */
function parse(received: Buffer, ended: boolean): RawResponse | undefined {
  const interim: string[] = [];
  let head = readHead(received, 0);
  while (head !== undefined && head.status < 200) {
    interim.push(head.statusLine);
    head = readHead(received, head.end);
  }
  if (head === undefined) return undefined;
  const { statusLine, status, headers } = head;
  const rest = received.subarray(head.end);
  const find = (name: string): string | undefined => headers.find(([own]) => own.toLowerCase() === name)?.[1];
  const chunked = /chunked/i.test(find('transfer-encoding') ?? '');
  const body = chunked ? unchunk(rest) : untilLength(rest, find('content-length'), ended);
  if (body === undefined) return undefined;
  return { raw: received, interim, status, statusLine, headers, body, chunked };
}

function untilLength(rest: Buffer, length: string | undefined, ended: boolean): Buffer | undefined {
  if (length === undefined) return ended ? rest : undefined;
  return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : undefined;
}

function unchunk(rest: Buffer): Buffer | undefined {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (rest.length < end + 2) return undefined;
    if (size === 0) return Buffer.concat(pieces);
    pieces.push(rest.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
