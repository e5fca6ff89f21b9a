// Messages from XMPP users to ours (bridging section 4). In order per conversation; whoever writes learns when the
// message was not taken.

import { trusted } from '../../src/wv/ids.ts';
import type { MessageId, UserAddress } from '../../src/wv/ids.ts';
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
import { bareJid } from './jid.ts';
import { messageIdOf, received, remoteIdOf } from './message-ids.ts';
import { NS } from './namespaces.ts';
import type { Receipts } from './receipts.ts';
import { childOf, elementsOf, stanza, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Chats remembered as told that OMEMO cannot be read here. */
const EXPLAINED_CHATS = 10_000;
const EXPLANATION = 'This contact cannot read encrypted messages. Please turn OMEMO off for this chat.';

interface Envelope {
  readonly sender: UserAddress;
  readonly recipient: UserAddress;
}

export class IncomingMessages {
  readonly #bridge: Bridge;
  readonly #receipts: Receipts;
  #closing = false;
  readonly #explained = new BoundedMap<string, true>(EXPLAINED_CHATS);

  constructor(bridge: Bridge, receipts: Receipts) {
    this.#bridge = bridge;
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
    const body = textToDeliver(message);
    // Chat states, markers, hints and the like.
    if (body === '') return this.#drop('no_body');
    if (this.#closing) return this.#refuse(incoming, result(503));
    this.#queue(incoming, body);
  }

  #queue(incoming: Incoming, body: string): void {
    const conversation = received(bareJid(incoming.to), bareJid(incoming.from));
    const delivery = this.#bridge.queues.run(conversation, () => this.#deliver(incoming, conversation, body));
    delivery.catch((error: unknown) => {
      if (error instanceof QueueFull) return this.#refuse(incoming, result(507));
      this.#bridge.relay.log.error({ err: error }, 'XMPP gateway: a message could not be delivered');
      this.#bridge.relay.metrics.count('xmpp_failures_total', { what: 'message' });
      return this.#refuse(incoming, result(500));
    });
  }

  async #deliver(incoming: Incoming, conversation: string, body: string): Promise<void> {
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
    const answer = await this.#bridge.relay.emit(
      this.#request(incoming, envelope, { id, body, report: remote.receipt }),
    );
    if (!isSuccess(answer.result) || answer.result.code === 201) this.#refuse(incoming, answer.result);
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
    message: { readonly id: MessageId; readonly body: string; readonly report: boolean },
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
        content: { contentType: 'text/plain', encoding: 'none', data: message.body },
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
