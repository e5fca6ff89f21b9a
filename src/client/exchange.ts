// Transactions over HTTP, one request at a time as phones do it: ids, the envelope, repetition, and the sorting of
// what comes back into our answer and the server's own requests (csp-transactions section 0).

import { buildElement, readBody, type Body, type ElementName } from '../access/csp/codec/binding.ts';
import type { CspMessage, CspTransaction, Mode } from '../access/csp/codec/binding.ts';
import { isBindError } from '../access/csp/codec/errors.ts';
import type { Element } from '../wv/element.ts';
import { WvError, WvTransportError, type Outcome } from './errors.ts';
import { post } from './http.ts';
import { Lane } from './lane.ts';
import type { Settings } from './options.ts';
import { outcomeOf, resultOf } from './results.ts';

/** Codes that end the session (csp-transactions section 0, rule 6). */
const SESSION_OVER: ReadonlySet<number> = new Set([600, 601, 604]);
/** Between two tries of a POST, ms: doubled each time up to the second number. */
const BACK_OFF = [1000, 60_000] as const;
/** TransactionIDs go from 1 to this and begin again, as on phones. */
const LAST_ID = 999;

export interface ExchangeEvents {
  /** A transaction of the server. */
  requested(transaction: CspTransaction): void;
  /** The server has more for us. */
  morePending(): void;
  /** The session is over, by an answer with 600, 601 or 604. */
  over(outcome: Outcome): void;
}

export interface AskOptions {
  /** May be sent again when nobody knows what became of it. Default true. */
  readonly repeatable?: boolean;
  /** The TransactionID of every try; without one each try has a new one. */
  readonly id?: string;
}

export class Exchange {
  readonly settings: Settings;
  /** Set while logged in: messages are then Inband. */
  sessionId: string | undefined;
  readonly #events: ExchangeEvents;
  /** Requests keep their order also through repetitions. */
  readonly #requests = new Lane();
  /** One POST at a time. Between two tries of a request it is free: for polls, and for answers to the server. */
  readonly #posts = new Lane();
  #lastId = 0;
  #generation = 0;
  #lastPostAt = 0;
  #over = new AbortController();

  constructor(settings: Settings, events: ExchangeEvents) {
    this.settings = settings;
    this.#events = events;
  }

  /** When the last POST began, ms. */
  get lastPostAt(): number {
    return this.#lastPostAt;
  }

  /**
   * Makes a request and gives back its answer, whatever its Result says. Rejects with WvTransportError when no answer
   * came, after repetitions where they are allowed.
   */
  async exchange<N extends ElementName>(
    name: N,
    body: Body<N>,
    options: AskOptions = {},
  ): Promise<CspTransaction> {
    const content = buildElement(name, body, this.settings.version);
    return await this.#inTurn(this.#requests, async () => {
      const answer = await this.#persist(content, options);
      if (answer === undefined) throw new WvTransportError('empty', name);
      return answer;
    });
  }

  /** As `exchange`, but an answer that is no success (2xx) is a WvError. */
  async ask<N extends ElementName>(name: N, body: Body<N>, options?: AskOptions): Promise<CspTransaction> {
    return check(await this.exchange(name, body, options), name);
  }

  /** A request whose answer is a Result. */
  async tell<N extends ElementName>(name: N, body: Body<N>, options?: AskOptions): Promise<Outcome> {
    return resultOf(await this.ask(name, body, options)) ?? outcomeOf({ Code: 200 });
  }

  /** A request whose answer is the body of `answer`. */
  async get<N extends ElementName, A extends ElementName>(
    name: N,
    body: Body<N>,
    answer: A,
    options?: AskOptions,
  ): Promise<Body<A>> {
    return bodyOf(await this.ask(name, body, options), answer);
  }

  /** Answers a transaction of the server; what comes back is empty or more of the server's. */
  async respond<N extends ElementName>(id: string, name: N, body: Body<N>): Promise<void> {
    const content = buildElement(name, body, this.settings.version);
    const answer = await this.#inTurn(this.#posts, () => this.#once(content, 'Response', id));
    if (answer !== undefined) check(answer, name);
  }

  /** Asks for what waits. COMPAT(all phones): its TransactionID is empty. */
  async poll(): Promise<void> {
    const content = buildElement('Polling-Request', true, this.settings.version);
    const answer = await this.#inTurn(this.#posts, () => this.#once(content, 'Request', ''));
    if (answer !== undefined) check(answer, 'Polling-Request');
  }

  /** Ends the session here: what is under way or waits, for its turn or for another try, is refused. */
  drop(): void {
    this.sessionId = undefined;
    this.#generation += 1;
    this.#over.abort('closed');
    this.#over = new AbortController();
  }

  #inTurn<T>(lane: Lane, job: () => Promise<T>): Promise<T> {
    const generation = this.#generation;
    return lane.run(() => {
      if (generation !== this.#generation) throw new WvTransportError('closed', 'session');
      return job();
    });
  }

  async #persist(content: Element, options: AskOptions): Promise<CspTransaction | undefined> {
    const generation = this.#generation;
    const tries = options.repeatable === false ? 0 : this.settings.retries;
    let pause: number = BACK_OFF[0];
    for (let left = tries; ; left--) {
      try {
        return await this.#inTurn(this.#posts, () =>
          this.#once(content, 'Request', options.id ?? this.nextId()),
        );
      } catch (error) {
        if (left === 0 || !isPassing(error)) throw error;
      }
      await this.#wait(pause);
      if (generation !== this.#generation) throw new WvTransportError('closed', 'session');
      pause = Math.min(pause * 2, BACK_OFF[1]);
    }
  }

  /** Ends early when the session does. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#over;
    return new Promise((resolve) => {
      const cancel = this.settings.clock.after(ms, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      const stop = (): void => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  nextId(): string {
    this.#lastId = (this.#lastId % LAST_ID) + 1;
    return String(this.#lastId);
  }

  /** One POST. undefined = the answer has nothing for this transaction. */
  async #once(content: Element, mode: Mode, id: string): Promise<CspTransaction | undefined> {
    this.#lastPostAt = this.settings.clock.now();
    const generation = this.#generation;
    const envelope = this.#envelope({ mode, id, primitive: content.name, content });
    const reply = await post(envelope, this.settings, this.#over.signal);
    if (reply === undefined || generation !== this.#generation) return undefined;
    return this.#sort(reply, id);
  }

  #envelope(transaction: CspTransaction): CspMessage {
    const { version } = this.settings;
    const { sessionId } = this;
    return sessionId === undefined
      ? { version, sessionType: 'Outband', transactions: [transaction] }
      : { version, sessionType: 'Inband', sessionId, transactions: [transaction] };
  }

  #sort(reply: CspMessage, id: string): CspTransaction | undefined {
    let answer: CspTransaction | undefined;
    for (const transaction of reply.transactions) {
      if (transaction.mode === 'Request') this.#events.requested(transaction);
      else if (transaction.id === id || id === '') answer = transaction;
    }
    const result = answer === undefined ? undefined : resultOf(answer);
    if (this.sessionId !== undefined && result !== undefined && SESSION_OVER.has(result.code)) {
      this.#events.over(result);
    } else if (reply.poll === true) {
      this.#events.morePending();
    }
    return answer;
  }
}

/** Whether another try may end better. An HTTP error 4xx will come again, but for "too slow" and "too often". */
function isPassing(error: unknown): boolean {
  if (!(error instanceof WvTransportError) || error.failure === 'closed') return false;
  const { status = 500 } = error;
  return status >= 500 || status === 408 || status === 429;
}

/** Gives back an answer that is a success (2xx). */
function check(answer: CspTransaction, what: string): CspTransaction {
  const result = resultOf(answer);
  if (result !== undefined && (result.code < 200 || result.code > 299)) throw new WvError(result, what);
  return answer;
}

/** The typed body of an answer. Rejects (WvError 400) another primitive than the one expected. */
export function bodyOf<A extends ElementName>(transaction: CspTransaction, answer: A): Body<A> {
  if (transaction.primitive !== answer) {
    throw new WvError(
      { code: 400, description: `${transaction.primitive} for ${answer}`, details: [] },
      answer,
    );
  }
  const body = readBody(transaction.content, answer);
  if (isBindError(body)) throw new WvError({ code: 400, description: body.message, details: [] }, answer);
  return body as Body<A>;
}
