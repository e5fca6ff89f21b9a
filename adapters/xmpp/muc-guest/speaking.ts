// Messages of our users to rooms of other servers, and whispers there (bridging sections 4, 11). A message to all is
// said when the room has shown it to its own author; whispers are never shown to their author.

import type { Message, Party } from '../../../src/wv/message.ts';
import type { SendMessageRequest, SendMessageResponse } from '../../../src/wv/primitives.ts';
import { combine, isSuccess, OK, result } from '../../../src/wv/status.ts';
import type { DetailedResult, Result } from '../../../src/wv/status.ts';
import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import { isUnmappable } from '../addresses.ts';
import { guarded } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { QueueFull } from '../conversation-queue.ts';
import { readStanzaError, statusOfError } from '../errors.ts';
import type { OutgoingFile, OutgoingFiles } from '../files/outgoing-files.ts';
import type { BareJid } from '../jid.ts';
import { stanzaIdOf } from '../message-ids.ts';
import { NS } from '../namespaces.ts';
import { bodyOf } from '../text.ts';
import { stanza, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { SPEAKING, WHISPERING } from './codes.ts';
import type { Guests } from './guests.ts';
import { Echoes } from './records.ts';
import type { Guest } from './room.ts';
import type { SelfPing } from './self-ping.ts';
import { bodyOfRoom, echoIds, messageStanza, puppetJid } from './stanzas.ts';

/** A reflection whose id the service changed is known by its text so long (bridging section 11). */
const SAME_TEXT_MS = 30_000;

/** A message older than this says when it was sent. */
const DELAY_STAMP_AFTER_MS = 60_000;

type GroupParty = Party & { readonly kind: 'group' };

/** Something of ours that the room is to show us. */
interface Said {
  readonly guest: Guest;
  readonly body: string;
  readonly at: number;
  readonly heard: (outcome: Result) => void;
}

export class Speaking {
  readonly #bridge: Bridge;
  readonly #guests: Guests;
  readonly #selfPing: SelfPing;
  readonly #files: OutgoingFiles | undefined;
  readonly #echoes: Echoes;
  /** By stanza id. At most one for each (user, room): the outbox sends one after another. */
  readonly #said = new Map<string, Said>();
  readonly #subjects = new Map<
    Guest,
    { readonly subject: string; readonly heard: (outcome: Result) => void }
  >();

  /** Without `files`, what is no text becomes a line that says what it was. */
  constructor(bridge: Bridge, guests: Guests, selfPing: SelfPing, files?: OutgoingFiles) {
    this.#files = files;
    this.#bridge = bridge;
    this.#guests = guests;
    this.#selfPing = selfPing;
    this.#echoes = new Echoes(bridge.relay.storage);
  }

  /** 503: not said, or not known to be; the same request may come again, and is not said twice. */
  async send(request: SendMessageRequest): Promise<SendMessageResponse> {
    const { message } = request;
    const outcomes = await Promise.all(message.recipients.map((party) => this.#to(request, party)));
    const failures = outcomes.flatMap((outcome, index): DetailedResult[] => {
      const party = message.recipients[index];
      if (isSuccess(outcome) || party === undefined) return [];
      return [
        { ...outcome, ...(party.kind === 'user' ? { users: [party.user] } : { groups: [party.group] }) },
      ];
    });
    const reached = outcomes.length - failures.length;
    return { primitive: 'SendMessageResponse', messageId: message.id, result: combine(reached, failures) };
  }

  async #to(request: SendMessageRequest, party: Party): Promise<Result> {
    const { codec, relay, queues } = this.#bridge;
    const { sender, expiresAt } = request.message;
    // A group never writes to a group: that would be a loop.
    if (sender.kind !== 'user' || party.kind !== 'group') return result(403);
    const userJid = codec.localJid(sender.user);
    const roomJid = codec.roomJid(party.group);
    if (isUnmappable(userJid)) return result(userJid.unmappable, userJid.reason);
    if (isUnmappable(roomJid)) return result(roomJid.unmappable, roomJid.reason);
    if (expiresAt <= relay.clock.now()) return result(542);
    // Nothing is uploaded for a room that the user is not in.
    if (this.#guests.find(userJid, roomJid) === undefined) return result(808);
    const file = await this.#files?.prepare(request.message, userJid);
    if (file === 'later') return result(503);
    try {
      return await queues.run(`speak ${userJid} ${roomJid}`, () =>
        this.#inTurn(request, party, { guest: this.#guests.find(userJid, roomJid), file }),
      );
    } catch (error) {
      if (error instanceof QueueFull) return result(503);
      throw error;
    }
  }

  async #inTurn(
    request: SendMessageRequest,
    party: GroupParty,
    { guest, file }: { readonly guest: Guest | undefined; readonly file: OutgoingFile | undefined },
  ): Promise<Result> {
    if (guest === undefined || guest.state === 'leaving' || guest.state === 'joining') return result(808);
    if (guest.state !== 'in' || !this.#bridge.link.writable) return result(503);
    const outcome = await (party.screenName === undefined
      ? this.#toAll(request, guest, file)
      : this.#whisper(request, guest, { screenName: party.screenName, file }));
    if (isSuccess(outcome) && request.deliveryReport) await this.#report(request, party);
    return outcome;
  }

  async #toAll(
    { message, deliveryReport }: SendMessageRequest,
    guest: Guest,
    file: OutgoingFile | undefined,
  ): Promise<Result> {
    const { relay } = this.#bridge;
    const { room } = guest;
    const id = stanzaIdOf(message.id, room.jid, deliveryReport);
    const isNew = await relay.storage.link(conversationOf(guest), id, message.id);
    if (!isNew) {
      if (await this.#echoes.has(id)) return OK;
      // Said before? The history tells.
      if (!guest.synced) return result(503);
      relay.metrics.count('xmpp_messages_resent_total');
    }
    const outcome = await this.#say(guest, id, this.#contentOf(message, guest, file));
    return outcome.code === 808 ? await this.#doubt(guest, outcome) : outcome;
  }

  /** What the message consists of in XMPP; when it was written, if that was long ago (XEP-0203). */
  #contentOf(
    message: Message,
    { userJid }: Guest,
    file: OutgoingFile | undefined,
  ): { readonly body: string; readonly elements: readonly XmlElement[] } {
    const body = file?.body ?? bodyOf(message.content);
    const late = this.#bridge.relay.clock.now() - message.sentAt > DELAY_STAMP_AFTER_MS;
    const stamp = { from: userJid, stamp: new Date(message.sentAt).toISOString() };
    const delay = late ? [xml(NS.delay, 'delay', stamp)] : [];
    return { body, elements: [xml(NS.component, 'body', {}, body), ...(file?.elements ?? []), ...delay] };
  }

  #say(
    guest: Guest,
    id: string,
    { body, elements }: { readonly body: string; readonly elements: readonly XmlElement[] },
  ): Promise<Result> {
    const { clock } = this.#bridge.relay;
    const { room, userJid } = guest;
    return new Promise((resolve) => {
      const heard = (outcome: Result): void => {
        cancel();
        this.#said.delete(id);
        resolve(outcome);
      };
      const cancel = clock.after(this.#bridge.settings.roomWaitMs, () => {
        this.#selfPing.suspect(guest);
        heard(result(503, 'The room has not shown the message'));
      });
      this.#said.set(id, { guest, body, at: clock.now(), heard });
      const attrs = { from: puppetJid(userJid), to: room.jid, id };
      const message = messageStanza(attrs, 'groupchat', ...elements);
      if (!this.#bridge.link.send(message)) heard(result(503));
    });
  }

  /** The room calls it unacceptable: perhaps we have no voice, perhaps it does not know us any more. */
  async #doubt(guest: Guest, outcome: Result): Promise<Result> {
    const isIn = await this.#selfPing.check(guest);
    return isIn ? { ...outcome, code: 816 } : result(503);
  }

  async #whisper(
    request: SendMessageRequest,
    guest: Guest,
    { screenName, file }: { readonly screenName: string; readonly file: OutgoingFile | undefined },
  ): Promise<Result> {
    const { link, relay } = this.#bridge;
    const { room, userJid } = guest;
    const nick = nickOf(guest, screenName);
    if (nick === undefined) return result(410, 'Unknown screen name');
    const to = `${room.jid}/${nick}`;
    const id = stanzaIdOf(request.message.id, to as BareJid, request.deliveryReport);
    await relay.storage.link(conversationOf(guest), id, request.message.id);
    const { elements } = this.#contentOf(request.message, guest, file);
    link.send(messageStanza({ from: puppetJid(userJid), to, id }, 'chat', ...elements));
    return (await link.confirmed()) ? OK : result(503);
  }

  /** True when the room shows an occupant what he said himself. `held`: since when the room has had it, in history. */
  echoed(guest: Guest, message: XmlElement, held: number | undefined): boolean {
    const ids = echoIds(message);
    const id =
      ids.find((one) => this.#said.has(one)) ??
      (held === undefined ? this.#sameText(guest, message) : undefined);
    const said = id === undefined ? undefined : this.#said.get(id);
    const own = id ?? ids.find((one) => one.startsWith('wv-'));
    if (own === undefined || (said !== undefined && said.guest !== guest)) return false;
    const noting = this.#echoes.note(own).then(() => said?.heard(OK));
    guarded(this.#bridge, 'reflection', noting);
    return true;
  }

  /** COMPAT(biboumi): a service that gives messages ids of its own. */
  #sameText(guest: Guest, message: XmlElement): string | undefined {
    const since = this.#bridge.relay.clock.now() - SAME_TEXT_MS;
    const body = bodyOfRoom(message);
    for (const [id, said] of this.#said) {
      if (said.guest === guest && said.body === body && said.at >= since) return id;
    }
    return undefined;
  }

  /** An error for a message of ours. Who waits for the message learns it; for a whisper a report follows. */
  refused(guest: Guest, { stanza: message, from }: Incoming): void {
    const error = readStanzaError(message);
    const id = message.attrs['id'] ?? '';
    const said = this.#said.get(id);
    if (said?.guest === guest) {
      const isUnclear = error.condition === 'not-acceptable';
      const outcome = statusOfError(error, SPEAKING);
      return said.heard(isUnclear ? { ...outcome, code: 808 } : outcome);
    }
    if (this.#subjects.get(guest) !== undefined && id.startsWith('subject-')) {
      return this.#subjects.get(guest)?.heard(statusOfError(error, SPEAKING));
    }
    if (from.resource === '') return this.#drop('room_error');
    const outcome = statusOfError(error, WHISPERING);
    return guarded(this.#bridge, 'delivery report', this.#notWhispered(guest, id, from.resource, outcome));
  }

  async #notWhispered(guest: Guest, id: string, nick: string, outcome: Result): Promise<void> {
    const messageId = await this.#bridge.relay.storage.messageOf(conversationOf(guest), id);
    if (messageId === undefined) return this.#drop('no_such_message');
    const { group } = guest.room;
    await this.#emitReport(guest.user, messageId, { kind: 'group', group, screenName: nick }, outcome);
  }

  /** Sets the subject; resolves when the room has shown it. */
  setSubject(guest: Guest, subject: string): Promise<Result> {
    const { clock, ids } = this.#bridge.relay;
    return new Promise((resolve) => {
      if (guest.room.subject === subject) return resolve(OK);
      const heard = (outcome: Result): void => {
        cancel();
        this.#subjects.delete(guest);
        resolve(outcome);
      };
      const cancel = clock.after(this.#bridge.settings.roomWaitMs, () => heard(result(504)));
      this.#subjects.get(guest)?.heard(result(503));
      this.#subjects.set(guest, { subject, heard });
      const attrs = { from: puppetJid(guest.userJid), to: guest.room.jid, id: `subject-${ids.random(9)}` };
      const sent = this.#bridge.link.send(
        stanza('message', { ...attrs, type: 'groupchat' }, xml(NS.component, 'subject', {}, subject)),
      );
      return sent ? undefined : heard(result(503));
    });
  }

  subjectChanged(guest: Guest, subject: string, nick: string): void {
    const waiting = this.#subjects.get(guest);
    if (nick === guest.nick && waiting?.subject === subject) waiting.heard(OK);
  }

  /** The stream is gone: what the room has not shown may not have reached it. */
  lost(userJid?: BareJid): void {
    const isLost = (guest: Guest): boolean => userJid === undefined || guest.userJid === userJid;
    for (const { guest, heard } of this.#said.values()) if (isLost(guest)) heard(result(503));
    for (const [guest, { heard }] of this.#subjects) if (isLost(guest)) heard(result(503));
  }

  async #report({ message }: SendMessageRequest, recipient: GroupParty): Promise<void> {
    if (message.sender.kind !== 'user') return;
    await this.#emitReport(message.sender.user, message.id, recipient, OK);
  }

  async #emitReport(
    sender: Guest['user'],
    messageId: SendMessageRequest['message']['id'],
    recipient: GroupParty,
    outcome: Result,
  ): Promise<void> {
    const { relay } = this.#bridge;
    const answer = await relay.emit({
      primitive: 'DeliveryStatusReport',
      meta: { service: serviceAddress(domainOf(recipient.group)) },
      messageId,
      sender,
      recipient,
      outcome,
      deliveredAt: relay.clock.now(),
    });
    if (!isSuccess(answer.result)) relay.metrics.count('xmpp_failures_total', { what: 'delivery report' });
  }

  #drop(reason: string): void {
    this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}

/** The conversation key of what a user says in a room. */
function conversationOf({ userJid, room }: Guest): string {
  return `room ${userJid} ${room.jid}`;
}

/** Screen names compare without case, nicks with it. A room with unknown occupants knows better. */
function nickOf({ room }: Guest, screenName: string): string | undefined {
  if (room.occupant(screenName) !== undefined) return screenName;
  const wanted = screenName.toLowerCase();
  const [found] = [...room.occupants].filter(({ nick }) => nick.toLowerCase() === wanted);
  return found?.nick ?? (room.isCrowded ? screenName : undefined);
}
