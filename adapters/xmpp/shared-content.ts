// Invitations to shared content (SC), which XMPP users get as a text with a link (XEP-0066) per URL.

import type { InviteRequest, RequestPrimitive, Status } from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { OK, result } from '../../src/wv/status.ts';
import { isUnmappable } from './addresses.ts';
import type { Bridge } from './bridge.ts';
import { hopMark } from './hop.ts';
import { NS } from './namespaces.ts';
import { stanza, stripIllegal, xml } from './xml.ts';

/** A phone names a handful; more are not passed on. */
const MAX_URLS = 16;
const MAX_URL = 2_048;

export function isSharedContent(request: RequestPrimitive): request is InviteRequest {
  return request.primitive === 'InviteRequest' && request.inviteType === 'SC';
}

/** 200 when the XMPP server has taken it, 503 while it cannot; the invited user answers in words, if at all. */
export async function shareContent(
  { codec, link }: Bridge,
  { inviting, invited, inviteId, note = '', urls = [] }: InviteRequest,
): Promise<Status> {
  if (inviting.kind !== 'user' || invited.kind !== 'user') return status(result(405));
  const from = codec.localJid(inviting.user);
  if (isUnmappable(from)) return status(result(from.unmappable, from.reason));
  const to = codec.foreignJid(invited.user);
  if (isUnmappable(to)) return status(result(to.unmappable, to.reason));
  const links = urls
    .map((url) => stripIllegal(url).trim())
    .filter((url) => url !== '' && url.length <= MAX_URL)
    .slice(0, MAX_URLS);
  const body = [note.trim(), ...links].filter((line) => line !== '').join('\n');
  if (body === '') return status(result(402, 'nothing is shared'));
  if (!link.writable) return status(result(503));
  link.send(
    stanza(
      'message',
      { type: 'chat', from, to, id: `invite-${inviteId}` },
      xml(NS.component, 'body', {}, body),
      ...links.map((url) => xml(NS.oob, 'x', {}, xml(NS.oob, 'url', {}, url))),
      hopMark(),
    ),
  );
  return status((await link.confirmed()) ? OK : result(503));
}
