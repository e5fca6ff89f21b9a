// Instant messaging between a client and the server (csp-transactions section 7).

import { createHash } from 'node:crypto';
import { isAttachment } from '../../../services/content/content-types.ts';
import { domainOf, isAddressError, parseGroup, parseUser } from '../../../wv/address.ts';
import { trusted, type MessageId, type UserAddress } from '../../../wv/ids.ts';
import type { Message, MessageContent } from '../../../wv/message.ts';
import { combine, isSuccess, OK, result, type DetailedResult, type Result } from '../../../wv/status.ts';
import { forwardMessage } from '../../../services/forwarding.ts';
import type { QueueEntry } from '../../../store/store.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { readDate } from '../dates.ts';
import { pullWish } from '../fitting.ts';
import { contentOf, messageInfo, recipientsOf } from '../message-info.ts';
import type { JoinedGroup } from '../session.ts';
import { inSession, type Answer, type Handlers, type SessionExchange } from '../transaction.ts';
import { ask } from './about-group.ts';

/** Entries that GetMessageList looks through at most. */
const LIST_LIMIT = 100;

const sendMessage = inSession('SendMessage-Request', async (exchange, body) => {
  const { services, session, version } = exchange;
  const info = body.MessageInfo;
  if (!isOwnSender(exchange, info.Sender)) return statusOf(403, version, 'Sender is somebody else');
  const { parties, failures } = recipientsOf(session.home, info.Recipient, services.homes.domain);
  if (parties.length === 0 && failures.length > 0) return response(exchange, combine(0, failures));
  const sentAt = info.DateTime === undefined ? undefined : readDate(info.DateTime);
  const outcome = await services.messaging.send(session.home, session.clientId, {
    content: contentOf(info, body.ContentData),
    recipients: parties,
    deliveryReport: body.DeliveryReport === true,
    ...(sentAt === undefined ? {} : { sentAt }),
    ...retriedId(exchange, info, body.ContentData),
    ...(info.Validity === undefined || info.Validity === 0 ? {} : { validity: info.Validity }),
  });
  return response(exchange, joined(outcome.result, failures), outcome.messageId);
});

/**
 * A client that saw no answer sends the same request again (csp-transactions section 0, rule 7). Where session,
 * TransactionID, date and content are the same, so is the message: it gets the same id, and every receiver drops
 * the repeat. Without a date nothing tells a second try from a second message.
 */
function retriedId(
  { session, transaction }: SessionExchange,
  info: Body<'MessageInfo'>,
  data: string | undefined,
): { id?: MessageId } {
  if (info.DateTime === undefined || info.DateTime === '' || transaction.id === '') return {};
  const parts = [
    session.id,
    transaction.id,
    info.DateTime,
    JSON.stringify(info.Recipient ?? null),
    data ?? '',
  ];
  const digest = createHash('sha256').update(parts.join('\u0000')).digest('base64url');
  return { id: trusted<MessageId>(digest.slice(0, 22)) };
}

function response({ version }: SessionExchange, outcome: Result, messageId?: MessageId) {
  const shown = messageId === undefined ? {} : { MessageID: messageId };
  return buildElement('SendMessage-Response', { Result: resultBody(outcome), ...shown }, version);
}

/** Failures found while reading the request, beside those of the delivery. */
function joined(outcome: Result, failures: readonly DetailedResult[]): Result {
  if (failures.length === 0) return outcome;
  return combine(isSuccess(outcome) ? 1 : 0, [...(outcome.details ?? []), ...failures]);
}

/** COMPAT(Movistar): the Sender may lack "wv:"; Nokia leaves it out of nothing. Absent = the session's user. */
function isOwnSender({ services, session }: SessionExchange, sender: Body<'Sender'> | undefined): boolean {
  const claimed = sender?.User?.UserID;
  if (claimed === undefined || claimed === '') return true;
  const user = parseUser(claimed, services.homes.domain);
  return !isAddressError(user) && user === session.home.address;
}

const setDeliveryMethod = inSession(
  'SetDeliveryMethod-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const method = body.DeliveryMethod.toUpperCase();
    if (method !== 'P' && method !== 'N') return statusOf(402, version, 'DeliveryMethod');
    const ofGroup = body.GroupID === undefined ? undefined : body.GroupContentLimit;
    const limit = body.AcceptedContentLength ?? ofGroup;
    const delivery = {
      deliveryMethod: method,
      ...(limit === undefined ? {} : { acceptedContentLength: limit }),
    } as const;
    if (body.GroupID !== undefined) return deliveryInGroup(exchange, body.GroupID, delivery);
    session.capabilities = { ...session.capabilities, ...delivery };
    await services.sessions.save(session);
    return statusElement(OK, version);
  },
  'SETD',
);

/** The method for one group holds as long as the client is joined. Whether there is such a group, its home knows. */
async function deliveryInGroup(
  exchange: SessionExchange,
  text: string,
  delivery: NonNullable<JoinedGroup['delivery']>,
): Promise<Answer> {
  const { services, session, version } = exchange;
  const group = parseGroup(text, services.homes.domain);
  if (isAddressError(group)) return statusOf(800, version, group.reason);
  const joined = session.groups.get(group);
  if (joined === undefined) {
    const { result } = await ask(exchange, { primitive: 'GetGroupSubStatusRequest', group });
    return isSuccess(result) ? statusOf(808, version) : statusElement(result, version);
  }
  session.groups.set(group, { ...joined, delivery: { ...joined.delivery, ...delivery } });
  await services.sessions.save(session);
  return statusElement(OK, version);
}

const getMessageList = inSession(
  'GetMessageList-Request',
  async ({ services, session, version }, body) => {
    const now = services.clock.now();
    const count = Math.min(body.MessageCount ?? LIST_LIMIT, LIST_LIMIT);
    const infos: Body<'MessageInfo'>[] = [];
    if (body.GroupID === undefined) {
      const entries = await services.messaging.waiting(session.home, 0, LIST_LIMIT);
      for (const { item } of entries) if (item.kind === 'message') infos.push(messageInfo(item.message, now));
    } else {
      const history = await groupHistory(services, session.home.address, body.GroupID, count);
      if ('code' in history) return statusElement(history, version);
      infos.push(...history.map((message) => messageInfo(message, now)));
    }
    infos.splice(count);
    return buildElement(
      'GetMessageList-Response',
      version === '1.3'
        ? { MessageInfoList: { MessageInfo: infos }, MessageTotalCount: infos.length }
        : { MessageInfo: infos },
      version,
    );
  },
  'GETLM',
);

/** Servers tell each other no history: 821 for groups elsewhere. */
async function groupHistory(
  { groups, homes }: SessionExchange['services'],
  user: UserAddress,
  text: string,
  count: number,
): Promise<readonly Message[] | Result> {
  const group = parseGroup(text, homes.domain);
  if (isAddressError(group)) return result(800, group.reason);
  if (domainOf(group) !== homes.domain) return result(821);
  const history = await groups.history(user, group, count);
  return isSuccess(history.result) ? history.messages : history.result;
}

const getMessage = inSession(
  'GetMessage-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const entry = await services.messaging.fetch(session.home, trusted<MessageId>(body.MessageID));
    const message = messageIn(entry);
    if (message === undefined) return statusOf(426, version);
    const now = services.clock.now();
    if (message.expiresAt <= now) return statusOf(542, version);
    const content = await fetched(exchange, message);
    if (content === undefined) return statusOf(432, version, 'Larger than the client can parse');
    return buildElement(
      'GetMessage-Response',
      { MessageInfo: messageInfo({ ...message, content }, now), ContentData: content.data },
      version,
    );
  },
  'GETM',
);

/**
 * The content as the client can take it: the original where that is possible. Text goes as it is, and so does a type
 * that the client did not name, where there is nothing else: it asked for the message.
 */
async function fetched(
  { services, session }: SessionExchange,
  message: Message,
): Promise<MessageContent | undefined> {
  const { content } = message;
  if (services.content === undefined || !isAttachment(content)) return content;
  const { attachments } = services.content;
  const wish = pullWish(session.capabilities);
  return (
    (await attachments.adapted(message, wish)) ?? attachments.adapted(message, { maxBytes: wish.maxBytes })
  );
}

function messageIn(entry: QueueEntry | undefined) {
  return entry?.item.kind === 'message' ? entry.item.message : undefined;
}

const rejectMessage = inSession(
  'RejectMessage-Request',
  async ({ services, session, version }, body) => {
    const unknown: MessageId[] = [];
    for (const id of body.MessageID.map((text) => trusted<MessageId>(text))) {
      if (!(await services.messaging.reject(session.home, id))) unknown.push(id);
    }
    const failures: DetailedResult[] = unknown.length > 0 ? [{ code: 426, messages: unknown }] : [];
    return statusElement(combine(body.MessageID.length - unknown.length, failures), version);
  },
  'REJCM',
);

/** 1.2 and before answer with Status; the copy's id is told in 1.3. */
const forward = inSession(
  'ForwardMessage-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    if (!isOwnSender(exchange, body.Sender)) return statusOf(403, version, 'Sender is somebody else');
    const { home } = session;
    const { parties, failures } = recipientsOf(home, body.Recipient, services.homes.domain);
    // All or nothing: with a recipient that cannot be, the others get nothing and the message stays.
    if (failures.length > 0) return statusElement(combine(0, failures), version);
    const { result, messageId } = await forwardMessage(
      services.messaging,
      home,
      session.clientId,
      trusted<MessageId>(body.MessageID),
      parties,
      services.clock.now(),
    );
    if (version !== '1.3' || result.code !== 200) return statusElement(result, version);
    return buildElement(
      'ForwardMessage-Response',
      { Result: resultBody(result), MessageID: messageId },
      version,
    );
  },
  'FWMSG',
);

export const messagingTransactions: Handlers = {
  'SendMessage-Request': sendMessage,
  'SetDeliveryMethod-Request': setDeliveryMethod,
  'GetMessageList-Request': getMessageList,
  'GetMessage-Request': getMessage,
  'RejectMessage-Request': rejectMessage,
  'ForwardMessage-Request': forward,
};
