// The client's end of STCP (csp-transport 2.1), for Node: HELO, PING, and a new connection when the old one breaks.

import { connect, type Socket } from 'node:net';
import { systemClock } from '../ops/clock.ts';
import type { Clock } from '../ops/ports.ts';
import type { CirConnection, CirConnector, CirEvents, CirTarget } from './cir.ts';

export interface StcpOptions {
  /** Between two PINGs, seconds; Nokia 900, Android 1,200. Default 900. */
  readonly pingSeconds?: number;
  /** Until an OK is missed, seconds. Default 30. */
  readonly answerSeconds?: number;
  /** Before the first reconnection, ms; tripled each time up to five minutes, as on Android. Default 3,000. */
  readonly reconnectMs?: number;
  readonly clock?: Clock;
}

const LONGEST_PAUSE = 300_000;
/** Longest line of a server, characters; more ends the connection. */
const MAX_LINE = 1024;

type Timing = Required<StcpOptions>;

/** A connector for WvClientOptions.cir. */
export function stcp(options: StcpOptions = {}): CirConnector {
  const timing = { pingSeconds: 900, answerSeconds: 30, reconnectMs: 3000, clock: systemClock, ...options };
  return {
    method: 'STCP',
    open: (target, events) => new Channel(target, events, timing),
  };
}

class Channel implements CirConnection {
  readonly #target: CirTarget;
  readonly #events: CirEvents;
  readonly #timing: Timing;
  #socket: Socket | undefined;
  #text = '';
  #isUp = false;
  #closed = false;
  #pause: number;
  #cancelTimer: () => void = () => {};

  constructor(target: CirTarget, events: CirEvents, timing: Timing) {
    this.#target = target;
    this.#events = events;
    this.#timing = timing;
    this.#pause = timing.reconnectMs;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#socket?.destroy();
  }

  #connect(): void {
    const { host, port, sessionId } = this.#target;
    const socket = connect({ host, port, noDelay: true });
    let problem = new Error('CIR: the server closed the connection');
    this.#socket = socket;
    this.#text = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => this.#say(`HELO ${sessionId}`));
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', (error) => (problem = error));
    socket.on('close', () => this.#broke(problem));
  }

  /** Says a line that the server answers with OK (or with a call, which is as good). */
  #say(line: string): void {
    this.#socket?.write(`${line}\r\n`);
    this.#expect(this.#timing.answerSeconds, () => this.#socket?.destroy(new Error('CIR: no OK')));
  }

  #expect(seconds: number, task: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#timing.clock.after(seconds * 1000, task);
  }

  #read(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    if (this.#text.length > MAX_LINE) this.#socket?.destroy(new Error('CIR: line too long'));
    for (const line of lines) this.#line(line.trim());
  }

  #line(line: string): void {
    if (this.#closed) return;
    const isCall = /^WVCI\b/i.test(line);
    if (!isCall && line !== 'OK') return;
    this.#expect(this.#timing.pingSeconds, () => this.#say('PING'));
    this.#pause = this.#timing.reconnectMs;
    if (!this.#isUp) {
      this.#isUp = true;
      this.#events.opened();
    }
    if (isCall) this.#events.called();
  }

  #broke(problem: Error): void {
    this.#cancelTimer();
    if (this.#closed) return;
    this.#isUp = false;
    this.#events.lost(problem);
    this.#cancelTimer = this.#timing.clock.after(this.#pause, () => this.#connect());
    this.#pause = Math.min(this.#pause * 3, LONGEST_PAUSE);
  }
}
