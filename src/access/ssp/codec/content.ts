// Content of messages and notes: always BASE64 on the wire, text too (ssp.md section 6.5, observed-peer.md section 13).

import type { Element } from '../../../wv/element.ts';
import type { MessageContent } from '../../../wv/message.ts';
import { attributeOf, childrenOf, type Part } from './parts.ts';
import { decodeBase64, utf8 } from './values.ts';

const DEFAULT_TYPE = 'text/plain';

/** The octets of a content. */
function octetsOf({ encoding, data }: MessageContent): Buffer {
  return Buffer.from(data, encoding === 'base64' ? 'base64' : 'utf8');
}

/** Text whose octets may be read as UTF-8: no other charset is named. */
function isUtf8Text(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1]?.toLowerCase();
  return /^text\//i.test(contentType) && ['utf-8', 'utf8', 'us-ascii', undefined].includes(charset);
}

/**
 * `ContentData`. `fallbackType`: what MessageInfo says the type is. COMPAT: without an encoding, or with any but BASE64,
 * the text is the content as it stands.
 */
export function readContent(element: Element | undefined, fallbackType?: string): MessageContent {
  const contentType =
    (element === undefined ? undefined : attributeOf(element, 'contentType')) ?? fallbackType ?? DEFAULT_TYPE;
  const encoding = element === undefined ? undefined : attributeOf(element, 'encoding')?.toLowerCase();
  if (element === undefined || encoding !== 'base64') {
    return { contentType, encoding: 'none', data: element?.text ?? '' };
  }
  const octets = decodeBase64(element.text);
  const text = isUtf8Text(contentType) ? utf8(octets) : undefined;
  return text === undefined
    ? { contentType, encoding: 'base64', data: octets.toString('base64') }
    : { contentType, encoding: 'none', data: text };
}

export function contentElement(content: MessageContent): Element {
  return {
    name: 'ContentData',
    attributes: { contentType: content.contentType, encoding: 'base64' },
    text: octetsOf(content).toString('base64'),
    children: [],
  };
}

/**
 * `WelcomeNote/ContentData` as text; undefined without one, or when it is no text. COMPAT: the note's own text counts
 * where there is no ContentData.
 */
export const WELCOME_NOTE: Part<string | undefined> = {
  read: (element) => {
    const note = childrenOf(element, 'WelcomeNote')[0];
    if (note === undefined) return undefined;
    const data = childrenOf(note, 'ContentData')[0];
    if (data === undefined) return note.text.trim();
    const { encoding, data: text } = readContent(data);
    return encoding === 'none' ? text : undefined;
  },
  write: (note, draft) => {
    if (note === undefined) return;
    const content = contentElement({ contentType: DEFAULT_TYPE, encoding: 'none', data: note });
    draft.children.push({ name: 'WelcomeNote', text: '', children: [content] });
  },
};

/** The same in answers, where an empty note is none. COMPAT(Baraza): writes one always. */
export const SHOWN_NOTE: Part<string | undefined> = {
  read: (element, context) => WELCOME_NOTE.read(element, context) || undefined,
  write: WELCOME_NOTE.write,
};
