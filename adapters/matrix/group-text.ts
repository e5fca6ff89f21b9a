// The text of a Matrix event for a WV group.

import type { RoomEvent } from './events.ts';
import { editOf, stickerText, textOf } from './text.ts';

/**
 * Undefined: nothing to read. An edit is told as such, as what it replaced has long been read.
 * @param sender the screen name, for `/me`
 */
export function groupText({ type, content }: RoomEvent, sender: string): string | undefined {
  if (type === 'm.sticker') return stickerText(content);
  const edit = editOf(content);
  if (edit === undefined) return textOf(content, sender);
  const changed = textOf(edit.content, sender);
  return changed === undefined ? undefined : `edited: ${changed}`;
}
