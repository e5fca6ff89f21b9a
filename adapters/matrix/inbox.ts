// The durable inbox: events are on disk before the homeserver's transaction is answered, and are handled from there,
// in order within a room, side by side between rooms, after a restart as well (field-lessons 2, rows 1 to 6).

import { NotKnownNow } from '../../src/sap/port.ts';
import type { Clock, GatewayStorage, InboxEvent, Log, Metrics } from '../../src/sap/port.ts';
import { HomeserverError } from './errors.ts';
import { inboxContent, inboxEvent } from './events.ts';
import type { InboxContent } from './events.ts';
import type { SerialQueues } from './queues.ts';
import { RareLog } from './rare-log.ts';
import { Slots } from './slots.ts';

/** The relay cannot take a message now; the event is handled again a little later. */
export class NotNow extends Error {
  override readonly name = 'NotNow';
}

export interface InboxOptions {
  readonly storage: GatewayStorage;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly queues: SerialQueues;
  /** Handles one event; `attempt` counts from 1. NotNow, NotKnownNow and transient HomeserverErrors repeat it. */
  readonly handle: (content: InboxContent, attempt: number) => Promise<void>;
  /** Told of an event that could not be handled, and is not tried again. May fail. */
  readonly onGivenUp: (content: InboxContent) => Promise<void>;
}

/** Events that may wait in memory; above, the homeserver is asked to keep its transactions. */
const MAX_WAITING = 10_000;
/** And their size, in characters. */
const MAX_WAITING_LENGTH = 64 * 1024 * 1024;
/** Rooms in which something is done at the same time: a thousand invitations at once are no thousand requests. */
const ROOMS_AT_ONCE = 32;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Answers of 5xx to one event. */
const MAX_SERVER_FAILURES = 60;

export class Inbox {
  readonly #options: InboxOptions;
  /** Ends the pauses under way. */
  readonly #wakers = new Set<() => void>();
  readonly #slots = new Slots(ROOMS_AT_ONCE);
  readonly #rarely: RareLog;
  #length = 0;
  #stopped = false;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#rarely = new RareLog(options.log, options.clock);
  }

  /** Commits events and starts handling the new ones. False when too many are waiting already: nothing was kept. */
  async take(contents: readonly InboxContent[]): Promise<boolean> {
    const { storage, queues, metrics } = this.#options;
    if (this.#stopped || queues.size > MAX_WAITING || this.#length > MAX_WAITING_LENGTH) return false;
    const events = contents.flatMap((content) => this.#written(content));
    if (events.length === 0) return true;
    const fresh = await storage.receive(events);
    metrics.count('matrix_events_total', { kind: 'new' }, fresh.length);
    metrics.count('matrix_events_total', { kind: 'repeated' }, events.length - fresh.length);
    for (const event of fresh) this.#enqueue(event);
    metrics.gauge('matrix_waiting', queues.size);
    return true;
  }

  /** Takes up what was received and not handled before the last stop. */
  async resume(): Promise<void> {
    const waiting = await this.#options.storage.unhandled();
    if (waiting.length > 0)
      this.#options.log.info({ events: waiting.length }, 'matrix: resuming unhandled events');
    for (const event of waiting) this.#enqueue(event);
  }

  /** Takes nothing more, and lets what waits wait for the next start. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#wakers) wake();
  }

  /** Nothing for content that is nested deeper than can be written down. */
  #written(content: InboxContent): InboxEvent[] {
    try {
      return [inboxEvent(content)];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#options.metrics.count('matrix_events_total', { kind: 'malformed' });
      this.#rarely.warn({ room: content.room }, 'matrix: an event is nested too deeply and was left out');
      return [];
    }
  }

  #enqueue(event: InboxEvent): void {
    const { queues, log } = this.#options;
    this.#length += event.payload.length;
    queues
      .run(event.conversation, () => this.#work(event))
      .finally(() => (this.#length -= event.payload.length))
      .catch((error: unknown) => {
        log.error({ event: event.id, error: reasonOf(error) }, 'matrix: the inbox failed');
      });
  }

  async #work(event: InboxEvent): Promise<void> {
    for (let attempt = 1; !this.#stopped; attempt++) {
      if (await this.#attempt(event, attempt)) {
        await this.#options.storage.handled(event.id);
        return;
      }
      await this.#pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
    }
  }

  /** True when the event is done with. An event that cannot be handled must not hold up its room for ever. */
  async #attempt(event: InboxEvent, attempt: number): Promise<boolean> {
    const { handle } = this.#options;
    const content = inboxContent(event);
    try {
      await this.#slots.run(() => handle(content, attempt));
      return true;
    } catch (error) {
      if (isWorthWaiting(error, attempt)) return false;
      await this.#giveUp(event, content, error);
      return true;
    }
  }

  async #giveUp(event: InboxEvent, content: InboxContent, cause: unknown): Promise<void> {
    const { log, metrics, onGivenUp } = this.#options;
    metrics.count('matrix_unhandled_total');
    log.error({ event: event.id, error: reasonOf(cause) }, 'matrix: an event could not be handled');
    try {
      await onGivenUp(content);
    } catch (error) {
      log.error({ event: event.id, error: reasonOf(error) }, 'matrix: its sender could not be told');
    }
  }

  #pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#wakers.delete(wake);
        resolve();
      };
      const cancel = this.#options.clock.after(delay, wake);
      this.#wakers.add(wake);
      if (this.#stopped) wake();
    });
  }
}

/**
 * While the homeserver is away an event waits as long as it takes; a call that a homeserver in good health keeps
 * failing (a room of a dead remote server) is given up after about half an hour.
 */
function isWorthWaiting(error: unknown, attempt: number): boolean {
  if (error instanceof NotNow || error instanceof NotKnownNow) return true;
  if (!(error instanceof HomeserverError) || !error.transient) return false;
  return error.status < 500 || attempt < MAX_SERVER_FAILURES;
}

/** What goes into a log line about a failure. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
