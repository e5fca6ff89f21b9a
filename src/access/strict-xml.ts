// XML of other servers (SSP) and of operators' systems, strictly: the one wrapper round fast-xml-parser, which alone
// takes unclosed tags, several roots and undefined entities (field-lessons section 4.5). The document is scanned
// first, then parsed with every convenience off. The parser's own validator finds no fault with anything that the scan
// lets pass (test/unit/ssp/strict-xml-scan.test.ts), so it is not asked.

import { XMLParser } from 'fast-xml-parser';
import type { Element } from '../wv/element.ts';
import { ILLEGAL_CHARACTERS, isXmlName, resolveReferences, scan, XmlError } from './xml-scan.ts';

export { XmlError } from './xml-scan.ts';

export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';

const TEXT = '#text';
const CDATA = '#cdata';
const ATTRIBUTES = ':@';
/** Before every name, so that none is `__proto__` or `constructor` where the parser keeps them as keys. */
const GUARD = '+';

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: GUARD,
  transformTagName: (name) => GUARD + name,
  textNodeName: TEXT,
  cdataPropName: CDATA,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  htmlEntities: false,
  removeNSPrefix: false,
});

/** What the parser gives: an array of these for every element, pieces of text among them. */
type ParsedNode = Readonly<Record<string, readonly ParsedNode[] | string | Readonly<Record<string, string>>>>;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads one XML document: local names, `xmlns` of an element apart from its attributes, text as it stands (white
 * space between elements left out), CDATA as text, no comments, no processing instructions.
 * Throws XmlError for what is not well formed UTF-8 XML, for a DOCTYPE with an internal subset, for entities other than
 * the five predefined ones, and beyond `maxBytes` octets or the limits of xml-scan.ts. Takes linear time.
 */
export function parseXml(document: Uint8Array | string, maxBytes: number): Element {
  const size = typeof document === 'string' ? Buffer.byteLength(document) : document.length;
  if (size > maxBytes) throw new XmlError(`over ${maxBytes} octets`);
  const markup = scan(typeof document === 'string' ? document.replace(/^\ufeff/, '') : decoded(document));
  const [root, ...more] = parsed(markup);
  if (root === undefined || more.length > 0) throw new XmlError('not one root element');
  return elementOf(root);
}

function decoded(octets: Uint8Array): string {
  try {
    return UTF8.decode(octets);
  } catch {
    throw new XmlError('octets are not UTF-8');
  }
}

function parsed(markup: string): readonly ParsedNode[] {
  try {
    return parser.parse(markup) as readonly ParsedNode[];
  } catch {
    throw new XmlError('not well formed');
  }
}

/** Recursion is safe: the scan has counted the levels. */
function elementOf(parsedNode: ParsedNode): Element {
  const key = Object.keys(parsedNode).find((name) => name !== ATTRIBUTES) ?? '';
  const content = parsedNode[key] ?? [];
  const qualified = unguarded(key);
  let text = '';
  const children: Element[] = [];
  for (const piece of content as readonly ParsedNode[]) {
    if (typeof piece[TEXT] === 'string') text += resolveReferences(piece[TEXT]);
    else if (piece[CDATA] !== undefined) text += characterData(piece[CDATA] as readonly ParsedNode[]);
    else children.push(elementOf(piece));
  }
  return {
    name: localPart(qualified),
    ...attributesOf(qualified, parsedNode[ATTRIBUTES] as Readonly<Record<string, string>> | undefined),
    text: children.length > 0 && /^[ \t\r\n]*$/.test(text) ? '' : text,
    children,
  };
}

function characterData(pieces: readonly ParsedNode[]): string {
  return pieces.map((piece) => piece[TEXT] as string).join('');
}

/** The parser guards the names of empty elements twice. */
function unguarded(key: string): string {
  return key.slice(key.lastIndexOf(GUARD) + 1);
}

function localPart(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** The namespace that the element itself declares for its own name, and its attributes by their local names. */
function attributesOf(
  qualified: string,
  found: Readonly<Record<string, string>> | undefined,
): { xmlns?: string; attributes?: Readonly<Record<string, string>> } {
  if (found === undefined) return {};
  const colon = qualified.indexOf(':');
  const declaration = colon < 0 ? 'xmlns' : `xmlns:${qualified.slice(0, colon)}`;
  let xmlns: string | undefined;
  const attributes = new Map<string, string>();
  for (const [key, raw] of Object.entries(found)) {
    const name = unguarded(key);
    const value = resolveReferences(raw.replace(/[\t\r\n]/g, ' '));
    if (name === declaration) xmlns = value;
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
    // Without a prefix it is the element's own; it counts before a namesake of another vocabulary.
    if (!name.includes(':') || !attributes.has(localPart(name))) attributes.set(localPart(name), value);
  }
  return {
    ...(xmlns === undefined ? {} : { xmlns }),
    ...(attributes.size === 0 ? {} : { attributes: Object.fromEntries(attributes) }),
  };
}

/**
 * Writes an element without prefixes and without white space of its own. Characters that XML cannot carry are left
 * out, and so are elements and attributes whose name is none.
 */
export function writeXml(element: Element): string {
  if (!isXmlName(element.name)) return '';
  const start = `<${element.name}${writeAttributes(element)}`;
  const content = escaped(element.text, TEXT_SPECIALS) + element.children.map(writeXml).join('');
  return content === '' ? `${start}/>` : `${start}>${content}</${element.name}>`;
}

function writeAttributes({ xmlns, attributes }: Element): string {
  const pairs = Object.entries(attributes ?? {}).filter(([name]) => isXmlName(name) && name !== 'xmlns');
  return [...(xmlns === undefined ? [] : [['xmlns', xmlns] as const]), ...pairs]
    .map(([name, value]) => ` ${name}="${escaped(value, ATTRIBUTE_SPECIALS)}"`)
    .join('');
}

const TEXT_SPECIALS = /[&<>\r]/g;
const ATTRIBUTE_SPECIALS = /[&<>"\t\n\r]/g;
const NAMED: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
]);

function escaped(text: string, specials: RegExp): string {
  return text
    .replace(ILLEGAL_CHARACTERS, '')
    .replace(specials, (character) => NAMED.get(character) ?? `&#${character.charCodeAt(0)};`);
}
