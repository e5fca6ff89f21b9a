// One peer server as a destination of the relay (ssp.md sections 2 to 4): a gateway whose far side is another Wireless
// Village server. Puts together its session, what goes out and what comes in.

import type { Clock, IdSource, Log, Metrics } from '../../ops/ports.ts';
import type { Gateway, GatewayHealth, RelayPort } from '../../sap/port.ts';
import type { Domain } from '../../wv/ids.ts';
import {
  status,
  type RequestName,
  type RequestPrimitive,
  type ResponsePrimitive,
} from '../../wv/primitives.ts';
import { OK, result, type Result } from '../../wv/status.ts';
import { agreed, requestsOf } from './agreement.ts';
import { Answers } from './answers.ts';
import { Circuit, type CircuitState } from './circuit.ts';
import { DIALECTS, type Dialect, type DialectName } from './dialects.ts';
import type {
  ControlRequest,
  RequestContent,
  ResponseContent,
  SessionDocument,
  SetupDocument,
  SspDocument,
  SspFunction,
  SspTransaction,
  SspVersion,
} from './document.ts';
import { Exchange } from './exchange.ts';
import { Intake, type IntakeLimits } from './intake.ts';
import type { Established } from './login.ts';
import { lastingTransactionId, orderKey } from './order.ts';
import { PeerLogin, type SetUp } from './peer-login.ts';
import { responseTo } from './replies.ts';
import { PeerSessions, type PeerSession } from './sessions.ts';
import type { Located } from './targets.ts';
import type { Acceptance, Caller, PeerAddress, PostHeaders, Poster, PostOutcome } from './transport.ts';

export interface PeerSettings {
  /** The domain that logs in. */
  readonly domain: Domain;
  /** All domains behind it, its own first. */
  readonly domains: readonly Domain[];
  /** Named in the configuration, not found by its domain. */
  readonly listed: boolean;
  /** What the operator lets pass, both ways. */
  readonly functions: ReadonlySet<SspFunction>;
  readonly versions: readonly SspVersion[];
  readonly dialect: 'auto' | DialectName;
  readonly suspended: boolean;
  /** It must show a client certificate for its domain. */
  readonly clientCertificate: boolean;
  /** Seconds. */
  readonly timeToLive: number;
  /** Milliseconds it may take over a request. */
  readonly requestMs: number;
  readonly limits: IntakeLimits & {
    /** Longest content of a message that it takes, octets. */
    readonly messageBytes: number;
  };
}

export interface PeerDependencies {
  readonly ownDomain: Domain;
  readonly locate: () => Promise<Located>;
  readonly encode: (document: SspDocument, dialect: Dialect) => string;
  readonly poster: Pick<Poster, 'post'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What the operator sees of a peer. Times: milliseconds since the epoch. */
export interface PeerStatus {
  readonly session: 'up' | 'setting-up' | 'down';
  readonly circuit: CircuitState;
  readonly dialect: DialectName;
  readonly underWay: number;
  readonly url?: string;
  readonly version?: SspVersion;
  readonly since?: number;
  readonly lastError?: string;
  readonly nextTryAt?: number;
}

/** Documents of one peer worked on at once. */
const MAX_DOCUMENTS = 64;
/** A session id shorter than this can be guessed: it counts only from addresses that took part in the set-up. */
const UNGUESSABLE = 20;
/** Least time between two set-ups that were begun because of documents in unknown sessions, ms. */
const REVIVE_MS = 10_000;
const SUSPENDED = result(503, 'The peer is suspended');

export class Peer implements Gateway {
  readonly name: string;
  readonly settings: PeerSettings;
  private readonly deps: PeerDependencies;
  private readonly circuit = new Circuit();
  private readonly sessions: PeerSessions;
  private readonly login: PeerLogin;
  private readonly exchange: Exchange;
  private readonly intake: Intake;
  private readonly answers: Answers;
  private relay: RelayPort | undefined;
  private known: Dialect;
  /** It said that it serves no questions about the session. */
  private controls = true;
  private allowed: ReadonlySet<RequestName>;
  private documents = 0;
  private lastError: string | undefined;
  private revivedAt = 0;
  /** Something could not be told while it was away: it is looked for again without being asked. */
  private owed = false;
  private addresses: ReadonlyMap<string, PeerAddress> = new Map();

  constructor(settings: PeerSettings, deps: PeerDependencies) {
    const { clock, ids, log, metrics, ownDomain } = deps;
    this.settings = settings;
    this.deps = deps;
    this.name = `ssp:${settings.domain}`;
    this.known = DIALECTS[settings.dialect === 'auto' ? 'standard' : settings.dialect];
    this.allowed = requestsOf(agreed(settings.functions));
    this.sessions = new PeerSessions({ clock, log });
    this.login = new PeerLogin({
      settings: {
        ownDomain,
        peerDomain: settings.domain,
        timeToLive: settings.timeToLive,
        versions: settings.versions,
      },
      circuit: this.circuit,
      clock,
      ids,
      log,
      metrics,
      port: {
        locate: () => this.locate(),
        post: (address, document) => this.postSetup(address, document),
        dialect: (misspelt) => this.learn(misspelt),
        prospect: (session, setUp) => this.sessions.expect(this.session(session, setUp)),
        established: (session, setUp) => this.established(this.session(session, setUp)),
      },
    });
    this.exchange = new Exchange({
      clock,
      log,
      limits: { open: settings.limits.open * 4, answerMs: settings.requestMs },
      port: {
        dialect: () => this.known,
        ready: () => this.ready(),
        isReady: () =>
          this.sessions.current !== undefined && this.circuit.state !== 'open' && !settings.suspended,
        post: (transactions, headers) => this.postRequests(transactions, headers),
        sessionLost: (reason) => this.sessionLost(reason),
        reached: () => this.circuit.succeeded(),
        unreached: (reason, retryAfter) => this.unreached(reason, retryAfter),
      },
    });
    this.intake = new Intake({
      clock,
      log,
      metrics,
      limits: settings.limits,
      port: {
        emit: (request) => this.emit(request),
        agreed: () => this.allowed,
        control: (request) => this.control(request),
      },
    });
    this.answers = new Answers({
      clock,
      log,
      post: (session, transactions) => this.postIn(session, transactions, {}),
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
    if (this.settings.suspended || this.circuit.state === 'open') return 'down';
    return this.circuit.state === 'trying' ? 'degraded' : 'up';
  }

  async start(relay: RelayPort): Promise<void> {
    this.relay = relay;
    if (!(await this.sessions.restore(relay.storage))) return;
    const { current } = this.sessions;
    if (current === undefined) return;
    if (this.settings.dialect === 'auto') this.known = DIALECTS[current.dialect];
    this.agreedOn(current.functions);
    await this.locate();
    relay.becameUsable();
  }

  async stop(): Promise<void> {
    const { current } = this.sessions;
    if (current !== undefined && this.speaksControl() && this.circuit.state === 'closed') {
      await this.ask({ name: 'LogoutRequest' }, true);
      this.sessions.end();
    }
    this.login.stop();
    this.answers.stop();
    this.exchange.abandon(result(503, 'Stopped'));
    await this.sessions.saved();
  }

  async request(request: RequestPrimitive): Promise<ResponsePrimitive> {
    if (this.settings.suspended) return status(SUSPENDED);
    const octets = sizeOf(request);
    if (octets > this.settings.limits.messageBytes)
      return status(result(415, `Content longer than ${this.settings.limits.messageBytes} bytes`));
    const reply = await this.exchange.request({
      transactionId: lastingTransactionId(request) ?? this.deps.ids.random(12),
      content: { kind: 'relay', requests: [request] },
      orderKey: orderKey(request),
      unanswered: this.known.unanswered.has(request.primitive),
      octets,
    });
    const response = responseTo(request, reply, this.known);
    if (response.result.code === 503 || response.result.code === 504) this.owed = true;
    return response;
  }

  // ---- the peer's side

  /** A document that names this peer, or its session. */
  async takeSetup(document: SetupDocument, caller: Caller): Promise<Acceptance> {
    if (this.settings.suspended || !this.admits(caller)) return { status: 403 };
    return this.login.take(document, caller);
  }

  expects(document: SetupDocument, caller: Caller): boolean {
    return this.login.expects(document, caller);
  }

  knows(peerId: string): boolean {
    return this.sessions.ofPeer(peerId) !== undefined;
  }

  async takeSession(document: SessionDocument, caller: Caller): Promise<Acceptance> {
    const session = this.sessions.ofPeer(document.sessionId);
    if (session === undefined || this.settings.suspended) return { status: 403 };
    if (!this.admits(caller) || !isFrom(session, caller)) {
      this.deps.log.warn(
        { peer: this.settings.domain, address: caller.address },
        'SSP document from elsewhere refused',
      );
      this.deps.metrics.count('ssp_impostors_total', { peer: this.settings.domain });
      return { status: 403 };
    }
    if (this.documents >= MAX_DOCUMENTS) return { status: 503, retryAfterSeconds: 1 };
    this.documents++;
    try {
      this.sessions.touch(session);
      await this.serve(session, document.transactions);
      return { status: 200 };
    } finally {
      this.documents--;
    }
  }

  /** Its turn in the directory's round: sessions that idled too long end, those in danger are refreshed. */
  tick(): void {
    const { current } = this.sessions;
    if (current === undefined) {
      if (this.owed && !this.settings.suspended && !this.login.running && this.isDue()) this.wake();
      return;
    }
    if (this.circuit.state === 'open') {
      if (this.owed && this.isDue()) this.knock();
      return;
    }
    const { idle } = this.sessions;
    if (idle >= current.timeToLive && this.speaksControl()) this.sessionLost('idle for too long');
    else if (idle >= current.timeToLive / 2 && this.speaksControl()) this.knock();
  }

  /** Looks for the peer now. */
  wake(): void {
    if (!this.settings.suspended) void this.login.ensure();
  }

  /** The peer speaks in a session that nobody here knows: it needs a new one. Not more often than once in a while. */
  revive(): void {
    const now = this.deps.clock.now();
    if (this.sessions.current !== undefined && this.speaksControl()) return;
    if (this.login.running || now - this.revivedAt < REVIVE_MS) return;
    this.revivedAt = now;
    this.wake();
  }

  /** Nothing speaks for keeping it in memory. */
  get isIdle(): boolean {
    return this.sessions.current === undefined && !this.login.running && this.exchange.size === 0;
  }

  /** The operator wants a try at once. */
  retry(): void {
    this.circuit.tryNow(this.deps.clock.now());
    if (this.sessions.current === undefined) this.wake();
    else this.knock();
  }

  get status(): PeerStatus {
    const { current } = this.sessions;
    const { nextTry } = this.circuit;
    return {
      session: current === undefined ? (this.login.running ? 'setting-up' : 'down') : 'up',
      circuit: this.circuit.state,
      dialect: this.known.name,
      underWay: this.exchange.size,
      ...(current === undefined ? {} : { url: current.url, version: current.version, since: current.since }),
      ...(this.lastError === undefined ? {} : { lastError: this.lastError }),
      ...(nextTry === undefined ? {} : { nextTryAt: nextTry }),
    };
  }

  private isDue(): boolean {
    return (this.circuit.nextTry ?? 0) <= this.deps.clock.now();
  }

  // ---- set-up

  private async locate(): Promise<Located> {
    const located = await this.deps.locate();
    if (located.kind === 'found')
      this.addresses = new Map(located.addresses.map((address) => [address.url.href, address]));
    return located;
  }

  private learn(misspelt: boolean): Dialect {
    if (misspelt && this.settings.dialect === 'auto') this.known = DIALECTS.baraza;
    return this.known;
  }

  private session(
    { ownId, peerId, version, timeToLive }: Established,
    { address, callers }: SetUp,
  ): PeerSession {
    return {
      ownId,
      peerId,
      version,
      timeToLive: timeToLive * 1000,
      since: this.deps.clock.now(),
      dialect: this.known.name,
      callers,
      url: address.url.href,
    };
  }

  private established(session: PeerSession): void {
    const { log, metrics } = this.deps;
    this.sessions.add(session);
    this.owed = false;
    this.lastError = undefined;
    this.controls = true;
    this.agreedOn(undefined);
    metrics.count('ssp_sessions_total', { peer: this.settings.domain });
    log.info(
      { peer: this.settings.domain, version: session.version, dialect: this.known.name },
      'SSP session is up',
    );
    this.exchange.pump();
    this.relay?.becameUsable();
    if (this.speaksControl()) this.negotiate();
  }

  private negotiate(): void {
    void this.ask({ name: 'ServiceRequest', functions: this.settings.functions }).then((content) => {
      if (content.kind === 'control' && content.control.name === 'ServiceResponse') {
        this.agree(content.control.functions);
      }
    });
  }

  private agree(theirs: ReadonlySet<SspFunction>): ReadonlySet<SspFunction> {
    const common = agreed(this.settings.functions, theirs);
    this.sessions.agree([...common]);
    this.allowed = requestsOf(common);
    return common;
  }

  private agreedOn(functions: readonly SspFunction[] | undefined): void {
    this.allowed = requestsOf(functions === undefined ? agreed(this.settings.functions) : new Set(functions));
  }

  /** OK when requests may be posted. */
  private ready(): Promise<Result> {
    if (this.settings.suspended) return Promise.resolve(SUSPENDED);
    if (this.sessions.current === undefined) return this.login.ensure();
    const now = this.deps.clock.now();
    if (this.circuit.mayTry(now)) return Promise.resolve(OK);
    const wait = Math.max(1, Math.ceil(((this.circuit.nextTry ?? now) - now) / 1000));
    return Promise.resolve({ code: 503, tryAgainAfter: wait });
  }

  private sessionLost(reason: string): void {
    const { current } = this.sessions;
    if (current === undefined) return;
    this.deps.log.info({ peer: this.settings.domain, reason }, 'SSP session is over');
    this.lastError = reason;
    this.sessions.end(current);
    this.owed = true;
  }

  private unreached(reason: string, retryAfterSeconds?: number): void {
    this.lastError = reason;
    this.owed = true;
    this.deps.metrics.count('ssp_unreached_total', { peer: this.settings.domain });
    this.circuit.failed(this.deps.clock.now(), retryAfterSeconds);
  }

  /** A client certificate, where the operator wants one, must be for one of the peer's domains. */
  private admits({ certificateNames = [] }: Caller): boolean {
    if (!this.settings.clientCertificate) return true;
    return this.settings.domains.some((domain) => certificateNames.some((name) => covers(name, domain)));
  }

  // ---- posting

  private postSetup(address: PeerAddress, document: SetupDocument): Promise<PostOutcome> {
    const headers = document.mode === 'Request' ? { transactionId: document.transactionId } : {};
    return this.deps.poster.post(address, this.deps.encode(document, this.known), headers);
  }

  private async postRequests(
    transactions: readonly SspTransaction[],
    headers: PostHeaders,
  ): Promise<PostOutcome> {
    const { current } = this.sessions;
    if (current === undefined) return { kind: 'unreachable', reason: 'no session' };
    return this.postIn(current, transactions, headers);
  }

  private async postIn(
    session: PeerSession,
    transactions: readonly SspTransaction[],
    headers: PostHeaders,
  ): Promise<PostOutcome> {
    const address = this.addresses.get(session.url) ?? (await this.found(session.url));
    if (address === undefined) return { kind: 'unreachable', reason: 'the peer has another address now' };
    const document: SessionDocument = {
      kind: 'session',
      version: session.version,
      sessionId: session.ownId,
      transactions,
    };
    const { encode, poster, metrics } = this.deps;
    metrics.count('ssp_documents_out_total', { peer: this.settings.domain });
    const outcome = await poster.post(address, encode(document, this.known), {
      ...headers,
      sessionId: session.ownId,
    });
    if (outcome.kind === 'answered' && outcome.status < 300) this.sessions.touch(session);
    return outcome;
  }

  /** Addresses may have changed since the session began: then any that the peer has now. */
  private async found(url: string): Promise<PeerAddress | undefined> {
    const located = await this.locate();
    if (located.kind !== 'found') return undefined;
    return this.addresses.get(url) ?? located.addresses[0];
  }

  // ---- what comes in

  private async serve(session: PeerSession, transactions: readonly SspTransaction[]): Promise<void> {
    const { log, metrics } = this.deps;
    metrics.count('ssp_documents_in_total', { peer: this.settings.domain });
    for (const transaction of transactions) {
      if (transaction.mode !== 'Response') continue;
      if (this.exchange.answered(transaction.transactionId, transaction.content)) continue;
      metrics.count('ssp_unmatched_answers_total', { peer: this.settings.domain });
      log.debug(
        { peer: this.settings.domain, transaction: transaction.transactionId },
        'SSP answer that nobody waits for',
      );
    }
    const requests = transactions.filter((each) => each.mode === 'Request');
    if (requests.length === 0) return;
    this.answers.add(session, await this.intake.take(requests));
  }

  private emit(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const { relay } = this;
    return relay === undefined ? Promise.resolve(status(result(503))) : relay.emit(request);
  }

  private control(request: ControlRequest): ResponseContent | undefined {
    switch (request.name) {
      case 'KeepAliveRequest':
        return {
          kind: 'control',
          control: { name: 'KeepAliveResponse', result: OK, timeToLive: this.settings.timeToLive },
        };
      case 'ServiceRequest':
        return {
          kind: 'control',
          control: { name: 'ServiceResponse', result: OK, functions: this.agree(request.functions) },
        };
      case 'LogoutRequest':
        this.deps.log.info({ peer: this.settings.domain }, 'SSP peer logged out');
        this.sessions.end();
        return { kind: 'relay', response: status(OK) };
      case 'Disconnect':
        this.deps.log.info(
          { peer: this.settings.domain, code: request.result.code },
          'SSP peer ended the session',
        );
        this.sessions.end();
        return undefined;
    }
  }

  // ---- questions about the session

  private speaksControl(): boolean {
    return this.known.control && this.controls;
  }

  /** Shows that both are there; also the trial of a peer that was away. */
  private knock(): void {
    if (!this.speaksControl()) return;
    void this.ask({ name: 'KeepAliveRequest', timeToLive: this.settings.timeToLive }).then((content) => {
      if (content.kind !== 'failed' && this.owed) {
        this.owed = false;
        this.relay?.becameUsable();
      }
    });
  }

  private async ask(control: ControlRequest, unanswered = false) {
    const content: RequestContent = { kind: 'control', control };
    const reply = await this.exchange.request({
      transactionId: this.deps.ids.random(12),
      content,
      orderKey: 'session',
      unanswered,
      octets: 0,
    });
    if (reply.kind === 'relay' && reply.response.result.code === 405) this.controls = false;
    return reply;
  }
}

function sizeOf(request: RequestPrimitive): number {
  return request.primitive === 'SendMessageRequest' ? request.message.content.data.length : 0;
}

function isFrom({ peerId, callers }: PeerSession, { address, certificateNames }: Caller): boolean {
  if (certificateNames !== undefined || peerId.indexOf('@') >= UNGUESSABLE) return true;
  return callers.length === 0 || callers.includes(address);
}

function covers(name: string, domain: Domain): boolean {
  const folded = name.toLowerCase();
  return (
    folded === domain ||
    (folded.startsWith('*.') && domain.slice(domain.indexOf('.') + 1) === folded.slice(2))
  );
}
