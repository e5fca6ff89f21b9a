// Message content as the plain text of an XMPP body (bridging section 4, text only).

import { contentSize } from '../../src/wv/message.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import { textOfHtml } from '../bridging/html-text.ts';
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
