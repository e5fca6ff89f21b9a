// What the homeserver pushes, narrowed from JSON: only the events and fields that the gateway uses. Pure.

import type { InboxEvent } from '../../src/sap/port.ts';
import { isEventId, isMatrixUserId, isRoomId } from './ids.ts';
import type { EventId, MatrixUserId, RoomId } from './ids.ts';

type Fields = Readonly<Record<string, unknown>>;

/** An event of a room. */
export interface RoomEvent {
  readonly type: string;
  readonly id: EventId;
  readonly room: RoomId;
  readonly sender: MatrixUserId;
  /** Present in state events. */
  readonly stateKey?: string;
  /** The sender's homeserver's clock, in ms. */
  readonly sentAt: number;
  /** Present in redactions. */
  readonly redacts?: EventId;
  readonly content: Fields;
}

/** A user has read a room up to an event. */
export interface ReadReceipt {
  readonly type: 'm.receipt';
  readonly room: RoomId;
  readonly user: MatrixUserId;
  readonly event: EventId;
}

/** An m.presence as pushed (MSC2409). */
export interface PresenceUpdate {
  readonly user: MatrixUserId;
  readonly content: Fields;
}

export type InboxContent = RoomEvent | ReadReceipt;

/** The rest is not bridged and not stored: topics, votes, calls, … */
const BRIDGED_TYPES = new Set([
  'm.room.create',
  'm.room.member',
  'm.room.message',
  'm.sticker',
  'm.reaction',
  'm.room.redaction',
  'm.poll.start',
  'm.poll.end',
  'org.matrix.msc3381.poll.start',
  'org.matrix.msc3381.poll.end',
  'm.room.encryption',
  'm.room.encrypted',
  'm.room.tombstone',
  'm.room.name',
  'm.room.topic',
  'm.room.power_levels',
]);

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text field, or undefined. */
export function text(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  return typeof value === 'string' ? value : undefined;
}

/** Reads a room event; undefined when its type is not bridged or it is malformed. */
export function roomEvent(value: unknown): RoomEvent | undefined {
  if (!isRecord(value)) return undefined;
  const { type, event_id: id, room_id: room, sender, state_key: stateKey, content } = value;
  if (typeof type !== 'string' || !BRIDGED_TYPES.has(type)) return undefined;
  if (!isEventId(id) || !isRoomId(room) || !isMatrixUserId(sender) || !isRecord(content)) return undefined;
  const sentAt = value['origin_server_ts'];
  // Room versions before 11 have it beside the content.
  const redacts = content['redacts'] ?? value['redacts'];
  return {
    type,
    id,
    room,
    sender,
    ...(typeof stateKey === 'string' ? { stateKey } : {}),
    ...(type === 'm.room.redaction' && isEventId(redacts) ? { redacts } : {}),
    sentAt: typeof sentAt === 'number' && Number.isFinite(sentAt) ? sentAt : 0,
    content,
  };
}

/** The public read receipts of one m.receipt EDU: content is event id → `m.read` → user id. */
export function readReceipts(value: unknown): readonly ReadReceipt[] {
  if (!isRecord(value) || value['type'] !== 'm.receipt') return [];
  const { room_id: room, content } = value;
  if (!isRoomId(room) || !isRecord(content)) return [];
  return Object.entries(content).flatMap(([event, kinds]) => {
    const readers = isRecord(kinds) ? kinds['m.read'] : undefined;
    if (!isEventId(event) || !isRecord(readers)) return [];
    return Object.keys(readers)
      .filter(isMatrixUserId)
      .map((user): ReadReceipt => ({ type: 'm.receipt', room, user, event }));
  });
}

/** Reads an m.presence EDU. */
export function presenceUpdate(value: unknown): PresenceUpdate | undefined {
  if (!isRecord(value) || value['type'] !== 'm.presence') return undefined;
  const { sender, content } = value;
  return isMatrixUserId(sender) && isRecord(content) ? { user: sender, content } : undefined;
}

/** The inbox entry of an event or receipt. Receipts have no id: who read what where identifies them. */
export function inboxEvent(content: InboxContent): InboxEvent {
  const id = 'id' in content ? content.id : `receipt ${content.room} ${content.user} ${content.event}`;
  return { id, conversation: content.room, payload: JSON.stringify(content) };
}

/** The content of an inbox entry that `inboxEvent` made. */
export function inboxContent(event: InboxEvent): InboxContent {
  return JSON.parse(event.payload) as InboxContent;
}
