// One STCP connection: its lines, its state, and the pacing of what it writes.

import type { Socket } from 'node:net';
import type { Clock, Log, Metrics } from '../../../ops/ports.ts';
import type { CspVersion } from '../../../wv/version.ts';
import {
  callText,
  isCallableCookie,
  type CirAttachment,
  type CirChannel,
  type CirDirectory,
} from './channel.ts';
import type { StcpLimits } from './stcp.ts';

interface Surroundings {
  readonly directory: CirDirectory;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

type EndReason =
  | 'line too long'
  | 'unknown session'
  | 'silent'
  | 'no HELO'
  | 'idle'
  | 'too many pings'
  | 'session'
  | 'shutdown'
  | 'peer';

type State = 'silent' | 'greeting' | 'attached';
type Event = 'helo' | 'ping' | 'other';

/** What each line does. Lines that mean nothing are ignored: clients differ, and none needs an error here. */
const TABLE: Readonly<Record<State, Readonly<Record<Event, 'attach' | 'ok' | 'ignore'>>>> = {
  silent: { helo: 'attach', ping: 'ignore', other: 'ignore' },
  greeting: { helo: 'attach', ping: 'ignore', other: 'ignore' },
  attached: { helo: 'attach', ping: 'ok', other: 'ignore' },
};

/** OK lines that may wait for their turn; a client pings once in minutes. */
const MAX_WAITING = 16;
const LF = 0x0a;

export class StcpConnection {
  readonly #socket: Socket;
  readonly #around: Surroundings;
  readonly #limits: StcpLimits;
  readonly #forget: () => void;
  readonly #openedAt: number;
  #state: State = 'silent';
  #heardAt: number;
  #attachment: CirAttachment | undefined;
  #channel: SessionChannel | undefined;
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #waiting: string[] = [];
  #pausing = false;
  #cancelPause: () => void = () => {};
  #ended = false;

  constructor(socket: Socket, around: Surroundings, limits: StcpLimits, forget: () => void) {
    this.#socket = socket;
    this.#around = around;
    this.#limits = limits;
    this.#forget = forget;
    this.#openedAt = this.#heardAt = around.clock.now();
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => around.log.debug({ error: error.message }, 'CIR connection broke'));
    socket.on('close', () => this.end('peer'));
  }

  /** Writes one call; one that is still waiting to be written is not repeated. */
  call(version: CspVersion, cookie: string): void {
    if (!isCallableCookie(cookie)) {
      this.#around.log.warn({}, 'CIR: the session cookie does not fit a line; the client is not called');
      this.#around.metrics.count('cir_calls_total', { method: 'STCP', outcome: 'cookie' });
      return;
    }
    const line = `${callText(version, cookie)}\r\n`;
    if (this.#waiting.includes(line)) return;
    this.#around.metrics.count('cir_calls_total', { method: 'STCP', outcome: 'sent' });
    this.#say(line);
  }

  /** The session wants no more of this connection, and no word about its end. */
  dismiss(): void {
    this.#attachment = undefined;
    this.end('session');
  }

  /** Ends the connection and tells the session, once. */
  end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelPause();
    this.#socket.destroy();
    this.#forget();
    this.#around.log.debug({ reason, state: this.#state }, 'CIR connection ended');
    this.#around.metrics.count('cir_connections_ended_total', { reason });
    this.#detach();
  }

  /** Ends what has been silent for too long. `now` in ms. */
  sweep(now: number): void {
    if (this.#state === 'silent' && now - this.#openedAt >= this.#limits.silentMs) this.end('silent');
    else if (this.#state !== 'attached' && now - this.#openedAt >= this.#limits.heloMs) this.end('no HELO');
    else if (now - this.#heardAt >= this.#limits.idleMs) this.end('idle');
  }

  #detach(): void {
    const attachment = this.#attachment;
    this.#attachment = undefined;
    this.#channel?.retire();
    attachment?.detached();
  }

  #read(chunk: Buffer): void {
    this.#heardAt = this.#around.clock.now();
    if (this.#state === 'silent') this.#state = 'greeting';
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0 && !this.#ended; end = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      this.#line(this.#takeLine());
    }
    if (!this.#ended) this.#keep(chunk.subarray(start));
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieceBytes += piece.length;
    if (this.#pieceBytes > this.#limits.lineBytes) return this.end('line too long');
    this.#pieces.push(piece);
  }

  #takeLine(): string {
    const line = Buffer.concat(this.#pieces).toString('utf8').trim();
    this.#pieces = [];
    this.#pieceBytes = 0;
    return line;
  }

  #line(line: string): void {
    if (this.#ended) return;
    this.#attachment?.touched();
    const [, sessionId] = /^HELO\s+(\S+)$/i.exec(line) ?? [];
    const event = sessionId !== undefined ? 'helo' : /^PING$/i.test(line) ? 'ping' : 'other';
    const action = TABLE[this.#state][event];
    if (action === 'attach') this.#attach(sessionId ?? '');
    else if (action === 'ok') this.#ok();
  }

  /** OK comes first: a call that the directory makes while attaching follows it. */
  #attach(sessionId: string): void {
    this.#detach();
    const channel = new SessionChannel(this);
    this.#channel = channel;
    const attachment = this.#around.directory.attach(sessionId, channel);
    if (attachment === undefined) return this.end('unknown session');
    if (this.#ended) return;
    this.#attachment = attachment;
    this.#state = 'attached';
    this.#ok();
    channel.open();
  }

  #ok(): void {
    if (this.#waiting.length >= MAX_WAITING) return this.end('too many pings');
    this.#say('OK\r\n');
  }

  /** Each line goes out in a segment of its own, a pause apart. */
  #say(line: string): void {
    if (this.#ended) return;
    this.#waiting.push(line);
    if (!this.#pausing) this.#write();
  }

  #write(): void {
    const line = this.#waiting.shift();
    this.#pausing = line !== undefined;
    if (line === undefined || this.#ended) return;
    this.#socket.write(line);
    this.#cancelPause = this.#around.clock.after(this.#limits.pauseMs, () => this.#write());
  }
}

/** What one session holds of the connection. It ends with the next HELO, and calls nobody before the client has its OK. */
class SessionChannel implements CirChannel {
  #connection: StcpConnection | undefined;
  #early: (() => void) | undefined;
  #open = false;

  constructor(connection: StcpConnection) {
    this.#connection = connection;
  }

  call(version: CspVersion, cookie: string): void {
    if (this.#open) this.#connection?.call(version, cookie);
    else this.#early = () => this.#connection?.call(version, cookie);
  }

  close(): void {
    this.#connection?.dismiss();
  }

  open(): void {
    this.#open = true;
    this.#early?.();
  }

  retire(): void {
    this.#connection = undefined;
  }
}
