// What became of a message, both ways: XEP-0184 receipts, XEP-0333 markers and error stanzas (bridging section 5).
// Once per message, also after a restart.

import { trusted } from '../../src/wv/ids.ts';
import type { MessageId } from '../../src/wv/ids.ts';
import type { DeliveryStatusReport, Status } from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import { isUnmappable } from './addresses.ts';
import { guarded, metaOf } from './bridge.ts';
import type { Bridge } from './bridge.ts';
import type { Incoming } from './component-link.ts';
import { errorElement, newAddressOf, resultOfError, stanzaErrorOf } from './errors.ts';
import { bareJid } from './jid.ts';
import { outgoing, partIdOf, readRemoteId, wantsReport } from './message-ids.ts';
import type { Part, ReceivedId } from './message-ids.ts';
import { NS } from './namespaces.ts';
import { childOf, elementsOf, stanza, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Conversations of the link table that hold what was reported already. */
const REPORTED = 'reported';
const ANSWERED = 'answered';
const DELIVERED = 'delivered part';

export class Receipts {
  readonly #bridge: Bridge;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /**
   * A receipt or a marker for a message of ours: the sender's report, if he asked for one and none came before. False
   * for a message that is neither.
   */
  took(incoming: Incoming): boolean {
    const id = receivedId(incoming.stanza);
    if (id === undefined) return false;
    if (wantsReport(id)) this.#safely(incoming, id, OK);
    else this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'unasked_receipt' });
    return true;
  }

  /** An error for something we sent. For a message it is reported always: the relay decides how the sender is told. */
  errorArrived(incoming: Incoming): void {
    const id = incoming.stanza.attrs['id'] ?? '';
    this.#safely(incoming, id, this.#failure(incoming));
  }

  /** Nobody says it again: it survives the process. */
  #safely(incoming: Incoming, stanzaId: string, outcome: Result): void {
    const report = async (isKept: Promise<void>): Promise<void> => {
      await isKept;
      await this.#report(incoming, stanzaId, outcome);
    };
    guarded(this.#bridge, 'delivery report', this.#bridge.inbox.during(incoming, report));
  }

  /** The relay's report on a message from XMPP: becomes a receipt, if one was asked for, or an error stanza. */
  async answer(report: DeliveryStatusReport): Promise<Status> {
    const remote = await this.#bridge.relay.storage.remoteOf(report.messageId);
    const id = remote === undefined ? undefined : readRemoteId(remote.remoteId);
    if (id === undefined) return status(result(404, 'no such message from XMPP'));
    const reply = this.#reply(report, id);
    if (reply === undefined) return status(OK);
    const whole = id.part?.whole ?? report.messageId;
    return await this.#bridge.queues.run(`answer ${whole}`, () => this.#answerOnce(report, id.part, reply));
  }

  #reply(report: DeliveryStatusReport, id: ReceivedId): XmlElement | undefined {
    const { codec } = this.#bridge;
    if (report.recipient.kind !== 'user' || id.quiet === true) return undefined;
    const from = codec.localJid(report.recipient.user);
    const bare = codec.foreignJid(report.sender);
    if (isUnmappable(from) || isUnmappable(bare)) return undefined;
    const to = id.resource === '' ? bare : `${bare}/${id.resource}`;
    const { outcome } = report;
    if (outcome.code === 200) return id.receipt ? receipt(from, to, id.stanzaId) : undefined;
    // Neither delivered nor failed: queued (202), forwarded (541).
    if (isSuccess(outcome) || outcome.code === 541) return undefined;
    const error = errorElement(stanzaErrorOf(outcome));
    return stanza(
      'message',
      { type: 'error', from, to, id: id.stanzaId === '' ? undefined : id.stanzaId },
      error,
    );
  }

  /** The parts of a long text have one answer: a receipt when all were delivered, or the first error. */
  async #answerOnce(
    report: DeliveryStatusReport,
    part: Part | undefined,
    reply: XmlElement,
  ): Promise<Status> {
    const { storage } = this.#bridge.relay;
    const whole = part?.whole ?? report.messageId;
    if ((await storage.messageOf(ANSWERED, whole)) !== undefined) return status(OK);
    if (part !== undefined && report.outcome.code === 200) {
      await storage.link(DELIVERED, report.messageId, trusted<MessageId>(`part-${report.messageId}`));
      if (!(await this.#allDelivered(part))) return status(OK);
    }
    return await this.#send(reply, whole);
  }

  async #send(reply: XmlElement, whole: MessageId): Promise<Status> {
    const { relay, link } = this.#bridge;
    if (!link.writable || !link.send(reply) || !(await link.confirmed())) return status(result(503));
    // Under an id of its own: remoteOf(messageId) must go on naming the stanza.
    await relay.storage.link(ANSWERED, whole, trusted<MessageId>(`answer-${whole}`));
    return status(OK);
  }

  async #allDelivered({ whole, count }: Part): Promise<boolean> {
    // From the last, which mostly is the one that is missing.
    for (let index = count - 1; index >= 0; index -= 1) {
      const id = partIdOf({ whole, index, count });
      if ((await this.#bridge.relay.storage.messageOf(DELIVERED, id)) === undefined) return false;
    }
    return true;
  }

  /** The status of an error; of one who is gone, his new address in our form too. */
  #failure({ stanza: error }: Incoming): Result {
    const outcome = resultOfError(error);
    const address = newAddressOf(error);
    const user = address === undefined ? undefined : this.#bridge.codec.foreignUser(address);
    if (user === undefined || isUnmappable(user)) return outcome;
    const words = outcome.description === undefined ? '' : `${outcome.description}; `;
    return { ...outcome, description: `${words}moved to ${user}` };
  }

  async #report(incoming: Incoming, stanzaId: string, outcome: Result): Promise<void> {
    const user = bareJid(incoming.to);
    const contact = bareJid(incoming.from);
    const conversation = outgoing(user, contact);
    const { storage, metrics } = this.#bridge.relay;
    await this.#bridge.queues.run(`report ${conversation}`, async () => {
      const messageId = stanzaId === '' ? undefined : await storage.messageOf(conversation, stanzaId);
      if (messageId === undefined || (await storage.messageOf(REPORTED, stanzaId)) !== undefined) {
        metrics.count('xmpp_stanzas_dropped_total', { reason: 'no_such_message' });
        return;
      }
      await this.#emit(incoming, messageId, outcome);
      await storage.link(REPORTED, stanzaId, messageId);
    });
  }

  async #emit(incoming: Incoming, messageId: MessageId, outcome: Result): Promise<void> {
    const { codec, relay } = this.#bridge;
    const sender = codec.localUser(incoming.to);
    const contact = codec.foreignUser(incoming.from);
    if (isUnmappable(sender) || isUnmappable(contact)) return;
    const answer = await relay.emit({
      primitive: 'DeliveryStatusReport',
      meta: metaOf(contact),
      messageId,
      sender,
      recipient: { kind: 'user', user: contact },
      outcome,
      deliveredAt: relay.clock.now(),
    });
    if (isSuccess(answer.result)) return;
    relay.metrics.count('xmpp_failures_total', { what: 'delivery report' });
    relay.log.warn(
      { messageId, code: answer.result.code },
      'XMPP gateway: the relay refused a delivery report',
    );
  }
}

/** What a message confirms: by a receipt, or by a marker, which says more and counts as one. */
function receivedId(message: XmlElement): string | undefined {
  const marker = elementsOf(message).find(
    ({ name, ns }) => ns === NS.markers && /^(?:received|displayed|acknowledged)$/.test(name),
  );
  const said = childOf(message, 'received', NS.receipts) ?? marker;
  return said === undefined ? undefined : (said.attrs['id'] ?? '');
}

function receipt(from: string, to: string, stanzaId: string): XmlElement {
  // An id of its own, as XEP-0184 shows it; the same for the same message.
  const attrs = { type: 'chat', from, to, id: `rcpt-${stanzaId}` };
  return stanza('message', attrs, xml(NS.receipts, 'received', { id: stanzaId }), xml(NS.hints, 'store'));
}
