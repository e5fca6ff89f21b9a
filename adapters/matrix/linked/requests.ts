// Requests of users who have a linked account, served by the account in place of the ghost.

import type { MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { RequestPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { Watching } from '../presence-in.ts';
import type { Speaking } from './accounts.ts';
import type { Lane } from './lane.ts';

export interface AccountRequestContext {
  /** Who of Matrix the ghosts look at: what an account looks at, its ghost does not. */
  readonly ghosts: Pick<Watching, 'unsubscribe'>;
  /** True for a message that came through the account. */
  readonly cameThrough: (user: UserAddress, id: MessageId) => Promise<boolean>;
}

/** Undefined: it is not the account's business. */
export async function servedByAccount(
  { state, lane }: Speaking,
  request: RequestPrimitive,
  { ghosts, cameThrough }: AccountRequestContext,
): Promise<ResponsePrimitive | undefined> {
  // Refused: only the user can help, and was told so.
  const cannot = result(state === 'refused' ? 403 : 503);
  switch (request.primitive) {
    case 'SendMessageRequest':
      if (lane !== undefined) return await lane.outbound.send(request);
      return { primitive: 'SendMessageResponse', messageId: request.message.id, result: cannot };
    case 'DeliveryStatusReport':
      if (
        request.recipient.kind !== 'user' ||
        !(await cameThrough(request.recipient.user, request.messageId))
      )
        return undefined;
      return status(await reported(lane, request, state === 'refused' ? OK : cannot));
    case 'SubscribeRequest':
      await ghosts.unsubscribe(unsubscribing(request));
      return status(lane === undefined ? cannot : await lane.watching.subscribe(request));
    case 'UnsubscribeRequest':
      await ghosts.unsubscribe(request);
      return status(lane === undefined ? cannot : await lane.watching.unsubscribe(request));
    case 'GetPresenceRequest':
      if (lane !== undefined) return await lane.watching.get(request);
      return { primitive: 'GetPresenceResponse', result: cannot, values: [] };
    case 'InviteRequest':
      return lane === undefined ? status(cannot) : await lane.invitations.invite(request);
    default:
      return undefined;
  }
}

function reported(
  lane: Lane | undefined,
  report: Extract<RequestPrimitive, { primitive: 'DeliveryStatusReport' }>,
  otherwise: Result,
): Promise<Result> {
  return lane === undefined ? Promise.resolve(otherwise) : lane.inbound.report(report);
}

function unsubscribing({
  meta,
  watcher,
  publishers,
}: Extract<RequestPrimitive, { primitive: 'SubscribeRequest' }>): Extract<
  RequestPrimitive,
  { primitive: 'UnsubscribeRequest' }
> {
  return { primitive: 'UnsubscribeRequest', meta, watcher, publishers, final: false };
}
