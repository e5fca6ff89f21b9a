// Server-originated transactions: what waits for a client, in the words of its version and within its limits.

import { node, type Element } from '../../wv/element.ts';
import type { Message } from '../../wv/message.ts';
import type { UserAddress } from '../../wv/ids.ts';
import type { PresenceAttributes } from '../../wv/presence.ts';
import type { DeliveryStatusReport } from '../../wv/primitives.ts';
import type { NewQueueEntry } from '../../store/store.ts';
import { resultBody } from './answers.ts';
import { buildElement } from './codec/binding.ts';
import { composeNews } from './compose-news.ts';
import { composeNotice } from './compose-notice.ts';
import { writeDate } from './dates.ts';
import { ENVELOPE_BYTES, fitting, mayPush, unadapted } from './fitting.ts';
import { messageInfo, recipientElement } from './message-info.ts';
import type { Outbound } from './outbound.ts';
import { writeAttributeNames, writePresenceSubList } from './presence-sublist.ts';
import type { CspSession } from './session.ts';
import { xmlSize } from './xml-size.ts';

export interface Composed {
  readonly content: Element;
  /** As it goes into the list of what is out. */
  readonly outbound: Outbound;
  /** What did not fit. */
  readonly rest?: Outbound;
}

/** The largest message we send to a client that named no limit. */
const OWN_LIMIT = 65_536;

export function compose(session: CspSession, outbound: Outbound, now: number): Composed {
  switch (outbound.kind) {
    case 'entry':
      return composeEntry(session, outbound.entry, now);
    case 'presence':
      return composePresence(session, outbound.values);
    case 'news':
      return composeNews(session, outbound.news, roomOf(session));
    case 'change': {
      const { type, subject } = outbound.change;
      const body = { NotificationType: type, ...subject };
      return { content: buildElement('Notification-Request', body, session.version), outbound };
    }
    case 'ask':
      return { content: composeAsk(session, outbound), outbound };
    case 'disconnect':
      return {
        content: buildElement('Disconnect', { Result: resultBody(outbound.reason) }, session.version),
        outbound,
      };
  }
}

function composeEntry(session: CspSession, entry: NewQueueEntry, now: number): Composed {
  if (entry.item.kind === 'report') {
    return { content: composeReport(session, entry.item.report), outbound: { kind: 'entry', entry } };
  }
  if (entry.item.kind === 'notice') {
    const secondsLeft = Math.max(0, Math.round((entry.expiresAt - now) / 1000));
    const content = composeNotice(session, entry.item.notice, secondsLeft);
    return { content, outbound: { kind: 'entry', entry } };
  }
  return composeMessage(session, entry, entry.item.message, now);
}

function composeMessage(session: CspSession, entry: NewQueueEntry, message: Message, now: number): Composed {
  const capabilities = session.capabilitiesFor(message);
  const fit = fitting(message, capabilities);
  const content =
    fit.kind === 'adapt'
      ? (session.preparation.take(message.id, fit.wish) ?? unadapted(message, capabilities))
      : message.content;
  if (fit.kind !== 'announce' && content !== undefined) {
    const MessageInfo = messageInfo({ ...message, content }, now);
    const push = buildElement('NewMessage', { MessageInfo, ContentData: content.data }, session.version);
    const [info] = push.children;
    if (mayPush(content, info === undefined ? 0 : xmlSize(info), capabilities)) {
      return { content: push, outbound: { kind: 'entry', entry } };
    }
  }
  return {
    content: buildElement('MessageNotification', { MessageInfo: messageInfo(message, now) }, session.version),
    outbound: { kind: 'entry', entry, announced: true },
  };
}

function composeReport(session: CspSession, report: DeliveryStatusReport): Element {
  return buildElement(
    'DeliveryReport-Request',
    {
      Result: resultBody(report.outcome),
      DeliveryTime: writeDate(report.deliveredAt),
      MessageInfo: {
        MessageID: report.messageId,
        ContentSize: 0,
        Recipient: recipientElement([report.recipient]),
        Sender: { User: { UserID: report.sender } },
        DateTime: writeDate(report.deliveredAt),
      },
    },
    session.version,
  );
}

/** Octets that the content of one transaction may take. */
function roomOf({ capabilities }: CspSession): number {
  return Math.min(capabilities.parserSize, OWN_LIMIT) - ENVELOPE_BYTES;
}

function composePresence(
  session: CspSession,
  values: ReadonlyMap<UserAddress, PresenceAttributes>,
): Composed {
  const limit = roomOf(session);
  const sent = new Map<UserAddress, PresenceAttributes>();
  const rest = new Map<UserAddress, PresenceAttributes>();
  const elements: Element[] = [];
  let size = 0;
  for (const [publisher, attributes] of values) {
    const element = presenceElement(session, publisher, attributes);
    const more = xmlSize(element);
    if (elements.length > 0 && size + more > limit) {
      rest.set(publisher, attributes);
      continue;
    }
    size += more;
    elements.push(element);
    sent.set(publisher, attributes);
  }
  const content = node('PresenceNotification-Request', elements);
  const outbound: Outbound = { kind: 'presence', values: sent };
  return rest.size === 0
    ? { content, outbound }
    : { content, outbound, rest: { kind: 'presence', values: rest } };
}

function presenceElement(
  session: CspSession,
  publisher: UserAddress,
  attributes: PresenceAttributes,
): Element {
  return buildElement(
    'Presence',
    { UserID: publisher, PresenceSubList: [writePresenceSubList(attributes, session.version)] },
    session.version,
  );
}

/** 1.3 asks by a notification (ANU) where the client subscribed to them, as 1.2 does where not. */
function composeAsk(session: CspSession, ask: Outbound & { kind: 'ask' }): Element {
  const { version } = session;
  const attributes =
    ask.attributes === undefined
      ? {}
      : { PresenceSubList: writeAttributeNames([...ask.attributes], version) };
  return session.notifications.has('ANU')
    ? buildElement(
        'Notification-Request',
        { NotificationType: 'ANU', ...attributes, UserIDList: { UserID: [ask.watcher] } },
        version,
      )
    : buildElement('PresenceAuth-Request', { UserID: ask.watcher, ...attributes }, version);
}
