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

/** What must be remembered of a message from XMPP to answer it later. */
export interface ReceivedId {
  /** The stanza's own `id`, which receipts and errors quote. '' = it had none. */
  readonly stanzaId: string;
  readonly resource: string;
  /** It asked for a receipt (XEP-0184). */
  readonly receipt: boolean;
}

/**
 * The MessageID of a message from XMPP. The same stanza again gives the same id; another text under a reused
 * stanza id gives another. Undefined without any id: then nothing can be recognised as a repeat.
 */
export function messageIdOf(
  contact: BareJid,
  user: BareJid,
  stanzaId: string | undefined,
  body: string,
): MessageId | undefined {
  if (stanzaId === undefined || stanzaId === '') return undefined;
  return trusted<MessageId>(`x${digest(contact, user, stanzaId, body)}`);
}

/** The remote id under which a received message is linked: unique, and all of `ReceivedId` can be read from it. */
export function remoteIdOf(messageId: MessageId, id: ReceivedId): string {
  const stanzaId = id.stanzaId.length > MAX_STANZA_ID ? '' : id.stanzaId;
  return JSON.stringify([messageId, id.receipt && stanzaId !== '' ? 1 : 0, id.resource, stanzaId]);
}

/** Reads what remoteIdOf wrote. Undefined for anything else. */
export function readRemoteId(remoteId: string): ReceivedId | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(remoteId);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts)) return undefined;
  const [, receipt, resource, stanzaId] = parts as unknown[];
  if (typeof resource !== 'string' || typeof stanzaId !== 'string') return undefined;
  return { stanzaId, resource, receipt: receipt === 1 };
}
