// Read receipts of Matrix as delivery reports (bridging.md 5): "seen at or after", at most one report per message.

import type { RelayPort } from '../../src/sap/port.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import type { Domain, MessageId, UserAddress } from '../../src/wv/ids.ts';
import { OK } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { ReadReceipt } from './events.ts';
import type { EventId, RoomId } from './ids.ts';
import { reasonOf } from './inbox.ts';

/** A message whose sender wants to know. */
export interface ExpectedRead {
  readonly event: EventId;
  readonly messageId: MessageId;
  readonly sender: UserAddress;
  readonly recipient: UserAddress;
}

/** What a room's list holds, in the room's order: messages that wait, and later events that receipts may name. */
type Entry = { readonly event: EventId; readonly at: number } & Partial<Omit<ExpectedRead, 'event'>>;

/** Entries of one room; the oldest go first. */
const MAX_ENTRIES = 200;
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

  /** From now on a receipt for this event, or a later one, is reported. */
  async expect(room: RoomId, read: ExpectedRead): Promise<void> {
    const entries = await this.#load(room);
    if (entries.some((entry) => entry.messageId === read.messageId)) return;
    await this.#save(room, [...entries, { ...read, at: this.#relay.clock.now() }]);
  }

  /** An event of the room that a receipt may name in place of an earlier one. */
  async passed(room: RoomId, event: EventId): Promise<void> {
    const entries = await this.#load(room);
    if (entries.length === 0 || entries.some((entry) => entry.event === event)) return;
    await this.#save(room, [...entries, { event, at: this.#relay.clock.now() }]);
  }

  /** Reports every waiting message up to the event of the receipt. */
  async read(receipt: ReadReceipt): Promise<void> {
    const reader = this.#addresses.addressOf(receipt.user);
    if (reader === undefined) return;
    const entries = await this.#load(receipt.room);
    const reached = entries.findIndex((entry) => entry.event === receipt.event);
    if (reached < 0) return;
    const isSeen = (entry: Entry, at: number): boolean => at <= reached && entry.recipient === reader;
    const seen = entries.filter(isSeen);
    // Taken off the list first: a crash in between costs a report, never makes two.
    await this.#save(
      receipt.room,
      entries.filter((entry, at) => !isSeen(entry, at)),
    );
    for (const entry of seen) await this.#report(entry, reader);
  }

  async #report(entry: Entry, reader: UserAddress): Promise<void> {
    const { messageId, sender } = entry;
    if (messageId === undefined || sender === undefined) return;
    try {
      await this.#relay.emit({
        primitive: 'DeliveryStatusReport',
        meta: { service: serviceAddress(this.#pseudoDomain), user: reader },
        messageId,
        sender,
        recipient: { kind: 'user', user: reader },
        outcome: OK,
        deliveredAt: this.#relay.clock.now(),
      });
      this.#relay.metrics.count('matrix_receipts_total', { to: 'wv' });
    } catch (error) {
      this.#relay.log.error({ message: messageId, error: reasonOf(error) }, 'matrix: a report was not taken');
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
    if (entries.some((entry) => entry.messageId !== undefined)) {
      await this.#relay.storage.put(key, JSON.stringify(entries.slice(-MAX_ENTRIES)));
    } else {
      await this.#relay.storage.delete(key);
    }
  }
}
