// The words of Matrix content, for phones (bridging.md 4). Pure.

import { textOfHtml } from '../bridging/html-text.ts';
import { isRecord, text } from './events.ts';
import { isMediaUri } from './media-uri.ts';
import type { MediaUri } from './media-uri.ts';
import { pollEndText, pollText } from './polls.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A file that a Matrix event is about. */
export interface FileReference {
  /** What it is called when it is not shown: `[image: cat.png, image/png, 12 KiB]`. */
  readonly description: string;
  /** What is said beside it; '' = nothing. */
  readonly caption: string;
  /** '' = it has none. */
  readonly name: string;
  /** As its sender says; '' = he does not. */
  readonly type: string;
  /** As its sender says, octets. */
  readonly size: number | undefined;
  /** Undefined when it cannot be had: encrypted, or the address is none. */
  readonly uri: MediaUri | undefined;
}

const NOT_READABLE =
  // oxlint-disable-next-line no-control-regex -- what XML 1.0 cannot carry, and what phones stumble over
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufdd0-\ufdef\ufeff\ufffe\uffff]/g;
const MAX_NAME = 100;

/** A text as a phone gets it. Marks of direction stay: they belong to what was written. */
export function readable(words: string): string {
  return words
    .toWellFormed()
    .replaceAll(NOT_READABLE, '')
    .replaceAll(/\r\n?|\u0085/g, '\n');
}

/** `[image: cat.png, image/png, 12 KiB]`: what is not there, in words. */
export function described(kind: string, details: readonly (string | undefined)[]): string {
  const known = details.filter((detail) => detail !== undefined && detail !== '');
  return known.length === 0 ? `[${kind}]` : `[${kind}: ${known.join(', ')}]`;
}

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

const FILES: Readonly<Record<string, string>> = {
  'm.image': 'image',
  'm.audio': 'audio',
  'm.video': 'video',
  'm.file': 'file',
};

/** The file of an m.room.message or m.sticker; undefined when it is about none. */
export function fileOf(type: string, content: Fields): FileReference | undefined {
  const kind = type === 'm.sticker' ? 'sticker' : FILES[text(content, 'msgtype') ?? ''];
  if (kind === undefined) return undefined;
  const info = isRecord(content['info']) ? content['info'] : {};
  const body = text(content, 'body') ?? '';
  const name = fileName(text(content, 'filename') ?? body);
  const hasCaption = text(content, 'filename') !== undefined && fileName(body) !== name;
  const mime = readable(text(info, 'mimetype') ?? '').slice(0, MAX_NAME);
  const size = info['size'];
  const isSize = typeof size === 'number' && Number.isFinite(size) && size >= 0;
  const details = [name, mime, isSize ? sizeText(size) : undefined];
  return {
    description: described(kind, details),
    caption: hasCaption ? readable(body).trim() : '',
    name,
    type: mime,
    size: isSize ? size : undefined,
    uri: isMediaUri(content['url']) ? content['url'] : undefined,
  };
}

/** Without folders, quotes and what no header can hold. */
function fileName(name: string): string {
  const last = readable(name).split(/[/\\]/).at(-1) ?? '';
  return last
    .replaceAll(/[\t\n";]/g, '')
    .trim()
    .slice(0, MAX_NAME)
    .toWellFormed();
}

/** A reply's quoted fallback (Matrix < 1.13): the first lines, each starting with `> `. */
const FALLBACK = /^(?:> ?[^\n]*(?:\n|$))+\n?/;
/** The same in HTML. */
const HTML_FALLBACK = /<mx-reply\b[^]*?(?:<\/mx-reply\s*>|$)/gi;

function isReply(content: Fields): boolean {
  const relation = content['m.relates_to'];
  return isRecord(relation) && isRecord(relation['m.in_reply_to']);
}

/** The plain body; the words of the HTML only where there is none. */
function bodyOf(content: Fields): string {
  const body = text(content, 'body') ?? '';
  const plain = isReply(content) ? body.replace(FALLBACK, '') || body : body;
  if (plain.trim() !== '' || text(content, 'format') !== 'org.matrix.custom.html') return plain;
  return textOfHtml((text(content, 'formatted_body') ?? '').replaceAll(HTML_FALLBACK, ''));
}

/** What a reply quotes in its own body; '' = nothing. */
export function quotedIn(content: Fields): string {
  const body = text(content, 'body') ?? '';
  const quoted = isReply(content) ? (FALLBACK.exec(body)?.[0] ?? '') : '';
  return readable(quoted.replaceAll(/^> ?/gm, '').replace(/^(?:\* )?<@[^>\n]*> ?/, '')).trim();
}

const COORDINATES = /^geo:(-?\d{1,3}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)(?:[,;]|$)/i;

/** Where somebody is, with a link to a map where the coordinates are any (RFC 5870). */
function locationText(content: Fields, body: string): string {
  const uri = text(content, 'geo_uri') ?? '';
  const [, latitude, longitude] = COORDINATES.exec(uri) ?? [];
  if (latitude === undefined || longitude === undefined) return `location: ${uri === '' ? body : uri}`;
  const map = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}`;
  return `location: ${uri} ${map}`;
}

type Words = (content: Fields, sender: string) => string;

const BY_MSGTYPE: Readonly<Record<string, Words>> = {
  'm.emote': (content, sender) => `* ${sender} ${bodyOf(content)}`,
  'm.location': (content) => locationText(content, bodyOf(content)),
  // They speak to devices.
  'm.key.verification.request': () => '',
};

const BY_TYPE: Readonly<Record<string, Words>> = {
  'm.poll.start': pollText,
  'm.poll.end': pollEndText,
  'org.matrix.msc3381.poll.start': pollText,
  'org.matrix.msc3381.poll.end': pollEndText,
  'm.room.message': (content, sender) => {
    const msgtype = text(content, 'msgtype') ?? '';
    return BY_MSGTYPE[msgtype]?.(content, sender) ?? bodyOf(content);
  },
};

/**
 * The words of an event; '' when there are none to show (a file of which nothing is said, an empty body).
 * @param sender the sender's name, for `/me`
 */
export function wordsOf(type: string, content: Fields, sender: string): string {
  const file = fileOf(type, content);
  if (file !== undefined) return file.caption;
  const words = readable(BY_TYPE[type]?.(content, sender) ?? '');
  return words.trim() === '' ? '' : words;
}

/** The event in words alone: a file is named. */
export function textOf(type: string, content: Fields, sender: string): string {
  const file = fileOf(type, content);
  if (file === undefined) return wordsOf(type, content, sender);
  return file.caption === '' ? file.description : `${file.description} ${file.caption}`;
}
