// Our own immutable XML element, the only form of a stanza outside component-stream.ts, and how it is written.

import { NS } from './namespaces.ts';

/** One XML element. `ns` is its resolved namespace; prefixes are gone. Text children are unescaped. */
export interface XmlElement {
  readonly name: string;
  readonly ns: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
}

export type XmlAttributes = Readonly<Record<string, string | undefined>>;

/** Builds an element of a namespace; attributes that are undefined are left out. */
export function xml(
  ns: string,
  name: string,
  attrs: XmlAttributes = {},
  ...children: readonly (XmlElement | string | undefined)[]
): XmlElement {
  const kept = Object.entries(attrs).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ns,
    name,
    attrs: Object.fromEntries(kept),
    children: children.filter((child): child is XmlElement | string => child !== undefined && child !== ''),
  };
}

/** Builds `<message/>`, `<presence/>` or `<iq/>`. */
export function stanza(
  name: 'message' | 'presence' | 'iq',
  attrs: XmlAttributes,
  ...children: readonly (XmlElement | string | undefined)[]
): XmlElement {
  return xml(NS.component, name, attrs, ...children);
}

/** The child elements, without the text between them. */
export function elementsOf(parent: XmlElement): readonly XmlElement[] {
  return parent.children.filter((child) => typeof child !== 'string');
}

/** The first child element of that name and namespace (the parent's unless said otherwise). */
export function childOf(parent: XmlElement, name: string, ns: string = parent.ns): XmlElement | undefined {
  return elementsOf(parent).find((child) => child.name === name && child.ns === ns);
}

/** The text directly inside an element. */
export function textOf(element: XmlElement | undefined): string {
  if (element === undefined) return '';
  return element.children.filter((child) => typeof child === 'string').join('');
}

// Everything that is not a Char of XML 1.0 (lone surrogates included: the `u` flag sees them as such).
// oxlint-disable-next-line no-control-regex -- control characters are exactly what is stripped
const ILLEGAL = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** Drops the characters that no XML 1.0 document can hold. */
export function stripIllegal(text: string): string {
  return text.replace(ILLEGAL, '');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // A parser turns a bare carriage return into a line feed, and blanks of an attribute into spaces.
  '\r': '&#13;',
};
const ATTRIBUTE_ESCAPES: Readonly<Record<string, string>> = { ...ESCAPES, '\t': '&#9;', '\n': '&#10;' };

function escapeText(text: string): string {
  return stripIllegal(text).replace(/[&<>\r]/g, (char) => ESCAPES[char] ?? char);
}

function escapeAttribute(text: string): string {
  return stripIllegal(text).replace(/[&<>"'\r\t\n]/g, (char) => ATTRIBUTE_ESCAPES[char] ?? char);
}

/** Writes an element. `outer` is the namespace in force where it is put (the stream's for a stanza). */
export function serialize(element: XmlElement, outer: string = NS.component): string {
  let head = `<${element.name}`;
  if (element.ns !== outer) head += ` xmlns="${escapeAttribute(element.ns)}"`;
  for (const [name, value] of Object.entries(element.attrs)) head += ` ${name}="${escapeAttribute(value)}"`;
  if (element.children.length === 0) return `${head}/>`;
  let body = '';
  for (const child of element.children) {
    body += typeof child === 'string' ? escapeText(child) : serialize(child, element.ns);
  }
  return `${head}>${body}</${element.name}>`;
}
