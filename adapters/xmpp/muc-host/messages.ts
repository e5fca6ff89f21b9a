// Messages of a room, both ways (XEP-0045 sections 7.4, 7.5, 8.1): to everybody, whispers, and the subject.

import { trusted } from '../../../src/wv/ids.ts';
import type { MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { Message, Party } from '../../../src/wv/message.ts';
import type { SendMessageRequest, SendMessageResponse } from '../../../src/wv/primitives.ts';
import { combine, isSuccess, result } from '../../../src/wv/status.ts';
import type { DetailedResult, Result, StatusCode } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { metaOf } from '../bridge.ts';
import { isWorthTelling, whatWasSaid } from '../compositions.ts';
import type { RoomLetter } from '../compositions.ts';
import { QueueFull } from '../conversation-queue.ts';
import { encryptionOf, isDue, isKeyExchange, isUnanswerable, roomExplanation } from '../encrypted.ts';
import { fileReferenceOf } from '../files/links.ts';
import type { OutgoingFiles } from '../files/outgoing-files.ts';
import { hopMark } from '../hop.ts';
import type { BareJid } from '../jid.ts';
import { roomMessageIdOf } from '../message-ids.ts';
import { NS } from '../namespaces.ts';
import { RoomTexts } from '../room-texts.ts';
import type { RoomPiece, RoomTextParts } from '../room-texts.ts';
import { bodyOf } from '../text.ts';
import { childOf, elementsOf, stanza, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { ask, fullJid, inRoom, occupantIdFor, occupantOf, refuse, tellAll } from './context.ts';
import type { HostContext, Visit } from './context.ts';
import { Originals, wordsOfOccupant } from './originals.ts';
import { Standings } from './standing.ts';
import { copyIdOf, occupantJid } from './room-addresses.ts';
import type { Occupant, Room } from './room.ts';
import { subjectMessage } from './stanzas.ts';

/** A message older than this says when it was sent (XEP-0203). */
const DELAY_STAMP_AFTER_MS = 60_000;
/** Longest ids kept, characters. */
const MAX_ID = 256;

/** The ids under which its author knows a message. */
interface AuthorIds {
  readonly stanzaId: string;
  readonly originId: string;
}

export interface RoomParts extends RoomTextParts {
  readonly uploads?: OutgoingFiles;
}

/** What stands in a stanza for the content of a message. */
type Words = readonly XmlElement[];

export class RoomMessages {
  readonly #context: HostContext;
  readonly #parts: RoomTextParts;
  readonly #uploads: OutgoingFiles | undefined;
  readonly #texts: RoomTexts;
  readonly #originals = new Originals();
  readonly #standings: Standings;

  /** Without `parts.files` and `parts.uploads`, files are words about them. */
  constructor(context: HostContext, { uploads, ...parts }: RoomParts) {
    this.#context = context;
    this.#parts = parts;
    this.#uploads = uploads;
    this.#texts = new RoomTexts(context.bridge, parts);
    this.#standings = new Standings(context);
  }

  // ---- from the group's home

  /** Copies for users of ours. 531 for one who is not in the room: the relay then has him leave. */
  async deliver(request: SendMessageRequest): Promise<SendMessageResponse> {
    const { message } = request;
    const words = await this.#wordsOf(message);
    const codes = await Promise.all(
      message.recipients.map(async (party): Promise<StatusCode> =>
        words === 'later' ? 503 : await this.#deliverTo(message, party, words),
      ),
    );
    const failures = codes.flatMap((code, index): DetailedResult[] => {
      const party = message.recipients[index];
      return code === 200 || party?.kind !== 'user' ? [] : [{ code, users: [party.user] }];
    });
    const outcome = combine(codes.length - failures.length, failures);
    return { primitive: 'SendMessageResponse', messageId: message.id, result: outcome };
  }

  /** As its author on XMPP wrote it, else the text, or the address of the file. Empty: an earlier copy had it all. */
  async #wordsOf(message: Message): Promise<Words | 'later'> {
    const original = this.#originals.of(message.id);
    if (original !== undefined) return original;
    // Who wrote it is not known here for sure: the component asks for a place for the file.
    const { componentDomain } = this.#context.bridge.settings;
    const file = await this.#uploads?.prepare(message, componentDomain as BareJid);
    if (file === 'later') return file;
    return [xml(NS.component, 'body', {}, file?.body ?? bodyOf(message.content)), ...(file?.elements ?? [])];
  }

  async #deliverTo(message: Message, recipient: Party, words: Words): Promise<StatusCode> {
    const { sender, expiresAt } = message;
    if (sender.kind !== 'group' || recipient.kind !== 'user') return 405;
    if (words.length === 0) return 200;
    const { codec, bridge } = this.#context;
    const roomJid = codec.roomJid(sender.group);
    if (isUnmappable(roomJid)) return roomJid.unmappable;
    const from = sender.screenName === undefined ? roomJid : occupantJid(roomJid, sender.screenName);
    if (isUnmappable(from)) {
      bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'unmappable_screen_name' });
      return from.unmappable;
    }
    if (expiresAt <= bridge.relay.clock.now()) return 542;
    try {
      const written = await inRoom(this.#context, roomJid, () =>
        this.#write(message, from, roomJid, { user: recipient.user, words }),
      );
      if (typeof written === 'number') return written;
      return (await written.confirmed) ? 200 : 503;
    } catch (error) {
      if (error instanceof QueueFull) return 503;
      throw error;
    }
  }

  async #write(
    message: Message,
    from: string,
    roomJid: BareJid,
    { user, words }: { readonly user: UserAddress; readonly words: Words },
  ): Promise<StatusCode | { readonly confirmed: Promise<boolean> }> {
    const { link } = this.#context.bridge;
    if (!link.writable) return 503;
    const room = this.#context.rooms.get(roomJid);
    const occupant = room === undefined ? undefined : occupantOf(this.#context, room, user);
    if (room === undefined || occupant === undefined) return 531;
    const ids = await this.#authorIds(room, message.id);
    const stanzas = [...occupant.resources].map((resource) =>
      this.#stanza(room, message, { from, to: fullJid(occupant, resource) }, { ids, words }),
    );
    // To all of his clients, or to none of them.
    for (const element of stanzas) if (!link.send(element)) return 503;
    this.#remember(room, message, ids);
    return { confirmed: link.confirmed() };
  }

  /** Occupants may answer what phones said, and react to it. */
  #remember(room: Room, { id, content, sender, addressedTo }: Message, { stanzaId }: AuthorIds): void {
    if (addressedTo?.screenName !== undefined || stanzaId !== id) return;
    const nick = sender.kind === 'group' ? sender.screenName : undefined;
    const at = this.#context.bridge.relay.clock.now();
    const said = { ids: [id], text: bodyOf(content), at, ...(nick === undefined ? {} : { nick }) };
    this.#parts.memory.took(conversationOf(room), said);
  }

  /** Where the author is a user of XMPP, too, everybody sees his ids. */
  async #authorIds(room: Room, id: MessageId): Promise<AuthorIds> {
    const known = await this.#context.bridge.relay.storage.remoteOf(id);
    const ids = known?.conversation === conversationOf(room) ? readIds(known.remoteId) : undefined;
    return ids ?? { stanzaId: id, originId: '' };
  }

  #stanza(
    room: Room,
    { id, sentAt, sender, addressedTo }: Omit<Message, 'content'>,
    { from, to }: { readonly from: string; readonly to: string },
    { ids: { stanzaId, originId }, words }: { readonly ids: AuthorIds; readonly words: Words },
  ): XmlElement {
    const whispered = addressedTo?.screenName !== undefined;
    const late = this.#context.bridge.relay.clock.now() - sentAt > DELAY_STAMP_AFTER_MS;
    const stamp = new Date(sentAt).toISOString();
    const nick = sender.kind === 'group' ? sender.screenName : undefined;
    const author = nick === undefined ? undefined : (room.presentAs(nick) ?? { nick });
    return stanza(
      'message',
      { type: whispered ? 'chat' : 'groupchat', from, to, id: stanzaId },
      ...words,
      originId === '' ? undefined : xml(NS.stanzaId, 'origin-id', { id: originId }),
      whispered ? xml(NS.mucUser, 'x') : xml(NS.stanzaId, 'stanza-id', { id, by: room.jid }),
      author === undefined
        ? undefined
        : xml(NS.occupantId, 'occupant-id', { id: occupantIdFor(this.#context, room, author) }),
      late ? xml(NS.delay, 'delay', { from: room.jid, stamp }) : undefined,
      hopMark(),
    );
  }

  // ---- from occupants

  /** Of type groupchat: for everybody, or the subject. */
  async toRoom(room: Room, occupant: Occupant, visit: Visit): Promise<void> {
    const message = visit.incoming.stanza;
    if (visit.nick !== '') return refuse(this.#context, message, result(400, 'not to one occupant'));
    if (await this.#isSealed(room, visit)) return;
    const subject = childOf(message, 'subject');
    if (subject !== undefined && childOf(message, 'body') === undefined) {
      return await this.#setTopic(room, occupant, visit, textOf(subject));
    }
    // Chat states, markers and the like: WV has no word for them.
    if (!isWorthTelling(message)) return this.#drop('no_body');
    await this.#standings.refresh(room, occupant, fileReferenceOf(message) !== undefined);
    await this.#send(room, occupant, visit);
  }

  async #send(room: Room, occupant: Occupant, visit: Visit): Promise<void> {
    const { incoming } = visit;
    const ids = idsOf(incoming.stanza);
    const id = this.#messageId(visit, ids);
    const roomsId = copyIdOf(id, room.group);
    const chat = conversationOf(room);
    const letter: RoomLetter = { incoming, chat, room: room.jid, nick: occupant.nick, author: `${chat} by ${occupant.jid}`, hearers: chat, roomsId }; // prettier-ignore
    const text = await this.#texts.compose(letter, id);
    // What phones have no use for is for those on XMPP alone.
    if (text === undefined) return await this.#show(room, occupant, visit, { roomsId, ids, to: room.occupants.values() }); // prettier-ignore
    const pieces = (this.#isTrusted(occupant) ? await text.withFile() : undefined) ?? text.pieces;
    const copies = pieces.map((piece) => copyIdOf(piece.id, room.group));
    this.#originals.keep(incoming.stanza, copies);
    // A repeat is handed on all the same: the first try may have failed, and the relay knows what it has.
    const { storage } = this.#context.bridge.relay;
    const news = await Promise.all(copies.map((copy) => storage.link(chat, writeIds(copy, ids), copy)));
    for (const piece of pieces) {
      const answer = await this.#emit(visit, piece, { kind: 'group', group: room.group });
      if (!isSuccess(answer) || answer.code === 201) return refuse(this.#context, incoming.stanza, answer);
    }
    await text.handedOn();
    const only = news.includes(true) ? undefined : visit.resource;
    await this.#show(room, occupant, visit, { roomsId: copies[0] ?? roomsId, ids, to: [occupant], only });
  }

  /** Reflects a message as it was written. `only`: to this client of each. */
  async #show(
    room: Room,
    { nick }: Occupant,
    { incoming }: Visit,
    { roomsId, ids, to, only }: Reflection,
  ): Promise<void> {
    const sentAt = this.#context.bridge.relay.clock.now();
    const sender = { kind: 'group', group: room.group, screenName: nick } as const;
    const reflected = { id: roomsId, sender, recipients: [], sentAt, expiresAt: sentAt };
    const from = `${room.jid}/${nick}`;
    const shown = { ...ids, stanzaId: ids.stanzaId === '' ? roomsId : ids.stanzaId };
    const words = wordsOfOccupant(incoming.stanza);
    await tellAll(this.#context, to, (viewer, resource) =>
      only === undefined || resource === only
        ? [this.#stanza(room, reflected, { from, to: fullJid(viewer, resource) }, { ids: shown, words })]
        : [],
    );
  }

  /** Whose files are fetched for all: members, whom the group's owner knows; or as the operator says. */
  #isTrusted({ standing }: Occupant): boolean {
    const { fetchFrom } = this.#context.bridge.settings.files;
    return fetchFrom === 'everybody' || (fetchFrom === 'contacts' && standing.affiliation !== 'none');
  }

  /** To one nick. */
  async whisper(room: Room, occupant: Occupant, visit: Visit): Promise<void> {
    const { incoming, nick } = visit;
    if (await this.#isSealed(room, visit)) return;
    if (!isWorthTelling(incoming.stanza)) return this.#drop('no_body');
    const chat = `whisper ${room.jid} ${visit.jid} ${nick}`;
    const letter: RoomLetter = { incoming, chat, room: room.jid, nick: occupant.nick, author: chat, hearers: chat, roomsId: '' }; // prettier-ignore
    const id = this.#messageId(visit, idsOf(incoming.stanza));
    const text = await this.#texts.compose(letter, id);
    if (text === undefined) return;
    // Of those on XMPP each gets a file as a link.
    const wantsFile = room.byNick(nick) === undefined && this.#isTrusted(occupant);
    const pieces = (wantsFile ? await text.withFile() : undefined) ?? text.pieces;
    for (const piece of pieces) {
      const answer = await this.#emit(visit, piece, { kind: 'group', group: room.group, screenName: nick });
      if (!isSuccess(answer) || answer.code === 201) return refuse(this.#context, incoming.stanza, answer);
    }
    await text.handedOn();
  }

  /** True for an encrypted message: it comes back, and why is told once a day. */
  async #isSealed(room: Room, { incoming, jid, resource }: Visit): Promise<boolean> {
    const message = incoming.stanza;
    if (isKeyExchange(message)) {
      this.#drop('key_exchange');
      return true;
    }
    const method = encryptionOf(message);
    if (method === undefined) return false;
    refuse(this.#context, message, result(415, 'encrypted messages cannot be read here'));
    const { bridge } = this.#context;
    if (isUnanswerable(message) || !(await isDue(bridge, `room ${room.jid} ${jid}`))) return true;
    const to = resource === '' ? jid : `${jid}/${resource}`;
    bridge.link.send(
      stanza('message', { type: 'groupchat', from: room.jid, to }, ...roomExplanation(method)),
    );
    return true;
  }

  async #setTopic(room: Room, occupant: Occupant, visit: Visit, topic: string): Promise<void> {
    const [before, by] = [room.topic, room.topicBy];
    // Before the home is asked: others are told by its notice.
    room.topic = topic.trim();
    room.topicBy = occupant.nick;
    const answer = await ask(this.#context, visit.user, room.group, {
      primitive: 'SetGroupPropsRequest',
      properties: [{ name: 'Topic', value: topic }],
    });
    if (!isSuccess(answer.result)) {
      [room.topic, room.topicBy] = [before, by];
      return refuse(this.#context, visit.incoming.stanza, answer.result);
    }
    await tellAll(this.#context, [occupant], (viewer, resource) => [
      subjectMessage(`${room.jid}/${occupant.nick}`, fullJid(viewer, resource), room.topic),
    ]);
  }

  #messageId({ jid, roomJid, incoming }: Visit, { stanzaId, originId }: AuthorIds): MessageId {
    const { to, stanza: message } = incoming;
    const place = to.resource === '' ? roomJid : (`${roomJid}/${to.resource}` as BareJid);
    const said = whatWasSaid(message, pick(message, 'body'));
    const id = roomMessageIdOf(jid, place, originId === '' ? stanzaId : originId, said);
    return id ?? trusted<MessageId>(`x${this.#context.bridge.relay.ids.random(20)}`);
  }

  async #emit({ user }: Visit, { id, content }: RoomPiece, recipient: Party): Promise<Result> {
    const { relay, settings } = this.#context.bridge;
    const now = relay.clock.now();
    const answer = await relay.emit({
      primitive: 'SendMessageRequest',
      meta: metaOf(user),
      // Receipts in rooms are not recommended (XEP-0184 section 5.3).
      deliveryReport: false,
      repeatable: true,
      message: {
        id,
        sender: { kind: 'user', user },
        recipients: [recipient],
        sentAt: now,
        expiresAt: now + settings.messageValidityMs,
        content,
      },
    });
    return answer.result;
  }

  #drop(reason: string): void {
    this.#context.bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}

interface Reflection {
  readonly roomsId: MessageId;
  readonly ids: AuthorIds;
  readonly to: Iterable<Occupant>;
  readonly only?: string | undefined;
}

function conversationOf(room: Room): string {
  return `room ${room.jid}`;
}

function idsOf(message: XmlElement): AuthorIds {
  const kept = (id: string | undefined): string => (id === undefined || id.length > MAX_ID ? '' : id);
  const origin = childOf(message, 'origin-id', NS.stanzaId);
  return { stanzaId: kept(message.attrs['id']), originId: kept(origin?.attrs['id']) };
}

/** Unique for the message, and readable. */
function writeIds(copy: MessageId, { stanzaId, originId }: AuthorIds): string {
  return JSON.stringify([copy, stanzaId, originId]);
}

function readIds(remoteId: string): AuthorIds | undefined {
  const [, stanzaId, originId] = JSON.parse(remoteId) as unknown[];
  if (typeof stanzaId !== 'string' || typeof originId !== 'string' || stanzaId === '') return undefined;
  return { stanzaId, originId };
}

/** The text without a language of its own, else the first. */
function pick(message: XmlElement, name: string): string {
  const found = elementsOf(message).filter((child) => child.name === name && child.ns === NS.component);
  return textOf(found.find((child) => child.attrs['xml:lang'] === undefined) ?? found[0]);
}
