// All peers: finds the one a request or a document is for, opens those that are found by their domain, and gives each
// its turn. One timer for all of them.

import type { Clock, Log, Metrics } from '../../ops/ports.ts';
import type { Domain } from '../../wv/ids.ts';
import { networkOf } from '../address-list.ts';
import { result, type Result } from '../../wv/status.ts';
import { SspSyntaxError, type SessionDocument, type SetupDocument, type SspDocument } from './document.ts';
import type { Peer } from './peer.ts';
import type { Located } from './targets.ts';
import type { Acceptance, Caller, DocumentSink } from './transport.ts';
import { MAX_OF_STRANGERS, Places, seemingSessionId, TimeShares, type Allowance } from './triage.ts';

export interface DirectoryDependencies {
  /** Throws SspSyntaxError. */
  readonly decode: (document: Uint8Array) => SspDocument;
  /** Servers that are not listed; absent = there are none for us. */
  readonly unlisted?: {
    readonly max: number;
    /** True for our own domain, and those behind gateways: they are nobody else's. */
    isTaken(domain: Domain): boolean;
    locate(domain: Domain): Promise<Located>;
    create(domain: Domain): Peer;
    /** Makes the house know the peer, and forget it. */
    adopt(peer: Peer): Promise<void>;
    /** False when it is still needed. */
    release(peer: Peer): boolean;
  };
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const TICK_MS = 1_000;
/** Documents of all peers worked on at once; of each MAX_DOCUMENTS of peer.ts. */
const DOCUMENTS = { all: 1_000, each: 1_000 };
/** Set-ups, of all networks and of each: they may wait for DNS. */
const SETUPS = { all: 256, each: 32 };
/** Time for reading what one peer sends, and what others send from one network. */
const OF_PEER: Allowance = { burst: 2_000, perSecond: 300 };
const OF_STRANGERS: Allowance = { burst: 500, perSecond: 50 };
const FORBIDDEN: Acceptance = { status: 403 };
/** Peers looked for at once when the server starts. */
const WAKE_BATCH = 32;

export class PeerDirectory {
  private readonly deps: DirectoryDependencies;
  private readonly byDomain = new Map<Domain, Peer>();
  private readonly opening = new Map<Domain, Promise<Peer | Result>>();
  private readonly documents = new Places(DOCUMENTS);
  private readonly setups = new Places(SETUPS);
  private readonly shares: TimeShares;
  private unlisted = 0;
  private cancelTick: () => void = () => undefined;

  constructor(listed: readonly Peer[], deps: DirectoryDependencies) {
    this.deps = deps;
    this.shares = new TimeShares(deps.clock);
    for (const peer of listed) this.add(peer);
  }

  /** Each peer once. */
  get peers(): ReadonlySet<Peer> {
    return new Set(this.byDomain.values());
  }

  peer(domain: Domain): Peer | undefined {
    return this.byDomain.get(domain);
  }

  /** Gives each peer its turn every second. */
  start(): void {
    this.cancelTick = this.deps.clock.after(TICK_MS, () => {
      for (const peer of this.peers) peer.tick();
      this.start();
    });
  }

  stop(): void {
    this.cancelTick();
  }

  /** Looks for these peers, some at a time: they have news for us, or we for them. */
  async wake(peers: readonly Peer[]): Promise<void> {
    for (let from = 0; from < peers.length; from += WAKE_BATCH) {
      for (const peer of peers.slice(from, from + WAKE_BATCH)) peer.wake();
      await new Promise<void>((resolve) => {
        this.deps.clock.after(100, resolve);
      });
    }
  }

  /** The peer of a domain that is not listed: 516 there is none, 503 not known now. */
  find(domain: Domain): Promise<Peer | Result> {
    const known = this.byDomain.get(domain) ?? this.opening.get(domain);
    if (known !== undefined) return Promise.resolve(known);
    const opening = this.open(domain).finally(() => this.opening.delete(domain));
    this.opening.set(domain, opening);
    return opening;
  }

  /** A document that was posted to us. */
  readonly accept: DocumentSink = async (octets, caller) => {
    try {
      return await this.route(octets, caller);
    } catch (error) {
      if (!(error instanceof SspSyntaxError)) {
        this.deps.log.error({ err: error, address: caller.address }, 'SSP document failed');
        return { status: 503 };
      }
      this.deps.metrics.count('ssp_bad_documents_total');
      this.deps.log.info({ address: caller.address, reason: error.message }, 'SSP document refused');
      return { status: 400 };
    }
  };

  private async route(octets: Uint8Array, caller: Caller): Promise<Acceptance> {
    const document = this.read(octets, caller);
    if ('status' in document) return document;
    const accepted =
      document.kind === 'setup'
        ? this.setups.during(networkOf(caller.address), () => this.setup(document, caller))
        : this.documents.during('', () => this.session(document, caller));
    return (await accepted) ?? this.busy(1);
  }

  /** Throws SspSyntaxError. An Acceptance: it is not worth the time. */
  private read(octets: Uint8Array, caller: Caller): SspDocument | Acceptance {
    const sessionId = seemingSessionId(octets);
    const sender = sessionId === undefined ? undefined : this.speaker(sessionId, caller);
    if (sender === undefined && octets.length > MAX_OF_STRANGERS)
      return sessionId === undefined
        ? this.forbidden(caller, `${octets.length} octets outside of a session`)
        : this.unknownSession(sessionId, caller);
    const [key, allowance] =
      sender === undefined ? [networkOf(caller.address), OF_STRANGERS] : [sender.name, OF_PEER];
    const wait = this.shares.wait(key, allowance);
    if (wait > 0) return this.busy(wait);
    const begun = performance.now();
    try {
      return this.deps.decode(octets);
    } finally {
      this.shares.charge(key, performance.now() - begun, allowance);
    }
  }

  private busy(retryAfterSeconds: number): Acceptance {
    this.deps.metrics.count('ssp_documents_put_off_total');
    return { status: 503, retryAfterSeconds };
  }

  private async setup(document: SetupDocument, caller: Caller): Promise<Acceptance> {
    const { step } = document;
    if (step.name === 'LoginResponse') {
      // It names nobody: whoever waits for it under this id.
      const waiting = [...this.peers].filter((peer) => peer.expects(document, caller));
      const [peer] = waiting;
      if (peer !== undefined && waiting.length === 1) return peer.takeSetup(document, caller);
      return this.forbidden(caller, 'a set-up step that nobody waits for');
    }
    const peer = await this.find(step.service);
    if ('code' in peer) return this.forbidden(caller, `no server for ${step.service} is known: ${peer.code}`);
    return peer.takeSetup(document, caller);
  }

  private session(document: SessionDocument, caller: Caller): Promise<Acceptance> {
    const { sessionId } = document;
    const peer = this.speaker(sessionId, caller);
    if (peer !== undefined) return peer.takeSession(document, caller);
    return Promise.resolve(this.unknownSession(sessionId, caller));
  }

  /** Who speaks in a session, and may. Peers choose their ids: one may choose what another has chosen. */
  private speaker(sessionId: string, caller: Caller): Peer | undefined {
    const named = this.named(sessionId);
    if (named?.mayEnter(sessionId, caller) === true) return named;
    for (const peer of this.peers) if (peer.mayEnter(sessionId, caller)) return peer;
    return undefined;
  }

  private named(sessionId: string): Peer | undefined {
    const domain = sessionId.slice(sessionId.lastIndexOf('@') + 1).toLowerCase();
    return this.byDomain.get(domain as Domain);
  }

  private unknownSession(sessionId: string, caller: Caller): Acceptance {
    const named = this.named(sessionId);
    if (named?.knows(sessionId) === true) return named.refuse(caller);
    // COMPAT(Baraza): it does not log in again by itself. `named` is looked up by us, so anybody may say so.
    named?.revive(caller);
    return this.forbidden(caller, 'an unknown session');
  }

  private forbidden({ address }: Caller, reason: string): Acceptance {
    this.deps.metrics.count('ssp_refused_documents_total');
    this.deps.log.info({ address, reason }, 'SSP document refused');
    return FORBIDDEN;
  }

  private add(peer: Peer): void {
    for (const domain of peer.domains) this.byDomain.set(domain, peer);
  }

  private async open(domain: Domain): Promise<Peer | Result> {
    const { unlisted, log } = this.deps;
    if (unlisted === undefined || unlisted.isTaken(domain)) return result(516);
    const located = await unlisted.locate(domain);
    if (located.kind === 'none') return result(516);
    if (located.kind === 'unknown') return { code: 503, description: located.reason };
    if (this.unlisted >= unlisted.max && !this.makeRoom(unlisted)) {
      log.warn({ domain, max: unlisted.max }, 'too many servers that are not listed');
      return result(503);
    }
    const peer = unlisted.create(domain);
    this.unlisted++;
    try {
      await unlisted.adopt(peer);
    } catch (error) {
      this.unlisted--;
      throw error;
    }
    this.add(peer);
    return peer;
  }

  /** The first one that nobody needs goes. */
  private makeRoom(unlisted: NonNullable<DirectoryDependencies['unlisted']>): boolean {
    for (const peer of this.peers) {
      if (peer.settings.listed || !peer.isIdle || !unlisted.release(peer)) continue;
      for (const domain of peer.domains) this.byDomain.delete(domain);
      this.unlisted--;
      return true;
    }
    return false;
  }
}
