// Invitations into groups of this server (bridging.md 7.3): a WV user invites somebody of Matrix, who comes, or declines;
// somebody of Matrix invites the ghost of a WV user.

import { createHash } from 'node:crypto';
import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { Party } from '../../../src/wv/message.ts';
import { status } from '../../../src/wv/primitives.ts';
import type {
  CancelInviteRequest,
  InviteRequest,
  InviteResponse,
  Status,
} from '../../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../../src/wv/status.ts';
import { HomeserverError, resultOf } from '../errors.ts';
import type { MatrixUserId } from '../ids.ts';
import { announce, tried } from './context.ts';
import type { HostContext } from './context.ts';
import type { Making } from './making.ts';
import type { HostRoom } from './rooms.ts';

interface Open {
  readonly inviteId: string;
  readonly inviting: Party;
  readonly expiresAt: number;
}

/** Validity of an invitation that names none, in ms. */
const VALIDITY_MS = 7 * 86_400_000;
const MAX_NOTE = 1000;

export class HostInvitations {
  readonly #context: HostContext;
  readonly #making: Making;

  constructor(context: HostContext, making: Making) {
    this.#context = context;
    this.#making = making;
  }

  /** GR with a group of this server. Undefined: it is none of that kind. */
  async invite(request: InviteRequest): Promise<Status | undefined> {
    const { group, invited, inviteId, inviting, note, validity } = request;
    const { relay, addresses, calls } = this.#context;
    if (group === undefined || domainOf(group) !== relay.homeDomain || invited.kind !== 'user')
      return undefined;
    const id = addresses.peerOf(invited.user);
    if (id === undefined) return status(result(531));
    try {
      const room = await this.#making.room(group, true);
      if (room === undefined) return status(result(800));
      const expiresAt = relay.clock.now() + (validity === undefined ? VALIDITY_MS : validity * 1000);
      const open: Open = { inviteId, inviting, expiresAt };
      await relay.storage.put(keyOf(room, id), JSON.stringify(open));
      await calls.act(addresses.bot, room.id, 'invite', id, note?.slice(0, MAX_NOTE));
      return status(OK);
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      return status(resultOf(error));
    }
  }

  /** Undefined: there is no such invitation. */
  async cancel({ inviteId, canceled, note }: CancelInviteRequest): Promise<Status | undefined> {
    const { relay, addresses, calls, rooms } = this.#context;
    const id = canceled.kind === 'user' ? addresses.peerOf(canceled.user) : undefined;
    if (id === undefined) return undefined;
    for (const [key, value] of await relay.storage.list(`group-invite ${id} `)) {
      if ((JSON.parse(value) as Open).inviteId !== inviteId) continue;
      const room = rooms.byId(key.slice(key.lastIndexOf(' ') + 1) as HostRoom['id']);
      await relay.storage.delete(key);
      if (room !== undefined) {
        const why = note ?? 'The invitation was withdrawn.';
        await tried(this.#context, 'a withdrawal', () => calls.act(addresses.bot, room.id, 'kick', id, why));
      }
      return status(OK);
    }
    return undefined;
  }

  async accepted(room: HostRoom, id: MatrixUserId, user: UserAddress): Promise<void> {
    await this.#answer(room, id, user, true);
  }

  /** He left without ever having come. */
  async declined(room: HostRoom, id: MatrixUserId): Promise<void> {
    const user = this.#context.addresses.addressOf(id);
    if (user !== undefined) await this.#answer(room, id, user, false);
  }

  /** A ghost is no member of its own: its user is asked, as by a WV invitation, and comes as himself. */
  async ofGhost(room: HostRoom, ghost: MatrixUserId, sender: MatrixUserId): Promise<void> {
    const { addresses, relay, ghosts, client } = this.#context;
    const [user, inviter] = [addresses.userOf(ghost), addresses.addressOf(sender)];
    if (user === undefined || inviter === undefined) return;
    const digest = createHash('sha256').update(`${room.id}\n${ghost}\n${sender}`).digest('base64url');
    const answer = await relay.emit({
      primitive: 'InviteRequest',
      meta: { service: serviceAddress(domainOf(inviter)), user: inviter },
      inviteId: `m${digest.slice(0, 27)}`,
      inviteType: 'GR',
      inviting: { kind: 'user', user: inviter },
      invited: { kind: 'user', user },
      group: room.group,
      validity: VALIDITY_MS / 1000,
    });
    await ghosts.ensure(user);
    await tried(this.#context, 'a refusal', () => client.leave(ghost, room.id));
    if (isSuccess(answer.result)) return;
    await announce(
      this.#context,
      room,
      `invite ${ghost} ${sender}`,
      'The invitation could not be delivered.',
    );
  }

  /** The answer of a WV user to what `ofGhost` asked: who accepts comes by himself. */
  answered({ inviteId }: InviteResponse): Status | undefined {
    return /^m[\w-]{27}$/.test(inviteId) ? status(OK) : undefined;
  }

  async #answer(room: HostRoom, id: MatrixUserId, user: UserAddress, accepted: boolean): Promise<void> {
    const { relay } = this.#context;
    const stored = await relay.storage.get(keyOf(room, id));
    if (stored === undefined) return;
    await relay.storage.delete(keyOf(room, id));
    const { inviteId, inviting, expiresAt } = JSON.parse(stored) as Open;
    if (expiresAt <= relay.clock.now()) return;
    const answer = await relay.emit({
      primitive: 'InviteResponse',
      meta: { service: serviceAddress(domainOf(user)), user },
      inviteId,
      accepted,
      inviting,
      responding: { kind: 'user', user },
    });
    // Taken back meanwhile, perhaps: he is in all the same.
    relay.log.debug({ code: answer.result.code, accepted }, 'matrix: an invitation was answered');
  }
}

function keyOf(room: HostRoom, id: MatrixUserId): string {
  return `group-invite ${id} ${room.id}`;
}
