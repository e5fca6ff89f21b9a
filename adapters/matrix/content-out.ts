// The content of WV messages as content of Matrix events (bridging.md 4), as far as it is text. Pure.

import { contentSize } from '../../src/wv/message.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import { mediaType } from '../bridging/file-content.ts';
import { textOfHtml } from '../bridging/html-text.ts';
import { sanitized } from './html.ts';
import { described, sizeText } from './text.ts';

/** The content of an m.room.message. */
export type EventContent = Readonly<Record<string, unknown>> & {
  readonly msgtype: string;
  readonly body: string;
};

/** What a message of text says. */
export function textContent(content: MessageContent): EventContent {
  const words = decoded(content);
  if (mediaType(content) === 'text/plain') return { msgtype: 'm.text', body: words };
  return {
    msgtype: 'm.text',
    body: textOfHtml(words),
    format: 'org.matrix.custom.html',
    formatted_body: sanitized(words),
  };
}

/** A file in words, with a link where there is one. */
export function namedFile(content: MessageContent, link: string | undefined): EventContent {
  const name = described('content', [mediaType(content), sizeText(contentSize(content))]);
  return { msgtype: 'm.text', body: link === undefined ? name : `${name} ${link}` };
}

function decoded({ encoding, data }: MessageContent): string {
  const words = encoding === 'base64' ? Buffer.from(data, 'base64').toString('utf8') : data;
  return words.toWellFormed();
}
