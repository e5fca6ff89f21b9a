// What comes in: checked, answered in one POST for all Transactions of a document (observed-peer.md sections 10, 13).

import { takeAnswer } from './answers.ts';
import { answer } from './sender.ts';
import { SERVED_GROUPS } from './serve-groups.ts';
import { SERVED_MESSAGES } from './serve-messages.ts';
import { SERVED_PRESENCE } from './serve-presence.ts';
import { takeSetup } from './setup.ts';
import type { Peer, SetupRow } from './state.ts';
import type { Reaction } from './wire.ts';
import { domainOf } from './world.ts';
import { statusElement, type Answered } from './write.ts';
import { all, at, readXml, type Xml } from './xml.ts';

/** A request to be served. */
export interface Served {
  readonly peer: Peer;
  readonly primitive: Xml;
  readonly transactionId: string;
  /** The acting user as written, and his client. */
  readonly requestor: string | undefined;
  readonly clientId: string | undefined;
}

/** The answer; nothing when there is none to expect. What it causes is queued behind the answer. */
export interface Serving {
  readonly content?: string;
  readonly afterwards?: () => void;
}

export type Serve = (served: Served) => Serving;

const SERVED: Readonly<Record<string, Serve>> = {
  ...SERVED_MESSAGES,
  ...SERVED_PRESENCE,
  ...SERVED_GROUPS,
};

/** What the peer does with a document that was posted to it. */
export function react(peer: Peer, body: string): Reaction {
  const root = readXml(body);
  const inside = root?.name === 'WV-SSP-Message' ? root.children[0] : undefined;
  if (inside?.name === 'SetupTransaction') return takeSetup(peer, inside);
  if (inside?.name !== 'Session') return { kind: 400 };
  const id = inside.attributes['sessionID'];
  const session = peer.state.rows.findLast((row) => row.state === 'up' && row.theirSessionId === id);
  if (session === undefined) return { kind: 'close' };
  return { kind: 'taken', afterwards: () => serveAll(peer, session, all(inside, 'Transaction')) };
}

function serveAll(peer: Peer, session: SetupRow, transactions: readonly Xml[]): void {
  const answers: Answered[] = [];
  const consequences: (() => void)[] = [];
  for (const transaction of transactions) {
    const transactionId = transaction.attributes['transactionID'] ?? '';
    const primitive = transaction.children[0];
    if (primitive === undefined) continue;
    if (transaction.attributes['mode'] === 'Response') {
      takeAnswer(peer, transactionId, primitive);
      continue;
    }
    const { content, afterwards } = serveOne(peer, session, transactionId, primitive);
    if (content !== undefined) answers.push({ transactionId, content });
    if (afterwards !== undefined) consequences.push(afterwards);
  }
  answer(peer, session.ownSessionId, session.theirSessionId ?? '', answers);
  for (const consequence of consequences) consequence();
}

function serveOne(peer: Peer, session: SetupRow, transactionId: string, primitive: Xml): Serving {
  const user = at(primitive, 'MetaInfo', 'Requestor', 'User');
  const requestor = user?.attributes['userID'];
  if (requestor !== undefined && domainOf(peer.state.world, requestor) !== session.domain) {
    return { content: statusElement(901) };
  }
  const serve = SERVED[primitive.name];
  // KeepAlive, Logout, Disconnect and service negotiation are among what it does not know.
  if (serve === undefined) return { content: statusElement(405) };
  const clientId = at(user, 'ClientID')?.attributes['url'];
  return serve({ peer, primitive, transactionId, requestor, clientId });
}
