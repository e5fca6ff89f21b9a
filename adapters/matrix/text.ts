// Message content between WV and Matrix, as text (bridging.md 4). Media are named, not carried, for now. Pure.

import { contentSize } from '../../src/wv/message.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import { isRecord, text } from './events.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The event that a Matrix edit replaces, and its new content. */
export interface Edit {
  readonly replaces: string;
  readonly content: Fields;
}

// oxlint-disable-next-line no-control-regex -- the characters that XML 1.0 cannot carry
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

function cleanText(body: string): string {
  return body.toWellFormed().replaceAll(NOT_XML, '');
}

/** Names file, type and size of something we do not carry. */
function described(kind: string, details: readonly (string | undefined)[]): string {
  const known = details.filter((detail) => detail !== undefined && detail !== '');
  return `[${kind}: ${known.join(', ')}]`;
}

function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

const MEDIA: Readonly<Record<string, string>> = {
  'm.image': 'image',
  'm.audio': 'audio',
  'm.video': 'video',
  'm.file': 'file',
};

function mediaText(kind: string, content: Fields): string {
  const info = isRecord(content['info']) ? content['info'] : {};
  const size = info['size'];
  return described(kind, [
    text(content, 'filename') ?? text(content, 'body'),
    text(info, 'mimetype'),
    typeof size === 'number' && size >= 0 ? sizeText(size) : undefined,
  ]);
}

/** A reply's quoted fallback (Matrix < 1.13): the first lines, each starting with `> `. */
function withoutFallback(content: Fields, body: string): string {
  const relation = content['m.relates_to'];
  if (!isRecord(relation) || !isRecord(relation['m.in_reply_to'])) return body;
  return body.replace(/^(?:> ?[^\n]*(?:\n|$))+\n?/, '') || body;
}

/**
 * The text of a Matrix message; undefined when there is none to show (key verification, an empty body).
 * @param sender the sender's name, for `/me`
 */
export function textOf(content: Fields, sender: string): string | undefined {
  const type = text(content, 'msgtype') ?? '';
  if (type.startsWith('m.key.verification.')) return undefined;
  const body = cleanText(withoutFallback(content, text(content, 'body') ?? ''));
  const media = MEDIA[type];
  if (media !== undefined) return cleanText(mediaText(media, content));
  if (type === 'm.location') return cleanText(`location: ${text(content, 'geo_uri') ?? body}`);
  if (body.trim() === '') return undefined;
  return type === 'm.emote' ? `* ${sender} ${body}` : body;
}

/** The text of an m.sticker. */
export function stickerText(content: Fields): string {
  return cleanText(mediaText('sticker', content));
}

/** What an edit changes; undefined when the message is no edit. */
export function editOf(content: Fields): Edit | undefined {
  const relation = content['m.relates_to'];
  if (!isRecord(relation) || relation['rel_type'] !== 'm.replace') return undefined;
  const replaces = text(relation, 'event_id');
  const changed = content['m.new_content'];
  return replaces !== undefined && isRecord(changed) ? { replaces, content: changed } : undefined;
}

function isPlainText(content: MessageContent): boolean {
  return /^\s*(?:text\/plain\s*(?:;.*)?)?$/i.test(content.contentType);
}

/** The Matrix content of a WV message. */
export function matrixContent(content: MessageContent): { msgtype: 'm.text'; body: string } {
  return { msgtype: 'm.text', body: isPlainText(content) ? plainBody(content) : placeholder(content) };
}

function plainBody(content: MessageContent): string {
  const body =
    content.encoding === 'base64' ? Buffer.from(content.data, 'base64').toString('utf8') : content.data;
  return body.toWellFormed();
}

function placeholder(content: MessageContent): string {
  const type = content.contentType.split(';', 1)[0]?.trim() ?? '';
  return described('content', [type, sizeText(contentSize(content))]);
}
