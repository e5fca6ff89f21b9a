// Instant messaging between a client and the server (csp-transactions section 7).

import { createHash } from 'node:crypto';
import { isAttachment } from '../../../services/content/content-types.ts';
import { isAddressError, parseUser } from '../../../wv/address.ts';
import { trusted, type MessageId } from '../../../wv/ids.ts';
import type { Message, MessageContent } from '../../../wv/message.ts';
import { combine, isSuccess, OK, type DetailedResult, type Result } from '../../../wv/status.ts';
import { forwardMessage } from '../../../services/forwarding.ts';
import type { QueueEntry } from '../../../store/store.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { readDate } from '../dates.ts';
import { pullWish } from '../fitting.ts';
import { contentOf, messageInfo, recipientsOf } from '../message-info.ts';
import { inSession, type Handlers, type SessionExchange } from '../transaction.ts';

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
  async ({ services, session, version }, body) => {
    const method = body.DeliveryMethod.toUpperCase();
    if (method !== 'P' && method !== 'N') return statusOf(402, version, 'DeliveryMethod');
    if (body.GroupID !== undefined) return statusOf(800, version);
    session.capabilities = {
      ...session.capabilities,
      deliveryMethod: method,
      acceptedContentLength: body.AcceptedContentLength ?? session.capabilities.acceptedContentLength,
    };
    await services.sessions.save(session);
    return statusElement(OK, version);
  },
  'SETD',
);

const getMessageList = inSession(
  'GetMessageList-Request',
  async ({ services, session, version }, body) => {
    if (body.GroupID !== undefined) return statusOf(821, version);
    const entries = await services.messaging.waiting(session.home, 0, LIST_LIMIT);
    const now = services.clock.now();
    const infos = entries
      .flatMap(({ item }) => (item.kind === 'message' ? [messageInfo(item.message, now)] : []))
      .slice(0, body.MessageCount ?? LIST_LIMIT);
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
