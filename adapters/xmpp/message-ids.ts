// Ids of messages on either side, each derived from the other's: a retry carries the same id (bridging section 11).

import { createHash } from 'node:crypto';
import { trusted } from '../../src/wv/ids.ts';
import type { MessageId } from '../../src/wv/ids.ts';
import type { BareJid } from './jid.ts';

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 27);
}

const REPORT_SUFFIX = '-r';

/** The stanza id of a message to one recipient. It tells whether a report was asked for: see `wantsReport`. */
export function stanzaIdOf(messageId: MessageId, recipient: BareJid, report: boolean): string {
  return `wv-${digest(messageId, recipient)}${report ? REPORT_SUFFIX : ''}`;
}

/** True when the message that went out under this stanza id was sent with a delivery report asked for. */
export function wantsReport(stanzaId: string): boolean {
  return stanzaId.endsWith(REPORT_SUFFIX);
}

/** The conversation key of what we send to a contact. */
export function outgoing(user: BareJid, contact: BareJid): string {
  return `out ${user} ${contact}`;
}

/** The conversation key of what a contact sends us. */
export function received(user: BareJid, contact: BareJid): string {
  return `in ${user} ${contact}`;
}

/** Ids longer than this are not kept: no receipt can be sent for such a message. */
const MAX_STANZA_ID = 256;

/** One of the parts in which a long text is delivered. */
export interface Part {
  /** The MessageID that the text would have had in one piece. */
  readonly whole: MessageId;
  readonly index: number;
  readonly count: number;
}

/** What must be remembered of a message from XMPP to answer it later. */
export interface ReceivedId {
  /** The stanza's own `id`, which receipts and errors quote. '' = it had none. */
  readonly stanzaId: string;
  readonly resource: string;
  /** It asked for a receipt (XEP-0184). */
  readonly receipt: boolean;
  /** Nothing is answered, not even an error: a headline. */
  readonly quiet?: boolean;
  readonly part?: Part;
}

/** How the sender of a message names it. */
export interface Naming {
  /** origin-id (XEP-0359): unique, and the same when the message is sent again. */
  readonly originId: string | undefined;
  /** The stanza's `id`: some clients begin with 1 again at each start. */
  readonly stanzaId: string | undefined;
  readonly resource: string;
}

/**
 * The MessageID of what an occupant says in a room of ours. The same stanza again gives the same id; another text under
 * a reused stanza id gives another. Undefined without any id: then nothing can be recognised as a repeat.
 */
export function roomMessageIdOf(
  author: BareJid,
  to: BareJid,
  stanzaId: string | undefined,
  body: string,
): MessageId | undefined {
  if (stanzaId === undefined || stanzaId === '') return undefined;
  return trusted<MessageId>(`x${digest(author, to, stanzaId, body)}`);
}

/** Within one to two of these a stanza `id` of the same client stands for the same message. */
const REUSE_MS = 10 * 60_000;

/**
 * The MessageIDs that a message from XMPP has if it comes now or came a moment ago, the later first. The same stanza
 * again gives the same id; another text under a reused stanza id gives another. None without any id: then nothing can
 * be recognised as a repeat.
 */
export function messageIdsOf(
  contact: BareJid,
  user: BareJid,
  { originId = '', stanzaId = '', resource }: Naming,
  text: string,
  now: number,
): readonly MessageId[] {
  const id = (...name: readonly string[]) => trusted<MessageId>(`x${digest(contact, user, ...name, text)}`);
  if (originId !== '') return [id(originId)];
  if (stanzaId === '') return [];
  const period = Math.floor(now / REUSE_MS);
  return [period, period - 1].map((at) => id(resource, stanzaId, String(at)));
}

/** The MessageID of one part of a text; of the only part that of the text. */
export function partIdOf({ whole, index, count }: Part): MessageId {
  return count === 1 ? whole : trusted<MessageId>(`x${digest(whole, String(index))}`);
}

const NO_ANSWER = 2;

/** The remote id under which a received message is linked: unique, and all of `ReceivedId` can be read from it. */
export function remoteIdOf(messageId: MessageId, id: ReceivedId): string {
  const stanzaId = id.stanzaId.length > MAX_STANZA_ID ? '' : id.stanzaId;
  const answer = id.receipt && stanzaId !== '' ? 1 : 0;
  const part = id.part === undefined ? [] : [id.part.whole, id.part.index, id.part.count];
  return JSON.stringify([messageId, id.quiet === true ? NO_ANSWER : answer, id.resource, stanzaId, ...part]);
}

/** Reads what remoteIdOf wrote. Undefined for anything else. */
export function readRemoteId(remoteId: string): ReceivedId | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(remoteId);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields)) return undefined;
  const [, answer, resource, stanzaId, whole, index, count] = fields as unknown[];
  if (typeof resource !== 'string' || typeof stanzaId !== 'string') return undefined;
  const id = { stanzaId, resource, receipt: answer === 1, quiet: answer === NO_ANSWER };
  if (typeof whole !== 'string' || typeof index !== 'number' || typeof count !== 'number') return id;
  return { ...id, part: { whole: trusted<MessageId>(whole), index, count } };
}
