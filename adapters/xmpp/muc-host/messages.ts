// Messages of a room, both ways (XEP-0045 sections 7.4, 7.5, 8.1): to everybody, whispers, and the subject.

import { trusted } from '../../../src/wv/ids.ts';
import type { MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { Message, Party } from '../../../src/wv/message.ts';
import type { SendMessageRequest, SendMessageResponse } from '../../../src/wv/primitives.ts';
import { combine, isSuccess, result } from '../../../src/wv/status.ts';
import type { DetailedResult, Result, StatusCode } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { metaOf } from '../bridge.ts';
import { QueueFull } from '../conversation-queue.ts';
import { roomMessageIdOf } from '../message-ids.ts';
import { NS } from '../namespaces.ts';
import { bodyOf } from '../text.ts';
import { childOf, elementsOf, stanza, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { ask, fullJid, inRoom, occupantIdFor, occupantOf, refuse, tellAll } from './context.ts';
import type { HostContext, Visit } from './context.ts';
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

export class RoomMessages {
  readonly #context: HostContext;

  constructor(context: HostContext) {
    this.#context = context;
  }

  // ---- from the group's home

  /** Copies for users of ours. 531 for one who is not in the room: the relay then has him leave. */
  async deliver(request: SendMessageRequest): Promise<SendMessageResponse> {
    const { message } = request;
    const codes = await Promise.all(message.recipients.map((party) => this.#deliverTo(message, party)));
    const failures = codes.flatMap((code, index): DetailedResult[] => {
      const party = message.recipients[index];
      return code === 200 || party?.kind !== 'user' ? [] : [{ code, users: [party.user] }];
    });
    const outcome = combine(codes.length - failures.length, failures);
    return { primitive: 'SendMessageResponse', messageId: message.id, result: outcome };
  }

  async #deliverTo(message: Message, recipient: Party): Promise<StatusCode> {
    const { sender, expiresAt } = message;
    if (sender.kind !== 'group' || recipient.kind !== 'user') return 405;
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
        this.#write(message, from, roomJid, recipient.user),
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
    roomJid: Parameters<typeof inRoom>[1],
    user: UserAddress,
  ): Promise<StatusCode | { readonly confirmed: Promise<boolean> }> {
    const { link } = this.#context.bridge;
    if (!link.writable) return 503;
    const room = this.#context.rooms.get(roomJid);
    const occupant = room === undefined ? undefined : occupantOf(this.#context, room, user);
    if (room === undefined || occupant === undefined) return 531;
    const ids = await this.#authorIds(room, message.id);
    const stanzas = [...occupant.resources].map((resource) =>
      this.#stanza(room, message, { from, to: fullJid(occupant, resource) }, ids),
    );
    // To all of his clients, or to none of them.
    for (const element of stanzas) if (!link.send(element)) return 503;
    return { confirmed: link.confirmed() };
  }

  /** Where the author is a user of XMPP, too, everybody sees his ids. */
  async #authorIds(room: Room, id: MessageId): Promise<AuthorIds> {
    const known = await this.#context.bridge.relay.storage.remoteOf(id);
    const ids = known?.conversation === conversationOf(room) ? readIds(known.remoteId) : undefined;
    return ids ?? { stanzaId: id, originId: '' };
  }

  #stanza(
    room: Room,
    { id, content, sentAt, sender, addressedTo }: Message,
    { from, to }: { readonly from: string; readonly to: string },
    { stanzaId, originId }: AuthorIds,
  ): XmlElement {
    const whispered = addressedTo?.screenName !== undefined;
    const late = this.#context.bridge.relay.clock.now() - sentAt > DELAY_STAMP_AFTER_MS;
    const stamp = new Date(sentAt).toISOString();
    const nick = sender.kind === 'group' ? sender.screenName : undefined;
    const author = nick === undefined ? undefined : (room.presentAs(nick) ?? { nick });
    return stanza(
      'message',
      { type: whispered ? 'chat' : 'groupchat', from, to, id: stanzaId },
      xml(NS.component, 'body', {}, bodyOf(content)),
      originId === '' ? undefined : xml(NS.stanzaId, 'origin-id', { id: originId }),
      whispered ? xml(NS.mucUser, 'x') : xml(NS.stanzaId, 'stanza-id', { id, by: room.jid }),
      author === undefined
        ? undefined
        : xml(NS.occupantId, 'occupant-id', { id: occupantIdFor(this.#context, room, author) }),
      late ? xml(NS.delay, 'delay', { from: room.jid, stamp }) : undefined,
    );
  }

  // ---- from occupants

  /** Of type groupchat: for everybody, or the subject. */
  async toRoom(room: Room, occupant: Occupant, visit: Visit): Promise<void> {
    const message = visit.incoming.stanza;
    if (visit.nick !== '') return refuse(this.#context, message, result(400, 'not to one occupant'));
    if (isEncrypted(message)) return refuse(this.#context, message, result(415));
    const subject = childOf(message, 'subject');
    const body = pick(message, 'body');
    if (subject !== undefined && childOf(message, 'body') === undefined) {
      return await this.#setTopic(room, occupant, visit, textOf(subject));
    }
    // Chat states, markers, reactions and the like: WV has no word for them.
    if (body === '') return this.#drop('no_body');
    await this.#send(room, occupant, visit, body);
  }

  async #send(room: Room, occupant: Occupant, visit: Visit, body: string): Promise<void> {
    const { relay } = this.#context.bridge;
    const ids = idsOf(visit.incoming.stanza);
    const id = this.#messageId(visit, ids, body);
    const copy = copyIdOf(id, room.group);
    // A repeat is handed on all the same: the first try may have failed, and the relay knows what it has.
    const isNew = await relay.storage.link(conversationOf(room), writeIds(copy, ids), copy);
    const answer = await this.#emit(visit, id, body, { kind: 'group', group: room.group });
    if (!isSuccess(answer) || answer.code === 201)
      return refuse(this.#context, visit.incoming.stanza, answer);
    const now = relay.clock.now();
    const reflected: Message = {
      id: copy,
      sender: { kind: 'group', group: room.group, screenName: occupant.nick },
      recipients: [],
      sentAt: now,
      expiresAt: now + this.#context.bridge.settings.messageValidityMs,
      content: { contentType: 'text/plain', encoding: 'none', data: body },
    };
    const from = `${room.jid}/${occupant.nick}`;
    const shown = { ...ids, stanzaId: ids.stanzaId === '' ? copy : ids.stanzaId };
    await tellAll(this.#context, [occupant], (viewer, resource) =>
      isNew || resource === visit.resource
        ? [this.#stanza(room, reflected, { from, to: fullJid(viewer, resource) }, shown)]
        : [],
    );
  }

  /** To one nick. */
  async whisper(room: Room, visit: Visit): Promise<void> {
    const message = visit.incoming.stanza;
    if (isEncrypted(message)) return refuse(this.#context, message, result(415));
    const body = pick(message, 'body');
    if (body === '') return this.#drop('no_body');
    const id = this.#messageId(visit, idsOf(message), body);
    const to: Party = { kind: 'group', group: room.group, screenName: visit.nick };
    const answer = await this.#emit(visit, id, body, to);
    if (!isSuccess(answer) || answer.code === 201) refuse(this.#context, message, answer);
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

  #messageId({ jid, roomJid, incoming }: Visit, { stanzaId, originId }: AuthorIds, body: string): MessageId {
    const to =
      incoming.to.resource === '' ? roomJid : (`${roomJid}/${incoming.to.resource}` as typeof roomJid);
    const id = roomMessageIdOf(jid, to, originId === '' ? stanzaId : originId, body);
    return id ?? trusted<MessageId>(`x${this.#context.bridge.relay.ids.random(20)}`);
  }

  async #emit({ user }: Visit, id: MessageId, body: string, recipient: Party): Promise<Result> {
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
        content: { contentType: 'text/plain', encoding: 'none', data: body },
      },
    });
    return answer.result;
  }

  #drop(reason: string): void {
    this.#context.bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
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

function isEncrypted(message: XmlElement): boolean {
  return elementsOf(message).some(
    ({ name, ns }) => name === 'encrypted' && (ns === NS.omemo || ns === NS.omemoLegacy),
  );
}

/** The text without a language of its own, else the first. */
function pick(message: XmlElement, name: string): string {
  const found = elementsOf(message).filter((child) => child.name === name && child.ns === NS.component);
  return textOf(found.find((child) => child.attrs['xml:lang'] === undefined) ?? found[0]);
}
