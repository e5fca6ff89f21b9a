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

/** The namespaces that an element declares, by prefix, and those around it. */
interface Scope {
  readonly declared: ReadonlyMap<string, string>;
  readonly outer: Scope | undefined;
}

const STREAM: Scope = { declared: new Map([['', NS.component]]), outer: undefined };

/** Costs what the element declares, whatever is declared around it. */
function readAttributes(
  { attrs }: LibraryElement,
  outer: Scope,
): { readonly attrs: Record<string, string>; readonly scope: Scope } {
  const kept: Record<string, string> = {};
  let declared: Map<string, string> | undefined;
  for (const name of Object.keys(attrs)) {
    const value = attrs[name];
    if (value === undefined) continue;
    if (name === 'xmlns' || name.startsWith('xmlns:')) {
      declared ??= new Map<string, string>();
      declared.set(name.slice(6), value);
    } else kept[name] = value;
  }
  return { attrs: kept, scope: declared === undefined ? outer : { declared, outer } };
}

function namespaceOf(prefix: string, innermost: Scope): string {
  for (let scope: Scope | undefined = innermost; scope !== undefined; scope = scope.outer) {
    const uri = scope.declared.get(prefix);
    if (uri !== undefined) return uri === CLIENT ? NS.component : uri;
  }
  return '';
}

function convert(element: LibraryElement, outer: Scope, depth: number): XmlElement | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const { attrs, scope } = readAttributes(element, outer);
  const colon = element.name.indexOf(':');
  const children: (XmlElement | string)[] = [];
  for (const child of element.children) {
    const converted = typeof child === 'object' ? convert(child, scope, depth + 1) : String(child);
    if (converted === undefined) return undefined;
    children.push(converted);
  }
  return {
    name: element.name.slice(colon + 1),
    ns: namespaceOf(colon < 0 ? '' : element.name.slice(0, colon), scope),
    attrs,
    children,
  };
}

/**
 * Our form of a stanza of the library, prefixes resolved; stanzas have one namespace, whichever kind of stream they
 * came by. Undefined when it is nested deeper than MAX_DEPTH.
 */
export function toXml(stanza: LibraryElement): XmlElement | undefined {
  return convert(stanza, STREAM, 0);
}
