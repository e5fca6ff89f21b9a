// A scripted SSP peer with the dialect of Baraza, an IMPS server of 2011, for tests (observed-peer.md sections 10 to
// 14). It is the other side, which is not ours to mend: it does what was observed, oddities included, and shares no
// code with src.

import { groupActs, type GroupActs } from './act-groups.ts';
import { messageActs, type MessageActs } from './act-messages.ts';
import { presenceActs, type PresenceActs } from './act-presence.ts';
import { runQueues } from './sender.ts';
import { react } from './serve.ts';
import { Peer, type BeforeStep, type Runtime, type SetupRow, type State } from './state.ts';
import { listen, Poster, type Certificate, type Listener, type WireEntry } from './wire.ts';
import {
  createWorld,
  type Group,
  type GroupOptions,
  type ReceivedMessage,
  type User,
  type UserOptions,
} from './world.ts';

export interface BarazaPeerOptions {
  readonly domain: string;
  /** 0 (default): any free one, which it keeps over restarts. */
  readonly port?: number;
  /** The one domain that it can route to. The URL may come later: `routeTo`. */
  readonly peer: { readonly domain: string; readonly url?: string; readonly ca?: string };
  readonly users: readonly (string | UserOptions)[];
  readonly groups?: readonly GroupOptions[];
  /**
   * [race] It stores its half of a set-up so many milliseconds after its call returned (true: 50); a step that comes
   * before is closed, and the set-up stays half open.
   */
  readonly race?: boolean | number;
  /** What happens before it writes a step of a set-up: it may take long, or break something. */
  readonly beforeStep?: BeforeStep;
  /** Unit of the retries, and how long the first request waits for a session: 200 ms (in life: 10 s). */
  readonly retryMs?: number;
  /** How long everything but messages is tried: 60 s. Messages: their validity. */
  readonly lifeMs?: number;
  /** Where its set-up counter begins: 101. */
  readonly firstId?: number;
  /** With several sessions up, the one it sends on (in life: either): the newest. */
  readonly sendsOn?: 'newest' | 'oldest';
  /** It listens by HTTPS: no. */
  readonly certificate?: Certificate;
  /** Tries TLS first at an `http:` address: no. */
  readonly probesTls?: boolean;
}

export interface BarazaPeer extends MessageActs, PresenceActs, GroupActs {
  readonly domain: string;
  /** Where it listens; the same after a restart. */
  readonly url: string;
  /** Everything on the wire, both directions, in order; survives everything. */
  readonly log: readonly WireEntry[];
  /** By name in lower case. With all that reached them. */
  readonly users: ReadonlyMap<string, User>;
  /** By id in lower case. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Set-ups under way and sessions, oldest first. */
  readonly sessions: readonly SetupRow[];
  /** How much waits to be sent. */
  readonly waiting: number;
  user(name: string): User;
  group(name: string): Group;
  /** Messages that reached a user, in order, each as often as it did. */
  received(name: string): readonly ReceivedMessage[];
  /** Changes where the other side listens; undefined: no route to it any more. */
  routeTo(url: string | undefined): void;
  /** Dies: connections break, nothing is answered. What it knows is on its disk. */
  kill(): Promise<void>;
  /** Comes back, on the same port, with sessions, queue and inboxes; or `forget`: with nothing but its options. */
  restart(options?: { readonly forget?: boolean }): Promise<void>;
  /** The end: as `kill`. */
  stop(): Promise<void>;
}

const RACE_MS = 50;

/** With nothing but what the options say. No number is given twice, not even by one who forgot. */
const freshState = (options: BarazaPeerOptions, before?: State): State => {
  const firstId = options.firstId ?? 101;
  return {
    world: createWorld(options.domain, options.users, options.groups ?? []),
    rows: [],
    queue: [],
    sent: new Map(),
    nextRow: before?.nextRow ?? firstId,
    nextTransaction: before?.nextTransaction ?? firstId * 10,
    nextNotice: before?.nextNotice ?? 0,
    nextMessage: before?.nextMessage ?? 1,
  };
};

const freshRuntime = (options: BarazaPeerOptions, log: WireEntry[]): Runtime => ({
  alive: true,
  poster: new Poster(log, { probesTls: options.probesTls ?? false, ca: options.peer.ca }),
  wakes: new Map(),
  busy: new Set(),
});

function die(runtime: Runtime): void {
  runtime.alive = false;
  for (const wake of runtime.wakes.values()) clearTimeout(wake);
  runtime.poster.close();
}

/** Starts a peer on loopback. */
export async function startBarazaPeer(options: BarazaPeerOptions): Promise<BarazaPeer> {
  const { domain, race = 0, retryMs = 200, lifeMs = 60_000, sendsOn = 'newest', beforeStep } = options;
  const raceMs = typeof race === 'number' ? race : race ? RACE_MS : 0;
  const settings = { domain, peerDomain: options.peer.domain, raceMs, retryMs, lifeMs, sendsOn, beforeStep };
  const log: WireEntry[] = [];
  const peer = new Peer(settings, options.peer.url, freshState(options), freshRuntime(options, log));
  const open = (port: number): Promise<Listener> =>
    listen(port, log, (body) => react(peer, body), options.certificate);
  let listener = await open(options.port ?? 0);

  const kill = async (): Promise<void> => {
    die(peer.runtime);
    await listener.close();
  };
  const restart = async ({ forget = false }: { readonly forget?: boolean } = {}): Promise<void> => {
    if (peer.runtime.alive) await kill();
    if (forget) peer.state = freshState(options, peer.state);
    peer.runtime = freshRuntime(options, log);
    listener = await open(listener.port);
    runQueues(peer);
  };
  return {
    ...messageActs(peer),
    ...presenceActs(peer),
    ...groupActs(peer),
    domain,
    url: listener.url,
    log,
    get users() {
      return peer.state.world.users;
    },
    get groups() {
      return peer.state.world.groups;
    },
    get sessions() {
      return peer.state.rows;
    },
    get waiting() {
      return peer.state.queue.length;
    },
    user: (name) => peer.userOf(name),
    group: (name) => peer.groupOf(name),
    received: (name) => peer.userOf(name).messages,
    routeTo: (url) => (peer.peerUrl = url),
    kill,
    restart,
    stop: kill,
  };
}
