// When a client polls and when it says that it is still there (csp-transport "Polling", csp-transactions 1.4).

import type { Clock } from '../ops/ports.ts';

export interface PollingPort {
  poll(): Promise<void>;
  keepAlive(): Promise<void>;
  /** When the session last heard from us, ms. */
  lastPostAt(): number;
  failed(error: unknown): void;
}

/** Polls when told to and at an interval; one poll at a time, and one more when told to meanwhile. */
export class Polling {
  readonly #port: PollingPort;
  readonly #clock: Clock;
  #intervalMs = 0;
  #keepAliveMs = 0;
  #running = false;
  #active = false;
  #again = false;
  #cancelPoll: () => void = () => {};
  #cancelKeepAlive: () => void = () => {};

  constructor(port: PollingPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  /** Zero = not at an interval, never. */
  start(intervalSeconds: number, keepAliveSeconds: number): void {
    this.stop();
    this.#running = true;
    this.pace(intervalSeconds);
    this.keepAliveEvery(keepAliveSeconds);
  }

  stop(): void {
    this.#running = false;
    this.#cancelPoll();
    this.#cancelKeepAlive();
  }

  /** Another interval from now on. */
  pace(intervalSeconds: number): void {
    this.#intervalMs = intervalSeconds * 1000;
    this.#planPoll();
  }

  /** Another idle time of the session from now on. */
  keepAliveEvery(seconds: number): void {
    this.#cancelKeepAlive();
    this.#keepAliveMs = keepAlivePause(seconds);
    this.#planKeepAlive();
  }

  /** Polls; when a poll is under way, once more after it. After a failure the next interval tries again. */
  now(): void {
    if (!this.#running) return;
    this.#again = true;
    if (!this.#active) void this.#pollWhileWanted();
  }

  async #pollWhileWanted(): Promise<void> {
    this.#active = true;
    this.#cancelPoll();
    while (this.#again && this.#running) {
      this.#again = false;
      await this.#port.poll().catch((error: unknown) => {
        this.#again = false;
        this.#port.failed(error);
      });
    }
    this.#active = false;
    this.#planPoll();
  }

  #planPoll(): void {
    this.#cancelPoll();
    if (!this.#running || this.#active || this.#intervalMs === 0) return;
    this.#cancelPoll = this.#clock.after(this.#intervalMs, () => this.now());
  }

  #planKeepAlive(): void {
    if (!this.#running || this.#keepAliveMs === 0) return;
    const due = this.#port.lastPostAt() + this.#keepAliveMs - this.#clock.now();
    this.#cancelKeepAlive = this.#clock.after(Math.max(due, 100), () => void this.#keepAlive());
  }

  async #keepAlive(): Promise<void> {
    const isDue = this.#clock.now() - this.#port.lastPostAt() >= this.#keepAliveMs;
    if (isDue) await this.#port.keepAlive().catch((error: unknown) => this.#port.failed(error));
    this.#planKeepAlive();
  }
}

/** COMPAT(aosp): five seconds before the session would end; of a very short time, half. */
function keepAlivePause(seconds: number): number {
  return seconds > 20 ? (seconds - 5) * 1000 : seconds * 500;
}
