// The durable outbox towards gateways (design section 5): requests wait on disk until the far side took them, go
// out in order per conversation, are retried with back-off while they are valid, and end with a report.

import type { Clock, Log, Metrics } from '../ops/ports.ts';
import type { NewOutboxEntry, OutboxEntry, Store } from '../store/store.ts';
import type { ServiceAddress } from '../wv/ids.ts';
import { isSuccess, result, type Result } from '../wv/status.ts';
import type { Outgoing } from '../services/outgoing.ts';
import { failureNotes, laneKey, waitingAs, type DurableRequest } from './durable.ts';
import type { Gateway } from './port.ts';

export interface OutboxOptions {
  /** Entries held in memory per gateway; the rest waits on disk. */
  readonly window: number;
  /** Requests under way at once per gateway. */
  readonly concurrency: number;
  /** Back-off between tries of one entry, milliseconds. */
  readonly minDelay: number;
  readonly maxDelay: number;
  /** How long anything but a message is worth trying, milliseconds. */
  readonly reportValidity: number;
}

export const OUTBOX_DEFAULTS: OutboxOptions = {
  window: 4096,
  concurrency: 128,
  minDelay: 1_000,
  maxDelay: 300_000,
  reportValidity: 86_400_000,
};

/** Answers that mean "not now" (port.ts). */
const TRANSIENT = new Set<number>([408, 503, 504]);

/** Entries of one conversation in order; the first may be under way or waiting for its next try. */
interface Lane {
  readonly entries: OutboxEntry[];
  state: 'ready' | 'sending' | 'waiting';
  /** The gateway became usable while the first entry was under way: a failure of before does not count. */
  hurry?: boolean;
  wake?: () => void;
}

/** An entry that was tried. */
interface Attempted {
  readonly entry: OutboxEntry;
  readonly request: DurableRequest;
  readonly outcome: Result;
}

/** What one gateway still has to take. */
class Queue {
  gateway: Gateway;
  readonly lanes = new Map<string, Lane>();
  readonly ready: string[] = [];
  lastSeq = 0;
  held = 0;
  sending = 0;
  /** True while entries beyond the window may be on disk. */
  more = true;
  loading = false;

  constructor(gateway: Gateway) {
    this.gateway = gateway;
  }
}

export class Outbox {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly metrics: Metrics;
  private readonly service: ServiceAddress;
  private readonly options: OutboxOptions;
  private readonly queues = new Map<string, Queue>();
  private reports: Outgoing | undefined;
  private stopped = false;

  constructor(deps: {
    store: Store;
    clock: Clock;
    log: Log;
    metrics: Metrics;
    service: ServiceAddress;
    options?: OutboxOptions;
  }) {
    this.store = deps.store;
    this.clock = deps.clock;
    this.log = deps.log;
    this.metrics = deps.metrics;
    this.service = deps.service;
    this.options = deps.options ?? OUTBOX_DEFAULTS;
  }

  /** Begins to work on what is on disk. `reports` takes the reports about what could not be delivered. */
  start(gateways: readonly Gateway[], reports: Outgoing): void {
    this.reports = reports;
    for (const gateway of gateways) this.addGateway(gateway);
  }

  /** A gateway that was found later, perhaps in the place of a stand-in; what waits for it on disk goes out. */
  addGateway(gateway: Gateway): void {
    const known = this.queues.get(gateway.name);
    if (known !== undefined) {
      known.gateway = gateway;
      this.retryNow(gateway.name);
      return;
    }
    const queue = new Queue(gateway);
    this.queues.set(gateway.name, queue);
    this.pump(queue);
  }

  /** False when something waits for it, or may. */
  removeGateway(gateway: Gateway): boolean {
    const queue = this.queues.get(gateway.name);
    if (queue === undefined) return true;
    if (queue.held > 0 || queue.more || queue.loading) return false;
    return this.queues.delete(gateway.name);
  }

  /** No new tries; entries under way end by themselves and stay on disk unless confirmed. */
  stop(): void {
    this.stopped = true;
    for (const queue of this.queues.values()) for (const lane of queue.lanes.values()) lane.wake?.();
  }

  /** Commits a request, one entry a recipient, then starts sending. Resolves when it is on disk. */
  async add(gateway: Gateway, request: DurableRequest): Promise<void> {
    await this.store.enqueueOutbox(this.split(gateway, request));
    const queue = this.queues.get(gateway.name);
    if (queue === undefined) return;
    queue.more = true;
    this.pump(queue);
  }

  /** The gateway is usable again: entries that wait for their next try go now. */
  retryNow(gatewayName: string): void {
    const queue = this.queues.get(gatewayName);
    if (queue === undefined) return;
    for (const lane of queue.lanes.values()) {
      if (lane.state === 'sending') lane.hurry = true;
      lane.wake?.();
    }
    this.pump(queue);
  }

  /** Entries of a gateway in memory, for metrics. */
  held(gatewayName: string): number {
    return this.queues.get(gatewayName)?.held ?? 0;
  }

  private split({ name: destination, takesTogether }: Gateway, request: DurableRequest): NewOutboxEntry[] {
    if (request.primitive !== 'SendMessageRequest') {
      const now = this.clock.now();
      return [
        {
          destination,
          ...waitingAs(request, now),
          payload: JSON.stringify(request),
          expiresAt: now + this.options.reportValidity,
        },
      ];
    }
    const { message } = request;
    if (takesTogether === true) {
      return [
        {
          destination,
          conversation: laneKey(message.sender),
          key: `message ${message.id} ${message.recipients.map(laneKey).join(' ')}`,
          payload: JSON.stringify(request),
          expiresAt: message.expiresAt,
        },
      ];
    }
    return message.recipients.map((recipient) => ({
      destination,
      conversation: `${laneKey(message.sender)} ${laneKey(recipient)}`,
      key: `message ${message.id} ${laneKey(recipient)}`,
      payload: JSON.stringify({ ...request, message: { ...message, recipients: [recipient] } }),
      expiresAt: message.expiresAt,
    }));
  }

  private pump(queue: Queue): void {
    if (this.stopped) return;
    // Half a window at a time: one read for many entries rather than one for each that leaves.
    if (queue.more && !queue.loading && queue.held <= this.options.window / 2) this.load(queue);
    while (queue.sending < this.options.concurrency) {
      const conversation = queue.ready.shift();
      if (conversation === undefined) return;
      const lane = queue.lanes.get(conversation);
      if (lane !== undefined) this.send(queue, conversation, lane);
    }
  }

  private load(queue: Queue): void {
    queue.loading = true;
    queue.more = false;
    this.store
      .outboxOf(queue.gateway.name, queue.lastSeq, this.options.window - queue.held)
      .then((entries) => {
        for (const entry of entries) this.take(queue, entry);
        if (entries.length > 0) queue.more = true;
      })
      .catch((error: unknown) => {
        this.log.error(
          { err: error, gateway: queue.gateway.name },
          'outbox cannot be read, trying again in 1 s',
        );
        this.clock.after(1_000, () => {
          queue.more = true;
          this.pump(queue);
        });
      })
      .finally(() => {
        queue.loading = false;
        this.pump(queue);
      });
  }

  private take(queue: Queue, entry: OutboxEntry): void {
    queue.lastSeq = entry.seq;
    queue.held++;
    const lane = queue.lanes.get(entry.conversation);
    if (lane !== undefined) {
      lane.entries.push(entry);
      return;
    }
    queue.lanes.set(entry.conversation, { entries: [entry], state: 'ready' });
    queue.ready.push(entry.conversation);
  }

  private send(queue: Queue, conversation: string, lane: Lane): void {
    const [entry] = lane.entries;
    if (entry === undefined) {
      queue.lanes.delete(conversation);
      return;
    }
    lane.state = 'sending';
    delete lane.hurry;
    queue.sending++;
    this.attempt(queue.gateway, entry)
      .then((attempted) => this.concluded(queue, conversation, lane, attempted))
      .catch((error: unknown) => {
        this.log.error({ err: error, seq: entry.seq }, 'outbox entry failed, trying again');
        this.wait(queue, conversation, lane, this.options.minDelay);
      })
      .finally(() => {
        queue.sending--;
        this.pump(queue);
      });
  }

  private async attempt(gateway: Gateway, entry: OutboxEntry): Promise<Attempted> {
    const request = JSON.parse(entry.payload) as DurableRequest;
    if (entry.expiresAt <= this.clock.now()) return { entry, request, outcome: result(542) };
    const started = this.clock.now();
    const response = await gateway.request(request);
    this.metrics.observe('gateway_request_seconds', (this.clock.now() - started) / 1000, {
      gateway: gateway.name,
    });
    return { entry, request, outcome: response.result };
  }

  private async concluded(
    queue: Queue,
    conversation: string,
    lane: Lane,
    { entry, request, outcome }: Attempted,
  ): Promise<void> {
    const again = TRANSIENT.has(outcome.code) && entry.expiresAt > this.clock.now();
    this.metrics.count('outbox_attempts_total', { gateway: queue.gateway.name, code: String(outcome.code) });
    if (again) {
      const delay = this.backOff(entry, outcome);
      await this.store.outboxRetry(entry.seq, entry.attempts + 1, this.clock.now() + delay);
      lane.entries[0] = { ...entry, attempts: entry.attempts + 1 };
      this.wait(queue, conversation, lane, delay);
      return;
    }
    if (!isSuccess(outcome) || outcome.details !== undefined)
      await this.failed(entry, request, TRANSIENT.has(outcome.code) ? result(542) : outcome);
    await this.store.outboxDone(entry.seq);
    await queue.gateway.concluded?.(request);
    queue.held--;
    lane.entries.shift();
    if (lane.entries.length === 0) {
      queue.lanes.delete(conversation);
      return;
    }
    lane.state = 'ready';
    queue.ready.push(conversation);
  }

  private backOff(entry: OutboxEntry, outcome: Result): number {
    const delay = Math.min(this.options.minDelay * 2 ** Math.min(entry.attempts, 16), this.options.maxDelay);
    const asked = (outcome.tryAgainAfter ?? 0) * 1000;
    return Math.max(1, Math.min(Math.max(delay, asked), entry.expiresAt - this.clock.now()));
  }

  /** The whole conversation waits with its first entry: nothing overtakes it. */
  private wait(queue: Queue, conversation: string, lane: Lane, delay: number): void {
    if (this.stopped) return;
    lane.state = 'waiting';
    const pause = lane.hurry === true ? this.options.minDelay : delay;
    delete lane.hurry;
    const cancel = this.clock.after(pause, () => lane.wake?.());
    lane.wake = () => {
      delete lane.wake;
      cancel();
      if (this.stopped) return;
      lane.state = 'ready';
      queue.ready.push(conversation);
      this.pump(queue);
    };
  }

  /** Who is concerned by the failure learns it, asked or not (durable.ts). */
  private async failed(entry: OutboxEntry, request: DurableRequest, outcome: Result): Promise<void> {
    const notes = failureNotes(request, outcome, { service: this.service, now: this.clock.now() });
    for (const note of notes) {
      const told = await this.reports?.request(note);
      // Not on disk: the entry stays and is tried again.
      if (told?.result.code === 500) throw new Error(`${note.primitive} could not be kept`);
    }
    if (notes.length > 0) return;
    const { primitive } = request;
    this.metrics.count('outbox_lost_total', { gateway: entry.destination, primitive });
    this.log.warn({ seq: entry.seq, primitive, code: outcome.code }, 'request not taken by its destination');
  }
}
