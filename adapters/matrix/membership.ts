// Who is in a room, and whether the room is one we bridge: invitations of ghosts, comings and goings, encryption,
// upgrades (bridging.md 3.4, 6; field-lessons 6.2).

import type { RelayPort } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { MatrixAddresses } from './addresses.ts';
import { Allowance } from './allowance.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './errors.ts';
import { text } from './events.ts';
import type { RoomEvent } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import type { MatrixUserId, RoomId } from './ids.ts';
import type { Notices } from './notices.ts';
import type { Portal, Portals } from './portals.ts';
import type { Upgrades } from './upgrades.ts';
import { RareLog } from './rare-log.ts';

const ENCRYPTED =
  'Messages in encrypted rooms cannot be bridged. Please start a chat with me that is not encrypted.';
const CROWDED = 'I only take part in direct chats of two, so I am leaving this room.';
const UPGRADED = 'This room was replaced and is no longer bridged. Please invite me to the new one.';
const NO_SUCH_USER = 'There is no such user.';
const TOO_MANY = 'Too many invitations. Please try again in a minute.';
const OTHER_BRIDGE = 'Users of other bridges are not bridged.';

export interface MembershipOptions {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Ghosts;
  readonly portals: Portals;
  readonly notices: Notices;
  readonly upgrades: Upgrades;
  /** Invitations of one Matrix user that are looked at. */
  readonly invitesPerMinute: number;
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #allowed: Allowance<MatrixUserId>;
  readonly #rarely: RareLog;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#allowed = new Allowance(options.invitesPerMinute, options.relay.clock);
    this.#rarely = new RareLog(options.relay.log, options.relay.clock);
  }

  /** m.room.member, of a ghost or of anybody in a room with one. Returns the portal as it is now, if it is one. */
  async member(event: RoomEvent): Promise<Portal | undefined> {
    const target = event.stateKey ?? '';
    const membership = text(event.content, 'membership');
    return this.#options.addresses.isOurs(target)
      ? await this.#ofGhost(event, target, membership)
      : await this.#ofPeer(event, target, membership);
  }

  /** m.room.encryption: there is no way back, so the portal is over. */
  async encryption(event: RoomEvent): Promise<void> {
    const portal = await this.#options.portals.inRoom(event.room);
    if (portal !== undefined) await this.#endPortal(portal, 'encrypted', ENCRYPTED);
  }

  /** m.room.encrypted: a message that we cannot read. */
  async encrypted(event: RoomEvent): Promise<void> {
    await this.encryption(event);
  }

  /** m.room.tombstone: where the chat does not go on, the next message makes a portal of our own. */
  async tombstone(event: RoomEvent): Promise<void> {
    const portal = await this.#options.portals.inRoom(event.room);
    if (portal === undefined || (await this.#options.upgrades.follow(event, portal))) return;
    await this.#endPortal(portal, 'upgraded', UPGRADED);
  }

  async #ofGhost(
    event: RoomEvent,
    target: string,
    membership: string | undefined,
  ): Promise<Portal | undefined> {
    if (membership === 'invite') return await this.#invited(event, target as MatrixUserId);
    const putOut = (membership === 'leave' || membership === 'ban') && event.sender !== target;
    if (!putOut) return undefined;
    const portal = await this.#options.portals.inRoom(event.room);
    return portal === undefined ? undefined : await this.#options.portals.apply(portal, 'expelled');
  }

  async #ofPeer(
    event: RoomEvent,
    target: string,
    membership: string | undefined,
  ): Promise<Portal | undefined> {
    const { portals } = this.#options;
    const portal = await portals.inRoom(event.room);
    if (portal === undefined) return undefined;
    if (target !== portal.peer) {
      if (membership === 'join' || membership === 'invite') await this.#endPortal(portal, 'crowded', CROWDED);
      return undefined;
    }
    if (membership === 'join') return await portals.apply(portal, 'joined');
    if (membership === 'leave' || membership === 'ban') return await portals.apply(portal, 'left');
    return portal;
  }

  async #invited(event: RoomEvent, ghost: MatrixUserId): Promise<Portal | undefined> {
    const { addresses, client, relay } = this.#options;
    const peer = event.sender;
    if (addresses.isOurs(peer)) return undefined;
    if (!this.#allowed.take(peer)) {
      this.#rarely.warn({ peer }, 'matrix: a user sends too many invitations');
      return await this.#refuse(ghost, event.room, TOO_MANY);
    }
    const user = addresses.userOf(ghost);
    if (user === undefined || !(await relay.userExists(user))) {
      await this.#decline(ghost, event.room, NO_SUCH_USER);
    } else if (addresses.addressOf(peer) === undefined) {
      await this.#decline(ghost, event.room, OTHER_BRIDGE);
    } else if (await this.#joined(user, event.room)) {
      const portal: Portal = { user, peer, room: event.room, state: 'joined' };
      if (await client.isEncrypted(ghost, event.room)) await this.#leaveWith(portal, 'encrypted', ENCRYPTED);
      else if (await this.#isCrowded(portal, ghost)) await this.#leaveWith(portal, 'crowded', CROWDED);
      else return await this.#opened(portal);
    }
    return undefined;
  }

  /** False when the invitation was taken back in the meantime. */
  async #joined(user: UserAddress, room: RoomId): Promise<boolean> {
    const ghost = await this.#options.ghosts.ensure(user);
    try {
      await this.#options.client.join(ghost, room);
      return true;
    } catch (error) {
      if (!isFinal(error)) throw error;
      this.#options.relay.log.info({ ghost, room, errcode: error.errcode }, 'matrix: an invitation was void');
      return false;
    }
  }

  async #isCrowded(portal: Portal, ghost: MatrixUserId): Promise<boolean> {
    const members = await this.#options.client.members(ghost, portal.room);
    return members.some((member) => member !== ghost && member !== portal.peer);
  }

  async #opened(portal: Portal): Promise<Portal> {
    this.#options.relay.metrics.count('matrix_portals_total', { by: 'user' });
    return await this.#options.portals.open(portal);
  }

  async #endPortal(portal: Portal, key: string, words: string): Promise<void> {
    await this.#leaveWith(portal, key, words);
    await this.#options.portals.apply(portal, 'unusable');
  }

  /** Says why, once, and leaves: a room that is not bridged must not look as if it were. */
  async #leaveWith(portal: Portal, key: string, words: string): Promise<void> {
    const { client, ghosts, notices } = this.#options;
    const { room, user } = portal;
    const ghost = await ghosts.ensure(user);
    // 403: the homeserver has silenced an upgraded room before we spoke. Leaving is possible all the same.
    await this.#unlessRefused(room, notices.once(ghost, room, key, words));
    // 403: the ghost is outside already, which is what was wanted.
    await this.#unlessRefused(room, client.leave(ghost, room, words));
  }

  async #unlessRefused(room: RoomId, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!isFinal(error)) throw error;
      this.#options.relay.log.info(
        { room, errcode: error.errcode },
        'matrix: could not leave a room in order',
      );
    }
  }

  /** An invitation is refused by its ghost, which may have to be made for it: the inviter would wait for ever. */
  async #decline(ghost: MatrixUserId, room: RoomId, reason: string): Promise<void> {
    const { client, addresses } = this.#options;
    await this.#refuse(ghost, room, reason, async () => {
      if (ghost !== addresses.bot) await client.register(addresses.bot, ghost);
    });
  }

  async #refuse(
    ghost: MatrixUserId,
    room: RoomId,
    reason: string,
    prepare?: () => Promise<void>,
  ): Promise<undefined> {
    const { client, relay } = this.#options;
    relay.metrics.count('matrix_invites_refused_total');
    try {
      await prepare?.();
      await client.leave(ghost, room, reason);
    } catch (error) {
      if (!isFinal(error)) throw error;
      relay.log.info({ ghost, room, errcode: error.errcode }, 'matrix: an invitation could not be refused');
    }
  }
}

function isFinal(error: unknown): error is HomeserverError {
  return error instanceof HomeserverError && !error.transient;
}
