// What a ghost says on the gateway's behalf: notices in a room, each one once, however often its cause is handled.

import type { GatewayStorage } from '../../src/sap/port.ts';
import type { HomeserverClient } from './client.ts';
import { markOf, transactionId } from './ids.ts';
import type { EventId, MatrixUserId, RoomId } from './ids.ts';

export class Notices {
  readonly #storage: GatewayStorage;
  readonly #client: HomeserverClient;

  constructor(storage: GatewayStorage, client: HomeserverClient) {
    this.#storage = storage;
    this.#client = client;
  }

  /**
   * Posts an m.notice unless the one with this `key` was posted in the room before (30 days).
   * @param answers the event it is about
   * @throws HomeserverError; then it counts as not posted
   */
  async once(ghost: MatrixUserId, room: RoomId, key: string, text: string, answers?: EventId): Promise<void> {
    const relation =
      answers === undefined ? {} : { 'm.relates_to': { 'm.in_reply_to': { event_id: answers } } };
    const content = { msgtype: 'm.notice', body: text, ...relation };
    await this.doOnce(room, `notice ${key}`, () =>
      this.#client.sendMessage(ghost, room, content, transactionId(room, 'notice', key)),
    );
  }

  /** Does something in a room unless it was done before; what was done is known by the event it made, if any. */
  async doOnce(room: RoomId, key: string, work: () => Promise<EventId | void>): Promise<void> {
    const mark = markOf(room, key);
    if ((await this.#storage.remoteOf(mark)) !== undefined) return;
    const event = await work();
    // An event of its own in the id table when there is none: the pair (room, remote id) must be unique.
    await this.#storage.link(room, event ?? mark, mark);
  }
}
