// Into which room a message is being sent, written down before the first try and kept until the relay has done with it
// (bridging.md 11): a pair of users may get another room between two tries, and a transaction id makes a repeat
// harmless only in the room of the first try.

import type { Clock, GatewayStorage } from '../../src/sap/port.ts';
import type { MessageId } from '../../src/wv/ids.ts';
import type { EventId, MatrixUserId, RoomId } from './ids.ts';

/** A try that was made before: where, and the event it became, once that is known. */
export interface BegunSending {
  readonly room: RoomId;
  readonly event?: EventId;
}

/**
 * How long a message is remembered whose end nobody told us (a relay in another process does not), in ms: 30 days, as
 * long as the id table.
 */
const MEMORY_MS = 30 * 24 * 60 * 60_000;
const PREFIX = 'sending ';

export class SendingRooms {
  readonly #storage: GatewayStorage;
  readonly #clock: Clock;

  constructor(storage: GatewayStorage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Undefined when it was never tried. */
  async find(id: MessageId, peer: MatrixUserId): Promise<BegunSending | undefined> {
    const stored = await this.#storage.get(keyOf(id, peer));
    return stored === undefined ? undefined : (JSON.parse(stored) as BegunSending);
  }

  /** From now on it may be in that room; with `event` it is. On disk when it resolves. */
  async note(id: MessageId, peer: MatrixUserId, begun: BegunSending): Promise<void> {
    await this.#storage.put(keyOf(id, peer), JSON.stringify({ ...begun, at: this.#clock.now() }));
  }

  /** It is not tried again. */
  async end(id: MessageId, peer: MatrixUserId): Promise<void> {
    await this.#storage.delete(keyOf(id, peer));
  }

  /** Drops what is too old to be tried again. */
  async prune(): Promise<void> {
    const oldest = this.#clock.now() - MEMORY_MS;
    for (const [key, stored] of await this.#storage.list(PREFIX)) {
      if ((JSON.parse(stored) as { at: number }).at < oldest) await this.#storage.delete(key);
    }
  }
}

function keyOf(id: MessageId, peer: MatrixUserId): string {
  return `${PREFIX}${id} ${peer}`;
}
