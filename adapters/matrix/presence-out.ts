// Presence of WV users for Matrix (bridging.md 3.5): all of Matrix is one watcher, and only what its users authorised
// for that watcher is shown. One state per ghost waits, the newest; unchanged states are not sent; who changes too
// often is not followed; a budget per second holds for all (field-lessons 2, row 10).

import { NotKnownNow } from '../../src/sap/port.ts';
import type { RelayPort } from '../../src/sap/port.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import { select } from '../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import type { PresenceNotification } from '../../src/wv/primitives.ts';
import { isSuccess } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { Audience } from './audience.ts';
import type { HomeserverClient, MatrixPresence } from './client.ts';
import { Damping } from './damping.ts';
import { HomeserverError } from './errors.ts';
import { isRecord, text } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import type { MatrixUserId } from './ids.ts';
import { reasonOf } from './inbox.ts';
import { Lru } from './lru.ts';
import { SerialQueues } from './queues.ts';
import { ASKED_FOR, SHOWN_TO_MATRIX, toMatrix } from './presence-map.ts';

export interface PublishingOptions {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Ghosts;
  readonly audience: Audience;
  readonly pseudoDomain: Domain;
  /** The pseudo-watcher. */
  readonly watcher: UserAddress;
  readonly enabled: boolean;
  readonly perSecond: number;
  readonly refreshMs: number;
}

/** Users whose shown presence is remembered. */
const REMEMBERED = 20_000;
/** Pause after a state that could not be sent, in ms. */
const AGAIN_MS = 1000;
/** Publishers asked for in one request. */
const BATCH = 100;
/** How often those are looked at who were not followed, in ms. */
const CALM_MS = 10_000;
/** Deadline of the look whether the homeserver has presence at all, in ms. */
const LOOK_MS = 3000;

/** What changes cost that are damped: the third coming within a minute is too much, or the sixth other change. */
const COST = { coming: 2, other: 1 } as const;
const OFFLINE: MatrixPresence = { presence: 'offline' };

export class Publishing {
  readonly #options: PublishingOptions;
  /** What each user shows. */
  readonly #shown = new Lru<UserAddress, PresenceAttributes>(REMEMBERED);
  /** What the homeserver was told last. */
  readonly #sent = new Lru<UserAddress, MatrixPresence>(REMEMBERED);
  /** The newest state of each user that is not sent yet. */
  readonly #waiting = new Map<UserAddress, MatrixPresence>();
  /** Shown states to repeat when no change waits. */
  readonly #stale = new Set<UserAddress>();
  /** The newest state of those who change too often. */
  readonly #held = new Map<UserAddress, MatrixPresence>();
  readonly #damping: Damping<UserAddress>;
  readonly #sends = new SerialQueues();
  #cancelCalm: (() => void) | undefined;
  /** The homeserver takes presence and shows none. */
  #presence: 'unknown' | 'on' | 'off' = 'unknown';
  #cancelTick: (() => void) | undefined;
  #cancelRefresh: (() => void) | undefined;
  #stopped = false;
  #isRefusalTold = false;

  constructor(options: PublishingOptions) {
    this.#options = options;
    this.#damping = new Damping(REMEMBERED, () => options.relay.clock.now());
  }

  /** Watches users who have a portal. Nobody is asked: the home answers by what was authorised before. */
  async watch(users: readonly UserAddress[]): Promise<void> {
    const { relay, enabled, watcher, pseudoDomain } = this.#options;
    if (!enabled) return;
    const meta = { service: serviceAddress(pseudoDomain), user: watcher };
    for (let start = 0; start < users.length; start += BATCH) {
      const publishers = users.slice(start, start + BATCH);
      const primitive = 'SubscribeRequest';
      const answer = await relay.emit({ primitive, meta, watcher, publishers, attributes: ASKED_FOR });
      if ('result' in answer && !isSuccess(answer.result)) {
        relay.log.debug(
          { code: answer.result.code, users: publishers.length },
          'matrix: presence is not shown',
        );
      }
    }
  }

  /** Takes what a user shows to the pseudo-watcher; notifications for others are none of Matrix's business. */
  notified(notification: PresenceNotification): void {
    const { enabled, watcher } = this.#options;
    if (!enabled || !notification.watchers.includes(watcher)) return;
    const { publisher } = notification;
    const merged = { ...this.#shown.get(publisher), ...select(notification.attributes, SHOWN_TO_MATRIX) };
    this.#shown.set(publisher, merged);
    this.#want(publisher, toMatrix(merged));
  }

  /** The user no longer lets Matrix watch: offline once, then silence. */
  withdrawn(user: UserAddress): void {
    this.#shown.delete(user);
    this.#want(user, { presence: 'offline' });
  }

  /** Repeats shown states: homeservers set an account offline that neither syncs nor speaks. */
  start(): void {
    const { refreshMs, relay, enabled, audience } = this.#options;
    if (refreshMs <= 0 || !enabled || this.#stopped) return;
    // COMPAT(Synapse): 30 s (`sync_online_timeout`); `unavailable` cannot be held, it lasts these 30 s.
    this.#cancelRefresh = relay.clock.after(refreshMs, () => {
      this.refresh(
        [...this.#sent.entries()].map(([user]) => user).filter((user) => audience.isWatched(user)),
      );
      this.start();
    });
  }

  /** Repeats what these users show, when nothing new waits to be shown. */
  refresh(users: readonly UserAddress[]): void {
    for (const user of users) if (this.#sent.get(user)?.presence === 'online') this.#stale.add(user);
    this.#schedule();
  }

  /** The homeserver is there again, and may have forgotten what it was told. */
  resynchronize(): void {
    this.#presence = 'unknown';
    const shown = [...this.#sent.entries()].filter(([, sent]) => sent.presence !== 'offline');
    for (const [user] of shown) this.#stale.add(user);
    this.#schedule();
  }

  /** Sets ghosts offline that are shown otherwise. It is for the caller to wait no longer than he likes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTick?.();
    this.#cancelRefresh?.();
    this.#cancelCalm?.();
    const shown = [...this.#sent.entries()].filter(([, sent]) => sent.presence !== 'offline');
    await Promise.all(shown.map(([user]) => this.#send(user, { presence: 'offline' })));
  }

  #want(user: UserAddress, state: MatrixPresence): void {
    const ghost = this.#options.addresses.ghostOf(user);
    if (ghost === undefined || this.#stopped) return;
    const isReplaced = this.#waiting.delete(user) || this.#held.delete(user);
    const isKnown = same(this.#sent.get(user) ?? OFFLINE, state);
    if (isReplaced || isKnown) this.#count('suppressed');
    if (isKnown) return;
    const isComing = (this.#sent.get(user) ?? OFFLINE).presence === 'offline';
    const isTooMuch = this.#damping.changed(user, isComing ? COST.coming : COST.other);
    // Who leaves is not shown any longer, however often he does it.
    if (isTooMuch && state.presence !== 'offline') this.#hold(user, state);
    else this.#waiting.set(user, state);
    this.#schedule();
  }

  /** Keeps a state until its user is calm. */
  #hold(user: UserAddress, state: MatrixPresence): void {
    this.#held.set(user, state);
    this.#cancelCalm ??= this.#options.relay.clock.after(CALM_MS, () => {
      this.#cancelCalm = undefined;
      for (const [held, newest] of this.#held) {
        if (this.#damping.heldFor(held) > 0) continue;
        this.#held.delete(held);
        this.#waiting.set(held, newest);
      }
      const [still] = this.#held;
      if (still !== undefined) this.#hold(...still);
      this.#schedule();
    });
  }

  /** One state every 1/perSecond seconds while any waits. */
  #schedule(): void {
    if (this.#cancelTick !== undefined || this.#stopped) return;
    const next = this.#next();
    if (next === undefined) return;
    this.#cancelTick = this.#options.relay.clock.after(1000 / this.#options.perSecond, () => {
      this.#cancelTick = undefined;
      this.#schedule();
    });
    void this.#send(...next);
  }

  /** Changes come before repeats. */
  #next(): [UserAddress, MatrixPresence] | undefined {
    const [change] = this.#waiting;
    if (change !== undefined) {
      this.#waiting.delete(change[0]);
      this.#stale.delete(change[0]);
      return change;
    }
    for (const user of this.#stale) {
      this.#stale.delete(user);
      const sent = this.#sent.get(user);
      if (sent !== undefined && sent.presence !== 'offline') return [user, sent];
    }
    return undefined;
  }

  /** Never rejects. Of two states of one user, the newer must not overtake the older. */
  #send(user: UserAddress, state: MatrixPresence): Promise<void> {
    // Noted before the answer, so that a change during the call is seen as one.
    this.#sent.set(user, state);
    return this.#sends.run(user, () => this.#put(user, state));
  }

  async #put(user: UserAddress, state: MatrixPresence): Promise<void> {
    const { ghosts, client } = this.#options;
    if (this.#presence === 'off') return this.#count('off');
    try {
      const ghost: MatrixUserId = await ghosts.ensure(user);
      await client.setPresence(ghost, state);
      this.#count('passed');
      if (this.#presence === 'unknown' && state.presence === 'online') await this.#lookAt(ghost);
    } catch (error) {
      if (this.#sent.get(user) === state) this.#sent.delete(user);
      this.#count('failed');
      this.#complain(error);
      if (isTransient(error)) this.#again(user, state);
    }
  }

  /**
   * COMPAT(Synapse): with presence switched off it takes every state with 200, and shows everybody offline. Nothing more
   * is sent then until the next connection.
   */
  async #lookAt(ghost: MatrixUserId): Promise<void> {
    const { client, relay } = this.#options;
    this.#presence = 'on';
    const seen = await client.presence(ghost, ghost, LOOK_MS);
    if (!isRecord(seen) || text(seen, 'presence') !== 'offline' || this.#stopped) return;
    this.#presence = 'off';
    relay.log.warn({}, 'matrix: the homeserver shows no presence: it is switched off there');
  }

  /** A state that is still the newest is sent again; while the homeserver is away, by and by. */
  #again(user: UserAddress, state: MatrixPresence): void {
    if (this.#stopped) return;
    this.#options.relay.clock.after(AGAIN_MS, () => {
      if (this.#sent.get(user) !== undefined || this.#waiting.has(user)) return;
      this.#waiting.set(user, state);
      this.#schedule();
    });
  }

  /** A homeserver with presence switched off refuses every time; the operator is told once. */
  #complain(error: unknown): void {
    const { log } = this.#options.relay;
    if (!(error instanceof HomeserverError)) {
      log.error({ error: reasonOf(error) }, 'matrix: presence could not be shown');
    } else if (error.transient || this.#isRefusalTold) {
      log.debug({ errcode: error.errcode }, 'matrix: presence could not be shown');
    } else {
      this.#isRefusalTold = true;
      const fields = { status: error.status, errcode: error.errcode };
      log.warn(fields, 'matrix: the homeserver refuses presence: is it switched off there?');
    }
  }

  #count(outcome: string): void {
    this.#options.relay.metrics.count('matrix_presence_total', { to: 'matrix', outcome });
  }
}

function same(a: MatrixPresence, b: MatrixPresence): boolean {
  return a.presence === b.presence && a.status_msg === b.status_msg;
}

/** The homeserver, or the server that knows the user's name, is away. */
function isTransient(error: unknown): boolean {
  return error instanceof NotKnownNow || (error instanceof HomeserverError && error.transient);
}
