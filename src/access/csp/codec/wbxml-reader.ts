// WBXML → element tree. Reads all of the format that any CSP peer was seen to use, in every version.
import type { Element } from '../../../wv/element.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { NAMESPACES, versionOfNamespace } from '../../../wv/version.ts';
import { canonicalName } from '../schema/lookup.ts';
import { PUBLIC_IDS } from '../schema/tokens.ts';
import { localName } from './characters.ts';
import type { Decoded, DecodeLimits, PartialMessage } from './errors.ts';
import { CodecError, versionOfPublicId, withDefaults } from './errors.ts';
import { base64Text, strictText } from './utf8.ts';
import { Cursor } from './wbxml-cursor.ts';
import { DATE_OCTETS, dateText } from './wbxml-dates.ts';
import type { ReadTable, TagMeaning } from './wbxml-tables.ts';
import * as wbxml from './wbxml-tables.ts';

/**
 * Reads one WBXML document. Names, value tokens, integers and dates come out as XML has them: integers decimal,
 * dates as `YYYYMMDDThhmmssZ`. OPAQUE octets elsewhere are text if they are UTF-8, else they come out as BASE64
 * and `base64` is set in the answer: ContentData whose ContentEncoding says None may then be BASE64 all the same.
 * Never throws; time and memory in proportion to the octets.
 */
export function decodeWbxml(bytes: Uint8Array, limits: DecodeLimits = {}): Decoded | CodecError {
  const bounds = withDefaults(limits);
  if (bytes.length > bounds.maxBytes) return new CodecError('too-large', `over ${bounds.maxBytes} octets`);
  const reader = new Reader(bytes, bounds);
  try {
    return reader.read();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return new CodecError(error.kind, error.message, error.offset, reader.partial());
  }
}

const NO_CHILDREN: readonly Element[] = Object.freeze([]);
const FALLBACK: CspVersion = '1.2';
const BLANK = /^[ \t\r\n]*$/;
/** Octets of an integer that are read as one; the specification allows four. */
const INTEGER_OCTETS = 6;
/** COMPAT(libwbxml, baraza): write SearchID as an integer, though it is a string. */
const SEARCH_ID = 'SearchID';
const SEARCH_ID_OCTETS = 4;

interface Attributes {
  xmlns?: string;
  attributes?: Readonly<Record<string, string>>;
}

/** `http://…/CSP1.` and the version's last digit → the namespace, without building a string. */
const knownNamespaces: ReadonlyMap<number, string> = new Map(
  Object.values(NAMESPACES).flatMap((namespaces) =>
    (Object.values(namespaces) as string[]).flatMap((namespace) =>
      [...wbxml.namespacePrefixes]
        .filter(([, prefix]) => namespace.startsWith(prefix) && namespace.length === prefix.length + 3)
        .map(([token]) => [(token << 8) | namespace.charCodeAt(namespace.length - 1), namespace] as const),
    ),
  ),
);

class Reader {
  private readonly cursor: Cursor;
  private readonly maxDepth: number;
  private readonly maxElements: number;
  private count = 0;
  private page = 0;
  private attributePage = 0;
  private publicVersion: CspVersion | undefined;
  private version: CspVersion = FALLBACK;
  private table: ReadTable = wbxml.readTables[FALLBACK];
  private base64 = false;
  private sessionId: string | undefined;
  private transactionId: string | undefined;
  /** After an error: the element it happened in, with those around it as they are left. */
  private unfinished: Element | undefined;

  constructor(bytes: Uint8Array, bounds: Required<DecodeLimits>) {
    this.cursor = new Cursor(bytes, bounds.maxText);
    this.maxDepth = bounds.maxDepth;
    this.maxElements = bounds.maxElements;
  }

  read(): Decoded {
    this.header();
    const tag = this.rootTag();
    const root = this.element(tag, 1);
    const version = versionOfNamespace(root.xmlns) ?? this.publicVersion;
    return this.base64
      ? { root, version, encoding: 'wbxml', base64: true }
      : { root, version, encoding: 'wbxml' };
  }

  partial(): PartialMessage | undefined {
    const sessionId = this.sessionId?.trim();
    const transactionId = this.transactionId?.trim();
    const root = this.unfinished === undefined ? {} : { root: this.unfinished };
    if (sessionId === undefined && transactionId === undefined)
      return this.unfinished === undefined ? undefined : root;
    return {
      ...root,
      version: this.version,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(transactionId === undefined ? {} : { transactionId }),
    };
  }

  /** version publicid charset strtbl (WBXML 1.3 section 5.4). */
  private header(): void {
    const { cursor } = this;
    const version = cursor.octet();
    if (version < 1 || version > 3) cursor.fail('unsupported-document', `WBXML version octet ${version}`);
    const publicId = cursor.number();
    const publicIdAt = publicId === 0 ? cursor.number() : -1;
    cursor.useCharset(cursor.number());
    cursor.takeTable();
    this.publicVersion =
      publicIdAt < 0 ? versionByNumber.get(publicId) : versionOfPublicId(cursor.tableText(publicIdAt));
    this.useVersion(this.publicVersion ?? FALLBACK);
  }

  private useVersion(version: CspVersion): void {
    this.version = version;
    this.table = wbxml.readTables[version];
  }

  /** The root's tag, behind processing instructions and page switches. */
  private rootTag(): number {
    for (;;) {
      const token = this.cursor.octet();
      if (token === wbxml.SWITCH_PAGE) this.page = this.cursor.octet();
      else if (token === wbxml.PI) this.attributes();
      else if ((token & wbxml.TOKEN_MASK) < wbxml.LITERAL) this.cursor.fail('malformed', 'no root element');
      else return token;
    }
  }

  private element(tag: number, depth: number): Element {
    if (depth > this.maxDepth) this.cursor.fail('too-deep', `over ${this.maxDepth} levels`);
    this.countOne();
    const meaning = this.meaning(tag & wbxml.TOKEN_MASK);
    const { name } = meaning;
    if (tag < wbxml.HAS_ATTRIBUTES) {
      if ((tag & wbxml.HAS_CONTENT) === 0) return { name, text: '', children: NO_CHILDREN };
      return this.content(meaning, depth, undefined);
    }
    const attributes = this.attributes();
    if (depth === 1) this.useVersion(versionOfNamespace(attributes.xmlns) ?? this.version);
    if ((tag & wbxml.HAS_CONTENT) === 0) return { name, ...attributes, text: '', children: NO_CHILDREN };
    return this.content(meaning, depth, attributes);
  }

  private countOne(): void {
    this.count += 1;
    if (this.count > this.maxElements) this.cursor.fail('too-many', `over ${this.maxElements} elements`);
  }

  private meaning(token: number): TagMeaning {
    if (token === wbxml.LITERAL) return wbxml.meaningOf(canonicalName(this.literalName()), this.version);
    const meaning = this.table.tags[wbxml.tagIndex(this.page, token)];
    return meaning ?? this.cursor.fail('unknown-token', `tag ${token} of page ${this.page}`);
  }

  /** A name from the string table: what could not be written as XML is refused, a prefix is dropped. */
  private literalName(): string {
    return localName(this.cursor.reference()) ?? this.cursor.fail('malformed', 'literal that is no name');
  }

  /** Everything up to the END of an element. */
  private content(meaning: TagMeaning, depth: number, attributes: Attributes | undefined): Element {
    const { cursor } = this;
    let text = '';
    let children: Element[] | undefined;
    try {
      for (;;) {
        const token = cursor.octet();
        if (token === wbxml.END) break;
        if (token === wbxml.STR_I) text += cursor.inline();
        else if (token === wbxml.SWITCH_PAGE) this.page = cursor.octet();
        else if (token === wbxml.EXT_T_0) text += this.valueToken(meaning);
        else if (token === wbxml.OPAQUE) text += this.opaque(meaning);
        else if (isTag(token)) (children ??= []).push(this.element(token, depth + 1));
        else text += this.rareContent(token);
      }
    } catch (error) {
      const unfinished = this.unfinished === undefined ? [] : [this.unfinished];
      this.unfinished = this.finish(meaning, attributes, text, [...(children ?? []), ...unfinished]);
      throw error;
    }
    return this.finish(meaning, attributes, text, children);
  }

  private finish(
    meaning: TagMeaning,
    attributes: Attributes | undefined,
    text: string,
    children: readonly Element[] = NO_CHILDREN,
  ): Element {
    const { name } = meaning;
    if (name === 'SessionID') this.sessionId ??= text;
    else if (name === 'TransactionID') this.transactionId ??= text;
    const says = text !== '' && (meaning.blank || children.length > 0) && BLANK.test(text) ? '' : text;
    if (attributes === undefined) return { name, text: says, children };
    return { name, ...attributes, text: says, children };
  }

  /** Content that CSP peers hardly ever send. Extension tokens other than EXT_T_0 mean nothing in CSP. */
  private rareContent(token: number): string {
    const { cursor } = this;
    if (token === wbxml.STR_T) return cursor.reference();
    if (token === wbxml.ENTITY) return this.entity();
    if (token >= wbxml.EXT_I_0 && token <= wbxml.EXT_I_2) cursor.inline();
    else if (token > wbxml.EXT_T_0 && token <= wbxml.EXT_T_2) cursor.number();
    else if (token === wbxml.PI) this.attributes();
    else if (token < wbxml.EXT_0 || token > wbxml.EXT_2) cursor.fail('unknown-token', `token ${token}`);
    return '';
  }

  private entity(): string {
    const code = this.cursor.number();
    if (code > 0x10_ffff) this.cursor.fail('malformed', `character ${code}`);
    this.cursor.spend(1);
    // A surrogate here is half a character: the other half comes as the next entity.
    return String.fromCodePoint(code);
  }

  private valueToken(meaning: TagMeaning): string {
    const token = this.cursor.number();
    const value = meaning.values?.get(token) ?? this.table.values[token];
    if (value === undefined) return this.cursor.fail('unknown-token', `value ${token}`);
    this.cursor.spend(value.length);
    return value;
  }

  private opaque(meaning: TagMeaning): string {
    const { cursor } = this;
    const length = cursor.number();
    const start = cursor.at;
    const end = cursor.skip(length);
    cursor.spend(length);
    if (meaning.integer && length <= INTEGER_OCTETS) return integerText(cursor.bytes, start, end);
    if (meaning.date && length === DATE_OCTETS) return dateText(cursor.bytes, start);
    if (length === 0) return '';
    if (meaning.name === SEARCH_ID && length <= SEARCH_ID_OCTETS)
      return integerText(cursor.bytes, start, end);
    const text = strictText(cursor.bytes, start, end);
    if (text !== undefined) return text;
    this.base64 = true;
    return base64Text(cursor.bytes, start, end);
  }

  /** Attributes up to their END. Tokens are xmlns with the beginning of a namespace; everything else is literal. */
  private attributes(): Attributes {
    const found: Attributes = {};
    const others: [string, string][] = [];
    for (;;) {
      const token = this.cursor.octet();
      if (token === wbxml.END) break;
      if (token === wbxml.SWITCH_PAGE) {
        this.attributePage = this.cursor.octet();
        continue;
      }
      this.countOne();
      const name = token === wbxml.LITERAL ? this.literalName() : 'xmlns';
      const value = token === wbxml.LITERAL ? this.attributeValue('') : this.namespace(token);
      if (name === 'xmlns') found.xmlns = value;
      else others.push([name, value]);
    }
    if (others.length > 0) found.attributes = Object.fromEntries(others);
    return found;
  }

  private namespace(token: number): string {
    const { cursor } = this;
    const { bytes, at } = cursor;
    // The nine namespaces there are: prefix token, STR_I "1.x", END.
    if (
      bytes[at] === wbxml.STR_I &&
      bytes[at + 1] === 0x31 &&
      bytes[at + 2] === 0x2e &&
      bytes[at + 4] === 0
    ) {
      const known = this.attributePage === 0 ? knownNamespaces.get((token << 8) | bytes[at + 3]!) : undefined;
      if (known !== undefined && bytes[at + 5] === wbxml.END) {
        cursor.at = at + 5;
        return known;
      }
    }
    const prefix = this.attributePage === 0 ? wbxml.namespacePrefixes.get(token) : undefined;
    if (prefix === undefined) return cursor.fail('unknown-token', `attribute ${token}`);
    cursor.spend(prefix.length);
    return this.attributeValue(prefix);
  }

  /** The rest of an attribute's value: up to a token that begins another attribute, or END. */
  private attributeValue(beginning: string): string {
    const { cursor } = this;
    let value = beginning;
    for (;;) {
      const token = cursor.octet();
      if (token === wbxml.STR_I) value += cursor.inline();
      else if (token === wbxml.SWITCH_PAGE) this.attributePage = cursor.octet();
      else if (token === wbxml.OPAQUE) value += cursor.opaqueText();
      else if (token === wbxml.EXT_T_0) value += this.valueToken(NO_MEANING);
      else if (token < wbxml.EXT_I_0 && token !== wbxml.ENTITY) {
        cursor.at -= 1;
        return value;
      } else if (token === wbxml.PI) return cursor.fail('malformed', 'instruction inside an attribute');
      else value += this.rareContent(token);
    }
  }
}

const NO_MEANING: TagMeaning = { name: '', integer: false, date: false, blank: false, values: undefined };

const versionByNumber: ReadonlyMap<number, CspVersion> = new Map(
  (Object.entries(PUBLIC_IDS) as [CspVersion, number][]).map(([version, number]) => [number, version]),
);

/** Tags, literal ones included; what is below with any of the two bits is a global token. */
const isTag = (token: number): boolean => (token & wbxml.TOKEN_MASK) >= wbxml.LITERAL;

/** Big-endian, any number of leading zeros; no octet at all is 0 (COMPAT(libwbxml)). */
function integerText(bytes: Uint8Array, start: number, end: number): string {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 256 + bytes[at]!;
  return String(value);
}
