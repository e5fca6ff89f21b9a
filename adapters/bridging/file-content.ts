// Contents of messages as files: which are any, their type and their name. Pure.

import { createHash } from 'node:crypto';
import type { MessageContent } from '../../src/wv/message.ts';

const TEXT_TYPES: ReadonlySet<string> = new Set(['text/plain', 'text/html', 'application/xhtml+xml']);
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['image/jpeg', 'jpg'],
  ['image/png', 'png'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/vnd.wap.wbmp', 'wbmp'],
  ['audio/amr', 'amr'],
  ['audio/midi', 'mid'],
  ['audio/mpeg', 'mp3'],
  ['video/3gpp', '3gp'],
  ['video/mp4', 'mp4'],
  ['text/x-vcard', 'vcf'],
  ['text/x-vcalendar', 'vcs'],
]);

/** All that the body of a message cannot say. */
export function isFile(content: MessageContent): boolean {
  const type = mediaType(content);
  return !TEXT_TYPES.has(type) && !type.startsWith('application/vnd.wap.xhtml');
}

/** The type without parameters; `text/plain` when there is none, `application/octet-stream` when it is malformed. */
export function mediaType(content: MessageContent): string {
  const type = (content.contentType.split(';')[0] ?? '').trim().toLowerCase();
  if (type === '') return 'text/plain';
  return /^[\w!#$&^.+-]{1,60}\/[\w!#$&^.+-]{1,60}$/.test(type) ? type : 'application/octet-stream';
}

/** Phones name no files. The same content has the same name. */
export function fileNameOf(content: MessageContent): string {
  const type = mediaType(content);
  const digest = createHash('sha256').update(content.data).digest('hex').slice(0, 12);
  return `${type.split('/')[0]}-${digest}.${EXTENSIONS.get(type) ?? 'bin'}`;
}
