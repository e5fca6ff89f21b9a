// Messages from WV into Matrix (bridging.md 4, 11): into the portal, under a transaction id derived from the
// MessageID, so that the relay may repeat a request whose answer it never saw.

import type { RelayPort } from '../../src/sap/port.ts';
import type { MessageId, UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { Party } from '../../src/wv/message.ts';
import type { SendMessageRequest, SendMessageResponse } from '../../src/wv/primitives.ts';
import { combine, isSuccess, OK, result } from '../../src/wv/status.ts';
import type { DetailedResult, Result } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, resultOf } from './errors.ts';
import { text } from './events.ts';
import type { RoomEvent } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import { transactionId } from './ids.ts';
import type { EventId, MatrixUserId } from './ids.ts';
import type { Portal, Portals } from './portals.ts';
import type { SerialQueues } from './queues.ts';
import type { ReadReports } from './read-reports.ts';
import type { OutgoingFiles } from './outgoing-files.ts';
import { SendingRooms } from './sending-rooms.ts';
import type { BegunSending } from './sending-rooms.ts';

/** In the content of what we send: the MessageID, by which an echo is linked even after a crash. */
export const MARK = 'org.wvgate.message';
/** Older messages carry the time at which they were sent. */
const TIMESTAMP_AFTER_MS = 60_000;

/** What may wait for a room before a message is asked to come again later. */
const MAX_AHEAD = 100;

export interface OutboundOptions {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Pick<Ghosts, 'ensure'>;
  readonly portals: Pick<Portals, 'inRoom' | 'find' | 'ensure'>;
  readonly queues: SerialQueues;
  readonly reports: ReadReports;
  readonly files: OutgoingFiles;
}

export class OutboundMessages {
  readonly #options: OutboundOptions;
  readonly #sending: SendingRooms;

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#sending = new SendingRooms(options.relay.storage, options.relay.clock);
  }

  /** Serves one request; never rejects for what the homeserver did. */
  async send(request: SendMessageRequest): Promise<SendMessageResponse> {
    const { message } = request;
    const [only, ...others] = message.recipients;
    const answer = (outcome: Result): SendMessageResponse => {
      this.#options.relay.metrics.count('matrix_messages_total', {
        to: 'matrix',
        code: String(outcome.code),
      });
      return { primitive: 'SendMessageResponse', messageId: message.id, result: outcome };
    };
    if (only === undefined) return answer(result(402, 'no recipient'));
    // One recipient: his result is the result, with what it says about trying again.
    if (others.length === 0) return answer(await this.#sendTo(request, only));
    const outcomes = await Promise.all(
      message.recipients.map(async (party) => ({ party, outcome: await this.#sendTo(request, party) })),
    );
    const failures = outcomes.filter(({ outcome }) => !isSuccess(outcome)).map(detailed);
    return answer(combine(outcomes.length - failures.length, failures));
  }

  /**
   * Links an event of ours that the homeserver pushes back. Usually it is known; it is not when we were killed
   * between the homeserver's 200 and our note.
   */
  async echo(event: RoomEvent): Promise<void> {
    const id = text(event.content, MARK);
    const { storage } = this.#options.relay;
    if (id === undefined || (await storage.messageOf(event.room, event.id)) !== undefined) return;
    await storage.link(event.room, event.id, trusted<MessageId>(id));
  }

  /** The relay has done with a message, whatever became of it. */
  async concluded({ message }: SendMessageRequest): Promise<void> {
    await this.#options.files.concluded(message);
    for (const recipient of message.recipients) {
      const peer = recipient.kind === 'user' ? this.#options.addresses.peerOf(recipient.user) : undefined;
      if (peer !== undefined) await this.#sending.end(message.id, peer);
    }
  }

  /** Drops what was never concluded. */
  prune(): Promise<void> {
    return this.#sending.prune();
  }

  async #sendTo(request: SendMessageRequest, recipient: Party): Promise<Result> {
    const { addresses, relay } = this.#options;
    const { sender, expiresAt } = request.message;
    if (recipient.kind !== 'user' || sender.kind !== 'user') return result(405, 'groups are not bridged');
    const peer = addresses.peerOf(recipient.user);
    if (peer === undefined) return result(531);
    if (expiresAt <= relay.clock.now()) return result(542);
    try {
      await this.#sendBetween(sender.user, peer, request);
      return OK;
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      const outcome = resultOf(error);
      const fields = {
        message: request.message.id,
        status: error.status,
        errcode: error.errcode,
        code: outcome.code,
      };
      relay.log.info(fields, 'matrix: a message was not taken');
      return outcome;
    }
  }

  /** Into the room of an earlier try, if there was one and it can still be used. */
  async #sendBetween(user: UserAddress, peer: MatrixUserId, request: SendMessageRequest): Promise<void> {
    const { portals, queues } = this.#options;
    const { id } = request.message;
    const begun = await this.#sending.find(id, peer);
    const before = begun === undefined ? undefined : await portals.inRoom(begun.room);
    if (before !== undefined) {
      try {
        return await queues.run(before.room, () => this.#deliver(request, before, begun));
      } catch (error) {
        const isStillTheirs = (await portals.find(user, peer))?.room === before.room;
        if (!(error instanceof HomeserverError) || error.transient || isStillTheirs) throw error;
      }
    }
    const portal = await portals.ensure(user, peer);
    // The relay repeats what waits here for longer than it has patience for: it must not wait several times over.
    if (queues.sizeOf(portal.room) > MAX_AHEAD) {
      throw new HomeserverError({ status: 0, errcode: 'too much waits for this room' });
    }
    await this.#sending.note(id, peer, { room: portal.room });
    await queues.run(portal.room, () => this.#deliver(request, portal));
  }

  /** In the room's queue, so that a receipt is looked at only after the event it may be for is known. */
  async #deliver(request: SendMessageRequest, portal: Portal, begun?: BegunSending): Promise<void> {
    const { relay, reports, ghosts, addresses } = this.#options;
    const { id } = request.message;
    const ghost = await ghosts.ensure(portal.user);
    const event =
      begun?.event ?? (await this.#echoed(id, portal)) ?? (await this.#put(request, portal, ghost));
    await Promise.all([
      relay.storage.link(portal.room, event, id),
      this.#sending.note(id, portal.peer, { room: portal.room, event }),
    ]);
    const recipient = addresses.addressOf(portal.peer);
    if (request.deliveryReport && recipient !== undefined) {
      await reports.expect(portal.room, { event, messageId: id, sender: portal.user, recipient });
    }
  }

  /** The event of a message whose echo came before we noted it. */
  async #echoed(id: MessageId, portal: Portal): Promise<EventId | undefined> {
    const known = await this.#options.relay.storage.remoteOf(id);
    return known?.conversation === portal.room ? (known.remoteId as EventId) : undefined;
  }

  async #put(request: SendMessageRequest, portal: Portal, ghost: MatrixUserId): Promise<EventId> {
    const { client, relay, files } = this.#options;
    const { id, sentAt } = request.message;
    const body = { ...(await files.contentOf(request.message, ghost)), [MARK]: id };
    const transaction = transactionId(portal.room, ghost, id, '0');
    const isOld = relay.clock.now() - sentAt > TIMESTAMP_AFTER_MS;
    const send = () => client.sendMessage(ghost, portal.room, body, transaction, isOld ? sentAt : undefined);
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.status !== 403) throw error;
      // The ghost is perhaps only invited (its join was never seen to its end).
      await client.join(ghost, portal.room);
      return await send();
    }
  }
}

function detailed({ party, outcome }: { party: Party; outcome: Result }): DetailedResult {
  return party.kind === 'user'
    ? { code: outcome.code, users: [party.user] }
    : { code: outcome.code, groups: [party.group] };
}
