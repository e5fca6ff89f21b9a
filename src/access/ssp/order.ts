// What must not overtake what (ssp.md section 3): requests of one sender to one peer.

import { createHash } from 'node:crypto';
import { partyKey } from '../../wv/message.ts';
import type { RequestPrimitive } from '../../wv/primitives.ts';

/** Requests with the same key keep their order: those of one user, about one publisher, from one group. */
export function orderKey(request: RequestPrimitive): string {
  switch (request.primitive) {
    case 'SendMessageRequest': {
      const { sender } = request.message;
      return sender.kind === 'user' ? sender.user : sender.group;
    }
    case 'DeliveryStatusReport':
      return partyKey(request.recipient);
    case 'PresenceNotification':
    case 'PresenceAuthResponse':
      return request.publisher;
    case 'SubscribeRequest':
    case 'UnsubscribeRequest':
    case 'GetPresenceRequest':
      return request.watcher;
    case 'GroupChangeNotice':
    case 'LeaveGroupIndication':
      return request.group;
    default:
      return request.meta.user ?? request.meta.service;
  }
}

/** The same, but messages of one user to several do not wait for each other: behind a gateway some take long. */
export function conversationKey(request: RequestPrimitive): string {
  if (request.primitive !== 'SendMessageRequest') return orderKey(request);
  return `${orderKey(request)} ${request.message.recipients.map(partyKey).join(' ')}`;
}

/**
 * The transaction id of a request that may be asked again after a restart: the same for the same thing, so that the
 * peer can tell. undefined = any will do.
 */
export function lastingTransactionId(request: RequestPrimitive): string | undefined {
  switch (request.primitive) {
    case 'SendMessageRequest':
      return `m-${digest(request.message.id, ...request.message.recipients.map(partyKey))}`;
    case 'DeliveryStatusReport':
      return `r-${digest(request.messageId, partyKey(request.recipient), request.sender)}`;
    case 'InviteResponse':
      return `i-${digest(request.inviteId, partyKey(request.responding), partyKey(request.inviting), String(request.accepted))}`;
    case 'CancelInviteRequest':
      return `c-${digest(request.inviteId, partyKey(request.canceling), partyKey(request.canceled))}`;
    default:
      return undefined;
  }
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 22);
}
