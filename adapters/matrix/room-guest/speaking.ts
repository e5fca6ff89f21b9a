// Messages of our users to rooms of Matrix, and whispers there (bridging.md 4, 11).

import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import type { Party } from '../../../src/wv/message.ts';
import type { SendMessageRequest } from '../../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { HomeserverError } from '../errors.ts';
import { transactionId } from '../ids.ts';
import { MARK } from '../messages-out.ts';
import { outcomeOf, rosterOf } from './context.ts';
import type { GuestContext } from './context.ts';
import type { Guest } from './guests.ts';

type GroupParty = Party & { readonly kind: 'group' };

/** Older messages carry the time at which they were sent. */
const TIMESTAMP_AFTER_MS = 60_000;

export class Speaking {
  readonly #context: GuestContext;

  constructor(context: GuestContext) {
    this.#context = context;
  }

  /** 808 not in the room, 816 the room does not let him speak, 410 nobody of that screen name. */
  async send(request: SendMessageRequest, party: GroupParty): Promise<Result> {
    const { guests, queues, relay } = this.#context;
    const { sender, expiresAt } = request.message;
    // A group never writes to a group: that would be a loop.
    if (sender.kind !== 'user') return result(403);
    const guest = guests.find({ user: sender.user, group: party.group });
    if (guest?.state !== 'in') return result(808);
    if (expiresAt <= relay.clock.now()) return result(542);
    const { screenName } = party;
    const outcome =
      screenName === undefined
        ? await queues.run(guest.room.id, () => this.#toAll(request, guest))
        : await this.#whisper(request, guest, screenName);
    if (isSuccess(outcome) && request.deliveryReport) await this.#report(request, party);
    return outcome;
  }

  /** A message that is known was sent: its event carries the id, also after a crash (messages-out.ts). */
  async #toAll({ message }: SendMessageRequest, { ghost, room }: Guest): Promise<Result> {
    const { client, relay, files } = this.#context;
    const known = await relay.storage.remoteOf(message.id);
    if (known?.conversation === room.id) return OK;
    const isOld = relay.clock.now() - message.sentAt > TIMESTAMP_AFTER_MS;
    try {
      const body = { ...(await files.contentOf(message, ghost)), [MARK]: message.id };
      const transaction = transactionId(room.id, ghost, message.id, 'group');
      const sentAt = isOld ? message.sentAt : undefined;
      const event = await client.sendMessage(ghost, room.id, body, transaction, sentAt);
      await relay.storage.link(room.id, event, message.id);
      return OK;
    } catch (error) {
      return this.#refused(error, message.id);
    }
  }

  async #whisper({ message }: SendMessageRequest, guest: Guest, screenName: string): Promise<Result> {
    const { whispers, addresses } = this.#context;
    try {
      const roster = await rosterOf(this.#context, guest.room);
      const peer = roster.userOf(screenName);
      if (peer === undefined) return result(410, 'Unknown screen name');
      // Ghosts hear no whispers: their users are reached by their address.
      if (addresses.isOurs(peer)) return result(410, 'Not a user of Matrix');
      await whispers.say(message, {
        ghost: guest.ghost,
        peer,
        group: guest.group,
        peerName: roster.nameOf(peer) ?? screenName,
        ghostName: guest.name,
        user: guest.user,
      });
      return OK;
    } catch (error) {
      return this.#refused(error, message.id);
    }
  }

  #refused(error: unknown, message: string): Result {
    const outcome = outcomeOf(error, 816);
    if (error instanceof HomeserverError) {
      const { status, errcode } = error;
      this.#context.relay.log.info({ message, status, errcode }, 'matrix: a message to a room was not taken');
    }
    return outcome;
  }

  /** Nobody in a room confirms for all: what the room took is delivered. */
  async #report({ message }: SendMessageRequest, recipient: GroupParty): Promise<void> {
    const { relay } = this.#context;
    if (message.sender.kind !== 'user') return;
    await relay.emit({
      primitive: 'DeliveryStatusReport',
      meta: { service: serviceAddress(domainOf(recipient.group)) },
      messageId: message.id,
      sender: message.sender.user,
      recipient,
      outcome: OK,
      deliveredAt: relay.clock.now(),
    });
  }
}
