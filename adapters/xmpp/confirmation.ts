// Confirmation of what was written to a component stream. XEP-0114 has no acknowledgements, but the server handles
// a stream in order: once a ping to ourselves (XEP-0199) has come back, everything written before it was handled.
// Tried on Prosody 0.12 and ejabberd 23.01: both return a ping to the component's own domain to the component.

import type { Clock } from '../../src/sap/port.ts';

export interface ConfirmationPort {
  /** Writes a ping with this id; false when there is no stream. */
  ping(id: string): boolean;
  /** The server did not return a ping in time. */
  dead(): void;
}

type Waiter = (confirmed: boolean) => void;

/** At most one ping is under way; what is written meanwhile waits for the next. */
export class Confirmation {
  readonly #port: ConfirmationPort;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #serial = 0;
  #flight:
    { readonly id: string; readonly waiters: readonly Waiter[]; readonly cancel: () => void } | undefined;
  #next: Waiter[] = [];

  constructor(port: ConfirmationPort, clock: Clock, timeoutMs: number) {
    this.#port = port;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Messages and others that wait for a confirmation. */
  get waiting(): number {
    return this.#next.length + (this.#flight?.waiters.length ?? 0);
  }

  /** Resolves true when the server has handled all written until now, false when the stream ended before. */
  confirmed(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#next.push(resolve);
      if (this.#flight === undefined) this.#launch();
    });
  }

  /** True when the id is that of our ping: the stanza needs no other handling. */
  returned(id: string | undefined): boolean {
    if (id === undefined || id !== this.#flight?.id) return false;
    const { waiters, cancel } = this.#flight;
    this.#flight = undefined;
    cancel();
    for (const waiter of waiters) waiter(true);
    if (this.#next.length > 0 && this.#flight === undefined) this.#launch();
    return true;
  }

  /** The stream is gone: nothing unconfirmed may be taken for delivered. */
  lost(): void {
    const waiters = [...(this.#flight?.waiters ?? []), ...this.#next];
    this.#flight?.cancel();
    this.#flight = undefined;
    this.#next = [];
    for (const waiter of waiters) waiter(false);
  }

  #launch(): void {
    this.#serial += 1;
    const id = `sync-${this.#serial}`;
    const cancel = this.#clock.after(this.#timeoutMs, () => {
      this.#port.dead();
      this.lost();
    });
    this.#flight = { id, waiters: this.#next, cancel };
    this.#next = [];
    if (!this.#port.ping(id)) this.lost();
  }
}
