// The CSP server without its transports: octets of a client's message in, octets of the answer out.

import type { Metrics } from '../../ops/ports.ts';
import { missingService } from '../../sap/subscriptions.ts';
import { child, childText, type Element } from '../../wv/element.ts';
import { trusted, type SessionId, type UserAddress } from '../../wv/ids.ts';
import { result, type Result } from '../../wv/status.ts';
import { unsupportedVersion } from '../../wv/version.ts';
import { resultBody, statusElement, statusOf } from './answers.ts';
import {
  decode,
  encode,
  isCodecError,
  type CodecError,
  type DecodeLimits,
  type Encoding,
} from './codec/codec.ts';
import {
  buildElement,
  isBindError,
  readMessage,
  type CspMessage,
  type CspTransaction,
} from './codec/binding.ts';
import { compose } from './compose.ts';
import { confirmed } from './confirm.ts';
import { ENVELOPE_BYTES } from './fitting.ts';
import { isUnsettled, settleGroups } from './group-participation.ts';
import { fitting } from './parser-size.ts';
import { contentOf } from './schema/lookup.ts';
import type { OnGone } from './held-polls.ts';
import type { CspSession } from './session.ts';
import type { Answer, CspServices, Exchange, Handlers } from './transaction.ts';
import { xmlSize } from './xml-size.ts';

export interface CspRequest {
  readonly encoding: Encoding;
  readonly body: Uint8Array;
  readonly remote: Exchange['remote'];
  /** How long the client lets its poll be held, seconds; undefined = it did not say. */
  readonly waitSeconds?: number | undefined;
  /** undefined = nobody would tell: no poll is held. */
  readonly onGone?: OnGone | undefined;
}

export interface CspAnswer {
  /** Empty = nothing to say. */
  readonly body: Uint8Array;
  /** To be called when the answer could not be sent: what it carried for the client waits again. */
  readonly lost: () => void;
}

/** What the log tells of a request: never what was said, nor with which secrets. */
interface Trace {
  readonly primitives: string[];
  /** Result codes of the answers that have one. */
  readonly codes: string[];
  user?: UserAddress;
}

/** More transactions in one message than any client agrees to. */
const MAX_TRANSACTIONS = 16;
/** Largest answer with several server transactions in it. */
const BATCH_BYTES = 65_536;
const EMPTY = new Uint8Array(0);
const NOTHING_LOST = () => {};

export class CspServer {
  private readonly services: CspServices;
  private readonly handlers: Handlers;
  private readonly metrics: Metrics;
  private readonly limits: DecodeLimits;

  constructor(services: CspServices, handlers: Handlers, metrics: Metrics, limits: DecodeLimits) {
    this.services = services;
    this.handlers = handlers;
    this.metrics = metrics;
    this.limits = limits;
  }

  /** Never rejects: whatever the octets are, there is an answer. One debug line tells what was asked and said. */
  async handle(request: CspRequest): Promise<CspAnswer> {
    const begun = this.services.clock.now();
    const trace: Trace = { primitives: [], codes: [] };
    const answer = await this.understand(request, trace);
    const ms = this.services.clock.now() - begun;
    this.services.log.debug({ ...trace, bytes: answer.body.length, ms }, 'CSP request');
    return answer;
  }

  private async understand(request: CspRequest, trace: Trace): Promise<CspAnswer> {
    const decoded = decode(request.encoding, request.body, this.limits);
    if (isCodecError(decoded)) {
      trace.codes.push('400');
      return this.unreadable(request.encoding, decoded);
    }
    const message = readMessage(decoded);
    if (isBindError(message)) {
      trace.codes.push('400');
      const version = decoded.version ?? '1.2';
      return plain(request.encoding, {
        version,
        sessionType: 'Outband',
        transactions: [answering('', statusOf(400, version, `${message.element}: ${message.message}`))],
      });
    }
    // Discovery is for clients of any version.
    const foreign = message.discovery === true ? undefined : unsupportedVersion(decoded.root.xmlns);
    if (foreign !== undefined) {
      trace.codes.push('505');
      const [first] = message.transactions;
      const content = statusOf(505, message.version, `CSP ${foreign}; 1.1, 1.2 and 1.3 are served`);
      const transactions = [answering(first?.id ?? '', content)];
      return plain(request.encoding, { ...envelope(message), transactions });
    }
    return this.converse(request, message, trace);
  }

  /** The sender of bad octets gets Status 400, in its session when that much could be read. */
  private unreadable(encoding: Encoding, error: CodecError): CspAnswer {
    this.metrics.count('csp_malformed_total', { encoding, kind: error.kind });
    const { sessionId = '', transactionId = '', version = '1.2' } = error.partial ?? {};
    return plain(encoding, {
      version,
      ...(NAMEABLE.test(sessionId) ? { sessionType: 'Inband', sessionId } : { sessionType: 'Outband' }),
      transactions: [answering(transactionId, statusOf(400, version, error.message))],
    });
  }

  private async converse(request: CspRequest, message: CspMessage, trace: Trace): Promise<CspAnswer> {
    const session =
      message.sessionId === undefined ? undefined : this.services.sessions.find(message.sessionId);
    if (session !== undefined) trace.user = session.home.address;
    if (message.transactions.length > MAX_TRANSACTIONS) {
      trace.codes.push('400');
      return plain(request.encoding, {
        ...envelope(message),
        transactions: [answering('', statusOf(400, message.version, 'Too many transactions'))],
      });
    }
    const polled = message.transactions.some(isPoll);
    if (session !== undefined) await this.arrived(session, request, polled);
    const parting = session === undefined && polled ? this.partingWord(message) : undefined;
    if (parting !== undefined) {
      return plain(request.encoding, { ...envelope(message), transactions: [parting] });
    }
    const answers: CspTransaction[] = [];
    for (const transaction of message.transactions) {
      const answer = await this.answer(request, message, transaction, session);
      this.note(trace, transaction, answer);
      if (answer === undefined) continue;
      answers.push(
        answering(transaction.id, fitted(answer, transaction.id, request.encoding, message, session)),
      );
    }
    if (message.discovery === true) return plain(request.encoding, { ...message, transactions: answers });
    const own = session !== undefined && polled ? await this.news(request, message, session, answers) : [];
    const alive = session !== undefined && this.isAlive(session);
    if (answers.length + own.length === 0) return { body: EMPTY, lost: NOTHING_LOST };
    const reply: CspMessage = {
      ...envelope(message),
      transactions: [...answers, ...own],
      ...(alive ? { poll: session.outbound.isReady(this.services.clock.now()) } : {}),
    };
    const lost = () => {
      session?.outbound.notSent(own.map(({ id }) => id));
      // Another poll may be held meanwhile, or a call bring the client back.
      session?.onReady?.(session);
    };
    return { body: encode(request.encoding, reply), lost: own.length === 0 ? NOTHING_LOST : lost };
  }

  private isAlive(session: CspSession): boolean {
    return this.services.sessions.find(session.id) === session;
  }

  /** What a poll brings: at once, or after it was held. */
  private async news(
    request: CspRequest,
    message: CspMessage,
    session: CspSession,
    answers: CspTransaction[],
  ): Promise<CspTransaction[]> {
    if (!this.isAlive(session)) return [];
    if (isUnsettled(session)) await settleGroups(this.services, session);
    const ready = await this.serverTransactions(session, answers.length);
    if (ready.length + answers.length > 0 || !(await this.held(request, message, session))) return ready;
    if (this.isAlive(session)) return this.serverTransactions(session, 0);
    const parting = this.partingWord(message);
    if (parting === undefined)
      answers.push(...message.transactions.map((each) => this.tooLate(message, each)));
    else answers.push(parting);
    return [];
  }

  /** Holds a poll that brought nothing, where the client likes that. True = look again; false = leave it empty. */
  private async held(request: CspRequest, message: CspMessage, session: CspSession): Promise<boolean> {
    const { sessions } = this.services;
    if (request.onGone === undefined || !message.transactions.every(isPollingRequest)) return false;
    const seconds = sessions.held.patience(session, request.waitSeconds);
    if (seconds <= 0 || (await sessions.held.hold(session, seconds, request.onGone)) === 'gone') return false;
    if (this.isAlive(session)) sessions.touch(session, true);
    return true;
  }

  /** The session ended while its poll was held. */
  private tooLate({ version, sessionId = '' }: CspMessage, { id }: CspTransaction): CspTransaction {
    return answering(id, statusOf(this.services.sessions.whyGone(sessionId), version));
  }

  /** Disconnect, for a client that polls in a session that was ended by force. */
  private partingWord({ sessionId = '', version }: CspMessage): CspTransaction | undefined {
    const reason = this.services.sessions.takeParting(sessionId);
    if (reason === undefined) return undefined;
    const content = buildElement('Disconnect', { Result: resultBody(reason) }, version);
    return { mode: 'Request', id: this.services.ids.random(9), primitive: content.name, content };
  }

  private note(trace: Trace, { primitive }: CspTransaction, answer: Answer): void {
    trace.primitives.push(knownPrimitive(primitive));
    const code = answer && childText(child(answer, 'Result'), 'Code');
    if (code !== undefined) trace.codes.push(code);
    if (trace.user !== undefined || primitive !== 'Login-Request') return;
    const opened = this.services.sessions.find(childText(answer, 'SessionID') ?? '');
    if (opened !== undefined) trace.user = opened.home.address;
  }

  private async arrived(session: CspSession, request: CspRequest, polled: boolean): Promise<void> {
    session.remoteAddress = request.remote.address;
    this.services.sessions.touch(session, polled);
    if (session.quirks.acknowledges) return;
    for (const id of session.outbound.unconfirmed()) {
      const outbound = session.outbound.confirmed(id);
      if (outbound !== undefined) await confirmed(this.services, session, outbound);
    }
  }

  private async answer(
    request: CspRequest,
    message: CspMessage,
    transaction: CspTransaction,
    session: CspSession | undefined,
  ): Promise<Answer> {
    const { version } = message;
    const handler = Object.hasOwn(this.handlers, transaction.primitive)
      ? this.handlers[transaction.primitive]
      : undefined;
    const exchange: Exchange = { services: this.services, version, transaction, remote: request.remote };
    try {
      if (handler?.outband === true) return await handler.handle(exchange);
      if (session === undefined) return this.withoutSession(message, transaction);
      if (!this.services.homes.isSound(session.home)) await this.services.homes.sound(session.home);
      const refusal =
        handler === undefined ? unserved(transaction) : notAgreed(session, transaction, handler.needs);
      if (refusal !== undefined) {
        return transaction.mode === 'Response' ? undefined : statusElement(refusal, version);
      }
      return await handler?.handle({ ...exchange, session });
    } catch (error) {
      const primitive = knownPrimitive(transaction.primitive);
      this.services.log.error({ err: error, primitive, user: session?.home.address }, 'transaction failed');
      return statusOf(500, version);
    } finally {
      this.metrics.count('csp_transactions_total', { primitive: knownPrimitive(transaction.primitive) });
    }
  }

  /** csp-transactions section 0, rule 6. */
  private withoutSession(message: CspMessage, transaction: CspTransaction): Answer {
    // A late Status to a session that ended needs no answer, but Android learns from it that it is logged out.
    if (transaction.mode === 'Response' && message.sessionId === undefined) return undefined;
    const code = message.sessionId === undefined ? 604 : this.services.sessions.whyGone(message.sessionId);
    return statusOf(code, message.version);
  }

  /** What waits for the client, as much as it takes in one message (MultiTrans; one towards Android). */
  private async serverTransactions(session: CspSession, answered: number): Promise<CspTransaction[]> {
    const { multiTrans } = session.capabilities;
    const room = answered === 0 ? Math.max(1, multiTrans) : multiTrans - answered;
    const own: CspTransaction[] = [];
    try {
      await this.collect(session, room, own);
    } catch (error) {
      // The client gets the answers that there are; what it was to hear comes with its next poll.
      this.services.log.error({ err: error, user: session.home.address }, 'news could not be told');
      session.outbound.notSent(own.splice(0).map(({ id }) => id));
    }
    return own;
  }

  private async collect(session: CspSession, room: number, own: CspTransaction[]): Promise<void> {
    // The first one was made to fit; others join it only where the whole surely fits the client's parser too.
    const budget = Math.min(session.capabilities.parserSize, BATCH_BYTES) / 2;
    let size = 0;
    while (own.length < room && size < budget) {
      await this.services.sessions.fill(session);
      const now = this.services.clock.now();
      const outbound = session.outbound.next(now);
      if (outbound === undefined) break;
      const composed = compose(session, outbound, now);
      const id = trusted<SessionId>(this.services.ids.random(9));
      session.outbound.handedOut(id, composed.outbound, now);
      if (composed.rest !== undefined) session.outbound.giveBack(composed.rest);
      own.push({ mode: 'Request', id, primitive: composed.content.name, content: composed.content });
      if (own.length < room) size += xmlSize(composed.content);
    }
  }
}

/** What can be an id of ours: in a broken message anything may stand in its place, also what XML cannot hold. */
const NAMEABLE = /^[\x21-\x7e]{1,300}$/;

/** For logs and metrics: names that a stranger made up stay out of them. */
function knownPrimitive(name: string): string {
  return contentOf(name) !== undefined ? name : 'unknown';
}

/** A poll, or the answer to one of ours: the HTTP answer may carry server transactions. */
function isPoll(transaction: CspTransaction): boolean {
  return isPollingRequest(transaction) || transaction.mode === 'Response';
}

function isPollingRequest(transaction: CspTransaction): boolean {
  return transaction.primitive === 'Polling-Request';
}

/** Extended-Request is the door for functions of vendors: unknown ones are 405 (csp-transactions section 10). */
function unserved(transaction: CspTransaction): Result {
  return contentOf(transaction.primitive) !== undefined && transaction.primitive !== 'Extended-Request'
    ? result(501, `${transaction.primitive} is not implemented`)
    : result(405, `${transaction.primitive.slice(0, 60)} is not known`);
}

function notAgreed(
  session: CspSession,
  { primitive }: CspTransaction,
  needs: Parameters<NonNullable<CspSession['services']>['has']>[0] | undefined,
) {
  const missing = missingService(session.home.user, primitive, needs);
  if (missing !== undefined) return result(506, `Not subscribed: ${missing}`);
  if (needs === undefined || session.services === undefined || session.services.has(needs)) return undefined;
  return result(506);
}

/** That of the request; nothing is Inband that names no session. */
function envelope(message: CspMessage): Pick<CspMessage, 'version' | 'sessionType' | 'sessionId'> {
  const { version, sessionType, sessionId } = message;
  return sessionId === undefined ? { version, sessionType: 'Outband' } : { version, sessionType, sessionId };
}

function answering(id: string, content: NonNullable<Answer>): CspTransaction {
  return { mode: 'Response', id, primitive: content.name, content };
}

/** Sizes are estimated first, from above: an answer is only written twice when it may be too large. */
function fitted(
  answer: Element,
  id: string,
  encoding: Encoding,
  message: CspMessage,
  session: CspSession | undefined,
): Element {
  const limit = session?.capabilities.parserSize ?? Number.POSITIVE_INFINITY;
  if (xmlSize(answer) + ENVELOPE_BYTES <= limit) return answer;
  const octets = (content: Element) =>
    encode(encoding, { ...envelope(message), transactions: [answering(id, content)], poll: false }).length;
  return fitting(answer, message.version, limit, octets);
}

function plain(encoding: Encoding, message: CspMessage): CspAnswer {
  return { body: encode(encoding, message), lost: NOTHING_LOST };
}
