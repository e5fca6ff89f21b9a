// Lines that remote input can cause as often as it likes are logged once a minute, with the number of those left out.

import type { Clock, Log } from '../../src/sap/port.ts';

const PAUSE_MS = 60_000;

export class RareLog {
  readonly #log: Log;
  readonly #clock: Clock;
  /** By line, of which there are few. */
  readonly #lines = new Map<string, { readonly until: number; leftOut: number }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `text` is constant: what differs goes into `fields`. */
  warn(fields: object, text: string): void {
    const known = this.#lines.get(text);
    const now = this.#clock.now();
    if (known !== undefined && now < known.until) {
      known.leftOut += 1;
      return;
    }
    this.#lines.set(text, { until: now + PAUSE_MS, leftOut: 0 });
    this.#log.warn({ ...fields, ...((known?.leftOut ?? 0) > 0 ? { before: known?.leftOut } : {}) }, text);
  }
}
