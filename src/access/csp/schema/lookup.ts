// What codecs and binding ask the schema: spellings, what an element holds where it stands, in which versions
// it exists. Everything is worked out once, when the module loads.
import type { CspVersion } from '../../../wv/version.ts';
import { ELEMENTS } from './elements.ts';
import type { Definitions, Leaf, Sequence } from './model.ts';
import { ALIASES, TAG_PAGES } from './tokens.ts';

export interface TokenEntry {
  readonly token: number;
  readonly name: string;
  /** Last digits of the versions that have it, such as `23`. */
  readonly versions: string;
}

/** The words of one of the word lists in tokens.ts. */
export const words = (list: string): string[] => list.trim().split(/\s+/);

/** Reads the notation of tokens.ts: `18=InUse:12`. */
export function tokenEntries(list: string): TokenEntry[] {
  return words(list).map((word) => {
    const [, token = '', name = '', versions = '123'] = /^(..)=(.*?)(?::([123]+))?$/.exec(word) ?? [];
    return { token: Number.parseInt(token, 16), name, versions };
  });
}

/** The digit that stands for a version in schema and token tables. */
export const versionDigit = (version: CspVersion): string => version.slice(2);

/** Alias spelling → the spelling of the schema. */
export const ALIAS_NAMES: ReadonlyMap<string, string> = new Map(
  words(ALIASES).map((word) => word.split('=') as [string, string]),
);

/** The schema's spelling of an element name (csp-wbxml section 6: token tables disagree about a few). */
export function canonicalName(name: string): string {
  return ALIAS_NAMES.get(name) ?? name;
}

/** Whether a version's token table has the element. */
export function existsIn(name: string, version: CspVersion): boolean {
  return (tokenVersions.get(name) ?? '123').includes(versionDigit(version));
}

/** One child of a structure. */
export interface Particle {
  readonly name: string;
  readonly required: boolean;
  readonly many: boolean;
  /** Digits of the versions in which it is written. */
  readonly versions: string;
  readonly content: Content;
}

export interface Structure {
  readonly kind: 'structure';
  readonly particles: readonly Particle[];
  readonly byName: ReadonlyMap<string, Particle>;
  readonly bareText: string | undefined;
  readonly bareIn: string;
}

export interface LeafContent {
  readonly kind: Leaf;
}

export type Content = Structure | LeafContent;

const definitions: Definitions = ELEMENTS;
const contents = new Map<string, Content>();
const tokenVersions = new Map<string, string>();
for (const entry of TAG_PAGES.flatMap(tokenEntries)) {
  tokenVersions.set(entry.name, (tokenVersions.get(entry.name) ?? '') + entry.versions);
}

function particleOf(parent: string, notation: string): Particle {
  const [, name = '', occurrence = '', limit] = /^([^?*+@]+)([?*+]?)(?:@([123]*))?$/.exec(notation) ?? [];
  const available = tokenVersions.get(name) ?? '123';
  return {
    name,
    required: occurrence === '' || occurrence === '+',
    many: occurrence === '*' || occurrence === '+',
    versions: [...(limit ?? '123')].filter((digit) => available.includes(digit)).join(''),
    content: compile(`${parent}/${name}` in definitions ? `${parent}/${name}` : name),
  };
}

function structureOf(name: string, { children, bareText, bareIn = '' }: Sequence): Structure {
  const particles = children.map((notation) => particleOf(name, notation));
  const byName = new Map(particles.map((particle) => [particle.name, particle]));
  return { kind: 'structure', particles, byName, bareText, bareIn };
}

function compile(name: string): Content {
  const known = contents.get(name);
  if (known !== undefined) return known;
  const definition = definitions[name];
  if (definition === undefined) throw new TypeError(`the schema does not define ${name}`);
  const content = typeof definition === 'string' ? { kind: definition } : structureOf(name, definition);
  contents.set(name, content);
  return content;
}

for (const name of Object.keys(definitions)) compile(name);

/** What an element holds, by itself or inside `parent`; undefined for a name that is not of CSP. */
export function contentOf(name: string, parent?: string): Content | undefined {
  return (parent === undefined ? undefined : contents.get(`${parent}/${name}`)) ?? contents.get(name);
}

/** Parents inside which the child of that name means something else than usual. */
export function parentsGivingMeaningTo(name: string): readonly string[] {
  const suffix = `/${name}`;
  return [...contents.keys()]
    .filter((key) => key.endsWith(suffix))
    .map((key) => key.slice(0, -suffix.length));
}

/** Whether white space alone between this element's tags says nothing. */
export function ignoresBlanks(name: string): boolean {
  const kind = contents.get(canonicalName(name))?.kind;
  return kind === 'structure' || kind === 'empty' || kind === 'tree';
}
