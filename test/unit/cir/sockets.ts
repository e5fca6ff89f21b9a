// Test support of the CIR suites: a client's socket that remembers what arrived, a directory, a clock.

import { connect, type Socket } from 'node:net';
import type { CirAttachment, CirChannel, CirDirectory } from '../../../src/access/csp/cir/channel.ts';
import { systemClock } from '../../../src/ops/clock.ts';
import type { Clock, Log, Metrics } from '../../../src/ops/ports.ts';

/** Waits until `condition` holds; fails after `deadline` ms. */
export async function eventually(condition: () => boolean, what: string, deadline = 3000): Promise<void> {
  const end = Date.now() + deadline;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`did not happen in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A client's end of an STCP connection. */
export class Caller {
  /** Each receive by itself, as a phone sees its buffer. */
  readonly chunks: string[] = [];
  closed = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.setNoDelay(true);
    this.socket.on('data', (data) => this.chunks.push(data.toString('latin1')));
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', () => (this.closed = true));
  }

  get text(): string {
    return this.chunks.join('');
  }

  say(text: string): void {
    this.socket.write(text);
  }

  hears(text: string): Promise<void> {
    return eventually(
      () => this.text === text,
      `${JSON.stringify(text)}, heard ${JSON.stringify(this.text)}`,
    );
  }

  isClosed(): Promise<void> {
    return eventually(() => this.closed, 'the connection ends');
  }
}

/** Sessions by id; a new channel of a session closes the old one, as the real directory does. */
export class Sessions implements CirDirectory {
  readonly known: ReadonlySet<string>;
  readonly channels = new Map<string, CirChannel>();
  readonly events: string[] = [];
  onAttach: (channel: CirChannel) => void = () => {};

  constructor(...known: string[]) {
    this.known = new Set(known);
  }

  attach(sessionId: string, channel: CirChannel): CirAttachment | undefined {
    if (!this.known.has(sessionId)) return undefined;
    this.channels.get(sessionId)?.close();
    this.channels.set(sessionId, channel);
    this.events.push(`attached ${sessionId}`);
    this.onAttach(channel);
    return {
      touched: () => this.events.push(`touched ${sessionId}`),
      detached: () => {
        this.events.push(`detached ${sessionId}`);
        if (this.channels.get(sessionId) === channel) this.channels.delete(sessionId);
      },
    };
  }
}

/** Real timers for what is due at once, a hand-moved time for everything else. */
export class SteppingClock implements Clock {
  #now = 1_000_000;
  readonly #tasks = new Set<{ at: number; task: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delay: number, task: () => void): () => void {
    if (delay < 1000) return systemClock.after(delay, task);
    const entry = { at: this.#now + delay, task };
    this.#tasks.add(entry);
    return () => this.#tasks.delete(entry);
  }

  advance(by: number): void {
    const target = this.#now + by;
    for (;;) {
      const due = [...this.#tasks].filter((entry) => entry.at <= target).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#tasks.delete(due);
      this.#now = due.at;
      due.task();
    }
    this.#now = target;
  }
}

const nothing = (): void => {};
export const SILENT_LOG: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Counts what was counted, by name and labels. */
export class CountingMetrics implements Metrics {
  readonly counts = new Map<string, number>();
  count(name: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const key = [name, ...Object.values(labels)].join(' ');
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }
  gauge(name: string, value: number): void {
    this.counts.set(name, value);
  }
  observe(): void {}
}
