// How often one user may join rooms: a stranger's script must not keep the server and its rooms busy.

import type { Clock } from '../../../src/sap/port.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { BareJid } from '../jid.ts';

const WINDOW_MS = 60_000;
/** Users remembered. */
const USERS = 50_000;

export class JoinRate {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #joins = new BoundedMap<BareJid, { since: number; count: number }>(USERS);

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Counts a join; false for one too many. */
  allows(jid: BareJid): boolean {
    const now = this.#clock.now();
    const known = this.#joins.get(jid);
    const joins = known === undefined || now - known.since >= WINDOW_MS ? { since: now, count: 0 } : known;
    joins.count += 1;
    this.#joins.set(jid, joins);
    return joins.count <= this.#perMinute;
  }
}
