// Messages from XMPP users to ours (bridging section 4). In order per conversation; whoever writes learns when the
// message was not taken.

import { trusted } from '../../src/wv/ids.ts';
import type { MessageId, UserAddress } from '../../src/wv/ids.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import type { SendMessageRequest } from '../../src/wv/primitives.ts';
import { isSuccess, result } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import { NotKnownNow } from '../../src/sap/port.ts';
import { isUnmappable } from './addresses.ts';
import { metaOf } from './bridge.ts';
import type { Bridge } from './bridge.ts';
import type { ChatMemory } from './chat-memory.ts';
import type { Incoming } from './component-link.ts';
import { Compositions, isWorthTelling, whatWasSaid } from './compositions.ts';
import type { Composition, Letter } from './compositions.ts';
import { QueueFull } from './conversation-queue.ts';
import { isDelayed, sentAt } from './delays.ts';
import { encryptionOf, explain, isKeyExchange, isUnanswerable } from './encrypted.ts';
import { errorReply, stanzaErrorOf } from './errors.ts';
import type { IncomingFiles } from './files/incoming-files.ts';
import { fileReferenceOf, withoutLink } from './files/links.ts';
import { bareJid } from './jid.ts';
import { messageIdsOf, partIdOf, received, remoteIdOf } from './message-ids.ts';
import type { Part, ReceivedId } from './message-ids.ts';
import { NS } from './namespaces.ts';
import type { Receipts } from './receipts.ts';
import { splitText } from '../bridging/split-text.ts';
import { childOf, elementsOf, stanza, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

interface Envelope {
  readonly sender: UserAddress;
  readonly recipient: UserAddress;
}

/** One message of ours that a stanza becomes. */
interface Piece {
  readonly id: MessageId;
  readonly content: MessageContent;
  readonly remote: ReceivedId;
}

export class IncomingMessages {
  readonly #bridge: Bridge;
  readonly #receipts: Receipts;
  readonly #memory: ChatMemory;
  readonly #compositions: Compositions;
  readonly #files: IncomingFiles | undefined;
  #closing = false;

  /** Without `files` links to files are text. */
  constructor(bridge: Bridge, receipts: Receipts, memory: ChatMemory, files?: IncomingFiles) {
    this.#bridge = bridge;
    this.#files = files;
    this.#receipts = receipts;
    this.#memory = memory;
    this.#compositions = new Compositions(bridge, memory);
  }

  /** The gateway stops: what still comes in goes back to its sender, who may try again. */
  close(): void {
    this.#closing = true;
  }

  received(incoming: Incoming): void {
    const { stanza: message } = incoming;
    const { type } = message.attrs;
    if (type === 'error') return this.#receipts.errorArrived(incoming);
    // Rooms took theirs before.
    if (type === 'groupchat') return this.#refuse(incoming, result(405));
    const copy = copyIn(message);
    if (copy !== undefined) return this.#drop(copy);
    if (this.#receipts.took(incoming) && !isWorthTelling(message)) return undefined;
    this.#noteThread(incoming);
    if (isKeyExchange(message)) return this.#drop('key_exchange');
    const method = encryptionOf(message);
    // Chat states, hints and the like.
    if (method === undefined && !isWorthTelling(message)) return this.#drop('no_body');
    if (this.#closing) return this.#refuse(incoming, result(503));
    this.#queue(incoming, (chat) =>
      method === undefined ? this.#deliver(incoming, chat) : this.#sendBack(incoming, method),
    );
  }

  /** A file sent by an iq (XEP-0066 section 2) is taken like a message; true when the stanza was one. */
  receivedQuery(incoming: Incoming): boolean {
    const { stanza: query } = incoming;
    const isOffer = query.attrs['type'] === 'set' && childOf(query, 'query', NS.oobQuery) !== undefined;
    if (query.name !== 'iq' || !isOffer) return false;
    if (this.#closing) this.#refuse(incoming, result(503));
    else if (!isWorthTelling(query) || encryptionOf(query) !== undefined) this.#refuse(incoming, result(415));
    else this.#queue(incoming, (chat) => this.#deliver(incoming, chat));
    return true;
  }

  #queue(incoming: Incoming, task: (chat: string) => Promise<void>): void {
    const { inbox, queues } = this.#bridge;
    const chat = received(bareJid(incoming.to), bareJid(incoming.from));
    // Before it costs a place on disk.
    if (!queues.takes(chat) || inbox.isFull) return this.#refuse(incoming, result(507));
    const delivery = inbox.during(incoming, (isKept) =>
      queues.run(chat, async () => {
        // What waits when the gateway stops would not be done in time.
        if (this.#closing) return this.#refuse(incoming, result(503));
        await isKept;
        return await task(chat);
      }),
    );
    delivery.catch((error: unknown) => {
      if (error instanceof QueueFull) return this.#refuse(incoming, result(507));
      if (error instanceof NotKnownNow) return this.#refuse(incoming, result(503));
      this.#bridge.relay.log.error({ err: error }, 'XMPP gateway: a message could not be delivered');
      this.#bridge.relay.metrics.count('xmpp_failures_total', { what: 'message' });
      return this.#refuse(incoming, result(500));
    });
  }

  async #deliver(incoming: Incoming, chat: string): Promise<void> {
    const envelope = this.#envelope(incoming);
    if ('code' in envelope) return this.#refuse(incoming, envelope);
    const letter: Letter = { incoming, chat, recipient: envelope.recipient };
    const composition = await this.#compositions.compose(letter);
    if ('leftOut' in composition) return this.#drop(composition.leftOut);
    const pieces = await this.#pieces(incoming, composition);
    await this.#link(chat, pieces);
    for (const piece of pieces) {
      // One after another: their order is that of the text, and after a failure the rest has no sense.
      const answer = await this.#bridge.relay.emit(this.#request(incoming, envelope, piece));
      if (!isSuccess(answer.result) || answer.result.code === 201)
        return this.#refuse(incoming, answer.result);
    }
    const [first] = pieces;
    if (first !== undefined) await this.#compositions.handedOn(letter, composition, first.id);
    if (incoming.stanza.name === 'iq') this.#took(incoming);
  }

  #took({ stanza: query }: Incoming): void {
    const { id, from, to } = query.attrs;
    this.#bridge.link.send(stanza('iq', { type: 'result', id, from: to, to: from }));
  }

  /** What was written beside a file follows it as a message of its own; the receipt is for the file. */
  async #pieces(incoming: Incoming, { text }: Composition): Promise<readonly Piece[]> {
    const file = fileReferenceOf(incoming.stanza);
    const fetched = file === undefined ? undefined : await this.#files?.fetch(incoming, file);
    const remote = this.#remote(incoming);
    if (file === undefined || fetched === undefined) return this.#textPieces(text, remote, incoming);
    const id = await this.#messageId(incoming, 1);
    const caption = withoutLink(text, file.url);
    if (caption === '') return [{ id, content: fetched, remote }];
    const whole = trusted<MessageId>(`${id}-c`);
    return [
      { id, content: fetched, remote },
      ...this.#split(caption).map((piece, index, { length: count }) => ({
        id: partIdOf({ whole, index, count }),
        content: plain(piece),
        remote: { ...remote, receipt: false },
      })),
    ];
  }

  async #textPieces(text: string, remote: ReceivedId, incoming: Incoming): Promise<readonly Piece[]> {
    const texts = this.#split(text);
    const whole = await this.#messageId(incoming, texts.length);
    return texts.map((piece, index) => {
      const part: Part = { whole, index, count: texts.length };
      return {
        id: partIdOf(part),
        content: plain(piece),
        remote: part.count === 1 ? remote : { ...remote, part },
      };
    });
  }

  #split(text: string): readonly string[] {
    return splitText(text, this.#bridge.settings.splitText);
  }

  /** A repeat is handed on all the same: the first try may have failed, and the relay knows what it has. */
  async #link(chat: string, pieces: readonly Piece[]): Promise<void> {
    const { storage, metrics } = this.#bridge.relay;
    const isNew = await Promise.all(
      pieces.map(({ id, remote }) => storage.link(chat, remoteIdOf(id, remote), id)),
    );
    if (isNew.includes(false)) metrics.count('xmpp_messages_repeated_total');
  }

  #envelope(incoming: Incoming): Envelope | Result {
    if (incoming.to.local === '') return result(404, 'write to user@domain');
    const recipient = this.#bridge.codec.localUser(incoming.to);
    if (isUnmappable(recipient)) return result(recipient.unmappable, recipient.reason);
    const sender = this.#bridge.codec.foreignUser(incoming.from);
    if (isUnmappable(sender)) return result(sender.unmappable, sender.reason);
    return { sender, recipient };
  }

  /** @param count parts in which it is delivered */
  async #messageId(incoming: Incoming, count: number): Promise<MessageId> {
    const { storage } = this.#bridge.relay;
    const { at, name } = this.#bridge.inbox.factsOf(incoming);
    const { stanza: message, from, to } = incoming;
    const naming = {
      // Retries may come with a new stanza id and the old origin-id.
      originId: childOf(message, 'origin-id', NS.stanzaId)?.attrs['id'],
      stanzaId: message.attrs['id'],
      resource: from.resource,
    };
    const said = whatWasSaid(message);
    const [now, before] = messageIdsOf(bareJid(from), bareJid(to), naming, said, at);
    const isRepeat =
      before !== undefined &&
      (await storage.remoteOf(partIdOf({ whole: before, index: 0, count }))) !== undefined;
    return (isRepeat ? before : now) ?? trusted<MessageId>(`x${name}`);
  }

  #remote({ stanza: message, from }: Incoming): ReceivedId {
    const isReceipt = childOf(message, 'received', NS.receipts) !== undefined;
    const quiet = message.attrs['type'] === 'headline';
    const asked = childOf(message, 'request', NS.receipts) !== undefined;
    return {
      stanzaId: message.attrs['id'] ?? '',
      resource: from.resource,
      receipt: asked && !isReceipt && !quiet && !isDelayed(message),
      quiet,
    };
  }

  #request(incoming: Incoming, envelope: Envelope, piece: Piece): SendMessageRequest {
    const now = this.#bridge.inbox.factsOf(incoming).at;
    const { componentDomain, messageValidityMs } = this.#bridge.settings;
    return {
      primitive: 'SendMessageRequest',
      meta: metaOf(envelope.sender),
      deliveryReport: piece.remote.receipt,
      message: {
        id: piece.id,
        sender: { kind: 'user', user: envelope.sender },
        recipients: [{ kind: 'user', user: envelope.recipient }],
        sentAt: sentAt(incoming, componentDomain, now),
        expiresAt: now + messageValidityMs,
        content: piece.content,
      },
    };
  }

  /** An encrypted message. A user who does not exist must not be told apart by how he cannot read it. */
  async #sendBack(incoming: Incoming, method: string): Promise<void> {
    const envelope = this.#envelope(incoming);
    if ('code' in envelope) return this.#refuse(incoming, envelope);
    if (!(await this.#bridge.relay.userExists(envelope.recipient)))
      return this.#refuse(incoming, result(531));
    this.#refuse(incoming, result(415, 'encrypted messages cannot be read here'));
    if (!isUnanswerable(incoming.stanza)) await explain(this.#bridge, incoming, method);
  }

  #noteThread({ stanza: message, from, to }: Incoming): void {
    const left = childOf(message, 'gone', NS.chatStates) !== undefined;
    if (!left && !isWorthTelling(message)) return;
    const thread = left ? '' : textOf(childOf(message, 'thread'));
    this.#memory.threaded(received(bareJid(to), bareJid(from)), thread);
  }

  #refuse(incoming: Incoming, outcome: Result): void {
    this.#bridge.relay.metrics.count('xmpp_messages_refused_total', { code: String(outcome.code) });
    // Nobody waits for what became of a headline (RFC 6121 section 5.2.2).
    if (incoming.stanza.attrs['type'] === 'headline') return this.#drop('headline_error');
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

/**
 * A copy of what others wrote, by a wrapper that only our own server could send and never does: a carbon (XEP-0280) or
 * a message of an archive (XEP-0313). Nothing in it can be believed.
 */
function copyIn(message: XmlElement): string | undefined {
  const isCarbon = ['received', 'sent'].some((name) => childOf(message, name, NS.carbons) !== undefined);
  if (isCarbon) return 'carbon';
  return elementsOf(message).some(({ name, ns }) => name === 'result' && ns.startsWith('urn:xmpp:mam:'))
    ? 'archive'
    : undefined;
}
