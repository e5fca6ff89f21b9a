// Presence of WV users for Matrix (bridging.md 3.5): all of Matrix is one watcher, and only what its users authorised
// for that watcher is shown. One state per ghost waits, the newest; unchanged states are not sent; a budget per
// second holds for all (field-lessons 2, row 10).

import { NotKnownNow } from '../../src/sap/port.ts';
import type { RelayPort } from '../../src/sap/port.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import { select } from '../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import type { PresenceNotification } from '../../src/wv/primitives.ts';
import { isSuccess } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient, MatrixPresence } from './client.ts';
import { HomeserverError } from './errors.ts';
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

export class Publishing {
  readonly #options: PublishingOptions;
  /** What each user shows. */
  readonly #shown = new Lru<UserAddress, PresenceAttributes>(REMEMBERED);
  /** What the homeserver was told last. */
  readonly #sent = new Lru<UserAddress, MatrixPresence>(REMEMBERED);
  /** The newest state of each user that is not sent yet. */
  readonly #waiting = new Map<UserAddress, MatrixPresence>();
  readonly #sends = new SerialQueues();
  #cancelTick: (() => void) | undefined;
  #cancelRefresh: (() => void) | undefined;
  #stopped = false;
  #isRefusalTold = false;

  constructor(options: PublishingOptions) {
    this.#options = options;
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
    const { refreshMs, relay, enabled } = this.#options;
    if (refreshMs <= 0 || !enabled || this.#stopped) return;
    // COMPAT(Synapse): 30 s (`sync_online_timeout`); `unavailable` cannot be held, it lasts these 30 s.
    this.#cancelRefresh = relay.clock.after(refreshMs, () => {
      for (const [user, sent] of this.#sent.entries()) {
        if (sent.presence === 'online' && !this.#waiting.has(user)) this.#waiting.set(user, sent);
      }
      this.#schedule();
      this.start();
    });
  }

  /** Sets ghosts offline that are shown otherwise. It is for the caller to wait no longer than he likes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTick?.();
    this.#cancelRefresh?.();
    const shown = [...this.#sent.entries()].filter(([, sent]) => sent.presence !== 'offline');
    await Promise.all(shown.map(([user]) => this.#send(user, { presence: 'offline' })));
  }

  #want(user: UserAddress, state: MatrixPresence): void {
    const ghost = this.#options.addresses.ghostOf(user);
    if (ghost === undefined || this.#stopped) return;
    const isReplaced = this.#waiting.delete(user);
    const isKnown = same(this.#sent.get(user) ?? { presence: 'offline' }, state);
    if (isReplaced || isKnown) this.#count('suppressed');
    if (isKnown) return;
    this.#waiting.set(user, state);
    this.#schedule();
  }

  /** One state every 1/perSecond seconds while any waits. */
  #schedule(): void {
    if (this.#cancelTick !== undefined || this.#waiting.size === 0 || this.#stopped) return;
    const { relay, perSecond } = this.#options;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [user, state] = first;
    this.#waiting.delete(user);
    this.#cancelTick = relay.clock.after(1000 / perSecond, () => {
      this.#cancelTick = undefined;
      this.#schedule();
    });
    void this.#send(user, state);
  }

  /** Never rejects. Of two states of one user, the newer must not overtake the older. */
  #send(user: UserAddress, state: MatrixPresence): Promise<void> {
    // Noted before the answer, so that a change during the call is seen as one.
    this.#sent.set(user, state);
    return this.#sends.run(user, () => this.#put(user, state));
  }

  async #put(user: UserAddress, state: MatrixPresence): Promise<void> {
    const { ghosts, client } = this.#options;
    try {
      const ghost: MatrixUserId = await ghosts.ensure(user);
      await client.setPresence(ghost, state);
      this.#count('passed');
    } catch (error) {
      if (this.#sent.get(user) === state) this.#sent.delete(user);
      this.#count('failed');
      this.#complain(error);
      if (isTransient(error)) this.#again(user, state);
    }
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
