// ForwardMessage (csp-transactions 7.7): a message that waits for its user goes to others instead.

import { createHash } from 'node:crypto';
import { trusted, type ClientId, type MessageId } from '../wv/ids.ts';
import type { Party } from '../wv/message.ts';
import { result } from '../wv/status.ts';
import type { Home } from './home.ts';
import type { Messaging, SendOutcome } from './messaging.ts';

/**
 * Sends a waiting message on, in the name of the home's user, for the rest of its validity. It leaves the queue, and
 * its sender learns 541 if he asked, only when every recipient's home has committed the copy: with 201 or an error it
 * stays, to be fetched or forwarded again. 426 unknown message, 542 expired; else as Messaging.send.
 */
export async function forwardMessage(
  messaging: Messaging,
  home: Home,
  clientId: ClientId,
  messageId: MessageId,
  recipients: readonly Party[],
  now: number,
): Promise<SendOutcome> {
  const entry = await messaging.fetch(home, messageId);
  if (entry?.item.kind !== 'message') return { result: result(426) };
  if (entry.expiresAt <= now) return { result: result(542) };
  const content = await messaging.whole(entry.item.message);
  if (content === undefined) return { result: result(542) };
  const outcome = await messaging.send(home, clientId, {
    content,
    recipients,
    deliveryReport: false,
    validity: Math.ceil((entry.expiresAt - now) / 1000),
    id: copyId(home, messageId),
  });
  if (outcome.result.code === 200) await messaging.forwarded(home, entry);
  return outcome;
}

/** The same for every try: after a crash between the copy and the end of the original, receivers drop the repeat. */
function copyId(home: Home, messageId: MessageId): MessageId {
  const digest = createHash('sha256').update(`forward\u0000${home.address}\u0000${messageId}`);
  return trusted<MessageId>(digest.digest('base64url').slice(0, 22));
}
