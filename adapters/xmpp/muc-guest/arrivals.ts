// Presence from rooms: who comes and goes, and what became of our own occupants (XEP-0045 sections 7.2, 7.14, 8, 9).

import { result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { Bridge } from '../bridge.ts';
import { guarded } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { readStanzaError, statusOfError } from '../errors.ts';
import { bareJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { childOf } from '../xml.ts';
import { CODE, isTechnical, JOINING, PUT_OUT } from './codes.ts';
import type { Guests } from './guests.ts';
import { nextNick } from './names.ts';
import type { RoomNotices } from './notices.ts';
import type { Guest } from './room.ts';
import { isTechnicalEnd, leaveStanza, puppetJid, readRoomPresence } from './stanzas.ts';
import type { RoomPresence } from './stanzas.ts';

/** Of a room that says nothing of history being over. */
const HISTORY_MS = 5_000;

export class Arrivals {
  readonly #bridge: Bridge;
  readonly #guests: Guests;
  readonly #notices: RoomNotices;

  readonly #reopen: (guest: Guest) => Promise<void>;

  /** @param reopen is called when somebody who comes back has made the room anew */
  constructor(bridge: Bridge, guests: Guests, notices: RoomNotices, reopen: (guest: Guest) => Promise<void>) {
    this.#reopen = reopen;
    this.#bridge = bridge;
    this.#guests = guests;
    this.#notices = notices;
  }

  /** True when the presence is about a room. */
  received(incoming: Incoming): boolean {
    const { stanza, from, to } = incoming;
    const guest = this.#guests.find(bareJid(to), bareJid(from));
    if (guest === undefined) return this.#ofNobody(incoming);
    guest.heardAt = this.#bridge.relay.clock.now();
    if (stanza.attrs['type'] === 'error') this.#refused(guest, incoming);
    else if (from.resource !== '') this.#presence(guest, readRoomPresence(stanza, from.resource));
    return true;
  }

  /** A room that believes a user of ours to be in it is told the truth; otherwise he stays there as a ghost. */
  #ofNobody({ stanza, from, to }: Incoming): boolean {
    const x = childOf(stanza, 'x', NS.mucUser);
    if (x === undefined) return childOf(stanza, 'x', NS.muc) !== undefined;
    const { codes, available } = readRoomPresence(stanza, from.resource);
    if (available && codes.has(CODE.self)) {
      this.#bridge.relay.metrics.count('xmpp_room_ghosts_total');
      this.#bridge.link.send(leaveStanza(puppetJid(bareJid(to)), `${bareJid(from)}/${from.resource}`));
    }
    return true;
  }

  #refused(guest: Guest, { stanza }: Incoming): void {
    const error = readStanzaError(stanza);
    const refused = statusOfError(error, JOINING);
    if (guest.state === 'in') return;
    if (error.condition === 'conflict') {
      if (guest.state === 'rejoining') guest.nick = nextNick(guest.nick);
      return this.#guests.happened(guest, 'clash', { refused });
    }
    const event = guest.state === 'rejoining' && isTechnical(error) ? 'evicted' : 'refused';
    this.#guests.happened(guest, event, {
      refused: event === 'refused' ? outcomeFor(guest, refused) : refused,
    });
  }

  #presence(guest: Guest, presence: RoomPresence): void {
    const own = presence.codes.has(CODE.self) || isCalledLike(guest, presence);
    if (!presence.available) {
      if (own) this.#ownEnd(guest, presence);
      else this.#went(guest, presence);
      return;
    }
    this.#came(guest, presence);
    if (own) this.#entered(guest, presence);
  }

  #came({ room }: Guest, { nick, role, affiliation, jid }: RoomPresence): void {
    const occupant = { nick, role, affiliation, jid };
    if (room.add(occupant)) this.#notices.came(room, occupant);
  }

  #went({ room }: Guest, { nick }: RoomPresence): void {
    const occupant = room.remove(nick);
    if (occupant !== undefined) this.#notices.went(room, occupant);
  }

  /** The room counts us in, perhaps under another name than we asked for; or it has changed our rights. */
  #entered(guest: Guest, presence: RoomPresence): void {
    const { room } = guest;
    if (presence.codes.has(CODE.nonAnonymous)) room.nonAnonymous = true;
    const isRenamed = guest.nick !== presence.nick;
    guest.nick = presence.nick;
    guest.role = presence.role;
    guest.affiliation = presence.affiliation;
    if (guest.state === 'in') {
      if (isRenamed) this.#renamed(guest);
      return;
    }
    const isBack = guest.state === 'rejoining';
    if (guest.state === 'joining' || guest.state === 'rejoining') this.#syncInTime(guest);
    // Those who are in hear of him; he does not hear of those who were there before.
    this.#notices.flush(room);
    const created = presence.codes.has(CODE.created);
    if (created && isBack) guarded(this.#bridge, 'opening a room again', this.#reopen(guest));
    this.#guests.happened(guest, 'entered', { created });
    if (isBack && guest.nick !== guest.toldNick) this.#renamed(guest);
    else if (isRenamed) this.#keep(guest);
    const { came, went } = room.changesSince();
    for (const occupant of went) this.#notices.went(room, occupant);
    for (const occupant of came) this.#notices.came(room, occupant);
  }

  /** Of a service that sends no subject to mark the end of the history. */
  #syncInTime(guest: Guest): void {
    this.#bridge.relay.clock.after(HISTORY_MS, () => {
      guest.synced = true;
    });
  }

  /** Not by a wish of his: somebody took the name while he was away, or the room gave him another. */
  #renamed(guest: Guest): void {
    this.#keep(guest);
    this.#notices.renamed(guest, guest.toldNick);
    guest.toldNick = guest.nick;
  }

  #keep(guest: Guest): void {
    guarded(this.#bridge, 'keeping a room', this.#guests.save(guest));
  }

  #ownEnd(guest: Guest, presence: RoomPresence): void {
    const { room } = guest;
    this.#went(guest, presence);
    // The presence under the new name follows.
    if (presence.codes.has(CODE.nickChanged)) return;
    const putOut = putOutBy(presence);
    this.#notices.flush(room);
    if (putOut === undefined) this.#guests.happened(guest, 'evicted');
    else this.#guests.happened(guest, 'removed', { refused: putOut });
  }
}

/** COMPAT(services of before 2007): without 110. The name is enough, unless the room says that it is another's. */
function isCalledLike({ nick, userJid }: Guest, presence: RoomPresence): boolean {
  return presence.nick === nick && (presence.jid === undefined || bareJid(presence.jid) === userJid);
}

/** What the user is told; undefined = nobody wanted it, he comes back. */
function putOutBy(presence: RoomPresence): Result | undefined {
  const { codes, reason, destroyed } = presence;
  if (destroyed) return result(800, reason === '' ? 'The room is no more' : reason);
  if (isTechnicalEnd(presence)) return undefined;
  const words = Object.keys(PUT_OUT).find((code) => codes.has(code));
  if (words === undefined) return undefined;
  return result(809, reason === '' ? PUT_OUT[words] : `${PUT_OUT[words] ?? ''}: ${reason}`);
}

/** Who comes back and is refused is out: 800 when the room is gone, else 809 (LeaveGroupIndication knows no other). */
function outcomeFor({ state }: Guest, refused: Result): Result {
  if (state !== 'rejoining' || refused.code === 800) return refused;
  const { description } = refused;
  return description === undefined ? result(809) : result(809, description);
}
