// What a Matrix event says about another one (Client-Server API, "Forming relationships between events"), narrowed
// from JSON. Pure.

import { isRecord, text } from './events.ts';
import type { RoomEvent } from './events.ts';
import { isEventId } from './ids.ts';
import type { EventId } from './ids.ts';

type Fields = Readonly<Record<string, unknown>>;

export type Relation =
  | { readonly kind: 'edit'; readonly of: EventId; readonly content: Fields }
  | { readonly kind: 'reply'; readonly of: EventId }
  | { readonly kind: 'reaction'; readonly of: EventId; readonly reaction: string }
  | { readonly kind: 'redaction'; readonly of: EventId };

type Reader = (event: RoomEvent) => Relation | undefined;

const READERS: Readonly<Record<string, Reader>> = {
  'm.room.message': (event) => editOf(event) ?? replyOf(event),
  'm.sticker': (event) => replyOf(event),
  'm.reaction': (event) => reactionOf(event),
  'm.room.redaction': ({ redacts }) =>
    redacts === undefined ? undefined : { kind: 'redaction', of: redacts },
};

/** The other event, and what is said of it. */
export function relationOf(event: RoomEvent): Relation | undefined {
  return READERS[event.type]?.(event);
}

function relatesTo({ content }: Pick<RoomEvent, 'content'>): Fields {
  const relation = content['m.relates_to'];
  return isRecord(relation) ? relation : {};
}

function editOf(event: RoomEvent): Relation | undefined {
  const relation = relatesTo(event);
  const of = relation['event_id'];
  const content = event.content['m.new_content'];
  if (relation['rel_type'] !== 'm.replace' || !isEventId(of) || !isRecord(content)) return undefined;
  return { kind: 'edit', of, content };
}

/** Clients without threads see messages of a thread as replies; those are none. */
function replyOf(event: RoomEvent): Relation | undefined {
  const relation = relatesTo(event);
  const reply = relation['m.in_reply_to'];
  const of = isRecord(reply) ? reply['event_id'] : undefined;
  const isFallback = relation['rel_type'] === 'm.thread' && relation['is_falling_back'] !== false;
  return isEventId(of) && !isFallback ? { kind: 'reply', of } : undefined;
}

/** COMPAT(custom emoji): their key is the address of a picture, their name stands beside. */
function reactionOf(event: RoomEvent): Relation | undefined {
  const relation = relatesTo(event);
  const of = relation['event_id'];
  const key = text(relation, 'key') ?? '';
  const shortcode = text(event.content, 'shortcode') ?? text(event.content, 'com.beeper.reaction.shortcode');
  const reaction = key.startsWith('mxc:') ? (shortcode ?? 'with a picture') : key;
  if (relation['rel_type'] !== 'm.annotation' || !isEventId(of) || reaction.trim() === '') return undefined;
  return { kind: 'reaction', of, reaction };
}
