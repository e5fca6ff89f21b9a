// What was read from the stream and is not dealt with yet, on disk. XEP-0114 has no acknowledgements: what the server
// has written is nobody's but ours, and its sender believes it sent. After a crash it is taken up before anything new.

import type { Clock, GatewayStorage, Log, Metrics, RelayPort } from '../../src/sap/port.ts';
import type { Incoming } from './component-link.ts';
import type { XmppSettings } from './config.ts';
import { QueueFull } from './conversation-queue.ts';

/** Starts after which a stanza that is still not dealt with is given up: perhaps it is what ends the process. */
const MAX_TRIES = 3;

/** A stanza on disk. */
interface Kept {
  /** Unique, also over restarts; sorts by time. */
  readonly key: string;
  readonly incoming: Incoming;
  /** When it was read first, ms since the epoch. */
  readonly at: number;
  /** Runs of the gateway that have taken it up. */
  readonly tries: number;
}

type Services = Pick<RelayPort, 'ids'> & {
  readonly storage: GatewayStorage;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

export class Inbox {
  readonly #services: Services;
  readonly #limit: number;
  readonly #prefix: string;
  readonly #run: string;
  readonly #kept = new WeakMap<Incoming, Kept>();
  #left: readonly Kept[] = [];
  #size = 0;
  #serial = 0;

  /**
   * What one stream had read is no business of another.
   * @param stream undefined: the component's; else of an account, its user and its address; the user alone: to `clear`
   *   what all accounts of his left
   */
  constructor(services: Services, settings: XmppSettings, stream?: string) {
    this.#services = services;
    this.#prefix = stream === undefined ? 'unread ' : `unread-by-account ${stream} `;
    this.#limit = settings.maxUnreadStanzas;
    this.#run = `${String(services.clock.now()).padStart(15, '0')}-${services.ids.random(6)}`;
  }

  /** Stanzas not dealt with yet. */
  get size(): number {
    return this.#size;
  }

  /** What comes now would be refused. */
  get isFull(): boolean {
    return this.#size >= this.#limit;
  }

  /** Reads what the last run left. */
  async load(): Promise<void> {
    const { storage, log, metrics } = this.#services;
    const left: Kept[] = [];
    for (const [key, value] of await storage.list(this.#prefix)) {
      const { incoming, at, tries } = JSON.parse(value) as Omit<Kept, 'key'>;
      const kept = { key, incoming, at, tries: tries + 1 };
      if (kept.tries <= MAX_TRIES) left.push(kept);
      else {
        await storage.delete(key);
        metrics.count('xmpp_stanzas_given_up_total');
        log.error({ from: incoming.from.domain, tries }, 'XMPP gateway: a stanza was given up');
      }
    }
    await Promise.all(left.map((kept) => this.#write(kept)));
    this.#size = left.length;
    this.#left = left;
  }

  /** What the last run left, in order; nothing when asked again. */
  takeUp(): readonly Incoming[] {
    const left = this.#left;
    this.#left = [];
    for (const kept of left) this.#kept.set(kept.incoming, kept);
    if (left.length > 0) this.#services.metrics.count('xmpp_stanzas_taken_up_total', {}, left.length);
    return left.map(({ incoming }) => incoming);
  }

  /** Nobody will take up what is kept. */
  async clear(): Promise<void> {
    const { storage } = this.#services;
    for (const [key] of await storage.list(this.#prefix)) await storage.delete(key);
  }

  /**
   * Keeps a stanza while it is dealt with, however that ends. `handle` begins at once, so that it can take its place in
   * a queue, and waits for its argument before it does anything that others see.
   * @throws QueueFull when too many are kept, and whatever `handle` throws
   */
  async during(incoming: Incoming, handle: (isKept: Promise<void>) => Promise<void>): Promise<void> {
    const isKept = this.#keep(incoming);
    // `handle` may never come to wait for it.
    isKept.catch(() => undefined);
    try {
      await handle(isKept);
    } finally {
      await this.#forget(incoming);
    }
  }

  /** When a stanza was read first, and a name that it has now and after a restart. Only of one that is kept. */
  factsOf(incoming: Incoming): { readonly at: number; readonly name: string } {
    const kept = this.#kept.get(incoming);
    return { at: kept?.at ?? this.#services.clock.now(), name: kept?.key.slice(this.#prefix.length) ?? '' };
  }

  async #keep(incoming: Incoming): Promise<void> {
    if (this.#kept.has(incoming)) return;
    if (this.isFull) throw new QueueFull('too many stanzas wait');
    this.#serial += 1;
    this.#size += 1;
    const key = `${this.#prefix}${this.#run}-${String(this.#serial).padStart(12, '0')}`;
    const kept = { key, incoming, at: this.#services.clock.now(), tries: 0 };
    this.#kept.set(incoming, kept);
    await this.#write(kept);
  }

  async #write({ key, ...kept }: Kept): Promise<void> {
    await this.#services.storage.put(key, JSON.stringify(kept));
  }

  async #forget(incoming: Incoming): Promise<void> {
    const kept = this.#kept.get(incoming);
    if (kept === undefined) return;
    this.#kept.delete(incoming);
    this.#size -= 1;
    await this.#services.storage.delete(kept.key);
  }
}
