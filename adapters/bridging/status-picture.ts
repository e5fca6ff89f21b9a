// The picture in a user's StatusContent (csp-presence: DirectContent), by its first octets: what it says of itself is
// not believed. Pure.

import type { PresenceAttribute } from '../../src/wv/presence.ts';
import { sniff } from './sniff.ts';

export interface StatusPicture {
  readonly octets: Buffer;
  /** MIME type. */
  readonly type: string;
}

const TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);

/** The type of a picture that everybody shows; undefined: it is none. */
export function pictureType(octets: Buffer): string | undefined {
  const type = sniff(octets);
  return type !== undefined && TYPES.has(type) ? type : undefined;
}

/**
 * Undefined: there is none, it is only referred to (and not fetched), or it is no picture.
 * @param maxBytes of the picture
 */
export function statusPicture(
  content: PresenceAttribute | undefined,
  maxBytes: number,
): StatusPicture | undefined {
  if (content?.valid !== true) return undefined;
  const data = content.fields?.find(({ name }) => name === 'DirectContent')?.text ?? '';
  if (data.length > maxBytes * 1.4 + 4) return undefined;
  const octets = Buffer.from(data.replace(/\s+/g, ''), 'base64');
  const type = pictureType(octets);
  return octets.length <= maxBytes && type !== undefined ? { octets, type } : undefined;
}
