// Read receipts of Matrix as delivery reports (bridging.md 5): "seen at or after", one report per message, also across
// crashes: a report is off the list after the relay has it, and the relay drops a repeat.

import type { RelayPort } from '../../src/sap/port.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import type { Domain, MessageId, UserAddress } from '../../src/wv/ids.ts';
import { OK } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import { isNotNow } from './errors.ts';
import type { ReadReceipt } from './events.ts';
import { messageIdOf } from './ids.ts';
import type { EventId, RoomId } from './ids.ts';
import { NotNow, reasonOf } from './inbox.ts';

/** A message whose sender wants to know. */
export interface ExpectedRead {
  readonly event: EventId;
  readonly messageId: MessageId;
  readonly sender: UserAddress;
  readonly recipient: UserAddress;
}

/**
 * What a room's list holds, in the room's order: messages that wait, and later events that receipts may name. With a
 * `reader`: a receipt that came before its message was expected, for we were killed between the homeserver's answer and
 * our note, and the relay has not yet repeated the request.
 */
type Entry = { readonly event: EventId; readonly at: number; readonly reader?: UserAddress } & Partial<
  Omit<ExpectedRead, 'event'>
>;

/** Entries of one room; the oldest go first. */
const MAX_ENTRIES = 200;
/** Early receipts of one room. */
const MAX_EARLY = 20;
/** After that a receipt says nothing any more, in ms: 30 days. */
const LIFETIME_MS = 30 * 24 * 60 * 60_000;

/** All methods belong into the room's queue. */
export class ReadReports {
  readonly #relay: RelayPort;
  readonly #pseudoDomain: Domain;
  readonly #addresses: MatrixAddresses;

  constructor(relay: RelayPort, pseudoDomain: Domain, addresses: MatrixAddresses) {
    this.#relay = relay;
    this.#pseudoDomain = pseudoDomain;
    this.#addresses = addresses;
  }

  /** From now on a receipt for this event, or a later one, is reported; one that came before is reported now. */
  async expect(room: RoomId, read: ExpectedRead): Promise<void> {
    const entries = await this.#load(room);
    if (entries.some((entry) => entry.messageId === read.messageId)) return;
    const early = entries.find(({ event, reader }) => event === read.event && reader === read.recipient);
    if (early === undefined) {
      await this.#save(room, [...entries, { ...read, at: this.#relay.clock.now() }]);
      return;
    }
    await this.#report(read, read.recipient);
    await this.#save(
      room,
      entries.filter((entry) => entry !== early),
    );
  }

  /** An event of the room that a receipt may name in place of an earlier one. */
  async passed(room: RoomId, event: EventId): Promise<void> {
    const entries = await this.#load(room);
    if (!entries.some(isAwaited) || entries.some((entry) => entry.event === event)) return;
    await this.#save(room, [...entries, { event, at: this.#relay.clock.now() }]);
  }

  /**
   * Reports every waiting message up to the event of the receipt.
   * @throws NotNow when the relay cannot take a report now: the receipt is handled again
   */
  async read(receipt: ReadReceipt): Promise<void> {
    const reader = this.#addresses.addressOf(receipt.user);
    if (reader === undefined) return;
    const entries = await this.#load(receipt.room);
    const reached = entries.findIndex((entry) => entry.event === receipt.event && entry.reader === undefined);
    if (reached < 0) return await this.#early(receipt, reader, entries);
    const isSeen = (entry: Entry, at: number): boolean => at <= reached && entry.recipient === reader;
    for (const entry of entries.filter(isSeen)) await this.#report(entry, reader);
    await this.#save(
      receipt.room,
      entries.filter((entry, at) => !isSeen(entry, at)),
    );
  }

  /** Kept only for events that may be messages of ours. */
  async #early(receipt: ReadReceipt, reader: UserAddress, entries: readonly Entry[]): Promise<void> {
    const { storage, clock } = this.#relay;
    const { room, event } = receipt;
    if ((await storage.messageOf(room, event)) === messageIdOf(room, event)) return;
    if (entries.some((entry) => entry.event === event && entry.reader === reader)) return;
    const others = entries.filter((entry) => entry.reader !== undefined).slice(1 - MAX_EARLY);
    const rest = entries.filter((entry) => entry.reader === undefined);
    await this.#save(room, [...rest, ...others, { event, at: clock.now(), reader }]);
  }

  async #report(entry: Partial<ExpectedRead>, reader: UserAddress): Promise<void> {
    const { messageId, sender } = entry;
    if (messageId === undefined || sender === undefined) return;
    const answer = await this.#emit(messageId, sender, reader);
    if (answer === undefined) return;
    if (isNotNow(answer)) throw new NotNow();
    this.#relay.metrics.count('matrix_receipts_total', { to: 'wv' });
  }

  /** Undefined when the relay failed, which is its bug and on the log. */
  async #emit(messageId: MessageId, sender: UserAddress, reader: UserAddress): Promise<Result | undefined> {
    const { clock, log } = this.#relay;
    try {
      const answer = await this.#relay.emit({
        primitive: 'DeliveryStatusReport',
        meta: { service: serviceAddress(this.#pseudoDomain), user: reader },
        messageId,
        sender,
        recipient: { kind: 'user', user: reader },
        outcome: OK,
        deliveredAt: clock.now(),
      });
      return 'result' in answer ? answer.result : OK;
    } catch (error) {
      log.error({ message: messageId, error: reasonOf(error) }, 'matrix: a report was not taken');
      return undefined;
    }
  }

  async #load(room: RoomId): Promise<readonly Entry[]> {
    const stored = await this.#relay.storage.get(`reads ${room}`);
    if (stored === undefined) return [];
    const oldest = this.#relay.clock.now() - LIFETIME_MS;
    return (JSON.parse(stored) as Entry[]).filter((entry) => entry.at > oldest);
  }

  /** Nothing that waits: nothing to remember. */
  async #save(room: RoomId, entries: readonly Entry[]): Promise<void> {
    const key = `reads ${room}`;
    if (entries.some((entry) => isAwaited(entry) || entry.reader !== undefined)) {
      await this.#relay.storage.put(key, JSON.stringify(entries.slice(-MAX_ENTRIES)));
    } else {
      await this.#relay.storage.delete(key);
    }
  }
}

function isAwaited({ messageId }: Entry): boolean {
  return messageId !== undefined;
}
