// An exchange whose peer is the test: each POST waits until the test says what became of it.

import { DIALECTS, type Dialect } from '../../../src/access/ssp/dialects.ts';
import type { ResponseContent, SspTransaction } from '../../../src/access/ssp/document.ts';
import {
  Exchange,
  type ExchangeLimits,
  type OutgoingRequest,
  type Reply,
} from '../../../src/access/ssp/exchange.ts';
import type { PostOutcome } from '../../../src/access/ssp/transport.ts';
import { status } from '../../../src/wv/primitives.ts';
import { OK, result, type Result, type StatusCode } from '../../../src/wv/status.ts';
import { ManualClock } from '../manual-clock.ts';
import { SILENT } from '../silence.ts';

/** Lets everything run that waits for nothing but its turn. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const TAKEN: PostOutcome = { kind: 'answered', status: 200 };
export const http = (code: number, retryAfterSeconds?: number): PostOutcome => ({
  kind: 'answered',
  status: code,
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
});

/** What the peer answers in a POST of its own. */
export const says = (code: StatusCode): ResponseContent => ({
  kind: 'relay',
  response: status(result(code)),
});

export class ExchangeScene {
  readonly clock = new ManualClock();
  readonly exchange: Exchange;
  /** Transaction ids of each POST so far. */
  readonly posts: string[][] = [];
  /** What became of things, by request; only what is settled. */
  readonly replies = new Map<string, Reply>();
  readonly lost: string[] = [];
  readonly unreached: string[] = [];
  /** Ids that are noted as taken; each note waits for `noted` to resolve. */
  readonly noted: string[] = [];
  noting: Promise<void> = Promise.resolve();
  reached = 0;
  dialect: Dialect = DIALECTS.standard;
  /** What `ready` says, and whether it is known to be OK already. */
  session: Promise<Result> = Promise.resolve(OK);
  isUp = true;
  readonly #waiting: ((outcome: PostOutcome) => void)[] = [];

  constructor(limits: Partial<ExchangeLimits> = {}) {
    this.exchange = new Exchange({
      clock: this.clock,
      log: SILENT,
      limits: { open: 1_000, answerMs: 60_000, ...limits },
      // What is gathered in a turn is another test's.
      soon: (task) => task(),
      port: {
        dialect: () => this.dialect,
        ready: () => this.session,
        isReady: () => this.isUp,
        post: (transactions) => this.#post(transactions),
        noteTaken: (ids) => {
          this.noted.push(...ids);
          return this.noting;
        },
        sessionLost: (reason) => void this.lost.push(reason),
        reached: () => (this.reached += 1),
        unreached: (reason, seconds) =>
          void this.unreached.push(seconds === undefined ? reason : `${reason}, ${seconds} s`),
      },
    });
  }

  #post(transactions: readonly SspTransaction[]): Promise<PostOutcome> {
    this.posts.push(transactions.map(({ transactionId }) => transactionId));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Asks, of one sender unless `more` says otherwise. */
  ask(transactionId: string, more: Partial<OutgoingRequest> = {}): void {
    const request: OutgoingRequest = {
      transactionId,
      content: { kind: 'control', control: { name: 'LogoutRequest' } },
      orderKey: transactionId,
      unanswered: false,
      lasting: true,
      takenBefore: false,
      octets: 100,
      ...more,
    };
    void this.exchange.request(request).then((reply) => this.replies.set(transactionId, reply));
  }

  /** The oldest POST that is out came to this. */
  async conclude(outcome: PostOutcome): Promise<void> {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) throw new Error('nothing is being posted');
    oldest(outcome);
    await settled();
  }

  /** POSTs that are out. */
  get out(): number {
    return this.#waiting.length;
  }

  async answer(transactionId: string, code: StatusCode = 200): Promise<boolean> {
    const wasWaited = this.exchange.answered(transactionId, says(code));
    await settled();
    return wasWaited;
  }

  /** The code of what a request came to; undefined while it waits. */
  code(transactionId: string): number | undefined {
    const reply = this.replies.get(transactionId);
    if (reply === undefined) return undefined;
    if (reply.kind === 'failed') return reply.result.code;
    return reply.kind === 'relay' ? reply.response.result.code : 0;
  }
}
