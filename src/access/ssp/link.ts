// The link to one peer (ssp.md section 4): where it is, whether it can be reached, in which session we speak, and how
// it likes its documents.

import type { Clock, IdSource, Log, Metrics } from '../../ops/ports.ts';
import type { GatewayStorage } from '../../sap/port.ts';
import { OK, result, type Result } from '../../wv/status.ts';
import { Circuit, type CircuitState } from './circuit.ts';
import { DIALECTS, type Dialect, type DialectName } from './dialects.ts';
import type { SetupDocument, SspDocument, SspFunction, SspTransaction, SspVersion } from './document.ts';
import type { Established } from './login.ts';
import { PeerLogin, type SetUp } from './peer-login.ts';
import type { PeerSettings } from './peer-settings.ts';
import { PeerSessions, type PeerSession } from './sessions.ts';
import type { Located } from './targets.ts';
import type { Acceptance, Caller, PeerAddress, PostHeaders, Poster, PostOutcome } from './transport.ts';

export interface LinkPorts {
  readonly locate: () => Promise<Located>;
  /** `now`: milliseconds since the epoch; what is left of a message's validity is reckoned from it. */
  readonly encode: (document: SspDocument, dialect: Dialect, now: number) => string;
  readonly poster: Pick<Poster, 'post'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What the operator sees of a link. Times: milliseconds since the epoch. */
export interface LinkStatus {
  readonly session: 'up' | 'setting-up' | 'down';
  readonly circuit: CircuitState;
  readonly dialect: DialectName;
  readonly url?: string;
  readonly version?: SspVersion;
  readonly since?: number;
  readonly lastError?: string;
  readonly nextTryAt?: number;
}

/** A peer that is missed is looked for again within this time, ms: somebody waits for it. */
const LONGEST_BACK_OFF_MS = 60_000;
/** A session id shorter than this can be guessed: it counts only from addresses that took part in the set-up. */
const UNGUESSABLE = 20;
/** Least time between two set-ups that were begun because of documents in unknown sessions, ms. */
const REVIVE_MS = 10_000;
const SUSPENDED = result(503, 'The peer is suspended');

export class Link {
  readonly settings: PeerSettings;
  private readonly ports: LinkPorts;
  private readonly onUp: () => void;
  private readonly circuit = new Circuit({ longestMs: LONGEST_BACK_OFF_MS });
  private readonly sessions: PeerSessions;
  private readonly login: PeerLogin;
  private known: Dialect;
  /** False: it said that it serves no questions about the session. */
  private controls = true;
  private lastError: string | undefined;
  private revivedAt = 0;
  private addresses: ReadonlyMap<string, PeerAddress> = new Map();
  /** Something could not be told while it was away: it is looked for again without being asked. */
  owed = false;

  constructor(settings: PeerSettings, ports: LinkPorts, onUp: () => void) {
    const { clock, log } = ports;
    this.settings = settings;
    this.ports = ports;
    this.onUp = onUp;
    this.known = DIALECTS[settings.dialect === 'auto' ? 'standard' : settings.dialect];
    this.sessions = new PeerSessions({ clock, log });
    this.login = new PeerLogin({
      ...ports,
      settings: { ...settings, peerDomain: settings.domain },
      circuit: this.circuit,
      port: {
        locate: () => this.locate(),
        post: (address, document, dialect) => this.postSetup(address, document, dialect),
        dialect: (misspelt) => this.dialectOf(misspelt) ?? this.known,
        prospect: (session, setUp) => this.sessions.expect(this.sessionOf(session, setUp)),
        established: (session, setUp) => {
          this.known = this.dialectOf(setUp.misspelt) ?? DIALECTS.standard;
          this.established(this.sessionOf(session, setUp));
        },
        failed: ({ code, description = '' }) => (this.lastError = `set-up: ${code} ${description}`.trimEnd()),
      },
    });
  }

  // ---- the state of things

  get dialect(): Dialect {
    return this.known;
  }

  /** In which we speak. */
  get session(): PeerSession | undefined {
    return this.sessions.current;
  }

  /** Milliseconds since anything went either way; Infinity without a session. */
  get idle(): number {
    return this.sessions.idle;
  }

  get circuitState(): CircuitState {
    return this.circuit.state;
  }

  /** Requests may be posted. */
  get isReady(): boolean {
    return this.session !== undefined && this.circuit.state !== 'open' && !this.settings.suspended;
  }

  /** Nobody is being looked for, and nobody is there. */
  get isDown(): boolean {
    return this.session === undefined && !this.login.running;
  }

  /** It may be called, also when nothing is to be sent. */
  get isDue(): boolean {
    return (this.circuit.nextTry ?? 0) <= this.ports.clock.now();
  }

  /** Questions about the session make sense. */
  get hasControl(): boolean {
    return this.known.control && this.controls;
  }

  /** It answered 405 to one. */
  refusesControl(): void {
    this.controls = false;
  }

  get status(): LinkStatus {
    const { session } = this;
    const { nextTry } = this.circuit;
    return {
      session: session === undefined ? (this.login.running ? 'setting-up' : 'down') : 'up',
      circuit: this.circuit.state,
      dialect: this.known.name,
      ...(session === undefined ? {} : { url: session.url, version: session.version, since: session.since }),
      ...(this.lastError === undefined ? {} : { lastError: this.lastError }),
      ...(nextTry === undefined ? {} : { nextTryAt: nextTry }),
    };
  }

  // ---- the session

  /** Goes on with what the last run left. The functions agreed on then, when there was an agreement. */
  async restore(storage: GatewayStorage): Promise<readonly SspFunction[] | undefined> {
    if (!(await this.sessions.restore(storage))) return undefined;
    const { session } = this;
    if (session === undefined) return undefined;
    if (this.settings.dialect === 'auto') this.known = DIALECTS[session.dialect];
    await this.locate();
    return session.functions;
  }

  /** OK when requests may be posted; else why not, as soon as that is known. */
  ready(): Promise<Result> {
    if (this.settings.suspended) return Promise.resolve(SUSPENDED);
    if (this.session === undefined) return this.login.ensure();
    const now = this.ports.clock.now();
    if (this.circuit.mayTry(now)) return Promise.resolve(OK);
    const wait = Math.max(1, Math.ceil(((this.circuit.nextTry ?? now) - now) / 1000));
    return Promise.resolve({ code: 503, tryAgainAfter: wait });
  }

  /** Looks for the peer now. */
  wake(): void {
    if (!this.settings.suspended) void this.login.ensure();
  }

  /** Whatever waiting was due is over. */
  tryNow(): void {
    this.circuit.tryNow(this.ports.clock.now());
  }

  /**
   * The peer speaks in a session that nobody here knows: it needs a new one. Not more often than once in a while, and
   * not at a stranger's word while there is a session.
   */
  revive({ address }: Caller): void {
    const now = this.ports.clock.now();
    const { session } = this;
    if (session !== undefined && (this.hasControl || !session.callers.includes(address))) return;
    if (now - this.revivedAt < REVIVE_MS) return;
    if (this.login.running && !this.login.missedTheEnd()) return;
    this.revivedAt = now;
    this.wake();
  }

  /** The peer does not know the session in which we speak, or it is too old: we want another one. */
  lost(reason: string): void {
    if (this.session === undefined) return;
    this.ports.log.info({ peer: this.settings.domain, reason }, 'SSP session is over');
    this.lastError = reason;
    this.sessions.fallSilent();
    this.owed = true;
  }

  /** Sessions in which only the peer spoke end like others. COMPAT(Baraza): it never logs in again by itself. */
  expire(): void {
    if (this.hasControl) this.sessions.expire();
  }

  /** All sessions ended in order. */
  end(): void {
    this.sessions.end();
  }

  /** What was agreed holds for the session in which we speak, also after a restart. */
  agree(functions: ReadonlySet<SspFunction>): void {
    this.sessions.agree([...functions]);
  }

  async stop(): Promise<void> {
    this.login.stop();
    await this.sessions.saved();
  }

  private established(session: PeerSession): void {
    const { log, metrics } = this.ports;
    this.sessions.add(session);
    this.owed = false;
    this.lastError = undefined;
    this.controls = true;
    const peer = this.settings.domain;
    metrics.count('ssp_sessions_total', { peer });
    log.info({ peer, version: session.version, dialect: this.known.name }, 'SSP session is up');
    this.onUp();
  }

  // ---- what comes in

  /** A step of a set-up. */
  takeSetup(document: SetupDocument, caller: Caller): Promise<Acceptance> {
    if (this.settings.suspended || !this.admits(caller)) return Promise.resolve({ status: 403 });
    return this.login.take(document, caller);
  }

  /** True when this set-up step can only be meant for us: the last two name no domain. */
  expects(document: SetupDocument, caller: Caller): boolean {
    return this.login.expects(document, caller);
  }

  knows(peerId: string): boolean {
    return this.sessions.ofPeer(peerId) !== undefined;
  }

  /** The session in which the peer speaks, which counts as life in it. */
  entered(peerId: string): PeerSession | undefined {
    const session = this.sessions.ofPeer(peerId);
    if (session === undefined) return undefined;
    this.sessions.touch(session);
    // It is there: whatever waiting was due is over.
    if (this.circuit.state === 'open') this.tryNow();
    return session;
  }

  /** An id that can be guessed counts only from where the set-up came from, or with the peer's certificate. */
  mayEnter(peerId: string, caller: Caller): boolean {
    const session = this.sessions.ofPeer(peerId);
    if (session === undefined || this.settings.suspended || !this.admits(caller)) return false;
    const isSecret = peerId.indexOf('@') >= UNGUESSABLE;
    return isSecret || session.callers.includes(caller.address) || this.isCertified(caller);
  }

  /** Somebody knows the id of a session, and may not speak in it. */
  impostor({ address }: Caller): void {
    const peer = this.settings.domain;
    this.ports.log.warn({ peer, address }, 'SSP document from elsewhere refused');
    this.ports.metrics.count('ssp_impostors_total', { peer });
  }

  /** A client certificate, where the operator wants one, must be for one of the peer's domains. */
  private admits(caller: Caller): boolean {
    return !this.settings.clientCertificate || this.isCertified(caller);
  }

  private isCertified({ certificateNames = [] }: Caller): boolean {
    return this.settings.domains.some((domain) => certificateNames.some((name) => covers(name, domain)));
  }

  // ---- what goes out

  reached(): void {
    this.circuit.succeeded();
  }

  unreached(reason: string, retryAfterSeconds?: number): void {
    this.lastError = reason;
    this.owed = true;
    this.ports.metrics.count('ssp_unreached_total', { peer: this.settings.domain });
    this.circuit.failed(this.ports.clock.now(), retryAfterSeconds);
  }

  /** Posts requests in the session in which we speak. */
  async post(transactions: readonly SspTransaction[], headers: PostHeaders): Promise<PostOutcome> {
    const { session } = this;
    if (session === undefined) return { kind: 'unreachable', reason: 'no session' };
    return this.postIn(session, transactions, headers);
  }

  async postIn(
    session: PeerSession,
    transactions: readonly SspTransaction[],
    headers: PostHeaders,
  ): Promise<PostOutcome> {
    const address = this.addresses.get(session.url) ?? (await this.addressInstead());
    if (address === undefined) return { kind: 'unreachable', reason: 'the peer has no address now' };
    const { version, ownId: sessionId } = session;
    const now = this.ports.clock.now();
    const document = this.ports.encode(
      { kind: 'session', version, sessionId, transactions },
      this.known,
      now,
    );
    this.ports.metrics.count('ssp_documents_out_total', { peer: this.settings.domain });
    const outcome = await this.ports.poster.post(address, document, { ...headers, sessionId });
    if (outcome.kind === 'answered' && outcome.status < 300) this.sessions.touch(session);
    return outcome;
  }

  private postSetup(address: PeerAddress, document: SetupDocument, dialect: Dialect): Promise<PostOutcome> {
    const headers = document.mode === 'Request' ? { transactionId: document.transactionId } : {};
    const text = this.ports.encode(document, dialect, this.ports.clock.now());
    return this.ports.poster.post(address, text, headers);
  }

  private async locate(): Promise<Located> {
    const located = await this.ports.locate();
    if (located.kind === 'found')
      this.addresses = new Map(located.addresses.map((address) => [address.url.href, address]));
    return located;
  }

  /** The peer may have moved since the session began: any address that it has now. */
  private async addressInstead(): Promise<PeerAddress | undefined> {
    const located = await this.locate();
    return located.kind === 'found' ? located.addresses[0] : undefined;
  }

  /** What the operator says, else what the spelling says. */
  private dialectOf(misspelt: boolean): Dialect | undefined {
    const { dialect } = this.settings;
    if (dialect !== 'auto') return DIALECTS[dialect];
    return misspelt ? DIALECTS.baraza : undefined;
  }

  private sessionOf(
    { ownId, peerId, version, timeToLive }: Established,
    { address, callers, misspelt }: SetUp,
  ): PeerSession {
    return {
      ownId,
      peerId,
      version,
      timeToLive: timeToLive * 1000,
      since: this.ports.clock.now(),
      dialect: (this.dialectOf(misspelt) ?? DIALECTS.standard).name,
      callers,
      url: address.url.href,
    };
  }
}

function covers(name: string, domain: string): boolean {
  const folded = name.toLowerCase();
  return (
    folded === domain ||
    (folded.startsWith('*.') && domain.slice(domain.indexOf('.') + 1) === folded.slice(2))
  );
}
