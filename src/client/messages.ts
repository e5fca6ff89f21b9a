// Instant messages of a client (csp-transactions section 7).

import type { Body } from '../access/csp/codec/binding.ts';
import { writeDate } from '../access/csp/dates.ts';
import { base64, fromBase64 } from './digest.ts';
import type { Outcome } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { outcomeOf } from './results.ts';

/** Where a message comes from or goes to. In a group `screenName` names one member. */
export type Correspondent =
  | { readonly user: string; readonly clientId?: string }
  | { readonly group: string; readonly screenName?: string }
  | { readonly list: string };

/** What MessageInfo says. */
export interface MessageSummary {
  readonly id: string;
  readonly from: Correspondent | undefined;
  readonly to: readonly Correspondent[];
  readonly contentType: string;
  /** Octets, as the server counts them. */
  readonly size: number | undefined;
  /** As it came: ISO 8601, basic or extended. */
  readonly sentAt: string | undefined;
  /** Seconds. */
  readonly validity: number | undefined;
}

export interface ReceivedMessage extends MessageSummary {
  /** The content as text; of BASE64 content the octets read as UTF-8. */
  readonly text: string;
  /** The octets of BASE64 content. */
  readonly data: Uint8Array | undefined;
}

export interface DeliveryReport {
  /** 200 delivered, 538 rejected, 541 forwarded, 542 expired, 410 undeliverable. */
  readonly outcome: Outcome;
  readonly deliveredAt: string | undefined;
  readonly message: MessageSummary;
}

export interface OutgoingMessage {
  readonly to: Correspondent | readonly Correspondent[];
  /** Text, or octets that travel as BASE64. */
  readonly content: string | Uint8Array;
  /** Default text/plain. */
  readonly contentType?: string;
  /** Ask for a report per recipient. Default false. */
  readonly deliveryReport?: boolean;
  /** Seconds the message is worth delivering; default: the server's. */
  readonly validity?: number;
  /** The screen name to send under, in a group. */
  readonly screenName?: string;
  /**
   * Send again when nobody knows what became of it. Every try has the same TransactionID and DateTime: a server that
   * looks at them, such as wvgate, delivers it once; at another it may arrive twice. Default false.
   */
  readonly repeatable?: boolean;
}

export interface Sent {
  /** Absent when nobody could be reached. */
  readonly id: string | undefined;
  readonly outcome: Outcome;
}

export async function sendMessage(exchange: Exchange, message: OutgoingMessage): Promise<Sent> {
  const repeatable = message.repeatable ?? false;
  const body = await exchange.get(
    'SendMessage-Request',
    submission(exchange, message),
    'SendMessage-Response',
    repeatable ? { id: exchange.nextId() } : { repeatable },
  );
  return { id: body.MessageID, outcome: outcomeOf(body.Result) };
}

function submission(exchange: Exchange, message: OutgoingMessage): Body<'SendMessage-Request'> {
  const isText = typeof message.content === 'string';
  const data = typeof message.content === 'string' ? message.content : base64(message.content);
  const size = isText ? new TextEncoder().encode(data).length : message.content.length;
  return {
    DeliveryReport: message.deliveryReport ?? false,
    MessageInfo: {
      ContentType: message.contentType ?? 'text/plain',
      ContentEncoding: isText ? undefined : 'BASE64',
      ContentSize: size,
      Recipient: recipientOf(message.to),
      Sender: senderOf(exchange, message),
      DateTime: message.repeatable === true ? writeDate(exchange.settings.clock.now()) : undefined,
      Validity: message.validity,
    },
    ContentData: data,
  };
}

function senderOf(exchange: Exchange, { to, screenName }: OutgoingMessage): Body<'Sender'> {
  const { user, clientId } = exchange.settings;
  const [first] = asList(to);
  if (screenName !== undefined && first !== undefined && 'group' in first) {
    return { Group: { ScreenName: { SName: screenName, GroupID: first.group } } };
  }
  return { User: { UserID: user, ClientID: { URL: clientId } } };
}

const asList = (to: OutgoingMessage['to']): readonly Correspondent[] => ('length' in to ? to : [to]);

export function recipientOf(to: OutgoingMessage['to']): Body<'Recipient'> {
  const User: Body<'User'>[] = [];
  const Group: Body<'Group'>[] = [];
  const ContactList: string[] = [];
  for (const one of asList(to)) {
    if ('user' in one) User.push({ UserID: one.user, ClientID: clientOf(one.clientId) });
    else if ('list' in one) ContactList.push(one.list);
    else if (one.screenName === undefined) Group.push({ GroupID: one.group });
    else Group.push({ ScreenName: { SName: one.screenName, GroupID: one.group } });
  }
  return { User, Group, ContactList };
}

const clientOf = (clientId: string | undefined) => (clientId === undefined ? undefined : { URL: clientId });

export function summaryOf(info: Body<'MessageInfo'>): MessageSummary {
  const { Sender, Recipient } = info;
  return {
    id: info.MessageID ?? '',
    from: partyOf(Sender?.User, Sender?.Group),
    to: [
      ...(Recipient?.User ?? []).map((user) => partyOf(user, undefined)),
      ...(Recipient?.Group ?? []).map((group) => partyOf(undefined, group)),
    ].filter((party) => party !== undefined),
    contentType: info.ContentType ?? 'text/plain',
    size: info.ContentSize,
    sentAt: info.DateTime,
    validity: info.Validity,
  };
}

export function partyOf(
  user: Body<'User'> | undefined,
  group: Body<'Group'> | undefined,
): Correspondent | undefined {
  if (user !== undefined) {
    const clientId = user.ClientID?.URL ?? user.ClientID?.MSISDN;
    return { user: user.UserID, ...(clientId === undefined ? {} : { clientId }) };
  }
  if (group === undefined) return undefined;
  const { SName, GroupID } = group.ScreenName ?? {};
  return { group: group.GroupID ?? GroupID ?? '', ...(SName === undefined ? {} : { screenName: SName }) };
}

export function messageOf(body: Body<'NewMessage'>): ReceivedMessage {
  const content = body.ContentData ?? '';
  const isBase64 = body.MessageInfo.ContentEncoding?.toUpperCase() === 'BASE64';
  const data = isBase64 ? fromBase64(content) : undefined;
  return {
    ...summaryOf(body.MessageInfo),
    text: data === undefined ? content : new TextDecoder().decode(data),
    data,
  };
}

export function reportOf(body: Body<'DeliveryReport-Request'>): DeliveryReport {
  return {
    outcome: outcomeOf(body.Result),
    deliveredAt: body.DeliveryTime,
    message: summaryOf(body.MessageInfo),
  };
}

/** The messages that wait, or a group's history. */
export async function getMessages(
  exchange: Exchange,
  options: { readonly group?: string; readonly count?: number } = {},
): Promise<readonly MessageSummary[]> {
  const body = await exchange.get(
    'GetMessageList-Request',
    { GroupID: options.group, MessageCount: options.count },
    'GetMessageList-Response',
  );
  return (body.MessageInfo ?? body.MessageInfoList?.MessageInfo ?? []).map(summaryOf);
}

/** Fetches an announced message. It stays at the server until `acknowledgeMessage`. */
export async function getMessage(exchange: Exchange, id: string): Promise<ReceivedMessage> {
  return messageOf(await exchange.get('GetMessage-Request', { MessageID: id }, 'GetMessage-Response'));
}

/** MessageDelivered after GetMessage: a message of its own, mode Response, with an id of ours (example 068). */
export function acknowledgeMessage(exchange: Exchange, id: string): Promise<void> {
  return exchange.respond(exchange.nextId(), 'MessageDelivered', { MessageID: id });
}

export function rejectMessage(exchange: Exchange, ids: readonly string[]): Promise<Outcome> {
  const [first = '', ...others] = ids;
  return exchange.tell('RejectMessage-Request', { MessageID: [first, ...others] }, { repeatable: false });
}

/** Forwards a message that waits at the server. */
export function forwardMessage(exchange: Exchange, id: string, to: OutgoingMessage['to']): Promise<Outcome> {
  return exchange.tell(
    'ForwardMessage-Request',
    { MessageID: id, Recipient: recipientOf(to) },
    { repeatable: false },
  );
}

export function setDeliveryMethod(
  exchange: Exchange,
  method: 'P' | 'N',
  options: { readonly group?: string; readonly acceptedContentLength?: number } = {},
): Promise<Outcome> {
  return exchange.tell('SetDeliveryMethod-Request', {
    DeliveryMethod: method,
    GroupID: options.group,
    AcceptedContentLength: options.acceptedContentLength,
  });
}
