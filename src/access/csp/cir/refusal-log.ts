// One log line a minute about refused connections, however many there are: metrics count each of them.

import type { Clock, Log } from '../../../ops/ports.ts';

const PAUSE_MS = 60_000;

export class RefusalLog {
  readonly #clock: Clock;
  readonly #log: Log;
  #quietUntil = 0;
  #unsaid = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `unsaid` in the line = refusals since the last one that got no line of their own. */
  refused(address: string, reason: string): void {
    const now = this.#clock.now();
    if (now < this.#quietUntil) {
      this.#unsaid += 1;
      return;
    }
    this.#log.warn({ address, reason, unsaid: this.#unsaid }, 'CIR connection refused');
    this.#quietUntil = now + PAUSE_MS;
    this.#unsaid = 0;
  }
}
