// What a peer took that would do it twice (dialects without `dropsRepeats`): noted on disk with its HTTP 200, so that
// it is not sent again though we die before its answer came, or before the outbox knows of that.

import type { Clock, Log } from '../../ops/ports.ts';
import type { GatewayStorage } from '../../sap/port.ts';

const PREFIX = 'taken ';
/** Longer than anything waits in an outbox, ms: what we died over just before it was forgotten. */
const STALE_MS = 30 * 86_400_000;

export class TakenNotes {
  private readonly clock: Clock;
  private readonly log: Log;
  private storage: GatewayStorage | undefined;
  /** One for each request in the outbox at most. */
  private readonly noted = new Set<string>();
  private writing: Promise<void> = Promise.resolve();

  constructor(deps: { clock: Clock; log: Log }) {
    this.clock = deps.clock;
    this.log = deps.log;
  }

  /** Reads what a former run left. */
  async restore(storage: GatewayStorage): Promise<void> {
    this.storage = storage;
    const limit = this.clock.now() - STALE_MS;
    for (const [key, takenAt] of await storage.list(PREFIX)) {
      if (Number(takenAt) < limit) await storage.delete(key);
      else this.noted.add(key.slice(PREFIX.length));
    }
  }

  has(transactionId: string): boolean {
    return this.noted.has(transactionId);
  }

  /** The peer took these. Resolves when it is on disk; a disk that fails is logged, and costs no more than a repeat. */
  note(transactionIds: readonly string[]): Promise<void> {
    const now = String(this.clock.now());
    for (const id of transactionIds) this.noted.add(id);
    return this.write(async (storage) => {
      await Promise.all(transactionIds.map((id) => storage.put(PREFIX + id, now)));
    });
  }

  /** It is not asked again, or may be sent again. */
  async forget(transactionId: string): Promise<void> {
    if (!this.noted.delete(transactionId)) return;
    await this.write((storage) => storage.delete(PREFIX + transactionId));
  }

  /** Resolves when what was changed is on disk. */
  saved(): Promise<void> {
    return this.writing;
  }

  /** In the order of the calls: nothing is forgotten before it is noted. */
  private write(work: (storage: GatewayStorage) => Promise<void>): Promise<void> {
    const { storage } = this;
    if (storage === undefined) return Promise.resolve();
    this.writing = this.writing
      .then(() => work(storage))
      .catch((error: unknown) => this.log.error({ err: error }, 'what an SSP peer took could not be noted'));
    return this.writing;
  }
}
