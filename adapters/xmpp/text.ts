// Message content as the plain text of an XMPP body (bridging section 4, text only).

import { contentSize } from '../../src/wv/message.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import { stripIllegal } from './xml.ts';

/** The body for a content. What is not text becomes a line that says what it was. */
export function bodyOf(content: MessageContent): string {
  const type = mediaType(content.contentType);
  if (type === 'text/plain') return stripIllegal(decoded(content));
  if (
    type === 'text/html' ||
    type === 'application/xhtml+xml' ||
    type.startsWith('application/vnd.wap.xhtml')
  ) {
    return stripIllegal(textOfHtml(decoded(content)));
  }
  return `[${type}, ${readableSize(contentSize(content))}: cannot be shown here]`;
}

function mediaType(contentType: string): string {
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  return type === '' ? 'text/plain' : stripIllegal(type).slice(0, 100);
}

function decoded(content: MessageContent): string {
  return content.encoding === 'none' ? content.data : Buffer.from(content.data, 'base64').toString('utf8');
}

function readableSize(octets: number): string {
  if (octets < 1_000) return `${octets} bytes`;
  return octets < 1_000_000 ? `${Math.round(octets / 1_000)} kB` : `${(octets / 1_000_000).toFixed(1)} MB`;
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};

function character(code: number): string {
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '';
}

/** One pass over the references: what was escaped twice stays escaped once. */
function unescapeHtml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,6}));/gi, (whole, hex, decimal, name) => {
    if (typeof hex === 'string') return character(Number.parseInt(hex, 16));
    if (typeof decimal === 'string') return character(Number.parseInt(decimal, 10));
    return NAMED[String(name).toLowerCase()] ?? String(whole);
  });
}

/** The words of an HTML text: scripts and styles dropped, line breaks kept. */
export function textOfHtml(html: string): string {
  const text = html
    .replace(/<!--[^]*?(?:-->|$)/g, '')
    .replace(/<(script|style|title)\b[^]*?(?:<\/\1\s*>|$)/gi, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?<(?:br|\/p|\/div|\/li|\/tr|\/h[1-6])\b[^<>]*> ?/gi, '\n')
    .replace(/<[^<>]*>/g, '');
  return unescapeHtml(text)
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
