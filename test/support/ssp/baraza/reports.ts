// Reports that it sends about messages of the other side's users.

import { send } from './sender.ts';
import type { Peer, Sent } from './state.ts';
import { withoutPrefix, type ReceivedMessage, type User } from './world.ts';
import { deliveryStatusReport } from './write-messages.ts';

const RESULTS = {
  Fetched: { code: 200, description: 'Fetched' },
  Rejected: { code: 538, description: 'Rejected' },
} as const;

/** Reports to the sender, who is now the Recipient, and written without `wv:`. */
export function report(
  peer: Peer,
  user: User,
  message: ReceivedMessage,
  result: 'Fetched' | 'Rejected',
): Sent {
  const actor = { domain: peer.settings.domain, userId: user.address };
  const about = {
    messageId: message.messageId,
    contentType: message.contentType,
    contentSize: message.content.length,
    recipients: [{ userId: withoutPrefix(message.sender) }],
    sender: { userId: user.address },
    sentAt: new Date(message.dateTime ?? Date.now()),
  };
  return send(peer, {
    queue: 'messages',
    primitive: 'DeliveryStatusReport',
    content: deliveryStatusReport(actor, RESULTS[result], about, new Date()),
  });
}
