// A report for people: an indented tree, then what is wrong.
import { canonicalName } from '../access/csp/schema/lookup.ts';
import { writeTables } from '../access/csp/codec/wbxml-tables.ts';
import type { Element } from '../wv/element.ts';
import type { CspVersion } from '../wv/version.ts';
import { versionOfNamespace } from '../wv/version.ts';
import { TITLES } from './format.ts';
import type { Fault, Report } from './report.ts';

/** Gives a text a role: its colour on a terminal, nothing elsewhere. */
export type Paint = (role: 'name' | 'value' | 'note' | 'fault' | 'good', text: string) => string;

export const plain: Paint = (_role, text) => text;

const COLOURS = { name: 36, value: 32, note: 90, fault: 31, good: 32 } as const;
export const coloured: Paint = (role, text) => `\x1b[${COLOURS[role]}m${text}\x1b[39m`;

/** Values longer than this are cut, with their length. */
const SHOWN = 200;

export function reportText(report: Report, paint: Paint): string {
  const { source, format, octets, facts, tree, complete, faults } = report;
  const lines = [`${source}: ${TITLES[format]}, ${octets} octets`];
  for (const fact of facts) lines.push(paint('note', `  ${printable(fact)}`));
  if (tree !== undefined) {
    const version = format === 'wbxml' ? (versionOfNamespace(tree.xmlns) ?? '1.2') : undefined;
    lines.push('', ...treeLines(tree, 1, { paint, version }));
    if (!complete) lines.push(paint('fault', '  … the rest could not be read'));
  }
  return `${[...lines, '', ...faultLines(faults, paint)].join('\n')}\n`;
}

interface Style {
  readonly paint: Paint;
  /** Of WBXML: the tokens that this version has for names are shown. */
  readonly version: CspVersion | undefined;
}

function treeLines(element: Element, depth: number, style: Style): string[] {
  const { paint } = style;
  const lines = [
    `${'  '.repeat(depth)}${paint('name', printable(element.name))}${notes(element, style)}${value(element, paint)}`,
  ];
  for (const child of element.children) lines.push(...treeLines(child, depth + 1, style));
  return lines;
}

function notes(element: Element, { paint, version }: Style): string {
  const found: string[] = [];
  const code = version === undefined ? undefined : writeTables[version].tags.get(canonicalName(element.name));
  if (version !== undefined)
    found.push(code === undefined ? 'literal' : `${code.page}/${code.token.toString(16).padStart(2, '0')}`);
  if (element.xmlns !== undefined) found.push(element.xmlns);
  for (const [name, text] of Object.entries(element.attributes ?? {}))
    found.push(`${name}=${JSON.stringify(text)}`);
  return found.length === 0 ? '' : paint('note', ` [${printable(found.join(' '))}]`);
}

function value({ text, children }: Element, paint: Paint): string {
  if (text === '' || (children.length > 0 && text.trim() === '')) return '';
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  const size = text.length > SHOWN ? paint('note', ` (${text.length} characters)`) : '';
  return ` ${paint('value', printable(shown))}${size}`;
}

/** Characters that would move the cursor or turn text around are shown by their number. */
// oxlint-disable-next-line no-control-regex -- the point is to find control characters
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function faultLines(faults: readonly Fault[], paint: Paint): string[] {
  if (faults.length === 0) return [paint('good', 'nothing is wrong')];
  const lines = [paint('fault', `what is wrong (${faults.length}):`)];
  for (const { kind, path, message, offset, context = [] } of faults) {
    const where = [path, offset === undefined ? '' : `at octet ${offset}`]
      .filter((part) => part !== '')
      .join(' ');
    lines.push(`  ${paint('fault', kind)}  ${printable(`${where}${where === '' ? '' : ': '}${message}`)}`);
    for (const row of context) lines.push(paint('note', `      ${row}`));
  }
  return lines;
}

/** The same for programs: one line of JSON. */
export const reportJson = (report: Report): string => `${JSON.stringify(report)}\n`;
