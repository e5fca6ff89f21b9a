// The text of a Matrix event for a WV group.

import type { RoomEvent } from './events.ts';
import { relationOf } from './relations.ts';
import { textOf } from './text.ts';

/**
 * Undefined: nothing to read. An edit is told as such, as what it replaced has long been read.
 * @param sender the screen name, for `/me`
 */
export function groupText(event: RoomEvent, sender: string): string | undefined {
  const { type, content } = event;
  const relation = relationOf(event);
  const edit = relation?.kind === 'edit' ? relation : undefined;
  const words = textOf(type, edit?.content ?? content, sender);
  if (words === '') return undefined;
  return edit === undefined ? words : `edited: ${words}`;
}
