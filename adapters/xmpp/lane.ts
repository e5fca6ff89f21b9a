// What serves users over one stream: all of them over the component's, or one of them over that of his own account.

import type { RequestPrimitive, ResponsePrimitive } from '../../src/wv/primitives.ts';
import type { Bridge } from './bridge.ts';
import type { ChatMemory } from './chat-memory.ts';
import { IncomingFiles } from './files/incoming-files.ts';
import { OutgoingFiles } from './files/outgoing-files.ts';
import { Partners } from './files/partners.ts';
import { IqRequests } from './iq-requests.ts';
import { IncomingMessages } from './messages-in.ts';
import { OutgoingMessages } from './messages-out.ts';
import type { AccountPresenceParts } from './linked/presence-parts.ts';
import { PresenceBridge } from './presence.ts';
import { Receipts } from './receipts.ts';
import { isSharedContent, shareContent } from './shared-content.ts';

export interface Lane {
  readonly bridge: Bridge;
  /** Files on their way out, and those that were fetched. */
  readonly files: OutgoingFiles;
  readonly fetched: IncomingFiles;
  readonly outgoing: OutgoingMessages;
  readonly incoming: IncomingMessages;
  readonly receipts: Receipts;
  readonly presence: PresenceBridge;
  readonly iqRequests: IqRequests;
}

/** `account`: where the stream is that of an account. */
export function laneOf(bridge: Bridge, memory: ChatMemory, account?: AccountPresenceParts): Lane {
  const iqRequests = new IqRequests(bridge.link, bridge.relay.clock, bridge.settings.roomWaitMs);
  const receipts = new Receipts(bridge);
  const partners = new Partners(bridge.relay.storage);
  const files = new OutgoingFiles(bridge, iqRequests);
  const fetched = new IncomingFiles(bridge, partners);
  return {
    bridge,
    iqRequests,
    receipts,
    files,
    fetched,
    outgoing: new OutgoingMessages(bridge, memory, { files, partners }),
    incoming: new IncomingMessages(bridge, receipts, memory, fetched),
    presence: new PresenceBridge(bridge, iqRequests, account),
  };
}

/** Serves what is between two users: messages and presence. Undefined for anything else. */
export async function serveInLane(
  { bridge, outgoing, receipts, presence }: Lane,
  request: RequestPrimitive,
): Promise<ResponsePrimitive | undefined> {
  if (isSharedContent(request)) return await shareContent(bridge, request);
  switch (request.primitive) {
    case 'SendMessageRequest':
      presence.wrote(request);
      return await outgoing.send(request);
    case 'DeliveryStatusReport':
      return await receipts.answer(request);
    case 'SubscribeRequest':
      return await presence.subscribe(request);
    case 'UnsubscribeRequest':
      return await presence.unsubscribe(request);
    case 'PresenceNotification':
      return await presence.notify(request);
    case 'GetPresenceRequest':
      return await presence.get(request);
    case 'PresenceAuthResponse':
      return await presence.authorise(request);
    default:
      return undefined;
  }
}
