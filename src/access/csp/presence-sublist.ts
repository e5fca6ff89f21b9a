// PresenceSubList ⇄ typed presence attributes (presence-attributes.md; CSP presence attribute syntax, PA 1.1 to 1.3).
// Reading is liberal: any order, any case of enumerations, values per client (1.3), vendor elements. Writing is exact.

import { leaf, node, type Element } from '../../wv/element.ts';
import {
  isPresenceAttribute,
  PRESENCE_ATTRIBUTE_NAMES,
  PRESENCE_ATTRIBUTES,
  type PresenceAttribute,
  type PresenceAttributeName,
  type PresenceAttributes,
} from '../../wv/presence.ts';
import { NAMESPACES, type CspVersion } from '../../wv/version.ts';
import { canonicalName, contentOf, versionDigit, type Particle } from './schema/lookup.ts';

export interface PresenceSubList {
  /** Those that say something: a Qualifier, a value or fields. Without a Qualifier they count as valid. */
  readonly attributes: PresenceAttributes;
  /** Every standard attribute that is named, with or without a value, in the standard's order. */
  readonly requested: readonly PresenceAttributeName[];
  /** Names that are no standard attribute (750 in strict use; vendors add some). */
  readonly unknown: readonly string[];
  /** Standard attributes with a value outside their enumeration (751); not among `attributes`. */
  readonly invalid: readonly PresenceAttributeName[];
}

/** Reads what a peer or a client says, or asks for. Of an attribute that repeats per client (1.3) the first counts. */
export function readPresenceSubList(list: Element): PresenceSubList {
  const attributes: Partial<Record<PresenceAttributeName, PresenceAttribute>> = {};
  const requested = new Set<PresenceAttributeName>();
  const unknown: string[] = [];
  const invalid: PresenceAttributeName[] = [];
  for (const element of list.children) {
    const { name } = element;
    if (!isPresenceAttribute(name)) {
      unknown.push(name);
    } else if (!requested.has(name)) {
      requested.add(name);
      const attribute = readAttribute(name, element);
      if (attribute === 'invalid') invalid.push(name);
      else if (attribute !== undefined) attributes[name] = attribute;
    }
  }
  const inOrder = PRESENCE_ATTRIBUTE_NAMES.filter((name) => requested.has(name));
  return { attributes, requested: inOrder, unknown, invalid };
}

function readAttribute(
  name: PresenceAttributeName,
  element: Element,
): PresenceAttribute | 'invalid' | undefined {
  const fields: Element[] = [];
  let valid = true;
  let value = isSimple(name) && element.text.trim() !== '' ? element.text.trim() : undefined;
  for (const field of element.children) {
    if (field.name === 'Qualifier') valid = field.text.trim().toUpperCase() !== 'F';
    else if (field.name === 'PresenceValue') value = field.text.trim();
    else if (field.name !== 'ClientID') fields.push(readField(field));
  }
  if (element.children.length === 0 && value === undefined) return undefined;
  if (!valid) return { valid };
  const folded = foldValue(name, value);
  if (folded === 'invalid') return 'invalid';
  return {
    valid,
    ...(folded === undefined ? {} : { value: folded.value }),
    ...(fields.length > 0 ? { fields } : {}),
  };
}

function isSimple(name: PresenceAttributeName): boolean {
  return PRESENCE_ATTRIBUTES[name].shape === 'simple';
}

function enumerationOf(name: PresenceAttributeName): readonly string[] | undefined {
  const definition = PRESENCE_ATTRIBUTES[name];
  return 'values' in definition ? definition.values : undefined;
}

/** COMPAT(Movistar): OnlineStatus with nothing but Qualifier T, also with an empty value, keeps what is stored. */
function foldValue(
  name: PresenceAttributeName,
  value: string | undefined,
): { readonly value: string } | 'invalid' | undefined {
  const permitted = enumerationOf(name);
  if (permitted === undefined || value === undefined) return value === undefined ? undefined : { value };
  if (value === '') return undefined;
  const folded = value.toUpperCase();
  return permitted.includes(folded) ? { value: folded } : 'invalid';
}

/** Fields that hold enumerations. COMPAT(Nokia): its WBXML tokens say Open and Closed for OPEN and CLOSED. */
const FOLDED_FIELDS: ReadonlySet<string> = new Set(['ClientType', 'Cap', 'Status', 'PrefC', 'Cstatus']);

/** COMPAT(Baraza): values stand between line breaks. Vendor elements are kept as they are. */
function readField(field: Element): Element {
  const name = canonicalName(field.name);
  if (field.xmlns !== undefined || contentOf(name) === undefined) return field;
  const text = field.text.trim();
  return {
    ...field,
    name,
    text: FOLDED_FIELDS.has(name) ? text.toUpperCase() : text,
    children: field.children.map(readField),
  };
}

/**
 * The list in the standard's order and the version's namespace: Qualifier first and always there, InfoLink not in
 * 1.1, fields that the version does not have left out, vendor elements last.
 */
export function writePresenceSubList(attributes: PresenceAttributes, version: CspVersion): Element {
  const children: Element[] = [];
  for (const name of PRESENCE_ATTRIBUTE_NAMES) {
    const attribute = attributes[name];
    if (attribute !== undefined && existsIn(name, version))
      children.push(writeAttribute(name, attribute, version));
  }
  return node('PresenceSubList', children, NAMESPACES[version].presence);
}

/** Empty attribute elements: "these are wanted", or "these may be seen". */
export function writeAttributeNames(names: Iterable<PresenceAttributeName>, version: CspVersion): Element {
  const wanted = new Set(names);
  const known = PRESENCE_ATTRIBUTE_NAMES.filter((name) => wanted.has(name) && existsIn(name, version));
  return node(
    'PresenceSubList',
    known.map((name) => node(name)),
    NAMESPACES[version].presence,
  );
}

function existsIn(name: PresenceAttributeName, version: CspVersion): boolean {
  return version !== '1.1' || PRESENCE_ATTRIBUTES[name].since === '1.1';
}

function writeAttribute(
  name: PresenceAttributeName,
  attribute: PresenceAttribute,
  version: CspVersion,
): Element {
  if (!attribute.valid) return node(name, [leaf('Qualifier', 'F')]);
  const children = [leaf('Qualifier', 'T')];
  if (attribute.value !== undefined) children.push(leaf('PresenceValue', attribute.value));
  children.push(...writeFields(name, attribute.fields ?? [], version));
  return node(name, children);
}

/** Standard fields in their order, then the vendors' own. */
function writeFields(parent: string, fields: readonly Element[], version: CspVersion): Element[] {
  const particles = particlesOf(parent);
  const rank = new Map(particles.map((particle, index) => [particle.name, index]));
  const last = particles.length;
  return fields
    .filter((field) => isWritten(field, particles, version))
    .toSorted((a, b) => (rank.get(a.name) ?? last) - (rank.get(b.name) ?? last))
    .map((field) => writeField(field, version));
}

function writeField(field: Element, version: CspVersion): Element {
  if (field.xmlns !== undefined || field.children.length === 0) return field;
  return { ...field, children: writeFields(field.name, field.children, version) };
}

function particlesOf(name: string): readonly Particle[] {
  const content = contentOf(name);
  return content?.kind === 'structure' ? content.particles : [];
}

/** COMPAT(Nokia): its 1.1 phones do not like an empty Note. */
function isWritten(field: Element, particles: readonly Particle[], version: CspVersion): boolean {
  if (field.name === 'Note' && field.text === '') return false;
  const particle = particles.find(({ name }) => name === field.name);
  return particle === undefined || particle.versions.includes(versionDigit(version));
}
