// Requests as the relay hands them to the XMPP gateway.

import { randomUUID } from 'node:crypto';
import { domainOf, serviceAddress } from '../../src/wv/address.ts';
import type { MessageId, UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import type {
  DeliveryStatusReport,
  MetaInfo,
  PresenceAuthResponse,
  PresenceNotification,
  SendMessageRequest,
  SubscribeRequest,
  UnsubscribeRequest,
} from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import type { StatusCode } from '../../src/wv/status.ts';

function meta(user: UserAddress): MetaInfo {
  return { service: serviceAddress(domainOf(user)), user };
}

export interface MessageOptions {
  readonly id?: string;
  readonly report?: boolean;
  readonly sentAt?: number;
  readonly expiresAt?: number;
  readonly content?: MessageContent;
}

export function textMessage(
  from: UserAddress,
  to: UserAddress,
  text: string,
  options: MessageOptions = {},
): SendMessageRequest {
  const sentAt = options.sentAt ?? Date.now();
  return {
    primitive: 'SendMessageRequest',
    meta: meta(from),
    deliveryReport: options.report ?? false,
    message: {
      id: trusted<MessageId>(options.id ?? randomUUID()),
      sender: { kind: 'user', user: from },
      recipients: [{ kind: 'user', user: to }],
      sentAt,
      expiresAt: options.expiresAt ?? sentAt + 86_400_000,
      content: options.content ?? { contentType: 'text/plain', encoding: 'none', data: text },
    },
  };
}

/** The report of one of our users' home on a message from XMPP. */
export function reportOn(request: SendMessageRequest, code: StatusCode): DeliveryStatusReport {
  const { sender, recipients } = request.message;
  const [recipient] = recipients;
  if (sender.kind !== 'user' || recipient?.kind !== 'user') throw new Error('a message between users');
  return {
    primitive: 'DeliveryStatusReport',
    meta: meta(recipient.user),
    messageId: request.message.id,
    sender: sender.user,
    recipient,
    outcome: result(code),
    deliveredAt: Date.now(),
  };
}

export function subscribe(watcher: UserAddress, publisher: UserAddress): SubscribeRequest {
  return { primitive: 'SubscribeRequest', meta: meta(watcher), watcher, publishers: [publisher] };
}

export function unsubscribe(
  watcher: UserAddress,
  publisher: UserAddress,
  final: boolean,
): UnsubscribeRequest {
  return { primitive: 'UnsubscribeRequest', meta: meta(watcher), watcher, publishers: [publisher], final };
}

export function notification(
  publisher: UserAddress,
  watcher: UserAddress,
  attributes: PresenceAttributes,
): PresenceNotification {
  return {
    primitive: 'PresenceNotification',
    meta: meta(publisher),
    publisher,
    watchers: [watcher],
    attributes,
  };
}

export function authorisation(
  publisher: UserAddress,
  watcher: UserAddress,
  state: PresenceAuthResponse['state'],
): PresenceAuthResponse {
  return { primitive: 'PresenceAuthResponse', meta: meta(publisher), publisher, watcher, state };
}
