// Test support: WBXML as Android's encoder writes it (client-quirks section 8). Independent of the codec under test but
// for the tables of facts.

import {
  INTEGER_ELEMENTS,
  NAMESPACE_TOKENS,
  PUBLIC_IDS,
  TAG_PAGES,
  VALUE_TOKENS,
} from '../../src/access/csp/schema/tokens.ts';
import type { Element } from '../../src/wv/element.ts';
import type { CspVersion } from '../../src/wv/version.ts';

const END = 0x01;
const STR_I = 0x03;
const LITERAL = 0x04;
const EXT_T_0 = 0x80;
const OPAQUE = 0xc3;

interface Entry {
  readonly token: number;
  readonly name: string;
}

function entries(list: string): Entry[] {
  const words = list.trim().split(/\s+/);
  return words.map((word) => {
    const [, token = '', name = ''] = /^(..)=(.*?)(?::[123]+)?$/.exec(word) ?? [];
    return { token: Number.parseInt(token, 16), name };
  });
}

/** COMPAT(aosp): one superset table for all versions; the first meaning of a number wins. */
const TAGS = new Map<string, readonly [page: number, token: number]>();
for (const [page, list] of TAG_PAGES.entries()) {
  for (const { token, name } of entries(list)) if (!TAGS.has(name)) TAGS.set(name, [page, token]);
}
/** The first token of a value wins: IM is 0x12, for 0x68 is AP in Android's table. */
const VALUES = new Map(
  entries(VALUE_TOKENS)
    .toReversed()
    .map(({ token, name }) => [name, token]),
);
const INTEGERS = new Set(INTEGER_ELEMENTS.trim().split(/\s+/));
/** COMPAT(aosp): writes it as text although it is an integer. */
const INTEGERS_AS_TEXT: ReadonlySet<string> = new Set(['AcceptedContentLength']);

/** A document as an Android phone sends it. */
export function androidWbxml(root: Element, version: CspVersion): Uint8Array {
  const writer = new Writer();
  writer.element(root);
  return Uint8Array.from([0x03, PUBLIC_IDS[version], 0x6a, 0x00, ...writer.octets]);
}

class Writer {
  readonly octets: number[] = [];
  #page = 0;

  element(element: Element): void {
    this.#tag(element);
    this.#content(element);
    for (const child of element.children) this.element(child);
    this.octets.push(END);
  }

  /** Start with the content bit, also of empty elements; attributes only where there is a namespace. */
  #tag({ name, xmlns }: Element): void {
    const known = TAGS.get(name);
    if (known === undefined)
      throw new Error(`no token for ${name}; literal ${LITERAL} tags need a string table`);
    const [page, token] = known;
    if (page !== this.#page) this.octets.push(0x00, page);
    this.#page = page;
    this.octets.push(token | 0x40 | (xmlns === undefined ? 0 : 0x80));
    if (xmlns !== undefined) this.#namespace(xmlns);
  }

  #namespace(xmlns: string): void {
    const found = NAMESPACE_TOKENS.find(([, prefix]) => xmlns.startsWith(prefix));
    if (found === undefined) throw new Error(`no token for ${xmlns}`);
    const [token, prefix] = found;
    this.octets.push(token);
    this.#string(xmlns.slice(prefix.length));
    this.octets.push(END);
  }

  /** Any text that equals a token becomes one, user text too. */
  #content({ name, text }: Element): void {
    if (text === '') return;
    const value = VALUES.get(text);
    if (INTEGERS.has(name) && !INTEGERS_AS_TEXT.has(name)) this.#integer(Number(text));
    else if (value !== undefined) this.octets.push(EXT_T_0, ...multiByte(value));
    else this.#string(text);
  }

  /** Big-endian without leading zeros; zero is one octet. */
  #integer(value: number): void {
    const octets: number[] = [];
    for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
    if (octets.length === 0) octets.push(0);
    this.octets.push(OPAQUE, octets.length, ...octets);
  }

  #string(text: string): void {
    this.octets.push(STR_I, ...cesu8(text), 0x00);
  }
}

/** mb_u_int32 of a number below 2^14: seven bits an octet, all but the last marked. */
function multiByte(value: number): number[] {
  return value < 0x80 ? [value] : [0x80 | (value >> 7), value & 0x7f];
}

/** Modified UTF-8: each half of a surrogate pair by itself, three octets each. */
export function cesu8(text: string): number[] {
  const octets: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) octets.push(unit);
    else if (unit < 0x800) octets.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else octets.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
  return octets;
}
