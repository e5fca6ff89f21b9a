// Setting up a session with one peer: runs the exchange of login.ts over HTTP, at the address at which we found the
// peer ourselves, one attempt of ours at a time (ssp.md section 4).

import type { Clock, IdSource, Log, Metrics } from '../../ops/ports.ts';
import { RateLimit } from '../../sap/rate-limit.ts';
import { networkOf } from '../address-list.ts';
import type { Domain } from '../../wv/ids.ts';
import { OK, result, type Result } from '../../wv/status.ts';
import type { Circuit } from './circuit.ts';
import type { Dialect } from './dialects.ts';
import type { SendSecretToken, SetupDocument, SspVersion } from './document.ts';
import { Attempt, goesOn, type Advance, type AttemptSettings, type Established } from './login.ts';
import { AcceptedRuns, type Running } from './set-up-runs.ts';
import type { Located } from './targets.ts';
import type { Acceptance, Caller, PeerAddress, PostOutcome } from './transport.ts';

export interface LoginPort {
  locate(): Promise<Located>;
  post(address: PeerAddress, document: SetupDocument, dialect: Dialect): Promise<PostOutcome>;
  /** How whoever sent this run's token writes; `misspelt` = he gave himself away. It may be anybody: learn nothing. */
  dialect(misspelt: boolean): Dialect;
  /** The peer may speak in this session from now on, and will know of it when the last step arrives. */
  prospect(session: Established, running: SetUp): void;
  /** Both know of it. */
  established(session: Established, running: SetUp): void;
  /** A set-up came to nothing, whoever began it; for the operator. */
  failed(outcome: Result): void;
}

/** Who took part in a set-up. */
export interface SetUp {
  /** Where the peer took our steps. */
  readonly address: PeerAddress;
  /** Addresses that steps came from which only the peer can have sent. */
  readonly callers: readonly string[];
  /** COMPAT(Baraza): the peer gave itself away by its spelling. */
  readonly misspelt: boolean;
}

export interface LoginSettings {
  readonly ownDomain: Domain;
  readonly peerDomain: Domain;
  /** Seconds. */
  readonly timeToLive: number;
  readonly versions: readonly SspVersion[];
}

/** Set-ups that one network may begin in the peer's name: at once, and then one in so many seconds; and all together. */
const OF_NETWORK = { burst: 20, seconds: 1 };
const OF_ALL = { burst: 60, seconds: 0.2 };
/**
 * Within this time of our start the peer's start counts as simultaneous, ms: before it has answered, and after, when
 * only a step that was overtaken can. Shorter than a restart: who begins after one knows nothing of our attempt.
 */
const SIMULTANEOUS_MS = { unanswered: 1_000, answered: 500 };
/** A set-up of the peer that takes longer, ms, got stuck: perhaps the peer died over it, and knows nothing of it. */
const YIELD_MS = 10_000;
/** A last step that takes longer, ms, does not come, when the peer goes on without. */
const LAST_STEP_MS = 10_000;
const TAKEN: Acceptance = { status: 200 };
const REFUSED: Acceptance = { status: 403 };

export class PeerLogin {
  private readonly deps: {
    readonly port: LoginPort;
    readonly settings: LoginSettings;
    readonly circuit: Circuit;
    readonly clock: Clock;
    readonly ids: IdSource;
    readonly log: Log;
    readonly metrics: Metrics;
  };
  private own: Running | undefined;
  private readonly accepted = new AcceptedRuns();
  private waiting: PromiseWithResolvers<Result> | undefined;
  private locating = false;
  private readonly rates: { readonly network: RateLimit; readonly all: RateLimit };

  constructor(deps: PeerLogin['deps']) {
    this.deps = deps;
    this.rates = {
      network: new RateLimit(deps.clock, OF_NETWORK.burst, OF_NETWORK.seconds),
      all: new RateLimit(deps.clock, OF_ALL.burst, OF_ALL.seconds),
    };
  }

  /** True while a set-up is under way that is to be waited for: ours, or one that is the peer's beyond doubt. */
  get running(): boolean {
    return this.locating || this.own !== undefined || this.isTheirTurn;
  }

  /** A set-up of the peer that got stuck may still go on, but we do not wait for it. */
  private get isTheirTurn(): boolean {
    return this.accepted.areProvenSince(this.deps.clock.now() - YIELD_MS);
  }

  /** Resolves with OK when a session is up, else with why not. Never rejects. */
  ensure(): Promise<Result> {
    // It may be concluded, and forgotten, while it begins: the peer is not to be tried yet.
    const waiting = this.waiting ?? Promise.withResolvers<Result>();
    this.waiting = waiting;
    if (!this.running) this.begin();
    return waiting.promise;
  }

  /**
   * The peer speaks in a session that nobody knows: perhaps in the one that we are setting up, the last step of which
   * was lost. True when that attempt is given up for it; some kinds of peers never repeat a step.
   */
  missedTheEnd(): boolean {
    const { own } = this;
    if (own?.attempt.state !== 'confirm-sent') return false;
    if (this.deps.clock.now() - own.startedAt < LAST_STEP_MS) return false;
    this.advance(own, own.attempt.fail(result(504, 'The last step of the set-up did not come')));
    return true;
  }

  /** Ends everything that is under way. */
  stop(): void {
    for (const running of this.all()) this.drop(running);
    this.conclude(result(503, 'Stopped'));
  }

  /** A document of the peer about the set-up. */
  async take(document: SetupDocument, caller: Caller): Promise<Acceptance> {
    const { mode, step } = document;
    if (mode === 'Request' && step.name === 'SendSecretToken') return this.asked(document, step, caller);
    const running = this.findRun(document, caller);
    const advance: Advance = running?.attempt.take(document) ?? { kind: 'unexpected' };
    if (running === undefined || advance.kind === 'unexpected') {
      this.unexpected(document, caller, advance);
      return REFUSED;
    }
    if (advance.kind === 'failed') {
      this.advance(running, advance);
      // Who is told the reason in a document of our own must still be waiting for it.
      return advance.document === undefined ? REFUSED : TAKEN;
    }
    this.believe(running, document, caller);
    // Only now we may know what kind of peer it is.
    if (step.name === 'SendSecretToken') this.arm(running);
    this.advance(running, advance);
    return TAKEN;
  }

  /** Steps 3 to 6 come from somebody who knows what only the peer was told. */
  private believe(running: Running, { mode, step }: SetupDocument, { address }: Caller): void {
    if (step.name === 'SendSecretToken') return;
    running.callers.add(address);
    if (step.name !== 'LoginRequest') return;
    running.prover = address;
    // Both began; not before the peer has proven that it is there does its set-up take the place of ours.
    if (mode === 'Request') this.drop(this.own);
  }

  private unexpected({ mode, step }: SetupDocument, { address }: Caller, advance: Advance): void {
    const { log, metrics, settings } = this.deps;
    const reason = advance.kind === 'unexpected' ? advance.reason : undefined;
    log.info(
      { peer: settings.peerDomain, address, mode, step: step.name, reason },
      'SSP set-up step not expected',
    );
    metrics.count('ssp_setup_steps_refused_total');
  }

  /** True when this document can only be meant for a run of this peer: steps 5 and 6 name no domain. */
  expects(document: SetupDocument, caller: Caller): boolean {
    return this.findRun(document, caller) !== undefined;
  }

  /** Step 2 may have a transaction id of the peer's own. */
  private findRun(document: SetupDocument, caller: Caller): Running | undefined {
    const { mode, transactionId, step } = document;
    if (mode === 'Request') return this.accepted.find(document, caller);
    const isOurs = transactionId === this.own?.attempt.transactionId || step.name === 'SendSecretToken';
    return isOurs ? this.own : undefined;
  }

  // ---- our own attempt

  private begin(): void {
    const { circuit, clock, log, settings } = this.deps;
    const now = clock.now();
    if (!circuit.mayTry(now)) {
      this.conclude({
        code: 503,
        tryAgainAfter: Math.max(1, Math.ceil(((circuit.nextTry ?? now) - now) / 1000)),
      });
      return;
    }
    this.locating = true;
    this.initiate().catch((error: unknown) => {
      this.locating = false;
      log.error({ err: error, peer: settings.peerDomain }, 'SSP set-up failed');
      this.failed(result(503));
    });
  }

  private async initiate(): Promise<void> {
    const located = await this.deps.port.locate();
    this.locating = false;
    if (located.kind === 'none') {
      const outcome = result(516, 'The domain has no server for us');
      this.deps.circuit.failed(this.deps.clock.now());
      this.deps.port.failed(outcome);
      this.conclude(outcome);
      return;
    }
    if (located.kind === 'unknown') {
      this.failed({ code: 503, description: located.reason });
      return;
    }
    // The peer may have begun while we were looking for it.
    if (this.isTheirTurn) return;
    const { attempt, document } = Attempt.initiate(this.settingsFor());
    this.own = this.run(attempt, located.addresses);
    this.deps.metrics.count('ssp_setups_total', { peer: this.deps.settings.peerDomain, role: 'initiator' });
    await this.send(this.own, document);
  }

  private settingsFor(): AttemptSettings {
    const { settings, ids } = this.deps;
    return { ...settings, random: () => ids.random(24) };
  }

  private run(attempt: Attempt, addresses: readonly PeerAddress[], from?: string): Running {
    const running: Running = {
      attempt,
      startedAt: this.deps.clock.now(),
      addresses,
      address: undefined,
      from,
      prover: undefined,
      callers: new Set(),
      cancelTimer: () => undefined,
    };
    this.arm(running);
    return running;
  }

  /** It ends by itself when the peer is silent for longer than its kind may be. */
  private arm(running: Running): void {
    const { clock, port } = this.deps;
    const { attempt, startedAt } = running;
    const end = startedAt + port.dialect(attempt.misspelt).setupPatienceMs;
    running.cancelTimer();
    running.cancelTimer = clock.after(end - clock.now(), () =>
      this.advance(running, attempt.fail(result(504, 'The set-up was not finished in time'))),
    );
  }

  // ---- the peer's attempts

  private async asked(document: SetupDocument, step: SendSecretToken, caller: Caller): Promise<Acceptance> {
    const { clock, settings, log, port, metrics } = this.deps;
    const wait = this.spend(networkOf(caller.address));
    if (wait > 0) return { status: 503, retryAfterSeconds: wait };
    if (this.insists(step.misspelt ?? false)) return TAKEN;
    const located = await port.locate();
    if (located.kind !== 'found') {
      log.warn({ peer: settings.peerDomain }, 'SSP set-up refused: the peer cannot be found from here');
      return located.kind === 'unknown' ? { status: 503, retryAfterSeconds: 10 } : REFUSED;
    }
    this.drop(this.accepted.displacedBy(document.transactionId, caller.address));
    const { attempt, advance } = Attempt.accept(this.settingsFor(), step, document.transactionId);
    const running = this.run(attempt, located.addresses, caller.address);
    this.accepted.add(running);
    metrics.count('ssp_setups_total', { peer: settings.peerDomain, role: 'acceptor' });
    log.debug({ peer: settings.peerDomain, at: clock.now() }, 'SSP set-up begun in the name of the peer');
    this.advance(running, advance);
    return TAKEN;
  }

  /** Seconds to wait; 0 = it may begin. */
  private spend(network: string): number {
    const { rates } = this;
    const wait = rates.network.wait(network) || rates.all.wait('');
    if (wait > 0) return wait;
    rates.network.spend(network);
    rates.all.spend('');
    return 0;
  }

  /** Both began at once, and ours goes on. COMPAT(Baraza): it waits for an answer forever, so it gets one. */
  private insists(misspelt: boolean): boolean {
    const { ownDomain, peerDomain } = this.deps.settings;
    if (this.own === undefined || misspelt || !goesOn(ownDomain, peerDomain)) return false;
    const isAnswered = this.own.attempt.state !== 'token-sent';
    const window = SIMULTANEOUS_MS[isAnswered ? 'answered' : 'unanswered'];
    return this.deps.clock.now() - this.own.startedAt < window;
  }

  // ---- both

  private all(): readonly Running[] {
    return this.own === undefined ? this.accepted.all : [this.own, ...this.accepted.all];
  }

  private drop(running: Running | undefined): void {
    if (running === undefined) return;
    running.cancelTimer();
    if (this.own === running) this.own = undefined;
    else this.accepted.delete(running);
  }

  private advance(running: Running, advance: Advance): void {
    const { log, settings, metrics } = this.deps;
    const peer = settings.peerDomain;
    if (advance.kind === 'unexpected' || !this.all().includes(running)) return;
    if (advance.kind === 'failed') {
      metrics.count('ssp_setups_failed_total', { peer });
      const { code, description: reason } = advance.outcome;
      // What anybody can begin is no news.
      const level = this.isOurConcern(running) ? 'warn' : 'info';
      log[level]({ peer, code, reason }, 'SSP set-up failed');
      if (advance.document !== undefined) this.dispatch(running, advance.document);
      this.over(running, advance.outcome);
      return;
    }
    if (advance.kind === 'send') {
      this.dispatch(running, advance.document);
      return;
    }
    if (advance.document === undefined) this.up(running, advance.session);
    else this.dispatch(running, advance.document, advance.session);
  }

  private dispatch(running: Running, document: SetupDocument, session?: Established): void {
    this.send(running, document, session).catch((error: unknown) => {
      this.deps.log.error(
        { err: error, peer: this.deps.settings.peerDomain },
        'SSP set-up step could not be sent',
      );
      this.over(running, result(500));
    });
  }

  /** Posts one step, to the address that took the one before. A session is up when its last step was taken. */
  private async send(running: Running, document: SetupDocument, session?: Established): Promise<void> {
    const { port } = this.deps;
    const { heard, misspelt } = running.attempt;
    const dialect = port.dialect(misspelt);
    if (dialect.stepDelayMs > 0) await this.pause(dialect.stepDelayMs);
    const candidates = running.address === undefined ? running.addresses : [running.address];
    let trouble = 'no address';
    for (const address of candidates) {
      // The peer's next step may be here before the HTTP answer to this one.
      running.address = address;
      if (session !== undefined) port.prospect(session, this.setUp(running, address));
      const outcome = await this.postStep(running, address, document, dialect);
      if (outcome.kind === 'answered' && outcome.status < 300) {
        if (session !== undefined) this.up(running, session);
        return;
      }
      trouble =
        outcome.kind === 'answered' ? `HTTP ${outcome.status} from ${address.url.host}` : outcome.reason;
      if (running.attempt.over && session === undefined) return;
    }
    running.address = undefined;
    // Another token of the peer came meanwhile, or still may: it was not the peer whose token we proved.
    if (running.attempt.heard !== heard || running.attempt.waitAgain()) return;
    if (!this.all().includes(running)) return;
    const level = this.isOurConcern(running) ? 'warn' : 'info';
    this.deps.log[level](
      { peer: this.deps.settings.peerDomain, reason: trouble },
      'SSP set-up: the peer cannot be reached',
    );
    this.over(running, { code: 503, description: trouble });
  }

  private isOurConcern(running: Running): boolean {
    return running === this.own || running.prover !== undefined;
  }

  private setUp({ attempt: { misspelt }, callers }: Running, address: PeerAddress): SetUp {
    return { address, callers: [...callers], misspelt };
  }

  /** Posts a step again when the peer may just not have been ready for it: as long as nothing else came of it. */
  private async postStep(
    running: Running,
    address: PeerAddress,
    document: SetupDocument,
    dialect: Dialect,
  ): Promise<PostOutcome> {
    const { port } = this.deps;
    const { attempt } = running;
    const { state } = attempt;
    let outcome = await port.post(address, document, dialect);
    for (const pause of dialect.stepRetriesMs) {
      if (outcome.kind !== 'silent') return outcome;
      await this.pause(pause);
      if (attempt.state !== state || !this.all().includes(running)) return outcome;
      outcome = await port.post(address, document, dialect);
    }
    return outcome;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.deps.clock.after(ms, resolve);
    });
  }

  private up(running: Running, session: Established): void {
    const { address } = running;
    if (address === undefined || !this.all().includes(running)) return;
    this.drop(running);
    this.deps.circuit.succeeded();
    this.deps.port.established(session, this.setUp(running, address));
    this.conclude(OK);
  }

  private over(running: Running, outcome: Result): void {
    const wasOurs = this.own === running;
    this.drop(running);
    if (!wasOurs) this.deps.port.failed(outcome);
    if (this.running) return;
    if (wasOurs) this.failed(outcome);
    else if (this.waiting !== undefined) this.begin();
  }

  private failed(outcome: Result): void {
    const { circuit, clock } = this.deps;
    const now = clock.now();
    circuit.failed(now);
    this.deps.port.failed(outcome);
    const tryAgainAfter = Math.max(1, Math.ceil(((circuit.nextTry ?? now) - now) / 1000));
    this.conclude({
      code: 503,
      ...(outcome.description === undefined ? {} : { description: outcome.description }),
      tryAgainAfter,
    });
  }

  private conclude(outcome: Result): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve(outcome);
  }
}
