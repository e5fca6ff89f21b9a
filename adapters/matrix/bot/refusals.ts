// What a user of Matrix refuses by a block: messages and invitations, as if he were not there (bridging.md 12: 532).

import type { RequestPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import { result } from '../../../src/wv/status.ts';
import type { Party } from '../../../src/wv/message.ts';
import type { MatrixAddresses } from '../addresses.ts';
import type { Blocks } from './blocks.ts';

/** The answer to a request that is refused; undefined for all others. A message comes with one recipient (port.ts). */
export function refusedByBlock(
  request: RequestPrimitive,
  addresses: MatrixAddresses,
  blocks: Blocks,
): ResponsePrimitive | undefined {
  const isBlocked = (to: Party, from: Party): boolean => {
    const peer = to.kind === 'user' ? addresses.peerOf(to.user) : undefined;
    return peer !== undefined && from.kind === 'user' && blocks.has(peer, from.user);
  };
  switch (request.primitive) {
    case 'SendMessageRequest': {
      const { id, sender, recipients } = request.message;
      if (!recipients.some((recipient) => isBlocked(recipient, sender))) return undefined;
      return { primitive: 'SendMessageResponse', messageId: id, result: result(532) };
    }
    case 'InviteRequest':
      return isBlocked(request.invited, request.inviting) ? status(result(532)) : undefined;
    default:
      return undefined;
  }
}
