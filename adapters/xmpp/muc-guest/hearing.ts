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
import { isWorthTelling, whatWasSaid } from '../compositions.ts';
import type { RoomLetter } from '../compositions.ts';
import { encryptionOf, isDue, isKeyExchange, isUnanswerable, roomExplanation } from '../encrypted.ts';
import { errorReply } from '../errors.ts';
import type { IncomingFiles } from '../files/incoming-files.ts';
import { fileReferenceOf } from '../files/links.ts';
import { bareJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import type { RoomPiece, RoomText, RoomTexts } from '../room-texts.ts';
import { childOf, stanza, xml } from '../xml.ts';
import type { Guests } from './guests.ts';
import type { RoomNotices } from './notices.ts';
import type { Guest, Room } from './room.ts';
import type { Speaking } from './speaking.ts';
import { bodyOfRoom, heldSince, lastingId, puppetJid, stampOf, subjectOf } from './stanzas.ts';

/** The relay could not keep it: tried again after these pauses, ms. The author cannot be told, so it is worth that. */
const PAUSES_MS: readonly number[] = [500, 2_000, 10_000];
const NOT_NOW: ReadonlySet<number> = new Set([500, 503, 504]);
/** Recipients of one request. */
const CHUNK = 200;

/** What was heard in a room, on its way to some of ours. */
interface Heard {
  readonly message: Incoming;
  readonly nick: string;
  readonly sentAt: number;
  readonly id: MessageId;
  /** See RoomLetter. */
  readonly hearers: string;
  readonly addressedTo?: GroupParty;
}

type GroupParty = Party & { readonly kind: 'group' };

interface HearingParts {
  readonly guests: Guests;
  readonly notices: RoomNotices;
  readonly speaking: Speaking;
  readonly texts: RoomTexts;
  readonly files: IncomingFiles | undefined;
}

export class Hearing {
  readonly #bridge: Bridge;
  readonly #guests: Guests;
  readonly #notices: RoomNotices;
  readonly #speaking: Speaking;
  readonly #texts: RoomTexts;
  readonly #files: IncomingFiles | undefined;

  constructor(bridge: Bridge, { guests, notices, speaking, texts, files }: HearingParts) {
    this.#bridge = bridge;
    this.#guests = guests;
    this.#notices = notices;
    this.#speaking = speaking;
    this.#texts = texts;
    this.#files = files;
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

  #forAll(guest: Guest, incoming: Incoming): void {
    const { stanza: message, from } = incoming;
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
    if (!this.#readable(guest, incoming, held)) return;
    if (held !== undefined) return this.#history(guest, incoming, held);
    guest.synced = true;
    if (guest.room.listener() !== guest) return;
    const others = guest.room.present.filter((other) => other.nick !== nick);
    const sentAt = this.#bridge.relay.clock.now();
    const id = this.#idOf(guest.room.jid, incoming);
    // Also with nobody to hear it: later messages may be about it.
    this.#hand(guest.room, others, {
      message: incoming,
      nick,
      sentAt,
      id,
      hearers: `room ${guest.room.jid}`,
    });
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
  #history(guest: Guest, incoming: Incoming, held: number): void {
    const nick = incoming.from.resource;
    const isMissed = held >= guest.joinedAt && lastingId(incoming.stanza) !== undefined;
    if (!isMissed && guest.historyLeft <= 0) return this.#drop('room_history');
    if (!isMissed) guest.historyLeft -= 1;
    if (nick === guest.nick) return this.#drop('room_history');
    const { room, userJid } = guest;
    const id = this.#idOf(room.jid, incoming);
    const hearers = `room ${room.jid} ${userJid}`;
    this.#hand(room, [guest], { message: incoming, nick, sentAt: held, id, hearers });
  }

  #whisper(guest: Guest, incoming: Incoming): void {
    if (!this.#readable(guest, incoming, undefined)) return;
    const { room, userJid } = guest;
    const { group } = room;
    const nick = incoming.from.resource;
    const id = this.#idOf(`${room.jid} ${userJid}`, incoming);
    // What the room itself says to one of us is no whisper of somebody.
    const addressedTo: GroupParty =
      nick === '' ? { kind: 'group', group } : { kind: 'group', group, screenName: guest.nick };
    const sentAt = this.#bridge.relay.clock.now();
    const hearers = `whisper ${room.jid} ${userJid}`;
    this.#hand(room, [guest], { message: incoming, nick, sentAt, id, hearers, addressedTo });
  }

  /** The same for every copy of a message, also from the history: the relay keeps one of them. */
  #idOf(place: string, { stanza: message, from }: Incoming): MessageId {
    const id = lastingId(message);
    if (id === undefined) return trusted<MessageId>(`r${this.#bridge.relay.ids.random(20)}`);
    const said = whatWasSaid(message, bodyOfRoom(message));
    const digest = createHash('sha256').update(JSON.stringify([place, from.resource, id, said]));
    return trusted<MessageId>(`r${digest.digest('base64url').slice(0, 27)}`);
  }

  /** False: nothing to read, or not for us. Who wrote it encrypted is told so once a day, by one of ours. */
  #readable(guest: Guest, incoming: Incoming, held: number | undefined): boolean {
    const { stanza: message } = incoming;
    const method = isKeyExchange(message) ? undefined : encryptionOf(message);
    if (method === undefined) {
      const isWords = !isKeyExchange(message) && isWorthTelling(message);
      if (!isWords) this.#drop('no_body');
      return isWords;
    }
    this.#drop('encrypted');
    const isForAll = message.attrs['type'] === 'groupchat';
    if (held === undefined && !(isForAll && guest.room.listener() !== guest))
      this.#explain(guest, incoming, method);
    return false;
  }

  #explain(guest: Guest, { stanza: message, from }: Incoming, method: string): void {
    const { room, userJid } = guest;
    if (from.resource === '' || room.guestNamed(from.resource) !== undefined || isUnanswerable(message))
      return;
    const to = `${room.jid}/${from.resource}`;
    const telling = isDue(this.#bridge, `room ${to}`).then((due) => {
      if (!due) return;
      const content = [...roomExplanation(method), xml(NS.mucUser, 'x')];
      this.#bridge.link.send(stanza('message', { type: 'chat', from: puppetJid(userJid), to }, ...content));
    });
    guarded(this.#bridge, 'explanation', telling);
  }

  #hand(room: Room, guests: readonly Guest[], heard: Heard): void {
    const handing = this.#bridge.queues.run(`hear ${room.jid}`, () => this.#deliver(room, guests, heard));
    guarded(this.#bridge, 'room message', handing);
  }

  async #deliver(room: Room, guests: readonly Guest[], heard: Heard): Promise<void> {
    const text = await this.#texts.compose(this.#letter(room, heard), heard.id);
    if (text === undefined) return;
    for (const [hearers, pieces] of await this.#copies(room, guests, heard, text)) {
      for (const piece of pieces) {
        for (let start = 0; start < hearers.length; start += CHUNK) {
          await this.#emit(this.#request(hearers.slice(start, start + CHUNK), room, heard, piece));
        }
      }
    }
    await text.handedOn();
  }

  /** Those who know who shares a file get it, the others a link. */
  async #copies(
    room: Room,
    guests: readonly Guest[],
    { message, nick }: Heard,
    text: RoomText,
  ): Promise<readonly (readonly [readonly Guest[], readonly RoomPiece[]])[]> {
    if (fileReferenceOf(message.stanza) === undefined || this.#files === undefined)
      return [[guests, text.pieces]];
    const jid = room.occupant(nick)?.jid;
    const users = guests.map(({ userJid }) => userJid);
    const wanted = await this.#files.wantedBy(users, jid && bareJid(jid));
    const withFile = wanted.size === 0 ? undefined : await text.withFile();
    if (withFile === undefined) return [[guests, text.pieces]];
    return [
      [guests.filter(({ userJid }) => wanted.has(userJid)), withFile],
      [guests.filter(({ userJid }) => !wanted.has(userJid)), text.pieces],
    ];
  }

  #letter(room: Room, { message, nick, hearers }: Heard): RoomLetter {
    const jid = room.occupant(nick)?.jid;
    const chat = message.stanza.attrs['type'] === 'groupchat' ? `room ${room.jid}` : `${hearers} ${nick}`;
    const author = `${chat} by ${jid === undefined ? nick : bareJid(jid)}`;
    const roomsId = stampOf(message.stanza, room.jid) ?? '';
    return { incoming: message, chat, room: room.jid, nick, author, hearers, roomsId };
  }

  #request(
    guests: readonly Guest[],
    { group }: Room,
    { nick, sentAt, addressedTo }: Heard,
    { id, content }: RoomPiece,
  ): SendMessageRequest {
    const { clock } = this.#bridge.relay;
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
        content,
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

  #drop(reason: string): void {
    this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}
