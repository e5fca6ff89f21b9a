// What all parts of the scripted peer share: its options, what it remembers, and what only lives while it runs.

import type { Xml } from './xml.ts';
import type { Poster } from './wire.ts';
import { findGroup, type Group, type User, type World } from './world.ts';
import type { Actor } from './write.ts';

/** Half of a session to be, or a session. Rows never time out. */
export interface SetupRow {
  /** Its own counter; the transaction of the set-up when the peer itself began it. */
  readonly id: string;
  readonly domain: string;
  readonly role: 'initiator' | 'acceptor';
  /** What steps 3 to 6 carry. */
  readonly transactionId: string;
  readonly ownToken: string;
  /** The octets that the digest is made over. */
  theirToken: Buffer | undefined;
  state: 'token-sent' | 'token-answered' | 'login-sent' | 'login-answered' | 'confirm-sent' | 'up';
  readonly ownSessionId: string;
  theirSessionId: string | undefined;
  /** [race] Steps that come earlier find no row. Milliseconds since 1970. */
  knownFrom: number;
}

/** An answer to one of its requests. There may be several: nothing is dropped. */
export interface Answer {
  readonly primitive: string;
  /** Of its Status; undefined: it had none. */
  readonly code: number | undefined;
  /** Codes of the detailed results. */
  readonly details: readonly number[];
  /** Whether a client would be told: never of success, nor of what the peer cannot read. */
  readonly reachesClient: boolean;
  /** Screen names out of JoinedList or JoinedUsers. */
  readonly joined: readonly string[];
  readonly welcomeNote: string | undefined;
  readonly element: Xml;
}

/** A request of its own, from the queue to the answer. Changes as it goes on. */
export interface Sent {
  readonly transactionId: string;
  readonly primitive: string;
  /** Of a message. */
  readonly messageId: string | undefined;
  state: 'queued' | 'sent' | 'expired';
  /** POSTs so far. */
  attempts: number;
  readonly answers: Answer[];
}

/** Where order matters: what stands in one queue is posted one after the other. */
export type QueueName = 'messages' | 'presence' | 'groups' | 'invitations' | 'answers';

export interface Queued {
  readonly queue: QueueName;
  /** A request is written for whatever session there is when it goes; an answer is for its own. */
  readonly document:
    | { readonly kind: 'request'; readonly content: string; readonly sent: Sent }
    | { readonly kind: 'answer'; readonly body: string; readonly theirSessionId: string };
  attempts: number;
  /** Milliseconds since 1970. */
  dueAt: number;
  readonly expiresAt: number;
  /** HTTP 400 and the like: tried again, but others need not wait for it. */
  refused: boolean;
}

export interface State {
  readonly world: World;
  readonly rows: SetupRow[];
  queue: Queued[];
  readonly sent: Map<string, Sent>;
  nextRow: number;
  nextTransaction: number;
  nextNotice: number;
  nextMessage: number;
}

/** From start to kill. */
export interface Runtime {
  alive: boolean;
  readonly poster: Poster;
  /** When the queues are looked at again. */
  readonly wakes: Map<QueueName, NodeJS.Timeout>;
  readonly busy: Set<QueueName>;
}

/** `step`: SendSecretToken, LoginRequest or LoginResponse. */
export type BeforeStep = (step: string, row: SetupRow) => Promise<void> | void;

export interface Settings {
  readonly domain: string;
  readonly peerDomain: string;
  /** [race] Milliseconds after a call of its own until it stores its half; 0: before the call. */
  readonly raceMs: number;
  readonly retryMs: number;
  readonly lifeMs: number;
  readonly sendsOn: 'newest' | 'oldest';
  readonly beforeStep: BeforeStep | undefined;
}

/** The peer, as its parts see it. */
export class Peer {
  readonly settings: Settings;
  /** Where the other side listens; undefined: it cannot route there. */
  peerUrl: string | undefined;
  state: State;
  runtime: Runtime;

  constructor(settings: Settings, peerUrl: string | undefined, state: State, runtime: Runtime) {
    this.settings = settings;
    this.peerUrl = peerUrl;
    this.state = state;
    this.runtime = runtime;
  }

  /** Throws for a name that is nobody's: a mistake of the test. */
  userOf(name: string): User {
    const user = this.state.world.users.get(name.toLowerCase());
    if (user === undefined) throw new Error(`no user ${name} at ${this.settings.domain}`);
    return user;
  }

  groupOf(name: string): Group {
    const group = findGroup(this.state.world, `${name}@${this.settings.domain}`);
    if (group === undefined) throw new Error(`no group ${name} at ${this.settings.domain}`);
    return group;
  }

  /** The user with his client, as requests about presence, groups and invitations name him. */
  actor(user: User): Actor {
    return { domain: this.settings.domain, userId: user.address, clientId: user.clientId };
  }
}

/** The session that requests to the other side go on. */
export function sessionToPeer({ state, settings }: Peer): SetupRow | undefined {
  const up = state.rows.filter((row) => row.state === 'up' && row.domain === settings.peerDomain);
  return settings.sendsOn === 'newest' ? up.at(-1) : up[0];
}
