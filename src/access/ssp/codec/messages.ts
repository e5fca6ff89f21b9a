// Instant messaging on the wire (ssp.md section 6.5, observed-peer.md section 12).

import { createHash } from 'node:crypto';
import type { Element } from '../../../wv/element.ts';
import type { MessageId, UserAddress } from '../../../wv/ids.ts';
import { contentSize, type Message, type Party, type ScreenName } from '../../../wv/message.ts';
import type { SendMessageResponse } from '../../../wv/primitives.ts';
import {
  groupParty,
  meta,
  OUR_PARTIES,
  OUR_PARTY,
  OUTCOME,
  SCREEN_NAME,
  SENDER,
  senderOrigin,
  STATUS_CHILD,
} from './common.ts';
import { contentElement, readContent } from './content.ts';
import {
  also,
  attribute,
  child,
  children,
  childrenOf,
  content,
  extension,
  mapped,
  must,
  or,
  record,
  Unreadable,
  type Part,
  type ReadContext,
  type Text,
} from './parts.ts';
import type { Body, RequestParts } from './tables.ts';
import { DATE, NUMBER, PLAIN, YES_NO } from './values.ts';

const MAX_ID = 255;

const MESSAGE_ID: Text<MessageId> = {
  read: (text) => {
    if (text.length > MAX_ID) throw new Unreadable(402, 'message id too long');
    return text as MessageId;
  },
  write: (id) => id,
};

/** One element for each recipient: [B] serves only the first user of one. */
const RECIPIENTS: Part<readonly Recipient[]> = children(
  'Recipient',
  record({
    parties: OUR_PARTIES,
    display: extension(child('RecipientDisplay', child('ScreenName', SCREEN_NAME))),
  }),
);

interface Recipient {
  readonly parties: readonly Party[];
  readonly display?: ScreenName;
}

const DATE_TIME = also(content(DATE), (draft) => draft.attributes.push(['format', 'iso8601']));

const MESSAGE_INFO = record({
  id: attribute('messageID', MESSAGE_ID),
  contentType: attribute('contentType', PLAIN),
  // Never believed, so it may be anything.
  contentSize: attribute('contentSize', PLAIN),
  validity: attribute(['validity', 'validlity'], NUMBER),
  recipients: RECIPIENTS,
  sender: must(child('Sender', SENDER), 'Sender'),
  sentAt: child('DateTime', DATE_TIME),
});

/** `ContentData` as it stands: what it means depends on MessageInfo. */
const CONTENT_DATA: Part<Element | undefined> = {
  read: (element) => childrenOf(element, 'ContentData')[0],
  write: (data, draft) => {
    if (data !== undefined) draft.children.push(data);
  },
};

const MESSAGE: Part<Message> = mapped(
  record({ info: must(child('MessageInfo', MESSAGE_INFO), 'MessageInfo'), data: CONTENT_DATA }),
  ({ info, data }, context): Message => {
    const recipients = info.recipients.flatMap(({ parties }) => parties);
    if (recipients.length === 0) throw new Unreadable(400, 'Recipient is missing');
    const { addressedTo } = addressing(info.sender, info.recipients);
    const seconds = Math.min(info.validity ?? context.defaultValidity, context.maxValidity);
    return {
      id: info.id ?? substituteId(context),
      sender: info.sender,
      recipients,
      ...(addressedTo === undefined ? {} : { addressedTo }),
      sentAt: info.sentAt ?? context.now,
      expiresAt: context.now + seconds * 1000,
      content: readContent(data, info.contentType),
    };
  },
  (message, { now = message.sentAt }) => ({
    info: {
      id: message.id,
      contentType: message.content.contentType,
      contentSize: String(contentSize(message.content)),
      validity: Math.max(0, Math.ceil((message.expiresAt - now) / 1000)),
      recipients: message.recipients.map((party) => ({ parties: [party], ...displayOf(message) })),
      sender: message.sender,
      sentAt: message.sentAt,
    },
    data: contentElement(message.content),
  }),
);

/** A copy from a group is addressed to the group, unless it says to which name in it. */
function addressing(sender: Party, recipients: readonly Recipient[]): Pick<Message, 'addressedTo'> {
  if (sender.kind !== 'group') return {};
  const display = recipients.find((recipient) => recipient.display !== undefined)?.display;
  return {
    addressedTo: display === undefined ? groupParty(sender.group) : groupParty(display.group, display.name),
  };
}

function displayOf({ addressedTo }: Message): { display?: ScreenName } {
  return addressedTo?.screenName === undefined
    ? {}
    : { display: { group: addressedTo.group, name: addressedTo.screenName } };
}

/** A message without an id gets one here that a repeated transaction brings again (ssp.md section 2, rule 3). */
function substituteId({ sessionId, transactionId }: ReadContext): MessageId {
  const digest = createHash('sha256')
    .update(JSON.stringify([sessionId, transactionId]))
    .digest('hex');
  return `ssp-${digest.slice(0, 40)}` as MessageId;
}

/** What other servers hand in may be a repeat. */
const SEND_MESSAGE: Part<Body<'SendMessageRequest'>> = mapped(
  record({
    deliveryReport: or(attribute('deliveryReport', YES_NO), false),
    meta: meta(senderOrigin),
    message: MESSAGE,
  }),
  (wire): Body<'SendMessageRequest'> => ({ ...wire, repeatable: true }),
  ({ deliveryReport, meta: origin, message }) => ({ deliveryReport, meta: origin, message }),
);

/** In a report the roles are turned round: who read the message is the sender. */
const DELIVERY_REPORT: Part<Body<'DeliveryStatusReport'>> = mapped(
  record({
    meta: meta(senderOrigin),
    outcome: must(child('DeliveryResult', STATUS_CHILD), 'DeliveryResult'),
    deliveredAt: child('DeliveryTime', content(DATE)),
    info: must(
      child(
        'MessageInfo',
        record({
          messageId: must(attribute('messageID', MESSAGE_ID), 'messageID'),
          recipient: must(child('Recipient', OUR_PARTY), 'Recipient'),
          sender: must(child('Sender', SENDER), 'Sender'),
        }),
      ),
      'MessageInfo',
    ),
  }),
  ({ meta: origin, outcome, deliveredAt, info }, { now }) => ({
    meta: origin,
    messageId: info.messageId,
    sender: userOf(info.recipient),
    recipient: info.sender,
    outcome,
    deliveredAt: deliveredAt ?? now,
  }),
  ({ meta: origin, messageId, sender, recipient, outcome, deliveredAt }) => ({
    meta: origin,
    outcome,
    deliveredAt,
    info: { messageId, recipient: { kind: 'user' as const, user: sender }, sender: recipient },
  }),
);

function userOf(party: Party): UserAddress {
  if (party.kind !== 'user') throw new Unreadable(402, 'a report goes to a user');
  return party.user;
}

export const MESSAGE_REQUESTS = {
  SendMessageRequest: SEND_MESSAGE,
  DeliveryStatusReport: DELIVERY_REPORT,
} satisfies Partial<RequestParts>;

/** COMPAT(Baraza): the id is empty when nobody got the message. */
export const SEND_MESSAGE_RESPONSE: Part<Omit<SendMessageResponse, 'primitive'>> = record({
  messageId: or(attribute('messageID', MESSAGE_ID), '' as MessageId),
  result: OUTCOME,
});
