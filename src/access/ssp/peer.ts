// One peer server as a destination of the relay (ssp.md sections 2 and 9): a gateway whose far side is another Wireless
// Village server. Brings together the link, what goes out and what comes in.

import type { Gateway, GatewayHealth, RelayPort } from '../../sap/port.ts';
import type { Domain } from '../../wv/ids.ts';
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
  ResponseContent,
  SessionDocument,
  SetupDocument,
  SspFunction,
  SspTransaction,
} from './document.ts';
import { Exchange, type Reply } from './exchange.ts';
import { Intake } from './intake.ts';
import { Link, type LinkPorts, type LinkStatus } from './link.ts';
import { lastingTransactionId, orderKey } from './order.ts';
import type { PeerSettings } from './peer-settings.ts';
import { responseTo } from './replies.ts';
import type { PeerSession } from './sessions.ts';
import type { Acceptance, Caller } from './transport.ts';

/** Documents of one peer worked on at once. */
const MAX_DOCUMENTS = 64;
/** Requests to one peer that may wait for each one that it may have under way here. */
const QUEUE_FACTOR = 4;

export class Peer implements Gateway {
  readonly name: string;
  readonly settings: PeerSettings;
  readonly takesTogether = true;
  private readonly ports: LinkPorts;
  private readonly link: Link;
  private readonly exchange: Exchange;
  private readonly intake: Intake;
  private readonly answers: Answers;
  private relay: RelayPort | undefined;
  private allowed: ReadonlySet<RequestName>;
  private documents = 0;

  constructor(settings: PeerSettings, ports: LinkPorts) {
    this.settings = settings;
    this.ports = ports;
    this.name = `ssp:${settings.domain}`;
    this.allowed = requestsOf(agreed(settings.functions));
    const link = new Link(settings, ports, () => this.up());
    this.link = link;
    this.exchange = new Exchange({
      ...ports,
      limits: { open: settings.limits.open * QUEUE_FACTOR, answerMs: settings.requestMs },
      port: {
        dialect: () => link.dialect,
        ready: () => link.ready(),
        isReady: () => link.isReady,
        post: (transactions, headers) => link.post(transactions, headers),
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
      },
    });
    this.answers = new Answers({
      ...ports,
      post: (session, transactions) => link.postIn(session, transactions, {}),
    });
  }

  // ---- the relay's side

  get domains(): readonly Domain[] {
    return this.settings.domains;
  }

  get capabilities(): ReadonlySet<RequestName> {
    return this.allowed;
  }

  health(): GatewayHealth {
    if (this.settings.suspended || this.link.circuitState === 'open') return 'down';
    return this.link.circuitState === 'trying' ? 'degraded' : 'up';
  }

  /** The session of the last run holds on; nothing is sent before `resume`. */
  async start(relay: RelayPort): Promise<void> {
    this.relay = relay;
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
  }

  async request(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const { messageBytes } = this.settings.limits;
    const octets = sizeOf(request);
    if (octets > messageBytes) return status(result(415, `Content longer than ${messageBytes} bytes`));
    const reply = await this.exchange.request({
      transactionId: lastingTransactionId(request) ?? this.ports.ids.random(12),
      content: { kind: 'relay', requests: [request] },
      orderKey: orderKey(request),
      unanswered: this.link.dialect.unanswered.has(request.primitive),
      octets,
    });
    const response = responseTo(request, reply, this.link.dialect);
    if (response.result.code === 503 || response.result.code === 504) this.link.owed = true;
    return response;
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

  async takeSession(document: SessionDocument, caller: Caller): Promise<Acceptance> {
    const session = this.link.entered(document.sessionId, caller);
    if (session === undefined) return { status: 403 };
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
    if (requests.length > 0) this.answers.add(session, await this.intake.take(requests));
  }

  private emit(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const { relay } = this;
    return relay === undefined ? Promise.resolve(status(result(503))) : relay.emit(request);
  }

  private control(request: ControlRequest): ResponseContent | undefined {
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
    }
  }

  /** By the peer. What it still owes an answer to is asked again in the next session: that one is wanted soon. */
  private ended(): void {
    this.link.end();
    if (this.exchange.size > 0) this.link.owed = true;
  }

  // ---- the session's life

  private up(): void {
    this.allowed = requestsOf(agreed(this.settings.functions));
    this.exchange.renewed();
    this.relay?.becameUsable();
    if (this.link.hasControl) void this.negotiate();
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
    const { session } = link;
    if (session === undefined || link.circuitState === 'open') {
      if (link.owed && link.isDue) this.look();
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

  /** The peer speaks in a session that nobody knows. */
  revive(): void {
    this.link.revive();
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
      this.link.owed = false;
      this.relay?.becameUsable();
      return;
    }
    const { timeToLive } = this.settings;
    const reply = await this.ask({ name: 'KeepAliveRequest', timeToLive });
    if (reply.kind === 'failed' || !this.link.owed) return;
    this.link.owed = false;
    this.relay?.becameUsable();
  }

  private async ask(control: ControlRequest, unanswered = false): Promise<Reply> {
    const reply = await this.exchange.request({
      transactionId: this.ports.ids.random(12),
      content: { kind: 'control', control },
      orderKey: 'session',
      unanswered,
      octets: 0,
    });
    if (reply.kind === 'relay' && reply.response.result.code === 405) this.link.refusesControl();
    return reply;
  }
}

function sizeOf(request: RequestPrimitive): number {
  return request.primitive === 'SendMessageRequest' ? request.message.content.data.length : 0;
}
