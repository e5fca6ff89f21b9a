// Test support: the very tokens of a WBXML document, for tests that judge octets. Knows the format, not the codec.

import { TAG_PAGES } from '../../src/access/csp/schema/tokens.ts';

export interface Item {
  readonly kind: 'STR_I' | 'STR_T' | 'EXT_T_0' | 'OPAQUE' | 'ENTITY';
  readonly octets: Buffer;
}

/** One element: its tag, and its content that is no element. */
export interface TokenElement {
  readonly page: number;
  readonly token: number;
  /** All names that the tables give this number. */
  readonly names: readonly string[];
  readonly attributes: readonly (readonly [start: number, value: Item])[];
  readonly items: Item[];
}

export interface TokenDocument {
  /** version, public id, charset, length of the string table. */
  readonly header: readonly number[];
  /** In document order. */
  readonly elements: readonly TokenElement[];
}

const NAMES: readonly ReadonlyMap<number, readonly string[]>[] = TAG_PAGES.map((page) => {
  const names = new Map<number, string[]>();
  for (const entry of page.trim().split(/\s+/)) {
    const [, token = '', name = ''] = /^(..)=(.*?)(?::[123]+)?$/.exec(entry) ?? [];
    const number = Number.parseInt(token, 16);
    names.set(number, [...(names.get(number) ?? []), name]);
  }
  return names;
});

/** Reads a document with an empty string table and a one-octet public id. Throws on anything else. */
export function readTokens(octets: Uint8Array): TokenDocument {
  const header = [...octets.subarray(0, 4)];
  if (header[3] !== 0) throw new Error('the string table is not empty');
  return { header, elements: new Scan(Buffer.from(octets.subarray(4))).run() };
}

class Scan {
  readonly #octets: Buffer;
  #at = 0;
  #page = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  run(): TokenElement[] {
    const elements: TokenElement[] = [];
    const open: TokenElement[] = [];
    while (this.#at < this.#octets.length) {
      const token = this.#octet();
      const item = this.#item(token);
      if (item !== undefined) open.at(-1)?.items.push(item);
      else if (token === 0x00) this.#page = this.#octet();
      else if (token === 0x01) open.pop();
      else {
        const element = this.#element(token);
        elements.push(element);
        if ((token & 0x40) !== 0) open.push(element);
      }
    }
    return elements;
  }

  #element(token: number): TokenElement {
    const number = token & 0x3f;
    if (number === 0x04) throw new Error('a LITERAL tag');
    const attributes: [number, Item][] = [];
    if ((token & 0x80) !== 0) {
      for (let start = this.#octet(); start !== 0x01; start = this.#octet()) {
        const value = this.#item(this.#octet());
        if (value === undefined) throw new Error('an attribute without a value');
        attributes.push([start, value]);
      }
    }
    const names = NAMES[this.#page]?.get(number) ?? [];
    return { page: this.#page, token: number, names, attributes, items: [] };
  }

  #item(token: number): Item | undefined {
    if (token === 0x03) return { kind: 'STR_I', octets: this.#string() };
    if (token === 0x83) return { kind: 'STR_T', octets: this.#number() };
    if (token === 0x80) return { kind: 'EXT_T_0', octets: this.#number() };
    if (token === 0x02) return { kind: 'ENTITY', octets: this.#number() };
    if (token === 0xc3) {
      const length = this.#number().reduce((value, octet) => (value << 7) | (octet & 0x7f), 0);
      this.#at += length;
      return { kind: 'OPAQUE', octets: this.#octets.subarray(this.#at - length, this.#at) };
    }
    if ((token & 0x3f) < 0x05 && token > 0x04) throw new Error(`token ${token.toString(16)}`);
    return undefined;
  }

  #octet(): number {
    const octet = this.#octets[this.#at];
    if (octet === undefined) throw new Error('the document ends too early');
    this.#at += 1;
    return octet;
  }

  #string(): Buffer {
    const end = this.#octets.indexOf(0, this.#at);
    const found = this.#octets.subarray(this.#at, end);
    this.#at = end + 1;
    return found;
  }

  #number(): Buffer {
    const start = this.#at;
    while ((this.#octet() & 0x80) !== 0);
    return this.#octets.subarray(start, this.#at);
  }
}

/** The elements of one name. */
export function tokensOf(document: TokenDocument, name: string): TokenElement[] {
  return document.elements.filter(({ names }) => names.includes(name));
}
