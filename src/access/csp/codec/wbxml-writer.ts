// Element tree → WBXML, in the form that every known client reads: empty string table, text as one STR_I or one
// value token, integers as minimal OPAQUE, dates as text (client-quirks section 8).
import type { Element } from '../../../wv/element.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { PUBLIC_IDS } from '../schema/tokens.ts';
import { Output } from './wbxml-output.ts';
import type { TagCode, WriteKind, WriteTable } from './wbxml-tables.ts';
import * as wbxml from './wbxml-tables.ts';

const WBXML_1_3 = 0x03;
const UTF_8 = 106;
const UINT32 = 0xffff_ffff;

/**
 * Writes a tree with the tokens of `version`. An element that only another version has gets that version's
 * token where it is free, since clients' tables are supersets. Any other name, and any other attribute than a
 * known xmlns, can only be written as a LITERAL with a string table: some phones do not read one, so keep
 * vendor extensions away from WBXML clients.
 */
export function encodeWbxml(root: Element, version: CspVersion): Uint8Array {
  const writer = new Writer(version);
  writer.element(root, '', '');
  return writer.document(version);
}

const body = new Output();
const encoder = new TextEncoder();

class Writer {
  private readonly table: WriteTable;
  private page = 0;
  private readonly literals = new Map<string, number>();
  private literalOctets = 0;

  constructor(version: CspVersion) {
    this.table = wbxml.writeTables[version];
    body.clear();
  }

  document(version: CspVersion): Uint8Array {
    if (this.literals.size === 0) return body.behind([WBXML_1_3, PUBLIC_IDS[version], UTF_8, 0]);
    const strings = encoder.encode([...this.literals.keys()].map((name) => `${name}\0`).join(''));
    return body.behind([WBXML_1_3, PUBLIC_IDS[version], UTF_8, ...multiByte(strings.length), ...strings]);
  }

  /** `property` is the name of the property this element belongs to, if it belongs to one. */
  element(element: Element, parent: string, property: string): void {
    const { name, text, children } = element;
    const filled = children.length > 0 || text !== '';
    const attributed = element.xmlns !== undefined || element.attributes !== undefined;
    const bits = (filled ? wbxml.HAS_CONTENT : 0) | (attributed ? wbxml.HAS_ATTRIBUTES : 0);
    const code = this.table.tags.get(name);
    if (code === undefined) this.literal(wbxml.LITERAL | bits, name);
    else this.tag(code, bits);
    if (attributed) this.attributes(element);
    if (!filled) return;
    if (text !== '') this.text(text, code, holdsToken(name, property) ? 'token' : kindIn(code, parent));
    if (children.length > 0) this.children(element);
    body.octet(wbxml.END);
  }

  private children({ name, children }: Element): void {
    const property = name === 'Property' ? (children.find((child) => child.name === 'Name')?.text ?? '') : '';
    for (const child of children) this.element(child, name, property);
  }

  private tag(code: TagCode, bits: number): void {
    if (code.page !== this.page) {
      body.octet(wbxml.SWITCH_PAGE);
      body.octet(code.page);
      this.page = code.page;
    }
    body.octet(code.token | bits);
  }

  /** A token followed by the index of a name in the string table. */
  private literal(token: number, name: string): void {
    let index = this.literals.get(name);
    if (index === undefined) {
      index = this.literalOctets;
      this.literals.set(name, index);
      this.literalOctets += encoder.encode(name).length + 1;
    }
    body.octet(token);
    body.number(index);
  }

  private attributes({ xmlns, attributes }: Element): void {
    if (xmlns !== undefined) this.namespace(xmlns);
    if (attributes !== undefined) this.literalAttributes(attributes);
    body.octet(wbxml.END);
  }

  private literalAttributes(attributes: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(attributes)) {
      this.literal(wbxml.LITERAL, name);
      body.string(value);
    }
  }

  private namespace(xmlns: string): void {
    const known = this.table.namespaces.get(xmlns);
    if (known !== undefined) return body.octets(known);
    this.literal(wbxml.LITERAL, 'xmlns');
    body.string(xmlns);
  }

  private text(text: string, code: TagCode | undefined, kind: WriteKind): void {
    if (kind === 'token') {
      const token = code?.values.get(text);
      if (token !== undefined) return body.value(token);
    } else if (kind === 'integer') {
      const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
      if (value <= UINT32) return body.integer(value);
    }
    body.string(text);
  }
}

/** A decimal integer, with the white space some servers print around it. */
const DECIMAL = /^\s*\d{1,20}\s*$/;

function kindIn(code: TagCode | undefined, parent: string): WriteKind {
  if (code === undefined) return 'text';
  return code.inside?.get(parent) ?? code.kind;
}

/** Only the values of certain properties are the protocol's: a group's topic is a user's, were it `Open`. */
function holdsToken(name: string, property: string): boolean {
  return property !== '' && name === 'Value' && wbxml.holdsProtocolValue(property);
}

function multiByte(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}
