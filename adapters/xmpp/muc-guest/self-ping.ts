// Whether a room still knows our users in it (XEP-0410), when it was silent for long. One timer for all rooms.

import { guarded } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { IqRequests } from '../iq-requests.ts';
import { NS } from '../namespaces.ts';
import { Pacer } from '../pacer.ts';
import { xml } from '../xml.ts';
import type { Guests } from './guests.ts';
import type { Guest } from './room.ts';
import { puppetJid } from './stanzas.ts';

/** Between two looks at all rooms. */
const LOOK_MS = 60_000;

/** Errors that come from the occupant himself, or say nothing about him (XEP-0410 section 3.3). */
const STILL_IN: ReadonlySet<string> = new Set([
  'service-unavailable',
  'feature-not-implemented',
  'item-not-found',
]);
const UNKNOWN: ReadonlySet<string> = new Set(['remote-server-not-found', 'remote-server-timeout']);

export class SelfPing {
  readonly #bridge: Bridge;
  readonly #guests: Guests;
  readonly #iq: IqRequests;
  readonly #pacer: Pacer;
  #cancel: () => void = () => undefined;

  constructor(bridge: Bridge, guests: Guests, iq: IqRequests) {
    const { probeRate, maxRoomGuests } = bridge.settings;
    this.#bridge = bridge;
    this.#guests = guests;
    this.#iq = iq;
    this.#pacer = new Pacer(bridge.relay.clock, probeRate, maxRoomGuests);
  }

  start(): void {
    this.#cancel = this.#bridge.relay.clock.after(LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
    this.#pacer.clear();
  }

  /** Something that the room should have done did not happen. */
  suspect(guest: Guest): void {
    this.#pacer.run(`${guest.userJid} ${guest.room.jid}`, () => {
      guarded(this.#bridge, 'self-ping', this.check(guest));
    });
  }

  /** False when the room does not know the occupant any more: he comes back then. In doubt he is in. */
  async check(guest: Guest): Promise<boolean> {
    if (guest.state !== 'in') return false;
    const { room, nick, userJid } = guest;
    const answer = await this.#iq.ask(puppetJid(userJid), `${room.jid}/${nick}`, 'get', xml(NS.ping, 'ping'));
    if (guest.state !== 'in') return false;
    if ('error' in answer && UNKNOWN.has(answer.error.condition)) return true;
    guest.heardAt = this.#bridge.relay.clock.now();
    if (!('error' in answer) || STILL_IN.has(answer.error.condition)) return true;
    this.#guests.happened(guest, 'evicted');
    return false;
  }

  #look(): void {
    const silentSince = this.#bridge.relay.clock.now() - this.#bridge.settings.roomSilenceMs;
    for (const guest of this.#guests.all()) {
      if (guest.state === 'in' && guest.heardAt <= silentSince) this.suspect(guest);
    }
  }
}
