// The trees of a transcript: as XML that a phone sends, and as patterns for what it hears.

import { NAMESPACES, type CspVersion } from '../../../src/wv/version.ts';
import type { Element } from '../../../src/wv/element.ts';
import type { Tree } from './play.ts';

/** Values by name: `$ann` is an address, other names were heard before. */
export type Names = Map<string, string>;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** `$ann` her address, `$ann/pals` her list or group of that name, `${ann}` the bare user name, `$x` what was heard. */
export function filled(text: string, names: Names): string {
  return text
    .replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => nameIn(known(names, name)))
    .replaceAll(/\$(\w+)\/([\w~.-]+)/g, (_all, name: string, resource: string) =>
      known(names, name).replace('@', `/${resource}@`),
    )
    .replaceAll(/\$(\w+)/g, (_all, name: string) => known(names, name));
}

const nameIn = (address: string): string => address.replace(/^wv:/, '').replace(/@.*$/, '');

function known(names: Names, name: string): string {
  const value = names.get(name);
  if (value === undefined) throw new Error(`$${name} is not known yet`);
  return value;
}

const isLeaf = (tree: Tree): tree is string | number | null => tree === null || typeof tree !== 'object';

/** Name and content of each element in a content: `{A: [x, y]}` is two, a list of mappings keeps their order. */
export function childrenOf(tree: Tree): (readonly [name: string, content: Tree])[] {
  if (isLeaf(tree)) return [];
  if (isList(tree)) return tree.flatMap(childrenOf);
  return Object.entries(tree).flatMap(([name, content]) =>
    isList(content) ? content.map((each) => [name, each] as const) : [[name, content] as const],
  );
}

const isList = (tree: Tree): tree is readonly Tree[] => Array.isArray(tree);

/** The XML of an element that a phone of this version sends. */
export function toXml(name: string, content: Tree, names: Names, version: CspVersion): string {
  const attribute = name === 'PresenceSubList' ? ` xmlns="${NAMESPACES[version].presence}"` : '';
  const inner = isLeaf(content)
    ? filled(String(content ?? ''), names).replaceAll(/[&<>]/g, (sign) => ESCAPES[sign] ?? sign)
    : childrenOf(content)
        .map(([child, more]) => toXml(child, more, names, version))
        .join('');
  return `<${name}${attribute}>${inner}</${name}>`;
}

/** Differences between what was heard and the pattern; what the pattern does not name may be anything. */
export function differences(heard: Element, pattern: Tree, names: Names, path = heard.name): string[] {
  if (isLeaf(pattern)) return textDifferences(heard.text, pattern, names, path);
  const wanted = new Map<string, Tree[]>();
  for (const [name, content] of childrenOf(pattern)) wanted.set(name, [...(wanted.get(name) ?? []), content]);
  return [...wanted].flatMap(([name, contents]) => childDifferences(heard, name, contents, names, path));
}

function childDifferences(
  heard: Element,
  name: string,
  contents: readonly Tree[],
  names: Names,
  path: string,
): string[] {
  const found = heard.children.filter((child) => child.name === name);
  if (contents.length === 1 && contents[0] === 'absent') {
    return found.length === 0 ? [] : [`${path}: there is a ${name}`];
  }
  if (contents.length > 1 && found.length !== contents.length) {
    return [`${path}: ${found.length} ${name} instead of ${contents.length}`];
  }
  return contents.flatMap((content, at) => {
    const child = found[at];
    if (child === undefined) return [`${path}: no ${name}`];
    return content === 'any' ? [] : differences(child, content, names, `${path}/${name}`);
  });
}

function textDifferences(
  text: string,
  pattern: string | number | null,
  names: Names,
  path: string,
): string[] {
  const wanted = String(pattern ?? '');
  const unknown = /^\$(\w+)$/.exec(wanted)?.[1];
  if (unknown !== undefined && !names.has(unknown)) {
    names.set(unknown, text);
    return text === '' ? [`${path}: is empty`] : [];
  }
  const expression = /^\/(.*)\/$/.exec(wanted)?.[1];
  const fits = expression === undefined ? filled(wanted, names) === text : new RegExp(expression).test(text);
  return fits ? [] : [`${path}: ${JSON.stringify(text)} instead of ${JSON.stringify(wanted)}`];
}
