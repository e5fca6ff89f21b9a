// The server's own transactions: made events, acknowledged as real phones do it (csp-transactions section 12).

import { readBody, type Body, type CspTransaction, type ElementName } from '../access/csp/codec/binding.ts';
import { isBindError } from '../access/csp/codec/errors.ts';
import { readPresenceSubList } from '../access/csp/presence-sublist.ts';
import type { Element } from '../wv/element.ts';
import type { PresenceAttributeName } from '../wv/presence.ts';
import type { Outcome } from './errors.ts';
import type { Emitter } from './events.ts';
import { changeOf, exitOf, type GroupChange, type GroupExit } from './group-bodies.ts';
import { answerOf, cancelledOf, invitationOf } from './invitations.ts';
import type { Invitation, InvitationAnswer, InvitationCancelled } from './invitations.ts';
import { messageOf, reportOf, summaryOf } from './messages.ts';
import type { DeliveryReport, MessageSummary, ReceivedMessage } from './messages.ts';
import { presenceOf, type UserPresence } from './presence.ts';
import { RecentIds } from './recent-ids.ts';
import { resultOf } from './results.ts';

/** `acknowledge` is of use with `autoAcknowledge: false` only; with it, the answer is already on its way. */
export interface Acknowledgeable {
  acknowledge(): Promise<void>;
}

export interface WvClientEvents {
  /** The client is logged in and negotiated; subscriptions have to be made (again). */
  connect: { readonly sessionId: string };
  message: ReceivedMessage & Acknowledgeable;
  /** MessageNotification: a message waits to be fetched. */
  notification: MessageSummary & Acknowledgeable;
  /** One user's changed attributes. */
  presence: UserPresence;
  /** Somebody wants to see the user's presence. */
  authorization: { readonly user: string; readonly requested: readonly PresenceAttributeName[] };
  report: DeliveryReport;
  /** Somebody invites the user; `invitations.answer` answers. */
  invitation: Invitation;
  /** Somebody answered an invitation of the user. */
  invitationAnswer: InvitationAnswer;
  /** An invitation is no longer open. */
  invitationCancelled: InvitationCancelled;
  /** Somebody came or went in a group, or its properties changed. */
  group: GroupChange;
  /** The server took the user out of a group. */
  groupExit: GroupExit;
  /** Any other transaction of the server: system messages. */
  transaction: { readonly primitive: string; readonly content: Element };
  /** The session is over; not after `logout`. */
  disconnect: Outcome;
  /** What went wrong in the background: polls, acknowledgements, the CIR channel. */
  error: { readonly error: Error };
  /** A poll was answered. */
  poll: { readonly transactions: number };
}

/** Ids remembered to drop what is delivered again; it is acknowledged all the same. */
const MESSAGES_REMEMBERED = 1000;
/** Servers may use an id again in a long session, so few are remembered. */
const TRANSACTIONS_REMEMBERED = 50;

export interface InboundPort {
  readonly events: Emitter<WvClientEvents>;
  readonly autoAcknowledge: boolean;
  respond<N extends ElementName>(id: string, name: N, body: Body<N>): Promise<void>;
  disconnected(outcome: Outcome): void;
}

type Handler = (inbound: Inbound, transaction: CspTransaction) => void;

export class Inbound {
  readonly port: InboundPort;
  readonly #messages = new RecentIds(MESSAGES_REMEMBERED);
  readonly #transactions = new RecentIds(TRANSACTIONS_REMEMBERED);
  #count = 0;

  constructor(port: InboundPort) {
    this.port = port;
  }

  /** Transactions so far. */
  get count(): number {
    return this.#count;
  }

  receive(transaction: CspTransaction): void {
    this.#count += 1;
    (HANDLERS[transaction.primitive] ?? other)(this, transaction);
  }

  /** A new session numbers its transactions anew. */
  forgetTransactions(): void {
    this.#transactions.clear();
  }

  /** False for a transaction that came already; an unnumbered one is always new. */
  isNew({ id }: CspTransaction): boolean {
    return id === '' || this.#transactions.add(id);
  }

  isNewMessage(id: string): boolean {
    return id === '' || this.#messages.add(id);
  }

  /** The typed body; undefined after the server was told 400. */
  body<N extends ElementName>(transaction: CspTransaction, name: N): Body<N> | undefined {
    const body = readBody(transaction.content, name);
    if (!isBindError(body)) return body as Body<N>;
    void this.#background(() => this.port.respond(transaction.id, 'Status', { Result: { Code: 400 } }));
    this.fail(new Error(`unreadable ${name}: ${body.message}`));
    return undefined;
  }

  /** Sends the answer at once, or makes it the listener's business. */
  answer(respond: () => Promise<void>): Acknowledgeable {
    if (!this.port.autoAcknowledge) return { acknowledge: respond };
    const sent = this.#background(respond);
    return { acknowledge: () => sent };
  }

  fail(error: Error): void {
    this.port.events.emit('error', { error });
  }

  #background(task: () => Promise<void>): Promise<void> {
    return task().catch((error: unknown) =>
      this.fail(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

/** Status 200 for everything that has no acknowledgement of its own. */
function acknowledged(inbound: Inbound, { id }: CspTransaction): Acknowledgeable {
  return inbound.answer(() => inbound.port.respond(id, 'Status', { Result: { Code: 200 } }));
}

/** A message delivered again is acknowledged again: the first acknowledgement may have been lost. */
function newMessage(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'NewMessage');
  if (body === undefined) return;
  const message = messageOf(body);
  const answer = inbound.answer(() =>
    inbound.port.respond(transaction.id, 'MessageDelivered', { MessageID: message.id }),
  );
  if (inbound.isNewMessage(message.id)) inbound.port.events.emit('message', { ...message, ...answer });
}

function messageNotification(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'MessageNotification');
  if (body === undefined) return;
  const answer = acknowledged(inbound, transaction);
  if (inbound.isNew(transaction)) {
    inbound.port.events.emit('notification', { ...summaryOf(body.MessageInfo), ...answer });
  }
}

function presenceNotification(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'PresenceNotification-Request');
  if (body === undefined) return;
  acknowledged(inbound, transaction);
  if (!inbound.isNew(transaction)) return;
  for (const presence of body.Presence ?? []) inbound.port.events.emit('presence', presenceOf(presence));
}

function presenceAuth(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'PresenceAuth-Request');
  if (body === undefined) return;
  acknowledged(inbound, transaction);
  if (!inbound.isNew(transaction)) return;
  const list = body.PresenceSubList;
  const requested = list === undefined ? [] : readPresenceSubList(list).requested;
  inbound.port.events.emit('authorization', { user: body.UserID, requested });
}

function deliveryReport(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'DeliveryReport-Request');
  if (body === undefined) return;
  acknowledged(inbound, transaction);
  if (inbound.isNew(transaction)) inbound.port.events.emit('report', reportOf(body));
}

function invitation(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'InviteUser-Request');
  if (body === undefined) return;
  acknowledged(inbound, transaction);
  if (inbound.isNew(transaction)) inbound.port.events.emit('invitation', invitationOf(body));
}

function invitationAnswer(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'Invite-Response');
  if (body === undefined) return;
  acknowledged(inbound, transaction);
  if (inbound.isNew(transaction)) inbound.port.events.emit('invitationAnswer', answerOf(body));
}

function invitationCancelled(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'CancelInviteUser-Request');
  if (body === undefined) return;
  acknowledged(inbound, transaction);
  if (inbound.isNew(transaction)) inbound.port.events.emit('invitationCancelled', cancelledOf(body));
}

function groupChange(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'GroupChangeNotice');
  if (body === undefined) return;
  acknowledged(inbound, transaction);
  if (inbound.isNew(transaction)) inbound.port.events.emit('group', changeOf(body));
}

function groupExit(inbound: Inbound, transaction: CspTransaction): void {
  const body = inbound.body(transaction, 'LeaveGroup-Response');
  if (body === undefined) return;
  acknowledged(inbound, transaction);
  if (inbound.isNew(transaction)) inbound.port.events.emit('groupExit', exitOf(body));
}

/** The server does not wait for an answer to Disconnect; there is no session left to answer in. */
function disconnect(inbound: Inbound, transaction: CspTransaction): void {
  inbound.port.disconnected(resultOf(transaction) ?? { code: 601, details: [] });
}

function other(inbound: Inbound, transaction: CspTransaction): void {
  acknowledged(inbound, transaction);
  if (!inbound.isNew(transaction)) return;
  const { primitive, content } = transaction;
  inbound.port.events.emit('transaction', { primitive, content });
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  NewMessage: newMessage,
  MessageNotification: messageNotification,
  'PresenceNotification-Request': presenceNotification,
  'PresenceAuth-Request': presenceAuth,
  'DeliveryReport-Request': deliveryReport,
  'InviteUser-Request': invitation,
  'Invite-Response': invitationAnswer,
  'CancelInviteUser-Request': invitationCancelled,
  GroupChangeNotice: groupChange,
  'LeaveGroup-Response': groupExit,
  Disconnect: disconnect,
};
