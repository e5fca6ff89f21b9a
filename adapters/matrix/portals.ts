// Portals: the direct chat of one WV user (his ghost) and one Matrix user. A durable table of pairs and of rooms; the
// other member's standing is a small state machine.

import type { GatewayStorage, Log, Metrics } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { Acquaintances } from './acquaintances.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './errors.ts';
import { isRecord } from './events.ts';
import type { RoomEvent } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import type { MatrixUserId, RoomId } from './ids.ts';
import { Lru } from './lru.ts';
import { SerialQueues } from './queues.ts';

/**
 * `invited`, `joined`, `left`: the Matrix user. `closed`: he put the ghost out; only he can open it again.
 * `ended`: the room cannot be bridged (any more); the next message makes a new one.
 */
export type PortalState = 'invited' | 'joined' | 'left' | 'closed' | 'ended';

export type PortalEvent = 'invited' | 'joined' | 'left' | 'expelled' | 'unusable';

const NEXT: Readonly<Record<PortalState, Readonly<Record<PortalEvent, PortalState>>>> = {
  invited: { invited: 'invited', joined: 'joined', left: 'left', expelled: 'closed', unusable: 'ended' },
  joined: { invited: 'joined', joined: 'joined', left: 'left', expelled: 'closed', unusable: 'ended' },
  left: { invited: 'invited', joined: 'joined', left: 'left', expelled: 'closed', unusable: 'ended' },
  closed: { invited: 'closed', joined: 'closed', left: 'closed', expelled: 'closed', unusable: 'closed' },
  ended: { invited: 'ended', joined: 'ended', left: 'ended', expelled: 'closed', unusable: 'ended' },
};

const BEFORE_USE: Readonly<Record<PortalState | 'none', 'use' | 'create' | 'invite' | 'refuse'>> = {
  none: 'create',
  invited: 'use',
  joined: 'use',
  left: 'invite',
  closed: 'refuse',
  ended: 'create',
};

export interface Portal {
  readonly user: UserAddress;
  readonly peer: MatrixUserId;
  readonly room: RoomId;
  readonly state: PortalState;
}

/** In the content of m.room.create: whose portal the room is, so that no room of ours is ever orphaned. */
const MARK = 'org.wvgate.portal';
/** Portals kept in memory beside the table. */
const REMEMBERED = 10_000;

export interface PortalsOptions {
  readonly storage: GatewayStorage;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Ghosts;
  readonly acquaintances: Acquaintances;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told when a user got a portal. */
  readonly onOpened: (user: UserAddress, peer: MatrixUserId) => void;
}

export class Portals {
  readonly #options: PortalsOptions;
  readonly #pairs = new SerialQueues();
  readonly #byPair = new Lru<string, Portal>(REMEMBERED);
  readonly #byRoom = new Lru<RoomId, { user: UserAddress; peer: MatrixUserId }>(REMEMBERED);

  constructor(options: PortalsOptions) {
    this.#options = options;
  }

  /** The portal of a pair, if there is one. */
  async find(user: UserAddress, peer: MatrixUserId): Promise<Portal | undefined> {
    const key = pairKey(user, peer);
    const known = this.#byPair.get(key);
    if (known !== undefined) return known;
    const stored = await this.#options.storage.get(key);
    if (stored === undefined) return undefined;
    const portal: Portal = { user, peer, ...(JSON.parse(stored) as Pick<Portal, 'room' | 'state'>) };
    this.#byPair.set(key, portal);
    return portal;
  }

  /** Whose portal a room is; a room that was replaced by another still answers with its pair. */
  async inRoom(room: RoomId): Promise<Portal | undefined> {
    const pair = this.#byRoom.get(room) ?? (await this.#pairOf(room));
    if (pair === undefined) return undefined;
    this.#byRoom.set(room, pair);
    const current = await this.find(pair.user, pair.peer);
    return current?.room === room ? current : { ...pair, room, state: 'joined' };
  }

  /**
   * The portal of a pair, made or repaired so that a message of the WV user can be sent.
   * @throws HomeserverError: 404 when there is no such Matrix user, 403 when he does not want to hear of the user
   */
  async ensure(user: UserAddress, peer: MatrixUserId): Promise<Portal> {
    await this.#options.acquaintances.made(user, peer);
    return await this.#pairs.run(pairKey(user, peer), () => this.#ensure(user, peer));
  }

  /** Writes down that a room is the portal of a pair, in place of any other. */
  async open(portal: Portal): Promise<Portal> {
    const { storage, onOpened } = this.#options;
    const { user, peer, room } = portal;
    await storage.put(`room ${room}`, JSON.stringify({ user, peer }));
    await this.#write(portal);
    this.#byRoom.set(room, { user, peer });
    onOpened(user, peer);
    return portal;
  }

  /** Takes note of what happened in a portal. */
  async apply(portal: Portal, event: PortalEvent): Promise<Portal> {
    const state = NEXT[portal.state][event];
    const current = await this.find(portal.user, portal.peer);
    if (state === portal.state || current?.room !== portal.room) return portal;
    const changed = { ...portal, state };
    await this.#write(changed);
    return changed;
  }

  /** Recognises a room that we created and then forgot (killed between the homeserver's answer and our note). */
  async adopt(event: RoomEvent): Promise<void> {
    const mark = event.content[MARK];
    if (!isRecord(mark)) return;
    const user = this.#options.addresses.userOf(event.sender);
    const peer = mark['peer'] as MatrixUserId;
    if (user === undefined || this.#options.addresses.addressOf(peer) === undefined) return;
    // In the pair's queue: a creation that is under way right now writes the same thing first.
    await this.#pairs.run(pairKey(user, peer), async () => {
      const portal = await this.find(user, peer);
      if (portal?.room === event.room) return;
      this.#options.log.info({ room: event.room }, 'matrix: adopted a portal whose creation was interrupted');
      if (portal === undefined) await this.open({ user, peer, room: event.room, state: 'invited' });
      // Another room was made meanwhile; the invited user may write in either.
      else await this.#options.storage.put(`room ${event.room}`, JSON.stringify({ user, peer }));
    });
  }

  /** Every pair that has a portal. */
  async pairs(): Promise<readonly (readonly [user: UserAddress, peer: MatrixUserId])[]> {
    const rows = await this.#options.storage.list('portal ');
    return rows.map(([key]) => {
      const [, user, peer] = key.split(' ');
      return [user as UserAddress, peer as MatrixUserId] as const;
    });
  }

  async #ensure(user: UserAddress, peer: MatrixUserId): Promise<Portal> {
    const portal = await this.find(user, peer);
    const step = BEFORE_USE[portal?.state ?? 'none'];
    if (portal === undefined || step === 'create') return await this.#create(user, peer);
    if (step === 'refuse') throw new HomeserverError({ status: 403, errcode: 'M_FORBIDDEN' });
    if (step === 'use') return portal;
    const ghost = await this.#options.ghosts.ensure(user);
    await this.#options.client.invite(ghost, portal.room, peer);
    return await this.apply(portal, 'invited');
  }

  async #create(user: UserAddress, peer: MatrixUserId): Promise<Portal> {
    const { client, ghosts, metrics } = this.#options;
    await this.#checkExists(peer);
    const ghost = await ghosts.ensure(user);
    const room = await client.createRoom(ghost, { invite: peer, creationContent: { [MARK]: { peer } } });
    metrics.count('matrix_portals_total', { by: 'gateway' });
    return await this.open({ user, peer, room, state: 'invited' });
  }

  /** Homeservers invite names that nobody has; a message to such a name must fail, not vanish. */
  async #checkExists(peer: MatrixUserId): Promise<void> {
    const { client, addresses } = this.#options;
    try {
      await client.displayName(addresses.bot, peer);
    } catch (error) {
      // Other refusals say that profiles are not public there: the invitation will tell.
      if (!(error instanceof HomeserverError) || error.status === 404 || error.transient) throw error;
    }
  }

  async #pairOf(room: RoomId): Promise<{ user: UserAddress; peer: MatrixUserId } | undefined> {
    const stored = await this.#options.storage.get(`room ${room}`);
    return stored === undefined
      ? undefined
      : (JSON.parse(stored) as { user: UserAddress; peer: MatrixUserId });
  }

  async #write(portal: Portal): Promise<void> {
    const { user, peer, room, state } = portal;
    await this.#options.storage.put(pairKey(user, peer), JSON.stringify({ room, state }));
    this.#byPair.set(pairKey(user, peer), portal);
  }
}

/** Neither addresses nor user ids contain a blank. */
function pairKey(user: UserAddress, peer: MatrixUserId): string {
  return `portal ${user} ${peer}`;
}
