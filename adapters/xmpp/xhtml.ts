// The words of an XHTML-IM message (XEP-0071) that came without a plain body.

import { NS } from './namespaces.ts';
import { childOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

const BLOCKS: ReadonlySet<string> = new Set('p div li tr blockquote pre ul ol h1 h2 h3 h4 h5 h6'.split(' '));
const SILENT: ReadonlySet<string> = new Set(['script', 'style', 'title', 'head', 'object', 'iframe']);

/** The text of `<html xmlns='http://jabber.org/protocol/xhtml-im'/>`, '' when there is none. */
export function xhtmlText(message: XmlElement): string {
  const html = childOf(message, 'html', NS.xhtmlIm);
  const body = html === undefined ? undefined : childOf(html, 'body', NS.xhtml);
  if (body === undefined) return '';
  return wordsOf(body)
    .replace(/ *\n */g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** How deep elements may be nested is the stream's limit. */
function wordsOf(element: XmlElement): string {
  const words = element.children.map((child) =>
    typeof child === 'string' ? child.replace(/\s+/g, ' ') : wordsOfChild(child),
  );
  return words.join('');
}

function wordsOfChild(child: XmlElement): string {
  if (SILENT.has(child.name)) return '';
  if (child.name === 'br') return '\n';
  if (child.name === 'img') return child.attrs['alt'] ?? '';
  return BLOCKS.has(child.name) ? `\n${wordsOf(child)}\n` : wordsOf(child);
}
