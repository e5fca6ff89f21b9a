// The words of a message from XMPP: the body in the right language, or what stands for one. Pure.

import { withoutFallback } from './fallback.ts';
import type { WithoutFallback } from './fallback.ts';
import { NS } from './namespaces.ts';
import { plainName } from './contact-names.ts';
import { fileReferenceOf, outOfBandLink } from './files/links.ts';
import { childOf, elementsOf, stripIllegal, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';
import { xhtmlText } from './xhtml.ts';

/** For whom a text is made. */
export interface Reader {
  /** The sender's name. */
  readonly name: string;
  /** The recipient's language (ISO 639), if he told it. */
  readonly language: string | undefined;
}

/** C1 controls, byte order marks and noncharacters: XML has them, phones stumble over them. */
// oxlint-disable-next-line no-control-regex -- control characters are exactly what is stripped
const USELESS = /[\u007f-\u0084\u0086-\u009f\ufeff\ufdd0-\ufdef]|[\u{1fffe}\u{1ffff}\u{2fffe}\u{2ffff}]/gu;

/** A text as a phone gets it. Marks of direction stay: they belong to what was written. */
export function readable(text: string): string {
  return stripIllegal(text)
    .replace(USELESS, '')
    .replace(/\r\n?|\u0085/g, '\n');
}

/** The body without fallback, and that fallback. The text of XHTML only where there is no body. */
export function wordsOf(message: XmlElement, reader: Reader): WithoutFallback {
  const { kept, cut } = withoutFallback(inLanguage(message, 'body', reader.language), message);
  const words = kept.trim() === '' && cut === '' ? xhtmlText(message) : kept;
  const isAction = words.startsWith('/me ');
  return { kept: isAction ? `* ${reader.name} ${words.slice('/me '.length)}` : words, cut };
}

/** What goes with the words: the subject before them; what was forwarded, and links, after. */
export function dressed(message: XmlElement, words: string, reader: Reader): string {
  const subject = inLanguage(message, 'subject', reader.language).trim();
  const forwarded = forwardedText(message, reader);
  const lines = [subject, words.trim() === '' ? '' : words, forwarded].filter((line) => line !== '');
  const text = lines.join('\n');
  return readable(
    [
      text,
      ...linksOf(message)
        .filter((link) => !text.includes(link.url))
        .map(lineOf),
    ].join('\n'),
  ).replace(/^\n+/, '');
}

/** True when there may be words to show. */
export function hasWords(message: XmlElement): boolean {
  return (
    elementsOf(message).some(
      (child) => child.ns === NS.component && /^(?:body|subject)$/.test(child.name) && textOf(child) !== '',
    ) ||
    childOf(message, 'html', NS.xhtmlIm) !== undefined ||
    fileReferenceOf(message) !== undefined ||
    childOf(message, 'forwarded', NS.forward) !== undefined
  );
}

function canonicalLanguage(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? '';
  } catch {
    return '';
  }
}

/** In the recipient's language, else in none, else the first. */
function inLanguage(message: XmlElement, name: string, language: string | undefined): string {
  const found = elementsOf(message).filter((child) => child.name === name && child.ns === NS.component);
  const wanted = found.length > 1 && language !== undefined ? canonicalLanguage(language) : '';
  const spoken = (child: XmlElement): string =>
    canonicalLanguage(child.attrs['xml:lang'] ?? message.attrs['xml:lang'] ?? '');
  const base = (tag: string): string => tag.split('-')[0] ?? '';
  const chosen =
    wanted === ''
      ? undefined
      : (found.find((child) => spoken(child) === wanted) ??
        found.find((child) => base(spoken(child)) === base(wanted)));
  return textOf(chosen ?? found.find((child) => child.attrs['xml:lang'] === undefined) ?? found[0]);
}

interface Link {
  readonly url: string;
  readonly description: string;
}

const MAX_LINKS = 8;

/** Links sent beside the text: those of XEP-0066, and that of a shared file. */
function linksOf(message: XmlElement): readonly Link[] {
  const beside = elementsOf(message).flatMap((child) => outOfBandLink(child) ?? []);
  const file = fileReferenceOf(message);
  const isAnother = file !== undefined && beside.every(({ url }) => url !== file.url);
  return [...beside, ...(isAnother ? [file] : [])].slice(0, MAX_LINKS);
}

function lineOf({ url, description }: Link): string {
  return description === '' ? url : `${description}: ${url}`;
}

/**
 * What somebody forwarded (XEP-0297), marked as such: whose it is, only he says. What is nested deeper, or wraps
 * something else, is left out.
 */
function forwardedText(message: XmlElement, reader: Reader): string {
  const wrapper = childOf(message, 'forwarded', NS.forward);
  const inner = wrapper === undefined ? undefined : childOf(wrapper, 'message', NS.component);
  const original =
    inner ?? (wrapper === undefined ? undefined : childOf(wrapper, 'message', 'jabber:client'));
  if (original === undefined || childOf(original, 'forwarded', NS.forward) !== undefined) return '';
  const body = elementsOf(original).find(({ name, ns }) => name === 'body' && ns === original.ns);
  const text = textOf(body);
  const from = plainName(original.attrs['from']?.split('/')[0] ?? '');
  return text === ''
    ? ''
    : `[forwarded by ${reader.name}${from === '' ? '' : `, said to be of ${from}`}] ${text}`;
}
