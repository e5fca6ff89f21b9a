// The sessions with one peer (ssp.md section 4): one in which we speak, and older ones in which the peer may still
// speak. They are kept on disk: a peer that never logs in again by itself could else not reach us after a restart.

import type { Clock, Log } from '../../ops/ports.ts';
import type { GatewayStorage } from '../../sap/port.ts';
import type { DialectName } from './dialects.ts';
import type { SspFunction, SspVersion } from './document.ts';

/** A session that is up. */
export interface PeerSession {
  readonly ownId: string;
  readonly peerId: string;
  readonly version: SspVersion;
  /** Milliseconds of idle life. */
  readonly timeToLive: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly dialect: DialectName;
  /** Addresses that took part in the set-up: an id that can be guessed counts only from there. */
  readonly callers: readonly string[];
  /** Where the peer took the set-up. */
  readonly url: string;
  /** What was negotiated; absent = nothing was, and the default profile holds. */
  readonly functions?: readonly SspFunction[];
}

interface Live {
  session: PeerSession;
  lastActivity: number;
}

const KEY = 'sessions';
/** Sessions in which the peer may speak at once. */
const MAX_SESSIONS = 4;

export class PeerSessions {
  private readonly clock: Clock;
  private readonly log: Log;
  private storage: GatewayStorage | undefined;
  /** Newest first; in the first one we speak. */
  private live: Live[] = [];
  /** We speak in the newest. */
  private spoken = true;
  /** In which the peer may speak already, and will once the last step of the set-up has arrived. */
  private prospect: PeerSession | undefined;
  private writing: Promise<void> = Promise.resolve();
  /** Something changed since the last write began. */
  private dirty = false;

  constructor(deps: { clock: Clock; log: Log }) {
    this.clock = deps.clock;
    this.log = deps.log;
  }

  /** Reads what a former run left. True when there is a session. */
  async restore(storage: GatewayStorage): Promise<boolean> {
    this.storage = storage;
    const kept = await storage.get(KEY);
    if (kept === undefined) return false;
    const now = this.clock.now();
    this.live = (JSON.parse(kept) as PeerSession[]).map((session) => ({ session, lastActivity: now }));
    return this.live.length > 0;
  }

  /** In which we speak. */
  get current(): PeerSession | undefined {
    return this.spoken ? this.live[0]?.session : undefined;
  }

  /** We speak in none any more. The peer still may: what broke ours need not have reached it. */
  fallSilent(): void {
    this.spoken = false;
  }

  /** Milliseconds since anything went either way; Infinity without a session. */
  get idle(): number {
    const [first] = this.live;
    return first === undefined ? Infinity : this.clock.now() - first.lastActivity;
  }

  /** The peer is being told about this session. */
  expect(session: PeerSession): void {
    this.prospect = session;
  }

  /** Both sides know of it: we speak in it from now on. */
  add(session: PeerSession): void {
    this.prospect = undefined;
    this.spoken = true;
    const others = this.live.filter(({ session: { peerId } }) => peerId !== session.peerId);
    this.live = [{ session, lastActivity: this.clock.now() }, ...others].slice(0, MAX_SESSIONS);
    this.save();
  }

  /** The session in which the peer speaks. */
  ofPeer(peerId: string): PeerSession | undefined {
    const known = this.live.find(({ session }) => session.peerId === peerId)?.session;
    return known ?? (this.prospect?.peerId === peerId ? this.prospect : undefined);
  }

  /** The functions agreed on in the session in which we speak. */
  agree(functions: readonly SspFunction[]): void {
    const [first] = this.live;
    if (first === undefined) return;
    first.session = { ...first.session, functions };
    this.save();
  }

  touch(session: PeerSession): void {
    const live = this.live.find((each) => each.session.peerId === session.peerId);
    if (live !== undefined) live.lastActivity = this.clock.now();
  }

  /** Forgets sessions, but for the one in which we speak, that were silent for longer than they live. */
  expire(): void {
    const now = this.clock.now();
    const left = this.live.filter(
      ({ session, lastActivity }, index) =>
        (index === 0 && this.spoken) || now - lastActivity < session.timeToLive,
    );
    if (left.length === this.live.length) return;
    this.live = left;
    this.save();
  }

  /** Forgets them all: they ended in order. */
  end(): void {
    if (this.live.length === 0) return;
    this.live = [];
    this.save();
  }

  /** Resolves when what was changed is on disk. */
  saved(): Promise<void> {
    return this.writing;
  }

  private save(): void {
    const { storage } = this;
    // What changes while a write is under way is written once.
    if (storage === undefined || this.dirty) return;
    this.dirty = true;
    this.writing = this.writing
      .then(() => {
        this.dirty = false;
        const text = JSON.stringify(this.live.map(({ session }) => session));
        return text === '[]' ? storage.delete(KEY) : storage.put(KEY, text);
      })
      .catch((error: unknown) => this.log.error({ err: error }, 'SSP sessions could not be stored'));
  }
}
