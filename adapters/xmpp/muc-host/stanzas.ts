// Stanzas of a room (XEP-0045): presence with its `x` element, messages, subjects.

import type { XmlElement } from '../xml.ts';
import { stanza, xml } from '../xml.ts';
import { NS } from '../namespaces.ts';
import type { BareJid } from '../jid.ts';
import type { Standing } from './room.ts';

export interface OccupantPresence {
  readonly from: string;
  readonly to: string;
  readonly gone?: boolean;
  readonly standing: Standing;
  /** The real JID, where the receiver may know it. */
  readonly jid?: string | undefined;
  readonly occupantId: string;
  readonly statuses?: readonly string[];
  readonly newNick?: string | undefined;
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  readonly destroyed?: { readonly reason: string; readonly alternate: string } | undefined;
}

/** Presence of an occupant; unavailable with role none, except where the nick only changes. */
export function occupantPresence(presence: OccupantPresence): XmlElement {
  const { from, to, gone = false, standing, jid, statuses = [], newNick, actor, reason = '' } = presence;
  const { destroyed } = presence;
  const role = gone && newNick === undefined ? 'none' : standing.role;
  const item = xml(
    NS.mucUser,
    'item',
    { affiliation: standing.affiliation, role, jid, nick: newNick },
    actor === undefined ? undefined : xml(NS.mucUser, 'actor', { nick: actor }),
    reason === '' ? undefined : xml(NS.mucUser, 'reason', {}, reason),
  );
  return stanza(
    'presence',
    { type: gone ? 'unavailable' : undefined, from, to },
    xml(
      NS.mucUser,
      'x',
      {},
      item,
      destroyed === undefined ? undefined : destroy(destroyed),
      ...statuses.map((code) => xml(NS.mucUser, 'status', { code })),
    ),
    xml(NS.occupantId, 'occupant-id', { id: presence.occupantId }),
  );
}

function destroy({ reason, alternate }: { readonly reason: string; readonly alternate: string }): XmlElement {
  const attrs = { jid: alternate === '' ? undefined : alternate };
  return xml(NS.mucUser, 'destroy', attrs, reason === '' ? undefined : xml(NS.mucUser, 'reason', {}, reason));
}

/** The subject, always the last of a join; empty when there is none. */
export function subjectMessage(from: string, to: string, subject: string): XmlElement {
  return stanza('message', { type: 'groupchat', from, to }, xml(NS.component, 'subject', {}, subject));
}

/** The room itself speaks. */
export function roomMessage(room: BareJid, to: string, body: string): XmlElement {
  return stanza('message', { type: 'groupchat', from: room, to }, xml(NS.component, 'body', {}, body));
}

/** The room's configuration has changed. */
export function configurationChanged(room: BareJid, to: string): XmlElement {
  const x = xml(NS.mucUser, 'x', {}, xml(NS.mucUser, 'status', { code: '104' }));
  return stanza('message', { type: 'groupchat', from: room, to }, x);
}
