// Messages of rooms for our users in them (bridging sections 4, 7.3, 11). Each of our occupants gets a copy of what is
// for all: the elected listener's is taken, and handed to all of them at once. History and whispers are each one's own.

import { createHash } from 'node:crypto';
import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { MessageId } from '../../../src/wv/ids.ts';
import type { Party } from '../../../src/wv/message.ts';
import type { SendMessageRequest } from '../../../src/wv/primitives.ts';
import { isSuccess } from '../../../src/wv/status.ts';
import { guarded } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { errorReply } from '../errors.ts';
import { bareJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { childOf, elementsOf } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import type { Guests } from './guests.ts';
import type { RoomNotices } from './notices.ts';
import type { Guest } from './room.ts';
import type { Speaking } from './speaking.ts';
import { bodyOfRoom, heldSince, lastingId, subjectOf } from './stanzas.ts';

/** The relay could not keep it: tried again after these pauses, ms. The author cannot be told, so it is worth that. */
const PAUSES_MS: readonly number[] = [500, 2_000, 10_000];
const NOT_NOW: ReadonlySet<number> = new Set([500, 503, 504]);
/** Recipients of one request. */
const CHUNK = 200;

interface Heard {
  readonly nick: string;
  readonly body: string;
  readonly sentAt: number;
  readonly id: MessageId;
}

export class Hearing {
  readonly #bridge: Bridge;
  readonly #guests: Guests;
  readonly #notices: RoomNotices;
  readonly #speaking: Speaking;

  constructor(bridge: Bridge, guests: Guests, notices: RoomNotices, speaking: Speaking) {
    this.#bridge = bridge;
    this.#guests = guests;
    this.#notices = notices;
    this.#speaking = speaking;
  }

  /** True when the message came from a room, so that it is no user's. */
  received(incoming: Incoming): boolean {
    const { stanza: message, from, to } = incoming;
    const { type } = message.attrs;
    const guest = this.#guests.find(bareJid(to), bareJid(from));
    if (guest === undefined) return this.#forNobody(incoming);
    guest.heardAt = this.#bridge.relay.clock.now();
    if (type === 'error') this.#speaking.refused(guest, incoming);
    else if (type === 'groupchat') this.#forAll(guest, incoming);
    else this.#whisper(guest, incoming);
    return true;
  }

  /** The error makes the room put out the ghost that it believes to be there (bridging 14, failure 3). */
  #forNobody({ stanza: message }: Incoming): boolean {
    const { type } = message.attrs;
    const isPrivate = childOf(message, 'x', NS.mucUser) !== undefined && bodyOfRoom(message) !== '';
    if (type !== 'groupchat' && !(isPrivate && type !== 'error')) return false;
    this.#bridge.relay.metrics.count('xmpp_room_ghosts_total');
    const reply = errorReply(message, { condition: 'recipient-unavailable', type: 'cancel' });
    if (reply !== undefined) this.#bridge.link.send(reply);
    return true;
  }

  #forAll(guest: Guest, { stanza: message, from }: Incoming): void {
    const nick = from.resource;
    const subject = subjectOf(message);
    if (subject !== undefined) return this.#subject(guest, subject, nick);
    const held = heldSince(message, guest.room.jid, guest.synced);
    if (nick !== '' && nick === guest.nick && this.#speaking.echoed(guest, message, held)) {
      // His own words: they are said. The others of ours hear them like everybody's.
      if (held !== undefined) return;
    }
    // Every copy but one ends here: a hundred of ours in a room are a hundred copies.
    if (held === undefined && guest.synced && guest.room.listener() !== guest) return;
    const body = this.#readable(message);
    if (body === undefined) return;
    if (held !== undefined) return this.#history(guest, message, { nick, body, held });
    guest.synced = true;
    if (guest.room.listener() !== guest) return;
    const id = lastingId(message);
    const messageId = id === undefined ? this.#randomId() : idOf(guest.room.jid, nick, id, body);
    const others = guest.room.present.filter((other) => other.nick !== nick);
    this.#hand(others, { nick, body, sentAt: this.#bridge.relay.clock.now(), id: messageId });
  }

  #subject(guest: Guest, subject: string, nick: string): void {
    const { room } = guest;
    // The one that ends the history is no news (XEP-0045 section 7.2.15).
    const isNews = guest.synced;
    guest.synced = true;
    this.#speaking.subjectChanged(guest, subject, nick);
    if (room.subject === subject) return;
    room.subject = subject;
    if (isNews) this.#notices.topic(room, subject);
  }

  /**
   * What was said before the join is history, of which he gets as much as the operator allows; what was said since, and
   * missed, is recognised by its id when it was heard after all. Without an id it cannot be told apart.
   */
  #history(
    guest: Guest,
    message: XmlElement,
    { nick, body, held }: { readonly nick: string; readonly body: string; readonly held: number },
  ): void {
    const id = lastingId(message);
    const isMissed = held >= guest.joinedAt && id !== undefined;
    if (!isMissed && guest.historyLeft <= 0) return this.#drop('room_history');
    if (!isMissed) guest.historyLeft -= 1;
    if (nick === guest.nick) return this.#drop('room_history');
    const messageId = id === undefined ? this.#randomId() : idOf(guest.room.jid, nick, id, body);
    this.#hand([guest], { nick, body, sentAt: held, id: messageId });
  }

  #whisper(guest: Guest, { stanza: message, from }: Incoming): void {
    const body = this.#readable(message);
    if (body === undefined) return;
    const { group } = guest.room;
    const now = this.#bridge.relay.clock.now();
    const id = lastingId(message);
    const nick = from.resource;
    const messageId =
      id === undefined ? this.#randomId() : idOf(`${guest.room.jid} ${guest.userJid}`, nick, id, body);
    // What the room itself says to one of us is no whisper of somebody.
    const addressedTo = nick === '' ? { kind: 'group' as const, group } : party(guest, guest.nick);
    this.#hand([guest], { nick, body, sentAt: now, id: messageId }, addressedTo);
  }

  /** Undefined: nothing to read, or not for us. */
  #readable(message: XmlElement): string | undefined {
    const isSealed = elementsOf(message).some(
      ({ name, ns }) => name === 'encrypted' && (ns === NS.omemo || ns === NS.omemoLegacy),
    );
    const body = bodyOfRoom(message);
    if (body === '' || isSealed) {
      this.#drop(isSealed ? 'encrypted' : 'no_body');
      return undefined;
    }
    return body;
  }

  #hand(guests: readonly Guest[], heard: Heard, addressedTo?: Party & { readonly kind: 'group' }): void {
    const [first] = guests;
    if (first === undefined) return;
    const { room } = first;
    for (let start = 0; start < guests.length; start += CHUNK) {
      const request = this.#request(guests.slice(start, start + CHUNK), first, heard, addressedTo);
      const handing = this.#bridge.queues.run(`hear ${room.jid}`, () => this.#emit(request));
      guarded(this.#bridge, 'room message', handing);
    }
  }

  #request(
    guests: readonly Guest[],
    { room }: Guest,
    { nick, body, sentAt, id }: Heard,
    addressedTo: (Party & { readonly kind: 'group' }) | undefined,
  ): SendMessageRequest {
    const { clock } = this.#bridge.relay;
    const { group } = room;
    return {
      primitive: 'SendMessageRequest',
      meta: { service: serviceAddress(domainOf(group)) },
      deliveryReport: false,
      repeatable: true,
      message: {
        id,
        sender: nick === '' ? { kind: 'group', group } : { kind: 'group', group, screenName: nick },
        recipients: guests.map(({ user }): Party => ({ kind: 'user', user })),
        addressedTo: addressedTo ?? { kind: 'group', group },
        sentAt,
        expiresAt: clock.now() + this.#bridge.settings.messageValidityMs,
        content: { contentType: 'text/plain', encoding: 'none', data: body },
      },
    };
  }

  async #emit(request: SendMessageRequest): Promise<void> {
    const { relay } = this.#bridge;
    for (const pause of [...PAUSES_MS, undefined]) {
      const { result } = await relay.emit(request);
      if (NOT_NOW.has(result.code) && pause !== undefined) {
        await new Promise<void>((resolve) => void relay.clock.after(pause, resolve));
        continue;
      }
      if (!isSuccess(result) || result.code === 201) {
        relay.metrics.count('xmpp_refused_by_relay_total', {
          primitive: request.primitive,
          code: String(result.code),
        });
      }
      return;
    }
  }

  #randomId(): MessageId {
    return trusted<MessageId>(`r${this.#bridge.relay.ids.random(20)}`);
  }

  #drop(reason: string): void {
    this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}

function party({ room }: Guest, screenName: string): Party & { readonly kind: 'group' } {
  return { kind: 'group', group: room.group, screenName };
}

/** The same for every copy of a message, also from the history: the relay keeps one of them. */
function idOf(place: string, nick: string, id: string, body: string): MessageId {
  const digest = createHash('sha256').update(JSON.stringify([place, nick, id, body]));
  return trusted<MessageId>(`r${digest.digest('base64url').slice(0, 27)}`);
}
