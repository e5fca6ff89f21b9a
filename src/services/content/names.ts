// Names of items: what people called their files. They are never paths, but they end up in headers and on screens.

import { ContentError } from './errors.ts';

/** In UTF-8, as file systems have it. */
const MAX_NAME_BYTES = 255;

/** The name in composed form. @throws ContentError `name`. */
export function checkedName(name: string): string {
  const composed = name.normalize('NFC').trim();
  const length = Buffer.byteLength(composed);
  if (length === 0 || length > MAX_NAME_BYTES) {
    throw new ContentError('name', `a name has 1 to ${MAX_NAME_BYTES} bytes`);
  }
  if (!composed.isWellFormed() || /[/\\\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(composed)) {
    throw new ContentError('name', 'a name has no slashes, control characters or changes of direction');
  }
  if (/^\.+$/.test(composed)) throw new ContentError('name', 'a name has more than dots');
  return composed;
}
