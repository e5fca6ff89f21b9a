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

/**
 * What an event from Matrix is on the WV side: a message, a notice (written by a program: never answered), or a remark
 * on another event (an edit, a reaction, a withdrawal).
 */
export type EventKind = 'message' | 'notice' | 'remark';

const PREFIXES: Readonly<Record<EventKind, string>> = { message: 'mx', notice: 'mq', remark: 'mr' };

/** The MessageID under which a Matrix event travels on the WV side; 38 ASCII characters. */
export function messageIdOf(room: RoomId, event: EventId, kind: EventKind = 'message'): MessageId {
  return trusted<MessageId>(PREFIXES[kind] + digest(['event', room, event]).slice(0, 36));
}

/** One of several messages that an event becomes: part `index` (from 1) of `count` of its text, or of its caption. */
export interface Part {
  readonly of: 'text' | 'caption';
  readonly index: number;
  readonly count: number;
}

/** The MessageID of a part; of the only part of a text that of the event. At most 50 characters. */
export function partIdOf(whole: MessageId, { of, index, count }: Part): MessageId {
  if (of === 'text' && count === 1) return whole;
  return trusted<MessageId>(`${whole}-${of === 'caption' ? 'c' : ''}${index}.${count}`);
}

/** What a MessageID that `messageIdOf` or `partIdOf` made says of the event behind it; undefined for any other. */
export function readMessageId(id: string): { readonly kind: EventKind; readonly part?: Part } | undefined {
  const match = /^(mx|mq|mr)[\w-]{36}(?:-(c?)(\d+)\.(\d+))?$/.exec(id);
  if (match === null) return undefined;
  const [, prefix, caption, index, count] = match;
  const kind = (Object.keys(PREFIXES) as EventKind[]).find((name) => PREFIXES[name] === prefix) ?? 'message';
  if (index === undefined || count === undefined) return { kind };
  return {
    kind,
    part: { of: caption === 'c' ? 'caption' : 'text', index: Number(index), count: Number(count) },
  };
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
