// What a sync told, narrowed from JSON to what is bridged (Client-Server API, "Syncing"), and the filter that asks for no
// more. Pure.

import { isRecord, presenceUpdate, readReceipts, roomEvent } from '../events.ts';
import type { PresenceUpdate, ReadReceipt, RoomEvent } from '../events.ts';
import { isRoomId } from '../ids.ts';
import type { MatrixUserId, RoomId } from '../ids.ts';
import { directMapOf } from './account-calls.ts';
import type { DirectMap } from './account-calls.ts';

/** News of a room that the account is in. */
export interface RoomNews {
  readonly room: RoomId;
  /** In the room's order. */
  readonly events: readonly RoomEvent[];
  /** Members or encryption changed. */
  readonly isAnother: boolean;
  /** There are events between the last sync and these: they lie before this token. */
  readonly gapBefore: string | undefined;
  readonly receipts: readonly ReadReceipt[];
}

export interface SyncAnswer {
  /** Where the next sync goes on. */
  readonly next: string;
  readonly rooms: readonly RoomNews[];
  readonly left: readonly RoomId[];
  /** Undefined: as before. */
  readonly direct: DirectMap | undefined;
  readonly presence: readonly PresenceUpdate[];
}

const TYPES = [
  'm.room.message',
  'm.sticker',
  'm.reaction',
  'm.room.redaction',
  'm.poll.start',
  'm.poll.end',
  'org.matrix.msc3381.poll.start',
  'org.matrix.msc3381.poll.end',
] as const;
/** After these, a room is looked at anew. */
const STATES = ['m.room.member', 'm.room.encryption', 'm.room.tombstone'] as const;
const TIMELINE_LIMIT = 50;

/** Only these rooms, and the presence of these people. */
export function filterOf(rooms: readonly RoomId[], peers: readonly MatrixUserId[]): object {
  return {
    room: {
      rooms,
      timeline: { limit: TIMELINE_LIMIT, types: [...TYPES, ...STATES] },
      state: { types: STATES, lazy_load_members: true },
      ephemeral: { types: ['m.receipt'] },
      account_data: { types: [] },
    },
    presence: peers.length === 0 ? { types: [] } : { types: ['m.presence'], senders: peers },
    account_data: { types: ['m.direct'] },
  };
}

/** Undefined for what is no answer of a sync. */
export function readSync(answer: unknown): SyncAnswer | undefined {
  const next = isRecord(answer) ? answer['next_batch'] : undefined;
  if (!isRecord(answer) || typeof next !== 'string') return undefined;
  const rooms = record(answer['rooms']);
  const direct = eventsOf(answer['account_data']).find((event) => record(event)['type'] === 'm.direct');
  return {
    next,
    rooms: Object.entries(record(rooms['join'])).flatMap(([room, news]) =>
      isRoomId(room) ? [roomNews(room, record(news))] : [],
    ),
    left: Object.keys(record(rooms['leave'])).filter(isRoomId),
    direct: direct === undefined ? undefined : directMapOf(record(direct)['content']),
    presence: eventsOf(answer['presence'])
      .map(presenceUpdate)
      .filter((update) => update !== undefined),
  };
}

/** The events of a room that are bridged; a sync leaves out which room it is. */
export function eventsIn(room: RoomId, events: readonly unknown[]): readonly RoomEvent[] {
  return events
    .map((event) => roomEvent({ ...record(event), room_id: room }))
    .filter((event) => event !== undefined);
}

function roomNews(room: RoomId, news: Readonly<Record<string, unknown>>): RoomNews {
  const timeline = record(news['timeline']);
  const events = eventsIn(room, eventsOf(timeline));
  const state = eventsIn(room, eventsOf(news['state']));
  const prevBatch = timeline['prev_batch'];
  const isState = ({ type }: RoomEvent): boolean => STATES.some((each) => each === type);
  return {
    room,
    events: events.filter((event) => !isState(event)),
    isAnother: [...state, ...events].some(isState),
    gapBefore: timeline['limited'] === true && typeof prevBatch === 'string' ? prevBatch : undefined,
    receipts: eventsOf(news['ephemeral']).flatMap((edu) => readReceipts({ ...record(edu), room_id: room })),
  };
}

function eventsOf(section: unknown): readonly unknown[] {
  const events = record(section)['events'];
  return Array.isArray(events) ? (events as unknown[]) : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
