// Whether the clients in our rooms are still there, asked of each when a stream begins (XEP-0199, from the nick that it
// has in the room): what became of them while there was none, nobody tells.

import type { Incoming } from '../component-link.ts';
import type { BareJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { Pacer } from '../pacer.ts';
import { stanza, xml } from '../xml.ts';
import { fullJid } from './context.ts';
import type { HostContext } from './context.ts';

const PING_PREFIX = 'still-in-';
/** Clients that may wait for their question; who is beyond is found out with the first message that he cannot get. */
const MAX_WAITING = 200_000;

/** A client in a room. */
export interface Seat {
  readonly room: BareJid;
  readonly jid: BareJid;
  readonly resource: string;
}

export class RollCall {
  readonly #context: HostContext;
  readonly #absent: (seat: Seat) => void;
  readonly #pacer: Pacer;
  /** Pings under way, by id. */
  readonly #asked = new Map<string, { readonly seat: Seat; readonly cancel: () => void }>();
  #serial = 0;

  /** @param absent is called with each client that is gone, or says nothing in time */
  constructor(context: HostContext, absent: (seat: Seat) => void) {
    const { relay, settings } = context.bridge;
    this.#context = context;
    this.#absent = absent;
    this.#pacer = new Pacer(relay.clock, settings.resyncRate, MAX_WAITING);
  }

  /** Asks everybody, at a bounded rate. */
  begin(): void {
    for (const room of this.#context.rooms.all()) {
      for (const { jid, resources } of room.occupants.values()) {
        for (const resource of resources) {
          this.#pacer.run(`${room.jid} ${jid}/${resource}`, () =>
            this.#ask({ room: room.jid, jid, resource }),
          );
        }
      }
    }
  }

  /** The stream ended: silence means nothing any more. */
  end(): void {
    this.#pacer.clear();
    for (const { cancel } of this.#asked.values()) cancel();
    this.#asked.clear();
  }

  /** True when the stanza answers one of our pings. */
  answered(incoming: Incoming): boolean {
    const { id = '', type } = incoming.stanza.attrs;
    const asked = this.#asked.get(id);
    if (asked === undefined || (type !== 'result' && type !== 'error')) return false;
    asked.cancel();
    this.#asked.delete(id);
    // A client that knows no ping answers as a server does for one that is gone: it is told, and may come back.
    if (type === 'error') this.#absent(asked.seat);
    return true;
  }

  #ask(seat: Seat): void {
    const { bridge, rooms } = this.#context;
    const occupant = rooms.get(seat.room)?.occupants.get(seat.jid);
    if (occupant?.resources.has(seat.resource) !== true) return;
    this.#serial += 1;
    const id = `${PING_PREFIX}${this.#serial}`;
    const cancel = bridge.relay.clock.after(bridge.settings.selfPingWaitMs, () => {
      this.#asked.delete(id);
      this.#absent(seat);
    });
    this.#asked.set(id, { seat, cancel });
    const to = fullJid(occupant, seat.resource);
    const attrs = { type: 'get', id, from: `${seat.room}/${occupant.nick}`, to };
    bridge.link.send(stanza('iq', attrs, xml(NS.ping, 'ping')));
  }
}
