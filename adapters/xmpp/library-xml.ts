// Elements as the libraries of @xmpp hand them over, in our own form.

import { NS } from './namespaces.ts';
import type { XmlElement } from './xml.ts';

/** What the library's element objects look like; never `instanceof`, several copies of the class may be loaded. */
export interface LibraryElement {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string | undefined>>;
  readonly children: readonly (LibraryElement | string | number)[];
}

const CLIENT = 'jabber:client';
/** What is nested deeper is dropped whole. */
const MAX_DEPTH = 64;

type Scope = Readonly<Record<string, string>>;

function scopeOf(element: LibraryElement, outer: Scope): Scope {
  const declared = Object.entries(element.attrs).filter(
    ([name]) => name === 'xmlns' || name.startsWith('xmlns:'),
  );
  if (declared.length === 0) return outer;
  return { ...outer, ...Object.fromEntries(declared.map(([name, uri]) => [name.slice(6), uri ?? ''])) };
}

function attributesOf(element: LibraryElement): Record<string, string> {
  const attrs: Record<string, string> = {};
  for (const [name, value] of Object.entries(element.attrs)) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:') && value !== undefined) attrs[name] = value;
  }
  return attrs;
}

/** One name for the namespace of stanzas, whichever kind of stream they came by. */
function streamNamespace(ns: string): string {
  return ns === CLIENT ? NS.component : ns;
}

/** Our form of a stanza of the library, prefixes resolved. Undefined when it is nested deeper than MAX_DEPTH. */
export function toXml(stanza: LibraryElement): XmlElement | undefined {
  return convert(stanza, { '': NS.component }, 0);
}

function convert(element: LibraryElement, outer: Scope, depth: number): XmlElement | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const scope = scopeOf(element, outer);
  const colon = element.name.indexOf(':');
  const children: (XmlElement | string)[] = [];
  for (const child of element.children) {
    const converted = typeof child === 'object' ? convert(child, scope, depth + 1) : String(child);
    if (converted === undefined) return undefined;
    children.push(converted);
  }
  return {
    name: element.name.slice(colon + 1),
    ns: streamNamespace(scope[colon < 0 ? '' : element.name.slice(0, colon)] ?? ''),
    attrs: attributesOf(element),
    children,
  };
}
