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
import { orderKey } from './order.ts';

export interface IntakePort {
  /** Hands a request to the relay. */
  emit(request: RequestPrimitive): Promise<ResponsePrimitive>;
  /** What the peer may ask. */
  agreed(): ReadonlySet<RequestName>;
  /** A question about the session; undefined = nothing to be answered. */
  control(request: ControlRequest): ResponseContent | undefined;
}

export interface IntakeLimits {
  readonly requestsPerSecond: number;
  readonly burst: number;
  /** Requests under way at once; 503 beyond. */
  readonly open: number;
}

/** Transactions whose answers are remembered, and for how long. */
const REMEMBERED = 1_000;
const REMEMBERED_MS = 600_000;
const RATE_KEY = 'peer';

interface Remembered {
  readonly digest: string;
  readonly at: number;
  readonly answer: Promise<ResponseContent | undefined>;
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
    this.remember(transactionId, { digest, at: this.clock.now(), answer });
    return answer;
  }

  private remember(transactionId: string, entry: Remembered): void {
    this.remembered.delete(transactionId);
    this.remembered.set(transactionId, entry);
    const [oldest] = this.remembered.keys();
    if (this.remembered.size > REMEMBERED && oldest !== undefined) this.remembered.delete(oldest);
    // What could not be served now is served when it comes again.
    void entry.answer.then((answer) => {
      if (
        answer?.kind === 'relay' &&
        answer.response.result.code >= 500 &&
        this.remembered.get(transactionId) === entry
      )
        this.remembered.delete(transactionId);
    });
  }

  private async admitted(content: RequestContent): Promise<ResponseContent | undefined> {
    if (content.kind === 'control') return this.port.control(content.control);
    if (content.kind === 'unreadable') return relayed(result(content.code, content.reason));
    const wait = this.underWay >= this.limits.open ? 1 : this.rate.wait(RATE_KEY);
    if (wait > 0) {
      this.metrics.count('ssp_throttled_total');
      return relayed({ code: 503, tryAgainAfter: wait });
    }
    this.rate.spend(RATE_KEY);
    this.underWay++;
    try {
      return { kind: 'relay', response: await this.inTurn(content.requests) };
    } finally {
      this.underWay--;
    }
  }

  private async inTurn(requests: readonly RequestPrimitive[]): Promise<ResponsePrimitive> {
    const [first] = requests;
    if (first === undefined) return status(OK);
    const key = orderKey(first);
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

/** Tells a repeat from a peer that began to count anew. When it expires was counted from its arrival. */
function digestOf(content: RequestContent): string {
  const text = JSON.stringify(content, (key, value: unknown) => {
    if (key === 'expiresAt') return undefined;
    return value instanceof Set ? [...value] : value;
  });
  return createHash('sha1').update(text).digest('base64');
}
