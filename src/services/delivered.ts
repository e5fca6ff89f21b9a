// Which messages a user's clients confirmed lately, so that a confirmation said twice is no error.

import type { MessageId } from '../wv/ids.ts';

/** Ids kept per user; a client repeats a confirmation within minutes or never. */
const KEPT = 128;

/** The newest ids only; in memory, forgotten with the home and with a restart. */
export class DeliveredIds {
  private readonly ids = new Set<MessageId>();

  add(id: MessageId): void {
    this.ids.delete(id);
    this.ids.add(id);
    if (this.ids.size <= KEPT) return;
    const [oldest] = this.ids;
    if (oldest !== undefined) this.ids.delete(oldest);
  }

  has(id: MessageId): boolean {
    return this.ids.has(id);
  }
}
