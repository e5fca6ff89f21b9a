// Typed messages: element tree ⇄ typed body, by the schema. Reading is liberal (any order, other spellings,
// unknown elements, blanks around values), writing is exact (DTD order, only what the version has).
import type { Element } from '../../../wv/element.ts';
import { leaf, node } from '../../../wv/element.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { NAMESPACES } from '../../../wv/version.ts';
import type { Body, ElementName } from '../schema/elements.ts';
import { canonicalName, contentOf, versionDigit } from '../schema/lookup.ts';
import type { Content, Particle, Structure } from '../schema/lookup.ts';
import type { Leaf } from '../schema/model.ts';
import { BindError } from './errors.ts';

export type { Body, ElementName } from '../schema/elements.ts';
export type { CspMessage, CspTransaction, Mode, SessionType } from './envelope.ts';
export { readMessage, writeMessage } from './envelope.ts';
export { BindError, isBindError } from './errors.ts';

type Value = string | number | boolean | Element | Fields | BindError | undefined;
interface Fields {
  [name: string]: Value | Value[];
}

/**
 * The typed body of an element. The name asked for decides, not the element's own, which may be an alias.
 * A repeated child that is absent is absent in the body too. An empty boolean or integer counts as absent.
 */
export function readBody<N extends ElementName>(element: Element, name?: N): Body<N> | BindError {
  const own = name ?? canonicalName(element.name);
  const content = contentOf(own);
  if (content === undefined) return new BindError(400, element.name, 'unknown element');
  const value = readContent(element, content);
  if (value === undefined) return new BindError(402, element.name, 'empty');
  return value as Body<N> | BindError;
}

function readContent(element: Element, content: Content): Value {
  return content.kind === 'structure' ? readStructure(element, content) : readLeaf(element, content.kind);
}

function readLeaf(element: Element, kind: Leaf): Value {
  switch (kind) {
    case 'free':
      return element.text;
    case 'token':
    case 'text':
    case 'date':
      return element.text.trim();
    case 'int':
      return readInteger(element);
    case 'bool':
      return readBoolean(element);
    case 'empty':
      return true;
    case 'tree':
      return element;
  }
}

const INTEGER = /^(?:\d{1,10}|0[xX][\dA-Fa-f]{1,8})$/;
const UINT32 = 0xffff_ffff;

/** Unsigned 32 bit, decimal; COMPAT(libwbxml): hexadecimal with 0x. */
function readInteger(element: Element): number | BindError | undefined {
  const text = element.text.trim();
  if (text === '') return undefined;
  const value = INTEGER.test(text) ? Number(text) : Number.NaN;
  return value <= UINT32 ? value : new BindError(402, element.name, 'not an integer of 32 bits');
}

/** T or F; COMPAT(aosp): either case. */
function readBoolean(element: Element): boolean | BindError | undefined {
  const text = element.text.trim();
  if (text === '') return undefined;
  if (text === 'T' || text === 't') return true;
  if (text === 'F' || text === 'f') return false;
  return new BindError(402, element.name, 'neither T nor F');
}

function readStructure(element: Element, structure: Structure): Fields | BindError {
  const fields: Fields = {};
  for (const child of element.children) {
    const particle = structure.byName.get(canonicalName(child.name));
    if (particle === undefined) continue;
    const value = readContent(child, particle.content);
    if (value instanceof BindError) return value;
    if (value !== undefined) store(fields, particle, value);
  }
  if (structure.bareText !== undefined) readBareText(element, structure.bareText, structure, fields);
  const missing = structure.particles.find(({ name, required }) => required && fields[name] === undefined);
  return missing === undefined ? fields : new BindError(400, missing.name, `missing in ${element.name}`);
}

/** A child that may stand once is taken where it stands first. */
function store(fields: Fields, particle: Particle, value: Value): void {
  const present = fields[particle.name];
  if (!particle.many) fields[particle.name] ??= value;
  else if (Array.isArray(present)) present.push(value);
  else fields[particle.name] = [value];
}

/** COMPAT(s60): an all-digit client id is a number to dial, everything else a URL. */
function bareChild(name: string, text: string): string {
  return name === 'URL' && /^\+?\d+$/.test(text) ? 'MSISDN' : name;
}

function readBareText(element: Element, name: string, structure: Structure, fields: Fields): void {
  const text = element.text.trim();
  const particle = structure.byName.get(bareChild(name, text)) ?? structure.byName.get(name);
  if (text !== '' && particle !== undefined && fields[particle.name] === undefined)
    store(fields, particle, text);
}

/**
 * An element with this body, as `version` writes it: children in the order of the DTD, without those that the
 * version does not have. PresenceSubList gets the version's namespace, TransactionContent the transaction one.
 */
export function buildElement<N extends ElementName>(name: N, body: Body<N>, version: CspVersion): Element {
  const content = contentOf(name);
  // ElementName lists the keys of the schema, so there always is one.
  if (content === undefined) throw new TypeError(`the schema does not define ${name}`);
  return build(name, content, body as Value, version);
}

function build(name: string, content: Content, value: Value, version: CspVersion): Element {
  if (content.kind === 'structure') return buildStructure(name, content, value as Fields, version);
  if (content.kind === 'tree') return inNamespace(name, value as Element, version);
  return content.kind === 'empty' ? node(name) : leaf(name, leafText(value));
}

function leafText(value: Value): string {
  if (typeof value === 'boolean') return value ? 'T' : 'F';
  return typeof value === 'number' ? String(value) : (value as string);
}

function inNamespace(name: string, tree: Element, version: CspVersion): Element {
  return name === 'PresenceSubList'
    ? { ...tree, name, xmlns: NAMESPACES[version].presence }
    : { ...tree, name };
}

function buildStructure(name: string, structure: Structure, fields: Fields, version: CspVersion): Element {
  const digit = versionDigit(version);
  if (structure.bareText !== undefined && structure.bareIn.includes(digit)) {
    return leaf(name, leafText((fields[structure.bareText] as Value) ?? ''));
  }
  const children: Element[] = [];
  for (const particle of structure.particles) {
    const value = fields[particle.name];
    if (value === undefined || !particle.versions.includes(digit)) continue;
    if (!Array.isArray(value)) children.push(build(particle.name, particle.content, value, version));
    else for (const one of value) children.push(build(particle.name, particle.content, one, version));
  }
  return node(name, children);
}
