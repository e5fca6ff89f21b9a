// Requests of one peer (ssp.md sections 2, 9 and 12): repeats get the answer they got, the sender's order is kept,
// limits and the agreement hold, the rest is the relay's.

import { createHash } from 'node:crypto';
import type { Clock, Log, Metrics } from '../../ops/ports.ts';
import { RateLimit } from '../../sap/rate-limit.ts';
import {
  status,
  type RequestName,
  type RequestPrimitive,
  type ResponsePrimitive,
} from '../../wv/primitives.ts';
import { combine, isSuccess, OK, result, type DetailedResult, type Result } from '../../wv/status.ts';
import type {
  ControlRequest,
  RequestContent,
  RequestTransaction,
  ResponseContent,
  ResponseTransaction,
} from './document.ts';

export interface IntakePort {
  /** Hands a request to the relay. */
  emit(request: RequestPrimitive): Promise<ResponsePrimitive>;
  /** What the peer may ask. */
  agreed(): ReadonlySet<RequestName>;
  /** A question about the session; undefined = nothing to be answered. */
  control(request: ControlRequest): Promise<ResponseContent | undefined>;
  /** Requests with the same key are served one after another. */
  orderKey(request: RequestPrimitive): string;
}

export interface IntakeLimits {
  readonly requestsPerSecond: number;
  readonly burst: number;
  /** Requests under way at once; 503 beyond. */
  readonly open: number;
}

/** Transactions whose answers are remembered, how much of them, in characters, and for how long. */
const REMEMBERED = 1_000;
const REMEMBERED_CHARACTERS = 4_194_304;
const REMEMBERED_MS = 600_000;
const RATE_KEY = 'peer';
const ENDS: ReadonlySet<ControlRequest['name']> = new Set(['LogoutRequest', 'Disconnect']);
/** Answers that may be others the next time; all else is what was decided. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 500, 503, 504, 507]);

interface Remembered {
  readonly digest: string;
  readonly at: number;
  readonly answer: Promise<ResponseContent | undefined>;
  /** Characters of the answer, when it is there. */
  weight: number;
}

export class Intake {
  private readonly port: IntakePort;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly metrics: Metrics;
  private readonly limits: IntakeLimits;
  private readonly rate: RateLimit;
  private readonly remembered = new Map<string, Remembered>();
  /** The last request of each order key that is not done. */
  private readonly lanes = new Map<string, Promise<unknown>>();
  private underWay = 0;
  /** Characters of all answers that are remembered. */
  private weight = 0;

  constructor(deps: { port: IntakePort; clock: Clock; log: Log; metrics: Metrics; limits: IntakeLimits }) {
    this.port = deps.port;
    this.clock = deps.clock;
    this.log = deps.log;
    this.metrics = deps.metrics;
    this.limits = deps.limits;
    this.rate = new RateLimit(deps.clock, deps.limits.burst, 1 / deps.limits.requestsPerSecond);
  }

  /** Serves the requests of one document. Resolves with their answers, in their order, when all are done. */
  async take(transactions: readonly RequestTransaction[]): Promise<readonly ResponseTransaction[]> {
    const answers = await Promise.all(
      transactions.map(async (transaction) => {
        const content = await this.once(transaction);
        return { mode: 'Response', transactionId: transaction.transactionId, content } as const;
      }),
    );
    return answers.filter(hasContent);
  }

  /** Nothing new is remembered of a session that ended in order. */
  forget(): void {
    this.remembered.clear();
    this.weight = 0;
  }

  private once({ transactionId, content }: RequestTransaction): Promise<ResponseContent | undefined> {
    const digest = digestOf(content);
    const known = this.remembered.get(transactionId);
    if (known?.digest === digest && known.at > this.clock.now() - REMEMBERED_MS) {
      this.metrics.count('ssp_repeats_total');
      return known.answer;
    }
    const answer = this.admitted(content).catch((error: unknown) => {
      this.log.error({ err: error, transactionId }, 'SSP request failed');
      return relayed(result(500));
    });
    this.remember(transactionId, { digest, at: this.clock.now(), answer, weight: 0 });
    return answer;
  }

  private remember(transactionId: string, entry: Remembered): void {
    this.forgetOne(transactionId);
    this.remembered.set(transactionId, entry);
    this.forgetOldest();
    void entry.answer.then((answer) => {
      if (this.remembered.get(transactionId) !== entry) return;
      // What could not be served now is served when it comes again.
      if (answer?.kind === 'relay' && NOT_NOW.has(answer.response.result.code)) {
        this.forgetOne(transactionId);
        return;
      }
      entry.weight = weightOf(answer);
      this.weight += entry.weight;
      this.forgetOldest();
    });
  }

  private forgetOldest(): void {
    while (this.remembered.size > REMEMBERED || this.weight > REMEMBERED_CHARACTERS) {
      const [oldest] = this.remembered.keys();
      if (oldest === undefined) return;
      this.forgetOne(oldest);
    }
  }

  private forgetOne(transactionId: string): void {
    this.weight -= this.remembered.get(transactionId)?.weight ?? 0;
    this.remembered.delete(transactionId);
  }

  private async admitted(content: RequestContent): Promise<ResponseContent | undefined> {
    // The end of a session is always heard; it costs nothing.
    if (content.kind === 'control' && ENDS.has(content.control.name))
      return this.port.control(content.control);
    const wait = this.underWay >= this.limits.open ? 1 : this.rate.wait(RATE_KEY);
    if (wait > 0) {
      this.metrics.count('ssp_throttled_total');
      return relayed({ code: 503, tryAgainAfter: wait });
    }
    this.rate.spend(RATE_KEY);
    if (content.kind === 'unreadable') return relayed(result(content.code, content.reason));
    this.underWay++;
    try {
      return content.kind === 'control'
        ? await this.port.control(content.control)
        : { kind: 'relay', response: await this.inTurn(content.requests) };
    } finally {
      this.underWay--;
    }
  }

  private async inTurn(requests: readonly RequestPrimitive[]): Promise<ResponsePrimitive> {
    const [first] = requests;
    if (first === undefined) return status(OK);
    const key = this.port.orderKey(first);
    const before = this.lanes.get(key);
    const task = async () => {
      await before;
      return this.serve(requests);
    };
    const work = task();
    // The next one waits for this one, however it ended.
    const done = work.then(
      () => undefined,
      () => undefined,
    );
    this.lanes.set(key, done);
    try {
      return await work;
    } finally {
      if (this.lanes.get(key) === done) this.lanes.delete(key);
    }
  }

  private async serve(requests: readonly RequestPrimitive[]): Promise<ResponsePrimitive> {
    const answers: ResponsePrimitive[] = [];
    for (const request of requests) {
      answers.push(
        this.port.agreed().has(request.primitive)
          ? await this.port.emit(request)
          : status(result(506, `${request.primitive} is not agreed`)),
      );
    }
    const [only] = answers;
    return answers.length === 1 && only !== undefined ? only : status(summary(answers));
  }
}

function hasContent(
  answer: Omit<ResponseTransaction, 'content'> & { readonly content: ResponseContent | undefined },
): answer is ResponseTransaction {
  return answer.content !== undefined;
}

/** About how many characters an answer has; a bare status is nothing. */
function weightOf(answer: ResponseContent | undefined): number {
  if (answer?.kind !== 'relay' || answer.response.primitive === 'Status') return 0;
  return JSON.stringify(answer).length;
}

function relayed(outcome: Result): ResponseContent {
  return { kind: 'relay', response: status(outcome) };
}

/** One answer to what was one request on the wire and several here. */
function summary(answers: readonly ResponsePrimitive[]): Result {
  const failures: DetailedResult[] = answers.flatMap(({ result: outcome }) => {
    if (outcome.details !== undefined) return outcome.details;
    return isSuccess(outcome) ? [] : [{ code: outcome.code }];
  });
  return combine(answers.filter(({ result: outcome }) => isSuccess(outcome)).length, failures);
}

/** What is reckoned from the arrival, at least where the peer says nothing: it differs from try to try. */
const TIMES: ReadonlySet<string> = new Set(['expiresAt', 'sentAt']);

/** Tells a repeat from a peer that began to count anew. */
function digestOf(content: RequestContent): string {
  const text = JSON.stringify(content, (key, value: unknown) => {
    if (TIMES.has(key)) return undefined;
    return value instanceof Set ? [...value] : value;
  });
  return createHash('sha1').update(text).digest('base64');
}
