// The token tables of schema/tokens.ts in the shapes that reading and writing want (csp-wbxml sections 4 to 6).
import type { CspVersion } from '../../../wv/version.ts';
import { CSP_VERSIONS, NAMESPACES } from '../../../wv/version.ts';
import {
  ALIAS_NAMES,
  contentOf,
  parentsGivingMeaningTo,
  tokenEntries,
  versionDigit,
  words,
} from '../schema/lookup.ts';
import type { TokenEntry } from '../schema/lookup.ts';
import {
  DATE_ELEMENTS,
  INTEGER_ELEMENTS,
  NAMESPACE_TOKENS,
  TAG_PAGES,
  VALUE_TOKENS,
} from '../schema/tokens.ts';

/** Global tokens (WBXML 1.3 section 7.1); the others are these with the content and attribute bits. */
export const SWITCH_PAGE = 0x00;
export const END = 0x01;
export const ENTITY = 0x02;
export const STR_I = 0x03;
export const LITERAL = 0x04;
export const EXT_I_0 = 0x40;
export const EXT_I_2 = 0x42;
export const PI = 0x43;
export const EXT_T_0 = 0x80;
export const EXT_T_2 = 0x82;
export const STR_T = 0x83;
export const EXT_0 = 0xc0;
export const EXT_2 = 0xc2;
export const OPAQUE = 0xc3;
export const HAS_CONTENT = 0x40;
export const HAS_ATTRIBUTES = 0x80;
export const TOKEN_MASK = 0x3f;

export const integerElements: ReadonlySet<string> = new Set(words(INTEGER_ELEMENTS));
export const dateElements: ReadonlySet<string> = new Set(words(DATE_ELEMENTS));

/** `(page << 6) | token` is where a tag stands in a table. */
export const tagIndex = (page: number, token: number): number => (page << 6) | token;

interface TagEntry extends TokenEntry {
  readonly page: number;
}

const tags: readonly TagEntry[] = TAG_PAGES.flatMap((list, page) =>
  tokenEntries(list).map((entry) => ({ ...entry, page })),
);
const values: readonly TokenEntry[] = tokenEntries(VALUE_TOKENS);

/**
 * The entries of one version over those of all: a phone's table is a superset more often than not, so what its
 * version leaves free is filled from the other versions, 1.2 first.
 */
function layered<T extends TokenEntry>(entries: readonly T[], version: CspVersion): T[] {
  const rank = (entry: T): number =>
    entry.versions.includes(versionDigit(version)) ? 2 : entry.versions.includes('2') ? 1 : 0;
  return entries.toSorted((a, b) => rank(a) - rank(b));
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────

/** How the octets of an element's value are to be read. */
export interface TagMeaning {
  readonly name: string;
  readonly integer: boolean;
  readonly date: boolean;
  /** White space alone means nothing here. */
  readonly blank: boolean;
  /** Value tokens that mean something else here than elsewhere. */
  readonly values: ReadonlyMap<number, string> | undefined;
}

export interface ReadTable {
  readonly tags: readonly (TagMeaning | undefined)[];
  readonly values: readonly (string | undefined)[];
}

/**
 * Value tokens whose meaning depends on the element.
 * - 0x3D is History as a property's name of 1.3, GROUP_ID otherwise.
 * - 0x68 was IM in presence; it became AP, which is an invitation type only. COMPAT(baraza): still writes it to 1.2.
 * - COMPAT(s60): its 1.1 dictionary has ShowID where others have DENIED.
 */
function contextValues(name: string, version: CspVersion): ReadonlyMap<number, string> | undefined {
  if (name === 'Name' && version === '1.3') return new Map([[0x3d, 'History']]);
  if (name === 'Name' && version === '1.1') return new Map([[0x34, 'ShowID']]);
  if (name === 'Cap' || name === 'PrefC') return new Map([[0x68, 'IM']]);
  if (name === 'InviteType' && version !== '1.1') return new Map([[0x68, 'AP']]);
  return undefined;
}

export function meaningOf(name: string, version: CspVersion): TagMeaning {
  const kind = contentOf(name)?.kind;
  const integer = integerElements.has(name);
  const date = dateElements.has(name);
  const blank = kind === 'structure' || kind === 'empty' || kind === 'tree';
  return { name, integer, date, blank, values: contextValues(name, version) };
}

function readTable(version: CspVersion): ReadTable {
  const byTag: (TagMeaning | undefined)[] = Array.from({ length: TAG_PAGES.length << 6 });
  for (const { page, token, name } of layered(tags, version)) {
    byTag[tagIndex(page, token)] = meaningOf(name, version);
  }
  const byValue: (string | undefined)[] = Array.from({ length: 256 });
  for (const { token, name } of layered(values, version)) byValue[token] = name;
  // 1.2 left 0x68 free, and servers of its time still wrote it for IM.
  if (version === '1.2') byValue[0x68] = 'IM';
  return { tags: byTag, values: byValue };
}

export const readTables: Readonly<Record<CspVersion, ReadTable>> = {
  '1.1': readTable('1.1'),
  '1.2': readTable('1.2'),
  '1.3': readTable('1.3'),
};

export const namespacePrefixes: ReadonlyMap<number, string> = new Map(NAMESPACE_TOKENS);

// ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────

export type WriteKind = 'text' | 'integer' | 'token';

/** How an element is written. */
export interface TagCode {
  readonly page: number;
  readonly token: number;
  readonly kind: WriteKind;
  /** The kind inside certain parents: Property/Name is a token, NickName/Name is not. */
  readonly inside: ReadonlyMap<string, WriteKind> | undefined;
  readonly values: ReadonlyMap<string, number>;
}

export interface WriteTable {
  readonly tags: ReadonlyMap<string, TagCode>;
  /** Start token and STR_I suffix of the version's namespaces, and of the other versions'. */
  readonly namespaces: ReadonlyMap<string, Uint8Array>;
}

/** Prefix tokens stand for beginnings; what we write is whole values only. */
const isPrefix = (value: string): boolean => /\/$|^www\./.test(value);

/** GROUP_ID and History share 0x3D in 1.3: neither is written as a token there. */
function wholeValues(version: CspVersion): Map<string, number> {
  const digit = versionDigit(version);
  const usable = values.filter(({ name, versions }) => versions.includes(digit) && !isPrefix(name));
  const byName = new Map(usable.toReversed().map(({ name, token }) => [name, token]));
  if (version === '1.3') byName.delete('GROUP_ID');
  return byName;
}

function kindOf(name: string, parent?: string): WriteKind {
  if (integerElements.has(name)) return 'integer';
  const content = contentOf(name, parent);
  if (content === undefined) return 'text';
  // A structure may stand as bare text in older versions: AcceptedContentType.
  if (content.kind === 'structure') return content.bareIn === '' ? 'text' : 'token';
  return content.kind === 'token' || content.kind === 'bool' ? 'token' : 'text';
}

function codesOf(version: CspVersion): Map<string, TagCode> {
  const general = wholeValues(version);
  // SMS has two tokens: 0x43 as a bearer, 0x75 as a way to reach somebody. 0x68 (AP) would be read as IM there.
  const presence = new Map([...general, ['SMS', 0x75] as const]);
  presence.delete('AP');
  const codes = new Map<string, TagCode>();
  const taken = new Map<number, string>();
  for (const { page, token, name } of layered(tags, version).toReversed()) {
    const index = tagIndex(page, token);
    // Page 5 repeats ContentType, in one source only: the one on page 0 is sure.
    if (taken.has(index) || (name === 'ContentType' && page !== 0)) continue;
    taken.set(index, name);
    const parents = parentsGivingMeaningTo(name);
    const inside = new Map(parents.map((parent) => [parent, kindOf(name, parent)]));
    codes.set(name, {
      page,
      token,
      kind: kindOf(name),
      inside: parents.length === 0 ? undefined : inside,
      values: name === 'Cap' || name === 'PrefC' ? presence : general,
    });
  }
  for (const [alias, name] of ALIAS_NAMES) {
    const code = codes.get(name);
    if (code !== undefined) codes.set(alias, code);
  }
  return codes;
}

function namespaceCodes(): Map<string, Uint8Array> {
  const codes = new Map<string, Uint8Array>();
  for (const version of CSP_VERSIONS) {
    for (const namespace of Object.values(NAMESPACES[version]) as string[]) {
      const [token, prefix] = NAMESPACE_TOKENS.find(([, beginning]) => namespace.startsWith(beginning)) ?? [
        0,
        '',
      ];
      const suffix = new TextEncoder().encode(namespace.slice(prefix.length));
      codes.set(namespace, Uint8Array.of(token, STR_I, ...suffix, 0));
    }
  }
  return codes;
}

const namespaces = namespaceCodes();

export const writeTables: Readonly<Record<CspVersion, WriteTable>> = {
  '1.1': { tags: codesOf('1.1'), namespaces },
  '1.2': { tags: codesOf('1.2'), namespaces },
  '1.3': { tags: codesOf('1.3'), namespaces },
};

/** Properties whose value is a protocol value, in lower case; the others hold what a user wrote. */
const PROTOCOL_PROPERTIES: ReadonlySet<string> = new Set(
  words(`accesstype type privatemessaging searchable autodelete default autojoin showid privilegelevel ismember
    requireinvitation`),
);

export function holdsProtocolValue(property: string): boolean {
  return PROTOCOL_PROPERTIES.has(property.trim().toLowerCase());
}
