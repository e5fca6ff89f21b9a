// All peers: finds the one a request or a document is for, opens those that are found by their domain, and gives each
// its turn. One timer for all of them.

import type { Clock, Log, Metrics } from '../../ops/ports.ts';
import type { Domain } from '../../wv/ids.ts';
import { result, type Result } from '../../wv/status.ts';
import { SspSyntaxError, type SessionDocument, type SetupDocument, type SspDocument } from './document.ts';
import type { Peer } from './peer.ts';
import type { Located } from './targets.ts';
import type { Acceptance, Caller, DocumentSink } from './transport.ts';

export interface DirectoryDependencies {
  /** Throws SspSyntaxError. */
  readonly decode: (document: Uint8Array) => SspDocument;
  /** Servers that are not listed; absent = there are none for us. */
  readonly unlisted?: {
    readonly max: number;
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
/** Documents of all peers worked on at once. */
const MAX_DOCUMENTS = 1_000;
const FORBIDDEN: Acceptance = { status: 403 };
/** Peers looked for at once when the server starts. */
const WAKE_BATCH = 32;

export class PeerDirectory {
  private readonly deps: DirectoryDependencies;
  private readonly byDomain = new Map<Domain, Peer>();
  private readonly opening = new Map<Domain, Promise<Peer | Result>>();
  private documents = 0;
  private unlisted = 0;
  private cancelTick: () => void = () => undefined;

  constructor(listed: readonly Peer[], deps: DirectoryDependencies) {
    this.deps = deps;
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
    if (this.documents >= MAX_DOCUMENTS) return { status: 503, retryAfterSeconds: 1 };
    this.documents++;
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
    } finally {
      this.documents--;
    }
  };

  private async route(octets: Uint8Array, caller: Caller): Promise<Acceptance> {
    const document = this.deps.decode(octets);
    return document.kind === 'setup' ? this.setup(document, caller) : this.session(document, caller);
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
    const domain = document.sessionId.slice(document.sessionId.lastIndexOf('@') + 1).toLowerCase();
    const named = this.byDomain.get(domain as Domain);
    if (named?.knows(document.sessionId) === true) return named.takeSession(document, caller);
    for (const peer of this.peers)
      if (peer.knows(document.sessionId)) return peer.takeSession(document, caller);
    // COMPAT(Baraza): it does not log in again by itself. `named` is looked up by us, so anybody may say so.
    named?.revive();
    return Promise.resolve(this.forbidden(caller, 'an unknown session'));
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
    if (unlisted === undefined) return result(516);
    const located = await unlisted.locate(domain);
    if (located.kind === 'none') return result(516);
    if (located.kind === 'unknown') return { code: 503, description: located.reason };
    if (this.unlisted >= unlisted.max && !this.makeRoom(unlisted)) {
      log.warn({ domain, max: unlisted.max }, 'too many servers that are not listed');
      return result(503);
    }
    const peer = unlisted.create(domain);
    this.unlisted++;
    this.add(peer);
    await unlisted.adopt(peer);
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
