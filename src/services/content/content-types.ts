// MIME types of content: comparison, lists of accepted ones, and what the first octets of a picture say.

import type { MessageContent } from '../../wv/message.ts';

/** The picture formats that are read, with the MIME type of each. */
export type PictureType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';

/** Octets of the beginning that `sniffPicture` wants to see. */
export const SNIFF_BYTES = 16;

/** COMPAT(phones): names under which old phones know common types. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['image/jpg', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['image/x-png', 'image/png'],
]);

/** A type in lower case, without parameters, under its registered name. */
export function bareType(type: string): string {
  const bare = (type.split(';')[0] ?? '').trim().toLowerCase();
  return ALIASES.get(bare) ?? bare;
}

/** True for `type/subtype` of RFC 2045 tokens, no longer than what a header should carry. */
export function isMimeType(type: string): boolean {
  return type.length <= 100 && /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(type);
}

/** `image/gif`, `image/*` or `*\/*` for a bare type. */
export function matchesType(pattern: string, type: string): boolean {
  const wanted = bareType(pattern);
  if (wanted === '*/*' || wanted === '*' || wanted === type) return true;
  return wanted.endsWith('/*') && type.startsWith(wanted.slice(0, -1));
}

/** True when one of the patterns matches; undefined = anything goes. */
export function isAccepted(patterns: readonly string[] | undefined, type: string): boolean {
  return patterns === undefined || patterns.some((pattern) => matchesType(pattern, bareType(type)));
}

export function isPicture(type: string): boolean {
  return bareType(type).startsWith('image/');
}

export function isText(type: string): boolean {
  return bareType(type).startsWith('text/');
}

/** What may be as large as an attachment: octets that are no text. */
export function isAttachment(content: MessageContent): boolean {
  return content.encoding === 'base64' && !isText(content.contentType);
}

const PNG = '\x89PNG\r\n\x1a\n';

const MAGIC: readonly (readonly [PictureType, (head: string) => boolean])[] = [
  ['image/jpeg', (head) => head.startsWith('\xff\xd8\xff')],
  ['image/png', (head) => head.startsWith(PNG)],
  ['image/gif', (head) => head.startsWith('GIF87a') || head.startsWith('GIF89a')],
  ['image/webp', (head) => head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP'],
];

/** Which picture begins like this; undefined = none that we know. */
export function sniffPicture(head: Uint8Array): PictureType | undefined {
  const text = Buffer.from(head.subarray(0, SNIFF_BYTES)).toString('latin1');
  return MAGIC.find(([, begins]) => begins(text))?.[0];
}
