// Invitations that are not about rooms (bridging section 1): IM becomes a message with the note, PR a subscription
// request; the other kinds have no counterpart (405).

import type { InviteRequest, RequestPrimitive, Status } from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { OK, result } from '../../src/wv/status.ts';
import { isUnmappable } from './addresses.ts';
import type { Bridge } from './bridge.ts';
import { hopMark } from './hop.ts';
import { NS } from './namespaces.ts';
import type { PresenceBridge } from './presence.ts';
import { stanza, xml } from './xml.ts';

interface Parts {
  readonly bridge: Bridge;
  readonly presence: PresenceBridge;
}

/** An invitation to talk, or to watch each other; anything else is answered 405. */
export async function otherInvitation(parts: Parts, request: RequestPrimitive): Promise<Status> {
  switch (request.primitive) {
    case 'InviteRequest':
      return request.inviteType === 'IM' || request.inviteType === 'PR'
        ? await invite(parts, request)
        : status(result(405));
    case 'InviteResponse':
    case 'CancelInviteRequest':
      // Nothing of the kind is open.
      return status(result(423));
    default:
      return status(result(405));
  }
}

async function invite({ bridge, presence }: Parts, request: InviteRequest): Promise<Status> {
  const { inviting, invited, inviteType, note = '' } = request;
  if (inviting.kind !== 'user' || invited.kind !== 'user') return status(result(405));
  const asked = inviteType === 'PR' ? await subscribe(presence, request) : status(OK);
  if (asked.result.code !== 200) return asked;
  const fallback = inviteType === 'PR' ? '' : 'Would you like to talk?';
  const body = note === '' ? fallback : note;
  return body === '' ? status(OK) : await write(bridge, request, body);
}

async function subscribe(
  presence: PresenceBridge,
  { meta, inviting, invited }: InviteRequest,
): Promise<Status> {
  if (inviting.kind !== 'user' || invited.kind !== 'user') return status(result(405));
  const watcher = inviting.user;
  return await presence.subscribe({
    primitive: 'SubscribeRequest',
    meta,
    watcher,
    publishers: [invited.user],
  });
}

async function write(
  { codec, link }: Bridge,
  { inviting, invited, inviteId }: Pick<InviteRequest, 'inviting' | 'invited' | 'inviteId'>,
  body: string,
): Promise<Status> {
  if (inviting.kind !== 'user' || invited.kind !== 'user') return status(result(405));
  const from = codec.localJid(inviting.user);
  if (isUnmappable(from)) return status(result(from.unmappable, from.reason));
  const to = codec.foreignJid(invited.user);
  if (isUnmappable(to)) return status(result(to.unmappable, to.reason));
  if (!link.writable) return status(result(503));
  const id = `invite-${inviteId}`;
  link.send(
    stanza('message', { type: 'chat', from, to, id }, xml(NS.component, 'body', {}, body), hopMark()),
  );
  return status((await link.confirmed()) ? OK : result(503));
}
