// Requests on their way to one peer (ssp.md sections 3 and 9): gathered into POSTs, in order per sender, each kept
// until its answer came in a POST of the peer.

import type { Clock, Log } from '../../ops/ports.ts';
import { OK, result, type Result } from '../../wv/status.ts';
import type { Dialect } from './dialects.ts';
import type { RequestContent, ResponseContent, SspTransaction } from './document.ts';
import type { PostHeaders, PostOutcome } from './transport.ts';

/** What became of a request: the peer's answer, or why there is none. */
export type Reply = ResponseContent | { readonly kind: 'failed'; readonly result: Result };

export interface OutgoingRequest {
  /** The same id whenever the same thing is asked again: the peer may have seen it. */
  readonly transactionId: string;
  readonly content: RequestContent;
  /** Requests of one key arrive in the order in which they were made. */
  readonly orderKey: string;
  /** The peer answers nothing to this one: taken is done. */
  readonly unanswered: boolean;
  /** It may be asked again in another run, under the same id. */
  readonly lasting: boolean;
  /** The peer took it in a former run: its answer is waited for, and nothing is sent. */
  readonly takenBefore: boolean;
  /** About how many octets it has. */
  readonly octets: number;
}

/** What the exchange needs of its peer. */
export interface ExchangePort {
  dialect(): Dialect;
  /** Resolves with OK when a session is up, else with why there is none. Quick when it is known already. */
  ready(): Promise<Result>;
  /** True while `ready` would say OK at once. */
  isReady(): boolean;
  /** Posts transactions in the session that is up. */
  post(transactions: readonly SspTransaction[], headers: PostHeaders): Promise<PostOutcome>;
  /** The peer took these, and would do them twice: resolves when that is on disk. Never rejects. */
  noteTaken(transactionIds: readonly string[]): Promise<void>;
  /** The peer does not know our session (any more). */
  sessionLost(reason: string): void;
  /** The peer took something, or did not. */
  reached(): void;
  unreached(reason: string, retryAfterSeconds?: number): void;
}

export interface ExchangeLimits {
  /** Requests queued or waiting for their answer; 503 beyond. */
  readonly open: number;
  /** Milliseconds until a request without an answer is given up. */
  readonly answerMs: number;
}

/** Transactions in one POST, their octets unless one alone has more, and POSTs at once. */
const BATCH = 32;
const BATCH_OCTETS = 262_144;
const PARALLEL_POSTS = 4;
/** How often a request is sent anew because the peer had forgotten our session. */
const MAX_RELOGINS = 2;

interface Entry extends OutgoingRequest {
  readonly resolve: (reply: Reply) => void;
  readonly promise: Promise<Reply>;
  /** Age: what is sent anew goes back to its place. */
  readonly seq: number;
  state: 'queued' | 'posting' | 'taken' | 'done';
  relogins: number;
  /** It goes alone: the peer refused a POST with others. */
  alone: boolean;
  cancelTimer?: () => void;
}

export class Exchange {
  private readonly port: ExchangePort;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly limits: ExchangeLimits;
  private readonly soon: (task: () => void) => void;
  private readonly open = new Map<string, Entry>();
  private queue: Entry[] = [];
  /** Order keys of the POSTs that are out. */
  private readonly busy = new Map<string, number>();
  private posts = 0;
  private waiting = false;
  private gathering = false;
  private lastSeq = 0;

  constructor(deps: {
    port: ExchangePort;
    clock: Clock;
    log: Log;
    limits: ExchangeLimits;
    /** Runs a task when this turn of the event loop is over. */
    soon?: (task: () => void) => void;
  }) {
    this.soon = deps.soon ?? setImmediate;
    this.port = deps.port;
    this.clock = deps.clock;
    this.log = deps.log;
    this.limits = deps.limits;
  }

  /** Requests that are not answered yet. */
  get size(): number {
    return this.open.size;
  }

  /** Never rejects. A request with an id that is under way joins it. */
  request(request: OutgoingRequest): Promise<Reply> {
    const known = this.open.get(request.transactionId);
    if (known !== undefined) return known.promise;
    if (this.open.size >= this.limits.open)
      return Promise.resolve(
        failure({ code: 503, description: 'Too many requests under way', tryAgainAfter: 1 }),
      );
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const seq = ++this.lastSeq;
    const entry: Entry = { ...request, promise, resolve, seq, state: 'queued', relogins: 0, alone: false };
    this.open.set(request.transactionId, entry);
    entry.cancelTimer = this.clock.after(this.limits.answerMs, () => this.expire(entry));
    if (request.takenBefore) {
      this.taken(entry);
      return promise;
    }
    this.queue.push(entry);
    this.gather();
    return promise;
  }

  /** What is asked in one turn of the event loop, such as all that one commit let go, shares a POST. */
  private gather(): void {
    if (this.gathering) return;
    this.gathering = true;
    this.soon(() => {
      this.gathering = false;
      this.pump();
    });
  }

  /** An answer of the peer. False = nobody waits for it (section 9, rule 3). */
  answered(transactionId: string, content: ResponseContent): boolean {
    const entry = this.open.get(transactionId);
    if (entry === undefined) return false;
    if (isAboutSession(content) && entry.relogins < MAX_RELOGINS) {
      this.port.sessionLost('the peer says so');
      this.again(entry);
    } else {
      this.settle(entry, content);
    }
    return true;
  }

  /** Everything that waits is given up: the peer is gone, or suspended, or we stop. */
  abandon(outcome: Result): void {
    for (const entry of this.open.values()) this.conclude(entry, outcome);
  }

  /** The peer took requests and forgot them: they go out once more, under their transaction ids. */
  repeat(): void {
    this.requeue([...this.open.values()].filter(({ state }) => state === 'taken'));
    this.pump();
  }

  /**
   * A new session is up. What the peer took in an earlier one and has not answered is asked again under its id
   * (section 4, life cycle): the answer may have been lost with the session.
   */
  renewed(): void {
    if (this.port.dialect().dropsRepeats) this.repeat();
    else this.pump();
  }

  /** Sends what may go. */
  pump(): void {
    if (this.queue.length === 0) return;
    if (!this.port.isReady()) {
      this.awaitSession();
      return;
    }
    while (this.posts < PARALLEL_POSTS) {
      const batch = this.nextBatch();
      if (batch.length === 0) return;
      this.post(batch).catch((error: unknown) => {
        this.log.error({ err: error }, 'SSP requests could not be posted');
        for (const entry of batch) this.settle(entry, failure(result(500)));
      });
    }
  }

  private awaitSession(): void {
    if (this.waiting) return;
    this.waiting = true;
    this.port
      .ready()
      .then((outcome) => {
        this.waiting = false;
        if (outcome.code === 200) return this.pump();
        for (const entry of this.queue.splice(0)) this.settle(entry, failure(outcome));
        return undefined;
      })
      .catch((error: unknown) => {
        this.waiting = false;
        this.log.error({ err: error }, 'SSP session could not be set up');
        for (const entry of this.queue.splice(0)) this.settle(entry, failure(result(503)));
      });
  }

  /** What may go now, oldest first: nothing overtakes an older request of the same key that is out or held back. */
  private nextBatch(): Entry[] {
    const batch: Entry[] = [];
    const left: Entry[] = [];
    const held = new Set<string>();
    let octets = 0;
    for (const entry of this.queue) {
      const fits =
        batch.length < BATCH &&
        (batch.length === 0 || octets + entry.octets <= BATCH_OCTETS) &&
        !this.busy.has(entry.orderKey) &&
        !held.has(entry.orderKey) &&
        (batch.length === 0 || (!entry.alone && batch[0]?.alone === false));
      if (fits) {
        batch.push(entry);
        octets += entry.octets;
      } else {
        held.add(entry.orderKey);
        left.push(entry);
      }
    }
    this.queue = left;
    return batch;
  }

  private async post(batch: readonly Entry[]): Promise<void> {
    this.posts++;
    for (const entry of batch) {
      entry.state = 'posting';
      this.busy.set(entry.orderKey, (this.busy.get(entry.orderKey) ?? 0) + 1);
    }
    const [first] = batch;
    try {
      const outcome = await this.port.post(
        batch.map(({ transactionId, content }) => ({ mode: 'Request', transactionId, content })),
        first === undefined ? {} : { transactionId: first.transactionId },
      );
      await this.posted(batch, outcome);
    } finally {
      this.posts--;
      for (const { orderKey } of batch) {
        const left = (this.busy.get(orderKey) ?? 1) - 1;
        if (left === 0) this.busy.delete(orderKey);
        else this.busy.set(orderKey, left);
      }
      this.pump();
    }
  }

  private async posted(batch: readonly Entry[], outcome: PostOutcome): Promise<void> {
    if (outcome.kind !== 'answered') {
      this.port.unreached(outcome.reason);
      if (outcome.kind === 'silent' && !this.port.dialect().control) {
        // COMPAT(Baraza): it closes the connection on a session that it does not know.
        this.port.sessionLost('closed without an answer');
      }
      this.giveUp(batch, { code: 503, description: outcome.reason });
    } else if (outcome.status < 300) {
      this.port.reached();
      if (!this.port.dialect().dropsRepeats) await this.noteTaken(batch);
      for (const entry of batch) this.taken(entry);
    } else {
      this.refused(batch, outcome.status, outcome.retryAfterSeconds);
    }
  }

  private refused(batch: readonly Entry[], status: number, retryAfterSeconds: number | undefined): void {
    if (status === 401 || status === 403) {
      this.port.sessionLost(`HTTP ${status}`);
      for (const entry of batch) {
        if (entry.relogins < MAX_RELOGINS) this.again(entry);
        else this.settle(entry, failure({ code: 503, description: `HTTP ${status}` }));
      }
    } else if (status === 413) {
      this.giveUpOrSplit(batch, result(415, 'Larger than the peer takes'));
    } else if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
      this.giveUpOrSplit(batch, result(400, `HTTP ${status}`));
    } else {
      this.port.unreached(`HTTP ${status}`, retryAfterSeconds);
      this.giveUp(batch, {
        code: 503,
        description: `HTTP ${status}`,
        ...(retryAfterSeconds === undefined ? {} : { tryAgainAfter: retryAfterSeconds }),
      });
    }
  }

  /** One of them is at fault: each goes by itself, in their order. */
  private giveUpOrSplit(batch: readonly Entry[], outcome: Result): void {
    if (batch.length === 1) {
      this.giveUp(batch, outcome);
      return;
    }
    for (const entry of batch) entry.alone = true;
    this.requeue(batch);
  }

  private giveUp(batch: readonly Entry[], outcome: Result): void {
    for (const entry of batch) this.settle(entry, failure(outcome));
  }

  private async noteTaken(batch: readonly Entry[]): Promise<void> {
    const lasting = batch.filter((entry) => entry.lasting).map(({ transactionId }) => transactionId);
    if (lasting.length > 0) await this.port.noteTaken(lasting);
  }

  private taken(entry: Entry): void {
    if (entry.state === 'done') return;
    entry.state = 'taken';
    if (entry.unanswered) this.settle(entry, success());
  }

  private again(entry: Entry): void {
    if (entry.state === 'done') return;
    entry.relogins++;
    this.requeue([entry]);
    this.pump();
  }

  private requeue(entries: readonly Entry[]): void {
    const back = entries.filter(({ state }) => state !== 'done' && state !== 'queued');
    for (const entry of back) entry.state = 'queued';
    this.queue = [...back, ...this.queue].toSorted((a, b) => a.seq - b.seq);
  }

  /** No answer in time. */
  private expire(entry: Entry): void {
    delete entry.cancelTimer;
    this.conclude(entry, result(504, 'No answer of the peer'));
  }

  /** No answer will come. A peer that would do it twice is not asked again for what it took. */
  private conclude(entry: Entry, outcome: Result): void {
    const isOnce = entry.takenBefore || !this.port.dialect().dropsRepeats;
    const done = entry.state === 'taken' && isOnce;
    this.settle(entry, done ? success() : failure(outcome));
  }

  private settle(entry: Entry, reply: Reply): void {
    if (entry.state === 'done') return;
    if (entry.state === 'queued') this.queue = this.queue.filter((other) => other !== entry);
    entry.state = 'done';
    entry.cancelTimer?.();
    this.open.delete(entry.transactionId);
    entry.resolve(reply);
  }
}

function failure(outcome: Result): Reply {
  return { kind: 'failed', result: outcome };
}

function success(): Reply {
  return { kind: 'relay', response: { primitive: 'Status', result: OK } };
}

/** 600 session expired, 604 invalid session (section 4, life cycle). */
function isAboutSession(content: ResponseContent): boolean {
  return (
    content.kind === 'relay' && (content.response.result.code === 600 || content.response.result.code === 604)
  );
}
