// Messages from XMPP users to ours (bridging section 4). In order per conversation; whoever writes learns when the
// message was not taken.

import { trusted } from '../../src/wv/ids.ts';
import type { MessageId, UserAddress } from '../../src/wv/ids.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import type { SendMessageRequest } from '../../src/wv/primitives.ts';
import { isSuccess, result } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import { isUnmappable } from './addresses.ts';
import { BoundedMap } from './bounded-map.ts';
import { metaOf } from './bridge.ts';
import type { Bridge } from './bridge.ts';
import type { Incoming } from './component-link.ts';
import { QueueFull } from './conversation-queue.ts';
import { errorReply, stanzaErrorOf } from './errors.ts';
import type { IncomingFiles } from './files/incoming-files.ts';
import { fileReferenceOf, isEncryptedLink } from './files/links.ts';
import type { FileReference } from './files/links.ts';
import { bareJid } from './jid.ts';
import { messageIdOf, received, remoteIdOf } from './message-ids.ts';
import { NS } from './namespaces.ts';
import type { Receipts } from './receipts.ts';
import { childOf, elementsOf, stanza, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Chats remembered as told that OMEMO cannot be read here. */
const EXPLAINED_CHATS = 10_000;
const EXPLANATION = 'This contact cannot read encrypted messages. Please turn OMEMO off for this chat.';

/** What a message says: its text, and the file that it shares. */
interface Said {
  readonly body: string;
  readonly file: FileReference | undefined;
}

interface Envelope {
  readonly sender: UserAddress;
  readonly recipient: UserAddress;
}

export class IncomingMessages {
  readonly #bridge: Bridge;
  readonly #receipts: Receipts;
  readonly #files: IncomingFiles | undefined;
  #closing = false;
  readonly #explained = new BoundedMap<string, true>(EXPLAINED_CHATS);

  /** Without `files` links to files are text. */
  constructor(bridge: Bridge, receipts: Receipts, files?: IncomingFiles) {
    this.#bridge = bridge;
    this.#files = files;
    this.#receipts = receipts;
  }

  /** The gateway stops: what still comes in goes back to its sender, who may try again. */
  close(): void {
    this.#closing = true;
  }

  received(incoming: Incoming): void {
    const { stanza: message } = incoming;
    const { type } = message.attrs;
    if (type === 'error') return this.#receipts.errorArrived(incoming);
    if (type === 'groupchat') return this.#refuse(incoming, result(405));
    // A copy of what others wrote (XEP-0280) is no business of ours, and nothing in it can be believed.
    if (elementsOf(message).some((child) => child.ns === NS.carbons)) return this.#drop('carbon');
    if (childOf(message, 'received', NS.receipts) !== undefined)
      return this.#receipts.receiptArrived(incoming);
    if (isEncrypted(message)) return this.#explain(incoming);
    const text = textToDeliver(message);
    const file = fileReferenceOf(message, text);
    if (isEncryptedLink(file, text)) return this.#explain(incoming);
    const body = text === '' && file !== undefined ? linkText(file) : text;
    // Chat states, markers, hints and the like.
    if (body === '') return this.#drop('no_body');
    if (this.#closing) return this.#refuse(incoming, result(503));
    this.#queue(incoming, { body, file });
  }

  /** A file sent by an iq (XEP-0066 section 2) is taken like a message; true when the stanza was one. */
  receivedQuery(incoming: Incoming): boolean {
    const query = incoming.stanza;
    const isOffer = query.attrs['type'] === 'set' && childOf(query, 'query', NS.oobQuery) !== undefined;
    if (query.name !== 'iq' || !isOffer) return false;
    const file = fileReferenceOf(query, '');
    if (this.#closing) this.#refuse(incoming, result(503));
    else if (file === undefined || isEncryptedLink(file, '')) this.#refuse(incoming, result(415));
    else this.#queue(incoming, { body: linkText(file), file });
    return true;
  }

  #queue(incoming: Incoming, said: Said): void {
    const conversation = received(bareJid(incoming.to), bareJid(incoming.from));
    const delivery = this.#bridge.queues.run(conversation, () => this.#deliver(incoming, conversation, said));
    delivery.catch((error: unknown) => {
      if (error instanceof QueueFull) return this.#refuse(incoming, result(507));
      this.#bridge.relay.log.error({ err: error }, 'XMPP gateway: a message could not be delivered');
      this.#bridge.relay.metrics.count('xmpp_failures_total', { what: 'message' });
      return this.#refuse(incoming, result(500));
    });
  }

  async #deliver(incoming: Incoming, conversation: string, { body, file }: Said): Promise<void> {
    const envelope = this.#envelope(incoming);
    if ('code' in envelope) return this.#refuse(incoming, envelope);
    const { storage, metrics } = this.#bridge.relay;
    const message = incoming.stanza;
    const id = this.#messageId(incoming, body);
    const remote = {
      stanzaId: message.attrs['id'] ?? '',
      resource: incoming.from.resource,
      receipt: childOf(message, 'request', NS.receipts) !== undefined,
    };
    // A repeat is handed on all the same: the first try may have failed, and the relay knows what it has.
    const isNew = await storage.link(conversation, remoteIdOf(id, remote), id);
    if (!isNew) metrics.count('xmpp_messages_repeated_total');
    const fetched = file === undefined ? undefined : await this.#files?.fetch(incoming, file);
    const content = fetched ?? plain(body);
    const answer = await this.#bridge.relay.emit(
      this.#request(incoming, envelope, { id, content, report: remote.receipt }),
    );
    if (!isSuccess(answer.result) || answer.result.code === 201) return this.#refuse(incoming, answer.result);
    if (fetched !== undefined && file !== undefined && file.caption !== '')
      await this.#caption(incoming, envelope, { id, text: file.caption });
    if (message.name === 'iq') this.#took(incoming);
  }

  /** What was written beside a file follows it as a message of its own, with an id of its own. */
  async #caption(
    incoming: Incoming,
    envelope: Envelope,
    { id, text }: { readonly id: MessageId; readonly text: string },
  ): Promise<void> {
    const own = { id: trusted<MessageId>(`${id}-c`), content: plain(text), report: false };
    const answer = await this.#bridge.relay.emit(this.#request(incoming, envelope, own));
    if (!isSuccess(answer.result)) this.#refuse(incoming, answer.result);
  }

  #took({ stanza: query }: Incoming): void {
    const { id, from, to } = query.attrs;
    this.#bridge.link.send(stanza('iq', { type: 'result', id, from: to, to: from }));
  }

  #envelope(incoming: Incoming): Envelope | Result {
    if (incoming.to.local === '') return result(404, 'write to user@domain');
    const recipient = this.#bridge.codec.localUser(incoming.to);
    if (isUnmappable(recipient)) return result(recipient.unmappable, recipient.reason);
    const sender = this.#bridge.codec.foreignUser(incoming.from);
    if (isUnmappable(sender)) return result(sender.unmappable, sender.reason);
    return { sender, recipient };
  }

  /** Retries may come with a new stanza id and the old origin-id (XEP-0359), so that one counts first. */
  #messageId(incoming: Incoming, body: string): MessageId {
    const message = incoming.stanza;
    const stanzaId = childOf(message, 'origin-id', NS.stanzaId)?.attrs['id'] ?? message.attrs['id'];
    const id = messageIdOf(bareJid(incoming.from), bareJid(incoming.to), stanzaId, body);
    return id ?? trusted<MessageId>(`x${this.#bridge.relay.ids.random(20)}`);
  }

  #request(
    incoming: Incoming,
    envelope: Envelope,
    message: { readonly id: MessageId; readonly content: MessageContent; readonly report: boolean },
  ): SendMessageRequest {
    const now = this.#bridge.relay.clock.now();
    return {
      primitive: 'SendMessageRequest',
      meta: metaOf(envelope.sender),
      deliveryReport: message.report,
      message: {
        id: message.id,
        sender: { kind: 'user', user: envelope.sender },
        recipients: [{ kind: 'user', user: envelope.recipient }],
        sentAt: sentAt(incoming.stanza, now),
        expiresAt: now + this.#bridge.settings.messageValidityMs,
        content: message.content,
      },
    };
  }

  /** Each encrypted message comes back; why is said once per chat. */
  #explain(incoming: Incoming): void {
    const { from, to } = incoming;
    const chat = received(bareJid(to), bareJid(from));
    this.#refuse(incoming, result(415, 'encrypted messages cannot be read here'));
    if (this.#explained.has(chat)) return;
    this.#explained.set(chat, true);
    const attrs = { type: 'chat', from: bareJid(to), to: incoming.stanza.attrs['from'] };
    this.#bridge.link.send(
      stanza('message', attrs, xml(NS.component, 'body', {}, EXPLANATION), xml(NS.hints, 'no-store')),
    );
  }

  #refuse(incoming: Incoming, outcome: Result): void {
    this.#bridge.relay.metrics.count('xmpp_messages_refused_total', { code: String(outcome.code) });
    const reply = errorReply(incoming.stanza, stanzaErrorOf(outcome));
    if (reply !== undefined && !this.#bridge.link.send(reply)) this.#drop('offline_error');
  }

  #drop(reason: string): void {
    this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}

function plain(data: string): MessageContent {
  return { contentType: 'text/plain', encoding: 'none', data };
}

/** A file that comes without a body, for who cannot get it. */
function linkText({ url, caption }: FileReference): string {
  return caption === '' ? url : `${caption}\n${url}`;
}

function isEncrypted(message: XmlElement): boolean {
  return elementsOf(message).some(
    (child) => child.name === 'encrypted' && (child.ns === NS.omemo || child.ns === NS.omemoLegacy),
  );
}

/** The body without a language of its own, else the first; a subject goes before it. */
function textToDeliver(message: XmlElement): string {
  const pick = (name: string): string => {
    const found = elementsOf(message).filter((child) => child.name === name && child.ns === NS.component);
    return textOf(found.find((child) => child.attrs['xml:lang'] === undefined) ?? found[0]);
  };
  const body = pick('body');
  const subject = pick('subject').trim();
  return body === '' || subject === '' ? body : `${subject}\n${body}`;
}

/** When the message was written, if it was held up on the way (XEP-0203); never in the future. */
function sentAt(message: XmlElement, now: number): number {
  const stamp = Date.parse(childOf(message, 'delay', NS.delay)?.attrs['stamp'] ?? '');
  return Number.isNaN(stamp) ? now : Math.min(stamp, now);
}
