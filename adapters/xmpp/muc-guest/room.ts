// A room of another server as our users in it see it together, and each of them in it.

import type { ClientId, GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { BareJid, JidParts } from '../jid.ts';
import type { GuestState } from './states.ts';

/** Somebody in the room, ours or not. */
export interface Occupant {
  readonly nick: string;
  readonly role: string;
  readonly affiliation: string;
  /** Who it is, where the room told one of us. */
  readonly jid: JidParts | undefined;
}

/** A client that names no id of its own. */
export const NO_CLIENT = '' as ClientId;

/** One of our users in a room: one occupant, however many of his clients joined. */
export interface Guest {
  readonly user: UserAddress;
  readonly userJid: BareJid;
  readonly room: Room;
  /** The clients that joined, and whether they want to be told of changes. */
  readonly clients: Map<ClientId, boolean>;
  /** When the user joined; what is older is history to him. Milliseconds since the epoch. */
  readonly joinedAt: number;
  nick: string;
  /** The name that the user knows himself by. */
  toldNick: string;
  state: GuestState;
  role: string;
  affiliation: string;
  /** When the room was heard last by this occupant. */
  heardAt: number;
  /** The history is over: what comes now is new. */
  synced: boolean;
  /** Messages of before the join that are still to be handed on. */
  historyLeft: number;
  /** Vain attempts to come back. */
  failures: number;
  /** Who waits for the outcome of a join. */
  waiter: ((outcome: JoinOutcome) => void) | undefined;
  cancelTimer: () => void;
}

/** `created`: nobody was in the room before, it is new and locked. */
export type JoinOutcome = { readonly created: boolean } | { readonly refused: Result };

export class Room {
  readonly jid: BareJid;
  readonly group: GroupAddress;
  readonly guests = new Map<BareJid, Guest>();
  subject = '';
  /** Everybody may see who is who. */
  nonAnonymous = false;
  readonly #limit: number;
  readonly #occupants = new Map<string, Occupant>();
  #listener: Guest | undefined;
  /** Who was there when the stream ended. */
  #before: ReadonlyMap<string, Occupant> | undefined;

  constructor(jid: BareJid, group: GroupAddress, limit: number) {
    this.jid = jid;
    this.group = group;
    this.#limit = limit;
  }

  /** Those that are known, in the order in which they came. */
  get occupants(): Iterable<Occupant> {
    return this.#occupants.values();
  }

  occupant(nick: string): Occupant | undefined {
    return this.#occupants.get(nick);
  }

  /** True when there may be occupants that are not known. */
  get isCrowded(): boolean {
    return this.#occupants.size >= this.#limit;
  }

  /** Our users whom the room counts in. */
  get present(): readonly Guest[] {
    return [...this.guests.values()].filter(({ state }) => state === 'in');
  }

  guestNamed(nick: string): Guest | undefined {
    return [...this.guests.values()].find((guest) => guest.nick === nick && guest.state !== 'gone');
  }

  /** True when the occupant is new. Beyond the limit nobody is taken up. */
  add(occupant: Occupant): boolean {
    const known = this.#occupants.get(occupant.nick);
    if (known === undefined && this.isCrowded) return false;
    // What only a moderator is told is not untold by what others are.
    this.#occupants.set(occupant.nick, { ...occupant, jid: occupant.jid ?? known?.jid });
    return known === undefined;
  }

  remove(nick: string): Occupant | undefined {
    const known = this.#occupants.get(nick);
    this.#occupants.delete(nick);
    return known;
  }

  /** Nothing that was heard counts any more: the stream ended. */
  reset(): void {
    if (this.#occupants.size > 0) this.#before = new Map(this.#occupants);
    this.#occupants.clear();
    this.#listener = undefined;
  }

  /** Who came and went while there was no stream; once, when the first of ours is back. */
  changesSince(): { readonly came: readonly Occupant[]; readonly went: readonly Occupant[] } {
    const before = this.#before ?? this.#occupants;
    this.#before = undefined;
    return {
      came: [...this.#occupants.values()].filter(({ nick }) => !before.has(nick)),
      went: [...before.values()].filter(({ nick }) => !this.#occupants.has(nick)),
    };
  }

  /**
   * Whose copies of messages for all are taken: each of our occupants gets one. He stays it until the room has let him
   * go, so that no message falls between him and the next, and none is taken from both.
   */
  listener(): Guest | undefined {
    const { state } = this.#listener ?? { state: 'gone' };
    if (state !== 'in' && state !== 'leaving') this.#listener = this.present[0];
    return this.#listener;
  }
}
