// Messages from our users to XMPP users (bridging section 4). Answered 200 only when the XMPP server has handled
// the stanza; linked before it is sent, under an id derived from the MessageID, so that a retry is recognisable.

import type { Message, Party } from '../../src/wv/message.ts';
import type { SendMessageRequest, SendMessageResponse } from '../../src/wv/primitives.ts';
import { combine, result } from '../../src/wv/status.ts';
import type { DetailedResult, Result, StatusCode } from '../../src/wv/status.ts';
import { isUnmappable } from './addresses.ts';
import type { Bridge } from './bridge.ts';
import type { ChatMemory } from './chat-memory.ts';
import { QueueFull } from './conversation-queue.ts';
import type { OutgoingFile, OutgoingFiles } from './files/outgoing-files.ts';
import type { Partners } from './files/partners.ts';
import { hopMark } from './hop.ts';
import type { BareJid } from './jid.ts';
import { outgoing, received, stanzaIdOf } from './message-ids.ts';
import { NS } from './namespaces.ts';
import { bodyOf } from './text.ts';
import { stanza, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** A message older than this says when it was sent (XEP-0203). */
const DELAY_STAMP_AFTER_MS = 60_000;

/** What files need. */
interface Sharing {
  readonly files: OutgoingFiles;
  readonly partners: Partners;
}

/** A stanza to be. */
interface Draft {
  readonly id: string;
  readonly from: BareJid;
  readonly to: BareJid;
  readonly text: string;
  readonly file: OutgoingFile | undefined;
}

export class OutgoingMessages {
  readonly #bridge: Bridge;
  readonly #memory: ChatMemory;
  readonly #sharing: Sharing | undefined;

  /** Without `sharing`, what is no text becomes a line that says what it was. */
  constructor(bridge: Bridge, memory: ChatMemory, sharing?: Sharing) {
    this.#bridge = bridge;
    this.#memory = memory;
    this.#sharing = sharing;
  }

  /** 503 when the stream is down or ended before the server confirmed: the same request may come again. */
  async send(request: SendMessageRequest): Promise<SendMessageResponse> {
    const { message } = request;
    const codes = await Promise.all(message.recipients.map((party) => this.#sendTo(request, party)));
    return { primitive: 'SendMessageResponse', messageId: message.id, result: outcomeOf(message, codes) };
  }

  async #sendTo(request: SendMessageRequest, recipient: Party): Promise<StatusCode> {
    const { sender, expiresAt } = request.message;
    // Groups have no counterpart yet.
    if (sender.kind !== 'user' || recipient.kind !== 'user') return 405;
    const from = this.#bridge.codec.localJid(sender.user);
    if (isUnmappable(from)) return from.unmappable;
    const to = this.#bridge.codec.foreignJid(recipient.user);
    if (isUnmappable(to)) return to.unmappable;
    if (expiresAt <= this.#bridge.relay.clock.now()) return 542;
    return await this.#write(request, from, to);
  }

  async #write(request: SendMessageRequest, from: BareJid, to: BareJid): Promise<StatusCode> {
    const { link, queues } = this.#bridge;
    const conversation = outgoing(from, to);
    if (!link.writable) return 503;
    const file = await this.#sharing?.files.prepare(request.message, from);
    if (file === 'later') return 503;
    await this.#sharing?.partners.wrote(from, to);
    try {
      // The order of a conversation is that of writing; the waiting for the server is not part of the queue.
      const written = await queues.run(conversation, async () => {
        if (!link.writable) return undefined;
        await this.#linkAndSend(request, conversation, { from, to, file });
        return { confirmed: link.confirmed() };
      });
      return (await written?.confirmed) === true ? 200 : 503;
    } catch (error) {
      if (error instanceof QueueFull) return 503;
      throw error;
    }
  }

  async #linkAndSend(
    request: SendMessageRequest,
    conversation: string,
    { from, to, file }: Pick<Draft, 'from' | 'to' | 'file'>,
  ): Promise<void> {
    const { relay, link } = this.#bridge;
    const { message, deliveryReport } = request;
    const id = stanzaIdOf(message.id, to, deliveryReport);
    const isNew = await relay.storage.link(conversation, id, message.id);
    if (!isNew) relay.metrics.count('xmpp_messages_resent_total');
    const text = file?.body ?? bodyOf(message.content);
    link.send(this.#stanza(message, { id, from, to, text, file }, deliveryReport));
    this.#memory.sent(received(from, to), id, text, relay.clock.now());
  }

  #stanza(message: Message, { id, from, to, text, file }: Draft, report: boolean): XmlElement {
    const thread = this.#memory.thread(received(from, to));
    const late = this.#bridge.relay.clock.now() - message.sentAt > DELAY_STAMP_AFTER_MS;
    const stamp = {
      from: this.#bridge.settings.componentDomain,
      stamp: new Date(message.sentAt).toISOString(),
    };
    return stanza(
      'message',
      { type: 'chat', id, from, to },
      xml(NS.component, 'body', {}, text),
      ...(file?.elements ?? []),
      thread === undefined ? undefined : xml(NS.component, 'thread', {}, thread),
      xml(NS.stanzaId, 'origin-id', { id }),
      report ? xml(NS.receipts, 'request') : undefined,
      late ? xml(NS.delay, 'delay', stamp) : undefined,
      hopMark(),
    );
  }
}

function outcomeOf(message: Message, codes: readonly StatusCode[]): Result {
  const failures = codes.flatMap((code, index): DetailedResult[] => {
    const party = message.recipients[index];
    if (code === 200 || party === undefined) return [];
    return [party.kind === 'user' ? { code, users: [party.user] } : { code, groups: [party.group] }];
  });
  const succeeded = codes.length - failures.length;
  return codes.length === 0 ? result(402, 'no recipient') : combine(succeeded, failures);
}
