// Messages from Matrix to WV (bridging.md 4, 12). A message that the relay does not take, or that cannot be delivered
// later, comes back to its sender as a notice in the room.

import type { RelayPort } from '../../src/sap/port.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import type { DeliveryStatusReport, SendMessageRequest } from '../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, isNotNow, notDelivered, resultOf } from './errors.ts';
import { roomEvent, text } from './events.ts';
import type { RoomEvent } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import { isEventId, localpartOf, markOf, messageIdOf } from './ids.ts';
import type { EventId, MatrixUserId, RoomId } from './ids.ts';
import { NotNow, reasonOf } from './inbox.ts';
import { Lru } from './lru.ts';
import type { Notices } from './notices.ts';
import type { Portal, Portals } from './portals.ts';
import { editOf, stickerText, textOf } from './text.ts';
import type { Edit } from './text.ts';

/** How long a message from Matrix is worth delivering, in ms. */
const LIFETIME_MS = 7 * 24 * 60 * 60_000;
/** Edits of older messages are not worth a new message, in ms. */
const EDIT_WINDOW_MS = 10 * 60_000;
/** Tries to hand a message to a relay that says "not now", before its sender is told. */
const RELAY_TRIES = 6;
/** Names of Matrix users kept in memory. */
const NAMES = 5000;

export interface InboundOptions {
  readonly relay: RelayPort;
  readonly pseudoDomain: Domain;
  readonly receiptsFromDelivery: boolean;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Ghosts;
  readonly portals: Portals;
  readonly notices: Notices;
}

export class InboundMessages {
  readonly #options: InboundOptions;
  readonly #names = new Lru<MatrixUserId, string>(NAMES);

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** m.room.message and m.sticker. */
  async message(event: RoomEvent, attempt: number): Promise<void> {
    const portal = await this.#options.portals.inRoom(event.room);
    if (portal === undefined || event.sender !== portal.peer) {
      this.#count('ignored');
      this.#options.relay.log.debug(
        { room: event.room, event: event.id },
        'matrix: a message outside of any portal',
      );
      return;
    }
    const body = await this.#bodyOf(event, portal);
    if (body === undefined) return;
    const outcome = await this.#emit(this.#request(event, portal, body, this.#names.get(event.sender)));
    if (isNotNow(outcome) && attempt < RELAY_TRIES) throw new NotNow();
    this.#count(String(outcome.code));
    if (!isSuccess(outcome)) await this.#tell(portal, event.id, outcome);
  }

  /** What became of a message that a Matrix user sent. */
  async report(report: DeliveryStatusReport): Promise<Result> {
    const { relay, portals } = this.#options;
    const known = await relay.storage.remoteOf(report.messageId);
    if (known === undefined) return result(404, 'no such message');
    const portal = await portals.inRoom(known.conversation as RoomId);
    if (portal === undefined) return result(404, 'no such conversation');
    const event = known.remoteId as EventId;
    try {
      if (!isSuccess(report.outcome)) await this.#tell(portal, event, report.outcome);
      else if (report.outcome.code === 200) await this.#read(portal, event);
      return OK;
    } catch (error) {
      if (error instanceof HomeserverError) return resultOf(error);
      throw error;
    }
  }

  async #read(portal: Portal, event: EventId): Promise<void> {
    const { receiptsFromDelivery, ghosts, client, relay } = this.#options;
    if (!receiptsFromDelivery) return;
    await client.readReceipt(await ghosts.ensure(portal.user), portal.room, event);
    relay.metrics.count('matrix_receipts_total', { to: 'matrix' });
  }

  /** Tells the sender, once per message, by the ghost he wrote to. */
  async #tell(portal: Portal, event: EventId, outcome: Result): Promise<void> {
    const { ghosts, notices } = this.#options;
    await notices.once(
      await ghosts.ensure(portal.user),
      portal.room,
      `failed ${event}`,
      notDelivered(outcome),
    );
  }

  /** An exception of the relay is its bug, and still the sender's business. */
  async #emit(request: SendMessageRequest): Promise<Result> {
    const { relay } = this.#options;
    try {
      const answer = await relay.emit(request);
      return 'result' in answer ? answer.result : OK;
    } catch (error) {
      relay.log.error({ message: request.message.id, error: reasonOf(error) }, 'matrix: the relay failed');
      return result(500);
    }
  }

  #request(event: RoomEvent, portal: Portal, body: string, name: string | undefined): SendMessageRequest {
    const { pseudoDomain, addresses, relay } = this.#options;
    const sender = addresses.addressOf(event.sender) as UserAddress;
    const now = relay.clock.now();
    return {
      primitive: 'SendMessageRequest',
      meta: {
        service: serviceAddress(pseudoDomain),
        user: sender,
        ...(name === undefined || name === '' ? {} : { friendlyName: name }),
      },
      deliveryReport: true,
      message: {
        id: messageIdOf(event.room, event.id),
        sender: { kind: 'user', user: sender },
        recipients: [{ kind: 'user', user: portal.user }],
        // The sending homeserver's clock may be wrong, and nothing was sent in the future.
        sentAt: event.sentAt > 0 ? Math.min(event.sentAt, now) : now,
        expiresAt: now + LIFETIME_MS,
        content: { contentType: 'text/plain', encoding: 'none', data: body },
      },
    };
  }

  /** The text to deliver; undefined when there is none. Links the event, for reports and repeats. */
  async #bodyOf(event: RoomEvent, portal: Portal): Promise<string | undefined> {
    await this.#options.relay.storage.link(event.room, event.id, messageIdOf(event.room, event.id));
    const name = await this.#nameOf(event.sender, portal);
    if (event.type === 'm.sticker') return stickerText(event.content);
    const edit = editOf(event.content);
    if (edit === undefined) return textOf(event.content, name);
    return await this.#editedText(event, edit, portal, name);
  }

  /** An edit becomes a message of its own: the first of an event, when it is young and says something else. */
  async #editedText(event: RoomEvent, edit: Edit, portal: Portal, name: string): Promise<string | undefined> {
    const original = isEventId(edit.replaces) ? await this.#original(portal, edit.replaces) : undefined;
    const changed = textOf(edit.content, name);
    if (original === undefined || changed === undefined) return undefined;
    if (!this.#isEditWorthIt(event, original) || changed === textOf(original.content, name)) return undefined;
    return (await this.#isFirstEdit(event, original)) ? `edited: ${changed}` : undefined;
  }

  /** The edit that is noted stays the first one when it is handled again. */
  async #isFirstEdit(edit: RoomEvent, original: RoomEvent): Promise<boolean> {
    const { storage } = this.#options.relay;
    const mark = markOf(edit.room, 'edit', original.id);
    const noted = `edit ${edit.id}`;
    const known = await storage.remoteOf(mark);
    if (known === undefined) await storage.link(edit.room, noted, mark);
    return known === undefined || known.remoteId === noted;
  }

  #isEditWorthIt(edit: RoomEvent, original: RoomEvent): boolean {
    return original.sender === edit.sender && edit.sentAt - original.sentAt <= EDIT_WINDOW_MS;
  }

  async #original(portal: Portal, id: EventId): Promise<RoomEvent | undefined> {
    const { ghosts, client, relay } = this.#options;
    const ghost = await ghosts.ensure(portal.user);
    try {
      return roomEvent({ room_id: portal.room, ...(await client.event(ghost, portal.room, id)) });
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.transient) throw error;
      relay.log.info({ event: id, errcode: error.errcode }, 'matrix: the original of an edit was not found');
      return undefined;
    }
  }

  /** The sender's profile name; his localpart when it cannot be had now. */
  async #nameOf(peer: MatrixUserId, portal: Portal): Promise<string> {
    const known = this.#names.get(peer);
    if (known !== undefined) return known || localpartOf(peer);
    try {
      const name = await this.#options.client.displayName(
        await this.#options.ghosts.ensure(portal.user),
        peer,
      );
      this.#names.set(peer, name);
      return name || localpartOf(peer);
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      this.#options.relay.log.debug({ peer, errcode: error.errcode }, 'matrix: no profile');
      return localpartOf(peer);
    }
  }

  /** A member event carries the current name. */
  renamed(event: RoomEvent): void {
    if (event.stateKey !== event.sender) return;
    if (this.#names.get(event.sender) !== undefined) {
      this.#names.set(event.sender, text(event.content, 'displayname') ?? '');
    }
  }

  #count(code: string): void {
    this.#options.relay.metrics.count('matrix_messages_total', { to: 'wv', code });
  }
}
