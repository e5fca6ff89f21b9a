// The first pass over an XML document, in linear time and without recursion: what stands in it must be well formed
// XML 1.0 within the limits, before any parser that is less strict sees it.

/** Why a document is none. `message` names the fault and never quotes content, so it is safe to log. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
}

/** Elements inside each other. */
export const MAX_DEPTH = 64;
/** Elements of a document. */
export const MAX_ELEMENTS = 20_000;
/** Attributes of one element. */
export const MAX_ATTRIBUTES = 100;

// As in Namespaces in XML 1.0, without U+FEFF, which JavaScript takes for white space, and without characters
// beyond the basic plane: nothing of ours is named by them.
const NAME_START =
  'A-Z_a-z\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f' +
  '\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufefe\\uff00-\\ufffd';
const NC_NAME = `[${NAME_START}][${NAME_START}\\-.0-9\\xb7\\u0300-\\u036f\\u203f\\u2040]*`;
const NAME = `${NC_NAME}(?::${NC_NAME})?`;
const WHOLE_NAME = new RegExp(`^${NC_NAME}$`);

const OPEN = new RegExp(`<(${NAME})`, 'y');
const ATTRIBUTE = new RegExp(`[ \\t\\r\\n]+(${NAME})[ \\t\\r\\n]*=[ \\t\\r\\n]*("[^"<]*"|'[^'<]*')`, 'y');
const TAG_END = /[ \t\r\n]*(\/?)>/y;
const CLOSE = new RegExp(`</(${NAME})[ \\t\\r\\n]*>`, 'y');
const TARGET = new RegExp(`<\\?(${NC_NAME})(?=[ \\t\\r\\n?])`, 'y');
const BLANK = /[ \t\r\n]*/y;
const REFERENCE = /&(?:lt|gt|amp|quot|apos|#\d+|#x[0-9a-f]+);/iy;

const ILLEGAL = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
/** The same, to remove what XML cannot carry. */
export const ILLEGAL_CHARACTERS = new RegExp(ILLEGAL.source, 'gu');

/** A name without prefix. */
export function isXmlName(text: string): boolean {
  return WHOLE_NAME.test(text);
}

/**
 * Checks a document and gives the markup of its root element without comments and processing instructions, which
 * `fast-xml-parser` does not read by the letter. Throws XmlError.
 */
export function scan(text: string): string {
  if (ILLEGAL.test(text)) throw new XmlError('character that XML forbids');
  return new Scanner(text).document();
}

class Scanner {
  private readonly text: string;
  private at = 0;
  private elements = 0;
  /** Names of the elements that are open, outermost first. */
  private readonly open: string[] = [];
  private readonly kept: string[] = [];

  constructor(text: string) {
    this.text = text;
  }

  document(): string {
    this.declaration();
    let doctype = false;
    while (this.misc() || (!doctype && (doctype = this.doctype())));
    this.tag();
    while (this.open.length > 0) this.content();
    while (this.misc());
    if (this.at < this.text.length) throw new XmlError('content after the root element');
    return this.kept.join('');
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }

  private looksAt(prefix: string): boolean {
    return this.text.startsWith(prefix, this.at);
  }

  /** Goes behind the next `end` and gives what stands before it. */
  private upTo(start: string, end: string): string {
    const from = this.at + start.length;
    const to = this.text.indexOf(end, from);
    if (to < 0) throw new XmlError(`unfinished ${start}`);
    this.at = to + end.length;
    return this.text.slice(from, to);
  }

  /** Only UTF-8 was read; a document that says it is something else is not what it says. */
  private declaration(): void {
    if (!/^<\?xml[ \t\r\n]/.test(this.text)) return;
    const content = this.upTo('<?xml', '?>');
    const encoding = /encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)["']/.exec(content)?.[1];
    if (encoding !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(encoding)) {
      throw new XmlError('encoding other than UTF-8');
    }
  }

  /** White space, a comment or a processing instruction. */
  private misc(): boolean {
    const before = this.at;
    this.match(BLANK);
    return this.comment() || this.instruction() || this.at > before;
  }

  private comment(): boolean {
    if (!this.looksAt('<!--')) return false;
    const content = this.upTo('<!--', '-->');
    if (content.includes('--') || content.endsWith('-')) throw new XmlError('-- inside a comment');
    return true;
  }

  private instruction(): boolean {
    if (!this.looksAt('<?')) return false;
    const start = this.at;
    const target = this.match(TARGET)?.[1];
    if (target === undefined || target.toLowerCase() === 'xml') {
      throw new XmlError('malformed processing instruction');
    }
    this.at = start;
    this.upTo('<?', '?>');
    return true;
  }

  /** One without internal subset says nothing that we need and is skipped. Entities would be defined in the others. */
  private doctype(): boolean {
    if (!this.looksAt('<!DOCTYPE')) return false;
    for (let at = this.at; at < this.text.length; at += 1) {
      const character = this.text[at];
      if (character === '[') throw new XmlError('DOCTYPE with an internal subset');
      if (character === '"' || character === "'") {
        at = this.text.indexOf(character, at + 1);
        if (at < 0) break;
      }
      if (character === '>') {
        this.at = at + 1;
        return true;
      }
    }
    throw new XmlError('unfinished DOCTYPE');
  }

  /** What may stand in an element. */
  private content(): void {
    if (this.comment() || this.instruction()) return;
    if (this.looksAt('<![CDATA[')) this.cdata();
    else if (this.looksAt('</')) this.close();
    else if (this.looksAt('<')) this.tag();
    else this.characters();
  }

  private cdata(): void {
    const start = this.at;
    this.upTo('<![CDATA[', ']]>');
    this.kept.push(this.text.slice(start, this.at));
  }

  private close(): void {
    const found = this.match(CLOSE);
    if (found === undefined || found[1] !== this.open.pop())
      throw new XmlError('end tag that closes nothing');
    this.kept.push(found[0]);
  }

  private tag(): void {
    const start = this.at;
    const name = this.match(OPEN)?.[1];
    if (name === undefined) throw new XmlError('markup that is no element');
    this.elements += 1;
    if (this.elements > MAX_ELEMENTS) throw new XmlError('too many elements');
    this.attributes();
    const end = this.match(TAG_END);
    if (end === undefined) throw new XmlError('malformed tag');
    if (this.open.length >= MAX_DEPTH) throw new XmlError('too many elements inside each other');
    if (end[1] === '') this.open.push(name);
    this.kept.push(this.text.slice(start, this.at));
  }

  private attributes(): void {
    const names = new Set<string>();
    for (;;) {
      const [, name, value] = this.match(ATTRIBUTE) ?? [];
      if (name === undefined || value === undefined) return;
      if (names.has(name)) throw new XmlError('attribute that repeats');
      names.add(name);
      if (names.size > MAX_ATTRIBUTES) throw new XmlError('too many attributes');
      checkReferences(value);
    }
  }

  private characters(): void {
    const next = this.text.indexOf('<', this.at);
    if (next < 0) throw new XmlError('element that is never closed');
    const piece = this.text.slice(this.at, next);
    if (piece.includes(']]>')) throw new XmlError(']]> outside of CDATA');
    checkReferences(piece);
    this.kept.push(piece);
    this.at = next;
  }
}

/** Nothing but the five predefined entities and characters by number. */
function checkReferences(text: string): void {
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    REFERENCE.lastIndex = at;
    const found = REFERENCE.exec(text)?.[0];
    if (found === undefined) throw new XmlError('entity that XML does not predefine');
    if (referenced(found) === undefined) throw new XmlError('reference to a character that XML forbids');
  }
}

const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&amp;', '&'],
  ['&quot;', '"'],
  ['&apos;', "'"],
]);

/** The character that a reference stands for; undefined for none that may be. */
function referenced(reference: string): string | undefined {
  const predefined = PREDEFINED.get(reference);
  if (predefined !== undefined) return predefined;
  const number = /^&#(?:(\d+)|x([0-9a-fA-F]+));$/.exec(reference);
  if (number === null) return undefined;
  const code = number[1] === undefined ? Number.parseInt(number[2] ?? '', 16) : Number(number[1]);
  if (!(code <= 0x10ffff)) return undefined;
  const character = String.fromCodePoint(code);
  return ILLEGAL.test(character) ? undefined : character;
}

/** Resolves references, each once: `&amp;lt;` is the text `&lt;`. The text has been scanned. */
export function resolveReferences(text: string): string {
  return text.includes('&') ? text.replace(/&[^;]+;/g, (found) => referenced(found) ?? '') : text;
}
