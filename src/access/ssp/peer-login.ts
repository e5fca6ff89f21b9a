// Setting up a session with one peer: runs the exchange of login.ts over HTTP, at the address at which we found the
// peer ourselves, one attempt of ours at a time (ssp.md section 4).

import type { Clock, IdSource, Log, Metrics } from '../../ops/ports.ts';
import { RateLimit } from '../../sap/rate-limit.ts';
import type { Domain } from '../../wv/ids.ts';
import { OK, result, type Result } from '../../wv/status.ts';
import type { Circuit } from './circuit.ts';
import type { Dialect } from './dialects.ts';
import type { SendSecretToken, SetupDocument, SspVersion } from './document.ts';
import { Attempt, goesOn, type Advance, type AttemptSettings, type Established } from './login.ts';
import type { Located } from './targets.ts';
import type { Acceptance, Caller, PeerAddress, PostOutcome } from './transport.ts';

export interface LoginPort {
  locate(): Promise<Located>;
  post(address: PeerAddress, document: SetupDocument): Promise<PostOutcome>;
  /** How the peer writes, as far as is known; `misspelt` = it just gave itself away. */
  dialect(misspelt: boolean): Dialect;
  /** The peer may speak in this session from now on, and will know of it when the last step arrives. */
  prospect(session: Established, running: SetUp): void;
  /** Both know of it. */
  established(session: Established, running: SetUp): void;
}

/** Who took part in a set-up. */
export interface SetUp {
  /** Where the peer took our steps. */
  readonly address: PeerAddress;
  /** Addresses that the peer's steps came from. */
  readonly callers: readonly string[];
}

export interface LoginSettings {
  readonly ownDomain: Domain;
  readonly peerDomain: Domain;
  /** Seconds. */
  readonly timeToLive: number;
  readonly versions: readonly SspVersion[];
}

/** A run of the exchange with what it takes to post its documents. */
interface Running {
  readonly attempt: Attempt;
  readonly startedAt: number;
  readonly addresses: readonly PeerAddress[];
  /** The one that took a document; the others are tried in their order before. */
  address: PeerAddress | undefined;
  readonly callers: Set<string>;
  cancelTimer: () => void;
}

/** Runs that a peer may have begun at once. */
const MAX_ACCEPTED = 4;
/** Set-ups a peer may begin: at once, and then one in so many seconds. */
const BURST = 20;
const SECONDS = 1;
/**
 * Within this time of our start the peer's start counts as simultaneous, ms: before it has answered, and after, when
 * only a step that was overtaken can. Shorter than a restart: who begins after one knows nothing of our attempt.
 */
const SIMULTANEOUS_MS = { unanswered: 1_000, answered: 500 };
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
  private readonly accepted = new Map<string, Running>();
  private waiting: PromiseWithResolvers<Result> | undefined;
  private locating = false;
  private readonly rate: RateLimit;

  constructor(deps: PeerLogin['deps']) {
    this.deps = deps;
    this.rate = new RateLimit(deps.clock, BURST, SECONDS);
  }

  /** True while a set-up is under way, whoever began it. */
  get running(): boolean {
    return this.locating || this.own !== undefined || this.accepted.size > 0;
  }

  /** Resolves with OK when a session is up, else with why not. Never rejects. */
  ensure(): Promise<Result> {
    if (this.waiting !== undefined) return this.waiting.promise;
    const waiting = Promise.withResolvers<Result>();
    this.waiting = waiting;
    // It may be over at once: while the circuit is open nothing is tried.
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
    for (const running of this.all()) running.cancelTimer();
    this.own = undefined;
    this.accepted.clear();
    this.conclude(result(503, 'Stopped'));
  }

  /** A document of the peer about the set-up. */
  async take(document: SetupDocument, caller: Caller): Promise<Acceptance> {
    const { mode, step } = document;
    if (mode === 'Request' && step.name === 'SendSecretToken') return this.asked(document, step, caller);
    const running = this.findRun(document, caller);
    if (running === undefined) {
      this.unexpected(document);
      return REFUSED;
    }
    if (mode === 'Request') running.callers.add(caller.address);
    const advance = running.attempt.take(document);
    if (advance.kind === 'unexpected') {
      this.unexpected(document);
      return REFUSED;
    }
    this.advance(running, advance);
    return advance.kind === 'failed' ? REFUSED : TAKEN;
  }

  private unexpected({ mode, step }: SetupDocument): void {
    this.deps.log.info(
      { peer: this.deps.settings.peerDomain, mode, step: step.name },
      'SSP set-up step not expected',
    );
    this.deps.metrics.count('ssp_setup_steps_refused_total');
  }

  /** True when this document can only be meant for a run of this peer: steps 5 and 6 name no domain. */
  expects(document: SetupDocument, caller: Caller): boolean {
    return this.findRun(document, caller) !== undefined;
  }

  /**
   * Step 2 may have a transaction id of the peer's own. Step 5 brings the id by which the peer will be known: it must
   * come from where the proof came from, for the transaction id of some peers can be guessed.
   */
  private findRun({ mode, transactionId, step }: SetupDocument, caller: Caller): Running | undefined {
    if (mode === 'Response') {
      const isOurs = transactionId === this.own?.attempt.transactionId || step.name === 'SendSecretToken';
      return isOurs ? this.own : undefined;
    }
    const running = this.accepted.get(transactionId);
    const isElsewhere =
      running !== undefined && step.name === 'LoginResponse' && !running.callers.has(caller.address);
    return isElsewhere ? undefined : running;
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
    this.initiate()
      .catch((error: unknown) => {
        log.error({ err: error, peer: settings.peerDomain }, 'SSP set-up failed');
        this.failed(result(503));
      })
      .finally(() => (this.locating = false));
  }

  private async initiate(): Promise<void> {
    const located = await this.deps.port.locate();
    if (located.kind === 'none') {
      this.deps.circuit.failed(this.deps.clock.now());
      this.conclude(result(516, 'The domain has no server for us'));
      return;
    }
    if (located.kind === 'unknown') {
      this.failed({ code: 503, description: located.reason });
      return;
    }
    // The peer may have begun while we were looking for it.
    if (this.accepted.size > 0) return;
    const { attempt, document } = Attempt.initiate(this.settingsFor());
    this.own = this.run(attempt, located.addresses);
    this.deps.metrics.count('ssp_setups_total', { peer: this.deps.settings.peerDomain, role: 'initiator' });
    await this.send(this.own, document);
  }

  private settingsFor(): AttemptSettings {
    const { settings, ids } = this.deps;
    return { ...settings, random: () => ids.random(24) };
  }

  private run(attempt: Attempt, addresses: readonly PeerAddress[]): Running {
    const { clock, port } = this.deps;
    const running: Running = {
      attempt,
      startedAt: clock.now(),
      addresses,
      address: undefined,
      callers: new Set(),
      cancelTimer: () => undefined,
    };
    running.cancelTimer = clock.after(port.dialect(attempt.misspelt).setupPatienceMs, () =>
      this.advance(running, attempt.fail(result(504, 'The set-up was not finished in time'))),
    );
    return running;
  }

  // ---- the peer's attempts

  private async asked(document: SetupDocument, step: SendSecretToken, caller: Caller): Promise<Acceptance> {
    const { clock, settings, log, port, metrics } = this.deps;
    const wait = this.rate.wait('setups');
    if (wait > 0) return { status: 503, retryAfterSeconds: wait };
    this.rate.spend('setups');
    const { misspelt = false } = step;
    if (this.insists(misspelt)) return TAKEN;
    const located = await port.locate();
    if (located.kind !== 'found') {
      log.warn({ peer: settings.peerDomain }, 'SSP set-up refused: the peer cannot be found from here');
      return located.kind === 'unknown' ? { status: 503, retryAfterSeconds: 10 } : REFUSED;
    }
    this.drop(this.own);
    this.forgetOldest(document.transactionId);
    const { attempt, advance } = Attempt.accept(this.settingsFor(), step, document.transactionId);
    const running = this.run(attempt, located.addresses);
    running.callers.add(caller.address);
    this.accepted.set(document.transactionId, running);
    metrics.count('ssp_setups_total', { peer: settings.peerDomain, role: 'acceptor' });
    log.debug({ peer: settings.peerDomain, at: clock.now() }, 'SSP set-up begun by the peer');
    this.advance(running, advance);
    return TAKEN;
  }

  /** Both began at once, and ours goes on. COMPAT(Baraza): it waits for an answer forever, so it gets one. */
  private insists(misspelt: boolean): boolean {
    const { ownDomain, peerDomain } = this.deps.settings;
    if (this.own === undefined || misspelt || !goesOn(ownDomain, peerDomain)) return false;
    const isAnswered = this.own.attempt.state !== 'token-sent';
    const window = SIMULTANEOUS_MS[isAnswered ? 'answered' : 'unanswered'];
    return this.deps.clock.now() - this.own.startedAt < window;
  }

  private forgetOldest(transactionId: string): void {
    this.drop(this.accepted.get(transactionId));
    const [oldest] = this.accepted.values();
    if (this.accepted.size >= MAX_ACCEPTED) this.drop(oldest);
  }

  // ---- both

  private all(): readonly Running[] {
    return this.own === undefined ? [...this.accepted.values()] : [this.own, ...this.accepted.values()];
  }

  private drop(running: Running | undefined): void {
    if (running === undefined) return;
    running.cancelTimer();
    if (this.own === running) this.own = undefined;
    else this.accepted.delete(running.attempt.transactionId);
  }

  private advance(running: Running, advance: Advance): void {
    const { log, settings, metrics } = this.deps;
    const peer = settings.peerDomain;
    if (advance.kind === 'unexpected' || !this.all().includes(running)) return;
    if (advance.kind === 'failed') {
      metrics.count('ssp_setups_failed_total', { peer });
      log.warn(
        { peer, code: advance.outcome.code, reason: advance.outcome.description },
        'SSP set-up failed',
      );
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
    const { port, clock } = this.deps;
    const { stepDelayMs } = port.dialect(running.attempt.misspelt);
    if (stepDelayMs > 0) {
      await new Promise<void>((resolve) => {
        clock.after(stepDelayMs, resolve);
      });
    }
    const candidates = running.address === undefined ? running.addresses : [running.address];
    let trouble = 'no address';
    for (const address of candidates) {
      // The peer's next step may be here before the HTTP answer to this one.
      running.address = address;
      if (session !== undefined) port.prospect(session, { address, callers: [...running.callers] });
      const outcome = await port.post(address, document);
      if (outcome.kind === 'answered' && outcome.status < 300) {
        if (session !== undefined) this.up(running, session);
        return;
      }
      trouble =
        outcome.kind === 'answered' ? `HTTP ${outcome.status} from ${address.url.host}` : outcome.reason;
      if (running.attempt.over && session === undefined) return;
    }
    running.address = undefined;
    if (this.all().includes(running)) {
      this.deps.log.warn(
        { peer: this.deps.settings.peerDomain, reason: trouble },
        'SSP set-up: the peer cannot be reached',
      );
      this.over(running, { code: 503, description: trouble });
    }
  }

  private up(running: Running, session: Established): void {
    const { address } = running;
    if (address === undefined || !this.all().includes(running)) return;
    this.drop(running);
    this.deps.circuit.succeeded();
    this.deps.port.established(session, { address, callers: [...running.callers] });
    this.conclude(OK);
  }

  private over(running: Running, outcome: Result): void {
    const wasOurs = this.own === running;
    this.drop(running);
    if (this.all().length > 0) return;
    if (wasOurs) this.failed(outcome);
    else if (this.waiting !== undefined) this.begin();
  }

  private failed(outcome: Result): void {
    const { circuit, clock } = this.deps;
    const now = clock.now();
    circuit.failed(now);
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
