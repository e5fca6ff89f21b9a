// The half of the scripted homeserver that pushes to the application service: one transaction after the other, each
// repeated with the same content until it was taken (Application Service API, "Pushing events").

export interface Transaction {
  readonly id: string;
  readonly events: readonly object[];
  readonly ephemeral: readonly object[];
}

/** What becomes of one delivery: refused without being seen, or delivered with its answer lost on the way back. */
export type Mishap = 'lost before' | 'lost after';

export interface PushScript {
  /** Asked before each delivery, with the number of tries before it. */
  readonly mishap?: (
    transaction: Transaction,
    tries: number,
  ) => Mishap | undefined | Promise<Mishap | undefined>;
  /** Told when the service has answered, before the homeserver knows. */
  readonly answered?: (transaction: Transaction, status: number) => void;
  /** Transactions of before that are pushed once more when this one was taken. */
  readonly again?: (transaction: Transaction, past: readonly Transaction[]) => readonly Transaction[];
}

/** Between two tries, in ms; a real one begins with 1 s and doubles. */
const RETRY_MS = 20;
const MAX_EVENTS = 100;

export class Pusher {
  script: PushScript = {};
  readonly #service: { readonly url: string; readonly hsToken: string };
  readonly #past: Transaction[] = [];
  #events: object[] = [];
  #ephemeral: object[] = [];
  #working = false;
  #count = 0;
  #stopped = false;

  constructor(service: { readonly url: string; readonly hsToken: string }) {
    this.#service = service;
  }

  /** Nothing is left to be pushed. */
  get idle(): boolean {
    return !this.#working && this.#events.length === 0 && this.#ephemeral.length === 0;
  }

  push(event: object): void {
    this.#events.push(event);
    this.#begin();
  }

  pushEphemeral(event: object): void {
    this.#ephemeral.push(event);
    this.#begin();
  }

  /** Delivers one transaction once; the status of the answer, 0 when there was none. */
  async deliver({ id, events, ephemeral }: Transaction): Promise<number> {
    return await this.#request('PUT', `/_matrix/app/v1/transactions/${id}`, { events, ephemeral });
  }

  /** True when the service answers a ping with 200. */
  async ping(): Promise<boolean> {
    return (await this.#request('POST', '/_matrix/app/v1/ping', { transaction_id: 'ping' })) === 200;
  }

  /** Pushes nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  #begin(): void {
    if (this.#working || this.#stopped) return;
    this.#working = true;
    // What is pushed in the same turn goes into one transaction.
    setImmediate(() => void this.#work());
  }

  async #work(): Promise<void> {
    while (!this.#stopped && this.#events.length + this.#ephemeral.length > 0) {
      this.#count += 1;
      const transaction: Transaction = {
        id: String(this.#count),
        events: this.#events.splice(0, MAX_EVENTS),
        ephemeral: this.#ephemeral.splice(0, MAX_EVENTS),
      };
      await this.#insist(transaction);
      for (const other of this.script.again?.(transaction, this.#past) ?? []) await this.#insist(other);
      this.#past.push(transaction);
    }
    this.#working = false;
  }

  async #insist(transaction: Transaction): Promise<void> {
    for (let tries = 0; !this.#stopped; tries += 1) {
      const mishap = await this.script.mishap?.(transaction, tries);
      const status = mishap === 'lost before' ? 0 : await this.deliver(transaction);
      if (status !== 0) this.script.answered?.(transaction, status);
      if (status === 200 && mishap === undefined) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #request(method: string, path: string, body: object): Promise<number> {
    try {
      const answer = await fetch(`${this.#service.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#service.hsToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      // Not there: tried again by whoever asked.
      return 0;
    }
  }
}
