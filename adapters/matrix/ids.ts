// Matrix identifiers as distinct types, and the ids we derive: equal input, equal id, so that a retry is no repeat.

import { createHash } from 'node:crypto';
import { trusted } from '../../src/wv/ids.ts';
import type { MessageId } from '../../src/wv/ids.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `@localpart:server`, at most 255 bytes. */
export type MatrixUserId = Branded<'MatrixUserId'>;
/** `!opaque:server`, or `!opaque` since room version 12. */
export type RoomId = Branded<'RoomId'>;
/** `$opaque`. */
export type EventId = Branded<'EventId'>;

/** Separates the parts of a hash: it occurs in none of them. */
const SEPARATOR = '\u0000';

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join(SEPARATOR)).digest('base64url');
}

/**
 * The transaction id of one effect (Client-Server API, "Transaction identifiers"). Synapse keys it by room and
 * application service, not by ghost: `parts` must tell ghosts apart where that matters.
 */
export function transactionId(...parts: readonly string[]): string {
  return `wv.${digest(parts)}`;
}

/** The MessageID under which a Matrix event travels on the WV side; 45 ASCII characters. */
export function messageIdOf(room: RoomId, event: EventId): MessageId {
  return trusted<MessageId>(`mx${digest(['event', room, event])}`);
}

/** The MessageID under which an event of a room travels to the users who are in it as this group. */
export function groupMessageIdOf(group: string, event: EventId): MessageId {
  return trusted<MessageId>(`mx${digest(['group', group, event])}`);
}

/** A durable "this was done" mark in the id table, where the done thing has no id of its own. */
export function markOf(...parts: readonly string[]): MessageId {
  return trusted<MessageId>(`mk${digest(parts)}`);
}

const SERVER = String.raw`(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?`;
/** Historical ids included: any printable ASCII but the colon in the localpart (appendices, "User Identifiers"). */
const USER_ID = new RegExp(String.raw`^@[\x21-\x39\x3b-\x7e]+:${SERVER}$`);

/** Longest user id, in bytes. */
export const MAX_USER_ID = 255;

export function isMatrixUserId(text: unknown): text is MatrixUserId {
  return typeof text === 'string' && text.length <= MAX_USER_ID && USER_ID.test(text);
}

/** Room and event ids are opaque: only sigil, length and the absence of blanks and controls are checked. */
export function isRoomId(text: unknown): text is RoomId {
  return typeof text === 'string' && text.length <= 255 && /^![\x21-\x7e]+$/.test(text);
}

export function isEventId(text: unknown): text is EventId {
  return typeof text === 'string' && text.length <= 255 && /^\$[\x21-\x7e]+$/.test(text);
}

/** The localpart of a user id. */
export function localpartOf(user: MatrixUserId): string {
  return user.slice(1, user.indexOf(':'));
}
