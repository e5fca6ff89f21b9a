// A user of XMPP asks a WV user to talk (InviteRequest IM): the phone rings, and its answer comes as a message.

import { trusted } from '../../../src/wv/ids.ts';
import type { MessageId, UserAddress } from '../../../src/wv/ids.ts';
import { userPartOf } from '../../../src/wv/address.ts';
import type { InviteResponse, Status } from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../../src/wv/status.ts';
import { metaOf } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { BareJid } from '../jid.ts';
import type { Asker, Desk, Outcome } from './command.ts';
import { done, failed } from './command.ts';
import { say } from './say.ts';

/** Where ids of invitations are linked with who gave them. */
const SENT = 'talk ';
const VALIDITY_SECONDS = 86_400;

export async function invite({ bridge, people }: Desk, asker: Asker, user: UserAddress): Promise<Outcome> {
  const { relay } = bridge;
  if (!people.admits(asker.jid, user)) return failed('You blocked that user, or did not allow him.');
  const inviteId = `t${relay.ids.random(18)}`;
  // Before the home is asked: the answer names nothing but this id.
  await relay.storage.link(`${SENT}${asker.jid}`, inviteId, trusted<MessageId>(inviteId));
  const answer = await relay.emit({
    primitive: 'InviteRequest',
    meta: metaOf(asker.user),
    inviteId,
    inviteType: 'IM',
    inviting: { kind: 'user', user: asker.user },
    invited: { kind: 'user', user },
    validity: VALIDITY_SECONDS,
  });
  // Who blocks and who does not exist look alike.
  if (!isSuccess(answer.result)) return failed(`${userPartOf(user)} cannot be invited.`);
  return done(`${userPartOf(user)} was asked.`);
}

/** The answer of a phone; undefined = to no invitation of this kind. */
export async function invitationAnswered(
  bridge: Bridge,
  request: InviteResponse,
): Promise<Status | undefined> {
  const { inviteId, accepted, responding, note = '' } = request;
  const sent = await bridge.relay.storage.remoteOf(trusted<MessageId>(inviteId));
  if (sent === undefined || !sent.conversation.startsWith(SENT)) return undefined;
  if (!bridge.link.writable) return status(result(503));
  const who = responding.kind === 'user' ? userPartOf(responding.user) : 'The WV user';
  const text = accepted ? `${who} would like to talk.` : `${who} would not like to talk.`;
  say(bridge, sent.conversation.slice(SENT.length) as BareJid, note === '' ? text : `${text}\n${note}`);
  return status((await bridge.link.confirmed()) ? OK : result(503));
}
