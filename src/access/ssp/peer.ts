// One peer server as a destination of the relay (ssp.md sections 2 and 9): a gateway whose far side is another Wireless
// Village server. Brings together the link, what goes out and what comes in.

import type { Gateway, GatewayHealth, RelayPort } from '../../sap/port.ts';
import { domainOf } from '../../wv/address.ts';
import type { Domain, UserAddress } from '../../wv/ids.ts';
import { contentSize } from '../../wv/message.ts';
import {
  status,
  type RequestName,
  type RequestPrimitive,
  type ResponsePrimitive,
} from '../../wv/primitives.ts';
import { OK, result } from '../../wv/status.ts';
import { agreed, requestsOf } from './agreement.ts';
import { Answers } from './answers.ts';
import type {
  ControlRequest,
  GatewayState,
  RequestTransaction,
  ResponseContent,
  SessionDocument,
  SetupDocument,
  SspFunction,
  SspTransaction,
  UserQuery,
} from './document.ts';
import { Exchange, type Reply } from './exchange.ts';
import { Intake } from './intake.ts';
import { Link, type LinkPorts, type LinkStatus } from './link.ts';
import { conversationKey, lastingTransactionId, orderKey } from './order.ts';
import type { PeerSettings } from './peer-settings.ts';
import { responseTo } from './replies.ts';
import type { PeerSession } from './sessions.ts';
import { TakenNotes } from './taken.ts';
import type { Acceptance, Caller } from './transport.ts';

/** Documents of one peer worked on at once. */
const MAX_DOCUMENTS = 64;
/** Requests to one peer that may wait for each one that it may have under way here. */
const QUEUE_FACTOR = 4;
/** A peer that is there and says "not now" is told again no sooner, ms; twice as long each time, up to the second. */
const RETELL_MS = [5_000, 300_000] as const;
/** Of the requests that a peer may make here in a second, one in so many is what we tell it unasked. */
const TELLING_SHARE = 2;
/** Answers after which the relay asks again (port.ts). */
const NOT_NOW: ReadonlySet<number> = new Set([408, 503, 504]);
const NOT_SERVED: ResponseContent = { kind: 'relay', response: status(result(405)) };

export class Peer implements Gateway {
  readonly name: string;
  readonly settings: PeerSettings;
  readonly takesTogether: boolean;
  private readonly orderKey: typeof orderKey;
  private readonly ports: LinkPorts;
  private readonly link: Link;
  private readonly exchange: Exchange;
  private readonly intake: Intake;
  private readonly answers: Answers;
  private readonly takenNotes: TakenNotes;
  private relay: RelayPort | undefined;
  private allowed: ReadonlySet<RequestName>;
  private documents = 0;
  /** How it stands with the network behind a gateway, as it told us. */
  private network: Omit<GatewayState, 'name'> | undefined;
  /** When it was last told what it had missed, though it could be reached. */
  private toldAt = -Infinity;
  private retellMs: number = RETELL_MS[0];

  constructor(settings: PeerSettings, ports: LinkPorts) {
    this.settings = settings;
    this.ports = ports;
    this.name = `ssp:${settings.domain}`;
    // A gateway translates for each recipient by himself, as those in this process do.
    this.takesTogether = settings.role === 'server';
    this.orderKey = settings.role === 'server' ? orderKey : conversationKey;
    this.allowed = this.unnegotiated();
    const link = new Link(settings, ports, () => this.up());
    this.link = link;
    this.takenNotes = new TakenNotes(ports);
    this.exchange = new Exchange({
      ...ports,
      limits: { open: settings.limits.open * QUEUE_FACTOR, answerMs: settings.requestMs },
      port: {
        dialect: () => link.dialect,
        ready: () => link.ready(),
        isReady: () => link.isReady,
        post: (transactions, headers) => link.post(transactions, headers),
        noteTaken: (transactionIds) => this.takenNotes.note(transactionIds),
        sessionLost: (reason) => link.lost(reason),
        reached: () => link.reached(),
        unreached: (reason, retryAfter) => link.unreached(reason, retryAfter),
      },
    });
    this.intake = new Intake({
      ...ports,
      limits: settings.limits,
      port: {
        emit: (request) => this.emit(request),
        agreed: () => this.allowed,
        control: (request) => this.control(request),
        orderKey: this.orderKey,
      },
    });
    this.answers = new Answers({
      ...ports,
      peer: settings.domain,
      post: (session, transactions) => link.postIn(session, transactions, {}),
    });
  }

  // ---- the relay's side

  get domains(): readonly Domain[] {
    return this.settings.domains;
  }

  /** It is taken to have the limits that it has here. */
  get tellingsPerSecond(): number {
    return Math.max(1, this.settings.limits.requestsPerSecond / TELLING_SHARE);
  }

  get capabilities(): ReadonlySet<RequestName> {
    return this.allowed;
  }

  health(): GatewayHealth {
    if (this.settings.suspended || this.link.circuitState === 'open') return 'down';
    if (this.settings.role !== 'server' && this.link.session === undefined) return 'down';
    return this.link.circuitState === 'trying' ? 'degraded' : (this.network?.health ?? 'up');
  }

  /** The session of the last run holds on; nothing is sent before `resume`. */
  async start(relay: RelayPort): Promise<void> {
    this.relay = relay;
    await this.takenNotes.restore(relay.storage);
    const functions = await this.link.restore(relay.storage);
    if (functions !== undefined) this.allowed = requestsOf(new Set(functions));
  }

  /** The door is open: goes on with the session of the last run, if there is one. */
  resume(): void {
    if (this.link.session !== undefined && !this.settings.suspended) this.relay?.becameUsable();
  }

  async stop(): Promise<void> {
    if (this.link.isReady && this.link.hasControl) {
      await this.ask({ name: 'LogoutRequest' }, true);
      this.link.end();
    }
    this.answers.stop();
    this.exchange.abandon(result(503, 'Stopped'));
    await this.link.stop();
    await this.takenNotes.saved();
  }

  async request(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const { messageBytes } = this.settings.limits;
    const octets = sizeOf(request);
    if (octets > messageBytes) return status(result(415, `Content longer than ${messageBytes} bytes`));
    const lasting = lastingTransactionId(request);
    const transactionId = lasting ?? this.ports.ids.random(12);
    const reply = await this.exchange.request({
      transactionId,
      content: { kind: 'relay', requests: [request] },
      orderKey: this.orderKey(request),
      unanswered: this.link.dialect.unanswered.has(request.primitive),
      lasting: lasting !== undefined,
      takenBefore: this.takenNotes.has(transactionId),
      octets,
    });
    const response = responseTo(request, reply, this.link.dialect);
    const { code } = response.result;
    if (code === 503 || code === 504) this.link.owed = true;
    // It says itself that it has not done it: it may be asked again.
    if (reply.kind !== 'failed' && NOT_NOW.has(code)) await this.takenNotes.forget(transactionId);
    return response;
  }

  async concluded(request: RequestPrimitive): Promise<void> {
    const transactionId = lastingTransactionId(request);
    if (transactionId !== undefined) await this.takenNotes.forget(transactionId);
  }

  // ---- the peer's side

  takeSetup(document: SetupDocument, caller: Caller): Promise<Acceptance> {
    return this.link.takeSetup(document, caller);
  }

  /** True when this set-up step can only be meant for this peer. */
  expects(document: SetupDocument, caller: Caller): boolean {
    return this.link.expects(document, caller);
  }

  /** True for the id of a session in which the peer speaks. */
  knows(sessionId: string): boolean {
    return this.link.knows(sessionId);
  }

  /** True when the caller may speak in it. */
  mayEnter(sessionId: string, caller: Caller): boolean {
    return this.link.mayEnter(sessionId, caller);
  }

  /** Somebody spoke in it who may not. */
  refuse(caller: Caller): Acceptance {
    if (!this.settings.suspended) this.link.impostor(caller);
    return { status: 403 };
  }

  async takeSession(document: SessionDocument, caller: Caller): Promise<Acceptance> {
    const session = this.link.entered(document.sessionId);
    if (session === undefined || !this.link.mayEnter(document.sessionId, caller)) return { status: 403 };
    if (this.documents >= MAX_DOCUMENTS) return { status: 503, retryAfterSeconds: 1 };
    this.documents++;
    try {
      await this.serve(session, document.transactions);
      return { status: 200 };
    } finally {
      this.documents--;
    }
  }

  private async serve(session: PeerSession, transactions: readonly SspTransaction[]): Promise<void> {
    const { log, metrics } = this.ports;
    const peer = this.settings.domain;
    metrics.count('ssp_documents_in_total', { peer });
    for (const transaction of transactions) {
      if (transaction.mode !== 'Response') continue;
      if (this.exchange.answered(transaction.transactionId, transaction.content)) continue;
      metrics.count('ssp_unmatched_answers_total', { peer });
      log.debug({ peer, transaction: transaction.transactionId }, 'SSP answer that nobody waits for');
    }
    const requests = transactions.filter((each) => each.mode === 'Request');
    if (requests.length === 0) return;
    if (this.settings.role !== 'core') return this.answer(session, requests);
    // The network behind us may take its time over one: the others, and the next documents, do not wait for it.
    for (const request of requests) void this.answer(session, [request]);
  }

  private async answer(session: PeerSession, requests: readonly RequestTransaction[]): Promise<void> {
    this.answers.add(session, await this.intake.take(requests));
  }

  private emit(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const { relay } = this;
    return relay === undefined ? Promise.resolve(status(result(503))) : relay.emit(this.dated(request));
  }

  /** COMPAT(Baraza): the month of its dates is made of the minutes. */
  private dated(request: RequestPrimitive): RequestPrimitive {
    if (request.primitive !== 'SendMessageRequest' || this.link.dialect.datesMessages) return request;
    return { ...request, message: { ...request.message, sentAt: this.ports.clock.now() } };
  }

  private async control(request: ControlRequest): Promise<ResponseContent | undefined> {
    const { log } = this.ports;
    const peer = this.settings.domain;
    switch (request.name) {
      case 'KeepAliveRequest': {
        const { timeToLive } = this.settings;
        return { kind: 'control', control: { name: 'KeepAliveResponse', result: OK, timeToLive } };
      }
      case 'ServiceRequest': {
        const functions = this.agree(request.functions);
        return { kind: 'control', control: { name: 'ServiceResponse', result: OK, functions } };
      }
      case 'LogoutRequest':
        log.info({ peer }, 'SSP peer logged out');
        this.ended();
        return { kind: 'relay', response: status(OK) };
      case 'Disconnect':
        log.info({ peer, code: request.result.code }, 'SSP peer ended the session');
        this.ended();
        return undefined;
      case 'UserQuery':
        return this.settings.role === 'gateway' ? this.userOf(request.user) : NOT_SERVED;
      case 'GatewayState':
        return this.settings.role === 'gateway' ? this.heard(request) : NOT_SERVED;
    }
  }

  /** By the peer. What it still owes an answer to is asked again in the next session: that one is wanted soon. */
  private ended(): void {
    this.link.end();
    if (this.exchange.size > 0) this.link.owed = true;
  }

  private async userOf(user: UserAddress): Promise<ResponseContent> {
    const { relay } = this;
    if (relay === undefined) return { kind: 'relay', response: status(result(503)) };
    const displayName = domainOf(user) === relay.homeDomain ? await relay.displayName(user) : undefined;
    const answer = displayName === undefined ? { result: result(531) } : { result: OK, displayName };
    return { kind: 'control', control: { name: 'UserQueryResponse', ...answer } };
  }

  private heard({ run, health, usable }: GatewayState): ResponseContent {
    if (this.network?.run !== run) this.exchange.repeat();
    this.network = { run, health, usable };
    if (usable) this.announce();
    return { kind: 'relay', response: status(OK) };
  }

  // ---- the session's life

  private up(): void {
    this.retellMs = RETELL_MS[0];
    this.allowed = this.unnegotiated();
    this.exchange.renewed();
    this.relay?.becameUsable();
    if (this.link.hasControl) void this.negotiate();
  }

  /** What holds until it is negotiated. Gateways are of our own kind: nothing of theirs may be lost meanwhile. */
  private unnegotiated(): ReadonlySet<RequestName> {
    const { role, functions } = this.settings;
    return requestsOf(role === 'server' ? agreed(functions) : functions);
  }

  /** The far side has missed something: it is to be told again. */
  private announce(): void {
    this.link.owed = false;
    this.relay?.becameUsable();
  }

  private async negotiate(): Promise<void> {
    const reply = await this.ask({ name: 'ServiceRequest', functions: this.settings.functions });
    if (reply.kind === 'control' && reply.control.name === 'ServiceResponse')
      this.agree(reply.control.functions);
  }

  private agree(theirs: ReadonlySet<SspFunction>): ReadonlySet<SspFunction> {
    const common = agreed(this.settings.functions, theirs);
    this.link.agree(common);
    this.allowed = requestsOf(common);
    return common;
  }

  /** Its turn in the directory's round: a session that idled too long ends, one in danger is refreshed. */
  tick(): void {
    const { link } = this;
    link.expire();
    const { session } = link;
    if (session === undefined || link.circuitState === 'open') {
      const isMissed = link.owed || (session === undefined && this.exchange.size > 0);
      if (isMissed && link.isDue) this.look();
    } else if (link.owed && this.ports.clock.now() - this.toldAt >= this.retellMs) {
      // Something else reached it, and it has missed what is not asked again by itself.
      this.toldAt = this.ports.clock.now();
      this.retellMs = Math.min(this.retellMs * 2, RETELL_MS[1]);
      void this.knock();
    } else if (link.hasControl && link.idle >= session.timeToLive) {
      link.lost('idle for too long');
    } else if (link.hasControl && link.idle >= session.timeToLive / 2) {
      void this.knock();
    }
  }

  /** Looks for the peer now. */
  wake(): void {
    this.link.wake();
  }

  /** Somebody, perhaps the peer, speaks in a session that nobody knows. */
  revive(caller: Caller): void {
    this.link.revive(caller);
  }

  /** The operator wants a try at once. */
  retry(): void {
    this.link.tryNow();
    this.look();
  }

  /** Nothing speaks for keeping it in memory. */
  get isIdle(): boolean {
    return this.link.isDown && this.exchange.size === 0;
  }

  get status(): LinkStatus {
    return this.link.status;
  }

  private look(): void {
    if (this.link.session === undefined) {
      if (this.link.isDown) this.link.wake();
    } else {
      void this.knock();
    }
  }

  /** Shows that both are there; also the trial of a peer that was away. */
  private async knock(): Promise<void> {
    if (!this.link.hasControl) {
      // All there is to try it with is what it has missed.
      this.announce();
      return;
    }
    const { timeToLive } = this.settings;
    const reply = await this.ask({ name: 'KeepAliveRequest', timeToLive });
    if (reply.kind === 'failed' || !this.link.owed) return;
    this.announce();
  }

  /** Asks what only gateways and the server that they serve ask each other. */
  consult(control: UserQuery | GatewayState): Promise<Reply> {
    return this.question(control, control.name === 'UserQuery' ? `query ${control.user}` : 'state');
  }

  private question(control: ControlRequest, key: string, unanswered = false): Promise<Reply> {
    return this.exchange.request({
      transactionId: this.ports.ids.random(12),
      content: { kind: 'control', control },
      orderKey: key,
      unanswered,
      lasting: false,
      takenBefore: false,
      octets: 0,
    });
  }

  private async ask(control: ControlRequest, unanswered = false): Promise<Reply> {
    const reply = await this.question(control, 'session', unanswered);
    if (reply.kind === 'relay' && reply.response.result.code === 405) this.link.refusesControl();
    return reply;
  }
}

function sizeOf(request: RequestPrimitive): number {
  return request.primitive === 'SendMessageRequest' ? contentSize(request.message.content) : 0;
}
