// The instant messaging service (csp-transactions section 7): sending on one side, queues and reports on the other.

import { domainOf } from '../wv/address.ts';
import type { Clock, IdSource, Log } from '../ops/ports.ts';
import { trusted, type ClientId, type MessageId, type ServiceAddress, type UserAddress } from '../wv/ids.ts';
import { contentSize, type Message, type MessageContent, type Party } from '../wv/message.ts';
import {
  status,
  type DeliveryStatusReport,
  type SendMessageRequest,
  type SendMessageResponse,
  type Status,
} from '../wv/primitives.ts';
import { combine, isSuccess, OK, result, type DetailedResult, type Result } from '../wv/status.ts';
import type { NewQueueEntry, Notice, QueueEntry, QueueItem, QueueOutcome, Store } from '../store/store.ts';
import { isBlocked, isGroupBlocked } from './access-control.ts';
import type { Attachments } from './content/attachments.ts';
import { isAttachment } from './content/content-types.ts';
import type { Home, Homes } from './home.ts';
import type { Outgoing } from './outgoing.ts';
import { addressOf, failureOf, splitByDomain } from './recipients.ts';

export interface MessagingLimits {
  /** Longest content of one message, octets. */
  readonly contentBytes: number;
  /** Longest attachment (what is neither text nor without encoding), octets. */
  readonly attachmentBytes?: number;
  /** Most recipients of one message. */
  readonly recipients: number;
  /** Longest queue of one user. */
  readonly queue: number;
  /** Validity when a client names none, and the longest it may name; seconds. */
  readonly defaultValidity: number;
  readonly maxValidity: number;
}

/** What a client asks to send; addresses are canonical, lists are expanded. */
export interface Draft {
  readonly content: MessageContent;
  readonly recipients: readonly Party[];
  readonly deliveryReport: boolean;
  /** When the client says it was written; milliseconds since the epoch. */
  readonly sentAt?: number;
  /** Seconds. */
  readonly validity?: number;
  /** The id that a client's second try of the same request would lead to again; absent = a fresh one. */
  readonly id?: MessageId;
}

export interface SendOutcome {
  readonly result: Result;
  /** Absent when nobody was reached. */
  readonly messageId?: MessageId;
}

export class Messaging {
  private readonly store: Store;
  private readonly homes: Homes;
  private readonly outgoing: Outgoing;
  private readonly clock: Clock;
  private readonly ids: IdSource;
  private readonly log: Log;
  private readonly service: ServiceAddress;
  private readonly attachments: Pick<Attachments, 'keep' | 'whole'> | undefined;
  readonly limits: MessagingLimits;

  constructor(deps: {
    store: Store;
    homes: Homes;
    outgoing: Outgoing;
    clock: Clock;
    ids: IdSource;
    log: Log;
    service: ServiceAddress;
    /** Where large attachments wait; absent = in the queues, like everything else. */
    attachments?: Pick<Attachments, 'keep' | 'whole'>;
    limits: MessagingLimits;
  }) {
    this.store = deps.store;
    this.homes = deps.homes;
    this.outgoing = deps.outgoing;
    this.clock = deps.clock;
    this.ids = deps.ids;
    this.log = deps.log;
    this.service = deps.service;
    this.attachments = deps.attachments;
    this.limits = deps.limits;
  }

  // ---- the sender's home

  /** Resolves after every destination committed the message (or refused it). */
  async send(home: Home, clientId: ClientId, draft: Draft): Promise<SendOutcome> {
    const refusal = this.checkDraft(draft);
    if (refusal !== undefined) return { result: refusal };
    const message = this.compose(home, clientId, draft);
    const failures: DetailedResult[] = [];
    const answers = await Promise.all(
      splitByDomain(draft.recipients).map((recipients) =>
        this.dispatch(home, { ...message, recipients }, draft),
      ),
    );
    let reached = 0;
    for (const answer of answers) {
      failures.push(...answer.failures);
      reached += answer.reached;
    }
    const outcome = combine(reached, failures);
    return reached > 0 ? { result: outcome, messageId: message.id } : { result: outcome };
  }

  private checkDraft(draft: Draft): Result | undefined {
    if (draft.recipients.length === 0) return result(402, 'No recipient');
    if (draft.recipients.length > this.limits.recipients) {
      return result(402, `More than ${this.limits.recipients} recipients`);
    }
    return this.checkSize(draft.content);
  }

  private checkSize(content: MessageContent): Result | undefined {
    const { contentBytes, attachmentBytes = contentBytes } = this.limits;
    const limit = isAttachment(content) ? Math.max(contentBytes, attachmentBytes) : contentBytes;
    return contentSize(content) > limit ? result(415, `Content longer than ${limit} bytes`) : undefined;
  }

  private compose(home: Home, clientId: ClientId, draft: Draft): Message {
    const now = this.clock.now();
    const validity = Math.min(draft.validity ?? this.limits.defaultValidity, this.limits.maxValidity);
    return {
      id: draft.id ?? this.newMessageId(),
      sender: { kind: 'user', user: home.address, clientId },
      recipients: draft.recipients,
      // Clocks of phones are often years off: a time in the future or long ago is not believed.
      sentAt: plausible(draft.sentAt, now) ? draft.sentAt : now,
      expiresAt: now + validity * 1000,
      content: draft.content,
    };
  }

  newMessageId(): MessageId {
    return trusted<MessageId>(this.ids.random(15));
  }

  private async dispatch(
    home: Home,
    message: Message,
    draft: Draft,
  ): Promise<{ reached: number; failures: readonly DetailedResult[] }> {
    const answer = await this.outgoing.request({
      primitive: 'SendMessageRequest',
      meta: { service: this.service, user: home.address },
      deliveryReport: draft.deliveryReport,
      message,
      repeatable: draft.id !== undefined,
    });
    const outcome = answer.result;
    if (isSuccess(outcome) && outcome.details === undefined) {
      return { reached: message.recipients.length, failures: [] };
    }
    if (isSuccess(outcome) || outcome.details !== undefined) {
      const failures = outcome.details ?? [];
      const failed = new Set<string>(
        failures.flatMap(({ users = [], groups = [] }) => [...users, ...groups]),
      );
      const reached = message.recipients.filter((party) => !failed.has(addressOf(party))).length;
      // Of a group and a screen name in it one may have been reached, though both are named alike.
      return { reached: isSuccess(outcome) ? Math.max(1, reached) : reached, failures };
    }
    return { reached: 0, failures: [failureOf(outcome.code, message.recipients)] };
  }

  /** A report about one of this user's messages; queued until a client of his takes it. */
  async reported(report: DeliveryStatusReport): Promise<Status> {
    const home = await this.homes.get(report.sender);
    if (home === undefined) return status(result(531));
    const entry: NewQueueEntry = {
      recipient: report.sender,
      messageId: reportId(report),
      expiresAt: this.clock.now() + this.limits.defaultValidity * 1000,
      item: { kind: 'report', report },
    };
    const outcomes = await this.store.enqueue([entry], { remember: true, limit: this.limits.queue * 2 });
    if (outcomes[0] === 'queued') this.handOut(home, entry);
    return status(outcomes[0] === 'full' ? result(507) : OK);
  }

  // ---- the recipients' home

  async receive(request: SendMessageRequest): Promise<SendMessageResponse> {
    const { message } = request;
    const failures: DetailedResult[] = [];
    const homes: Home[] = [];
    for (const party of message.recipients) {
      if (party.kind === 'group') {
        failures.push({ code: 800, groups: [party.group] });
        continue;
      }
      const home = await this.homes.get(party.user);
      if (home === undefined) failures.push({ code: 531, users: [party.user] });
      else if (refuses(home, message)) failures.push({ code: 532, users: [party.user] });
      else homes.push(home);
    }
    const kept = homes.length === 0 ? message : await this.keep(message);
    if ('code' in kept) return { primitive: 'SendMessageResponse', messageId: message.id, result: kept };
    const entries = homes.map((home) => queueEntry(home.address, { ...request, message: kept }));
    const local = domainOf(request.meta.service) === this.homes.domain;
    const outcomes = await this.store.enqueue(entries, {
      remember: !local || request.repeatable === true,
      limit: this.limits.queue,
    });
    for (const [index, outcome] of outcomes.entries()) {
      const home = homes[index];
      const entry = entries[index];
      if (home === undefined || entry === undefined) continue;
      if (outcome === 'full') failures.push({ code: 507, users: [home.address] });
      else if (outcome === 'queued') this.handOut(home, entry);
    }
    const reached = outcomes.filter((outcome: QueueOutcome) => outcome !== 'full').length;
    return { primitive: 'SendMessageResponse', messageId: message.id, result: combine(reached, failures) };
  }

  /** The message as it waits; a Result when that is impossible. */
  private async keep(message: Message): Promise<Message | Result> {
    return (await this.attachments?.keep(message)) ?? message;
  }

  /** The content with its octets, to be sent on: other homes cannot read what lies here. undefined = it is gone. */
  async whole({ content }: Message): Promise<MessageContent | undefined> {
    return content.stored === undefined ? content : this.attachments?.whole(content);
  }

  /** Live clients hear of a new entry, in the order in which entries were committed. */
  private handOut(home: Home, entry: NewQueueEntry): void {
    for (const client of home.clients) client.queued(entry);
  }

  /**
   * The client confirmed (MessageDelivered): the entry goes, the sender gets his report. `handed` is the entry as it
   * was handed out, when the caller has it: it need not be read again. False = an id that was never delivered to him.
   */
  async acknowledge(home: Home, messageId: MessageId, handed?: NewQueueEntry): Promise<boolean> {
    const entry = handed ?? (await this.store.queuedMessage(home.address, messageId));
    if (entry === undefined) return home.delivered.has(messageId);
    await this.finish(home, entry, OK);
    home.delivered.add(messageId);
    return true;
  }

  /** Every home it was forwarded to has the copy: the entry goes, the sender learns 541 if he asked. */
  async forwarded(home: Home, entry: QueueEntry): Promise<void> {
    await this.finish(home, entry, result(541));
  }

  /** RejectMessage: not wanted; the sender learns 538. False = unknown id. */
  async reject(home: Home, messageId: MessageId): Promise<boolean> {
    const entry = await this.store.queuedMessage(home.address, messageId);
    if (entry === undefined) return false;
    await this.finish(home, entry, result(538));
    return true;
  }

  /** A client confirmed a delivery report. */
  async reportTaken(home: Home, report: DeliveryStatusReport): Promise<void> {
    await this.settle(home, reportId(report), 'report');
  }

  /** A client took a notice. */
  async noticeTaken(home: Home, entry: NewQueueEntry): Promise<void> {
    await this.settle(home, entry.messageId, 'notice');
  }

  /** Keeps a notice for a local user until a client of his took it. 531 unknown user, 507 too many are waiting. */
  async notify(recipient: UserAddress, id: MessageId, expiresAt: number, notice: Notice): Promise<Result> {
    const home = await this.homes.get(recipient);
    if (home === undefined) return result(531);
    const entry: NewQueueEntry = { recipient, messageId: id, expiresAt, item: { kind: 'notice', notice } };
    const [outcome] = await this.store.enqueue([entry], { remember: true, limit: this.limits.queue });
    if (outcome === 'queued') this.handOut(home, entry);
    return outcome === 'full' ? result(507) : OK;
  }

  /** Takes a notice back. True = it still waited, and no client has seen it. */
  async withdraw(home: Home, id: MessageId): Promise<boolean> {
    if (!(await this.store.dequeue(home.address, id, 'notice'))) return false;
    const seen = [...home.clients].map((client) => client.dequeued(id, 'notice'));
    return !seen.includes(true);
  }

  /** Takes expired entries out of the queues; senders learn 542 (csp-transactions 7.6). Returns how many. */
  async expire(limit: number): Promise<number> {
    const expired = await this.store.expiredQueue(this.clock.now(), limit);
    for (const entry of expired) {
      const home = await this.homes.get(entry.recipient);
      if (home === undefined) await this.finish(nobody(entry.recipient), entry, result(531));
      else await this.finish(home, entry, result(542));
    }
    return expired.length;
  }

  /** What waits for a user who was removed, or came meanwhile: senders learn 531. */
  async abandon(recipient: UserAddress): Promise<void> {
    for (;;) {
      const entries = await this.waiting(nobody(recipient), 0, 200);
      for (const entry of entries) await this.finish(nobody(recipient), entry, result(531));
      if (entries.length === 0) return;
    }
  }

  /** The report is on disk before the entry goes: a crash between the two repeats the report, which is then dropped. */
  private async finish(home: Recipient, entry: NewQueueEntry, outcome: Result): Promise<void> {
    if (entry.item.kind === 'message' && owesReport(entry.item, outcome)) {
      const answer = await this.outgoing.request(this.reportOf(home, entry.item, outcome));
      if (!isSuccess(answer.result)) {
        this.log.warn({ messageId: entry.messageId, code: answer.result.code }, 'delivery report not taken');
      }
    }
    await this.settle(home, entry.messageId, entry.item.kind);
  }

  private reportOf(
    home: Recipient,
    item: QueueItem & { kind: 'message' },
    outcome: Result,
  ): DeliveryStatusReport {
    return {
      primitive: 'DeliveryStatusReport',
      meta: { service: this.service, user: home.address },
      messageId: item.message.id,
      sender: item.reportTo ?? senderOf(item.message) ?? home.address,
      recipient: { kind: 'user', user: home.address },
      outcome,
      deliveredAt: this.clock.now(),
    };
  }

  private async settle(home: Recipient, messageId: MessageId, kind: QueueItem['kind']): Promise<void> {
    await this.store.dequeue(home.address, messageId, kind);
    for (const client of home.clients) client.dequeued(messageId, kind);
  }

  waiting(home: Pick<Home, 'address'>, afterSeq: number, limit: number): Promise<readonly QueueEntry[]> {
    return this.store.queueOf(home.address, afterSeq, limit);
  }

  async fetch(home: Home, messageId: MessageId): Promise<QueueEntry | undefined> {
    return this.store.queuedMessage(home.address, messageId);
  }

  waitingNotice(home: Home, id: MessageId): Promise<QueueEntry | undefined> {
    return this.store.queuedMessage(home.address, id, 'notice');
  }
}

/** Whose queue it is, and who is to hear that something left it. */
type Recipient = Pick<Home, 'address' | 'clients'>;

/** A user who is no more. */
function nobody(address: UserAddress): Recipient {
  return { address, clients: new Set() };
}

/** One report for one message and recipient, however often it is told. */
export function reportId(report: DeliveryStatusReport): MessageId {
  const recipient = report.recipient.kind === 'user' ? report.recipient.user : report.recipient.group;
  return trusted<MessageId>(`${report.messageId} ${recipient}`);
}

function senderOf(message: Message): UserAddress | undefined {
  return message.sender.kind === 'user' ? message.sender.user : undefined;
}

function refuses(home: Home, message: Message): boolean {
  const { sender } = message;
  return sender.kind === 'user' ? isBlocked(home, sender.user) : isGroupBlocked(home, sender.group);
}

/** Success is reported when asked for; failure always, so that nothing is lost in silence. Forwarded is no failure. */
function owesReport(item: QueueItem & { kind: 'message' }, outcome: Result): boolean {
  if (senderOf(item.message) === undefined) return false;
  return item.reportTo !== undefined || !(isSuccess(outcome) || outcome.code === 541);
}

function queueEntry(recipient: UserAddress, request: SendMessageRequest): NewQueueEntry {
  const message = withRecipient(request.message, recipient);
  const sender = senderOf(message);
  return {
    recipient,
    messageId: message.id,
    expiresAt: message.expiresAt,
    item: {
      kind: 'message',
      message,
      ...(request.deliveryReport && sender !== undefined ? { reportTo: sender } : {}),
    },
  };
}

/** A message as one of its recipients gets it. */
function withRecipient(message: SendMessageRequest['message'], user: UserAddress): Message {
  if (message.addressedTo === undefined) return { ...message, recipients: [{ kind: 'user', user }] };
  const { addressedTo, ...rest } = message;
  return { ...rest, recipients: [addressedTo] };
}

function plausible(sentAt: number | undefined, now: number): sentAt is number {
  return sentAt !== undefined && sentAt <= now + 60_000 && sentAt > now - 7 * 86_400_000;
}
