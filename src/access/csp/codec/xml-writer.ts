// Element tree → XML text, as plain as the simplest clients want it: no prefixes, no white space between
// elements, as few escapes as well-formedness allows.
import type { Element } from '../../../wv/element.ts';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const encoder = new TextEncoder();

/** Writes a tree as UTF-8 XML. Characters that XML 1.0 cannot hold are left out. */
export function encodeXml(root: Element, options: { readonly declaration: boolean }): Uint8Array {
  return encoder.encode((options.declaration ? DECLARATION : '') + elementText(root));
}

function elementText(element: Element): string {
  const name = element.name;
  const start = `<${name}${attributesText(element)}`;
  if (element.children.length === 0 && element.text === '') return `${start}/>`;
  let content = escapeText(element.text);
  for (const child of element.children) content += elementText(child);
  return `${start}>${content}</${name}>`;
}

function attributesText({ xmlns, attributes }: Element): string {
  let text = xmlns === undefined ? '' : ` xmlns="${escapeAttribute(xmlns)}"`;
  if (attributes === undefined) return text;
  for (const [name, value] of Object.entries(attributes)) text += ` ${name}="${escapeAttribute(value)}"`;
  return text;
}

/* oxlint-disable no-control-regex -- the point is to find control characters */
const UNSAFE = /[&<>\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/;
const ILLEGAL = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const TEXT_SPECIALS = /[&<\r]|(?<=\]\])>/g;
const ATTRIBUTE_SPECIALS = /[&<"\t\n\r]/g;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const reference = (character: string): string => ENTITIES[character] ?? `&#${character.charCodeAt(0)};`;

/** COMPAT(movistar-j2me, movistar-mfc): they leave `&gt;` and `&quot;` as they are, so those stay unescaped. */
function escapeText(text: string): string {
  return UNSAFE.test(text) ? text.replace(ILLEGAL, '').replace(TEXT_SPECIALS, reference) : text;
}

function escapeAttribute(text: string): string {
  return text.replace(ILLEGAL, '').replace(ATTRIBUTE_SPECIALS, reference);
}
