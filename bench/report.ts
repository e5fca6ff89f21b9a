// The table: for the terminal, and the same for bench/results.md.

import type { Machine } from './machine.ts';
import type { Findings, Row } from './row.ts';

export interface Run {
  readonly at: Date;
  readonly seconds: number;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly findings: readonly Findings[];
}

const HEAD = ['what', 'ours', 'reference', 'its value', 'ratio', 'aim', 'verdict'] as const;

/** Three digits are more than a busy machine is good for. */
function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(value < 1 ? 2 : 3);
}

/** Whether the aim is met; undefined when there is none, or nothing to hold against it. */
export function verdict({ ours, aim, reference }: Row): 'met' | 'missed' | undefined {
  const [, number, times] = /^≤ ([\d.]+)( ×)?/u.exec(aim ?? '') ?? [];
  if (number === undefined) return undefined;
  if (times === undefined) return ours <= Number(number) ? 'met' : 'missed';
  return reference === undefined ? undefined : ours <= Number(number) * reference.value ? 'met' : 'missed';
}

function cells(row: Row): string[] {
  const { what, ours, unit, reference, remark, aim } = row;
  const known =
    reference === undefined ? [remark === undefined ? '' : `(${remark})`, '', ''] : [reference.name];
  if (reference !== undefined)
    known.push(`${figure(reference.value)} ${unit}`, figure(ours / reference.value));
  return [what, `${figure(ours)} ${unit}`, ...known, aim ?? '', verdict(row) ?? ''];
}

function table(rows: readonly Row[]): string {
  const lines = [[...HEAD], ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const written = lines.map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [written[0], rule, ...written.slice(1)].join('\n');
}

/** One section of bench/results.md. Ratio = ours / reference. */
export function report({ at, seconds, quick, machine, findings }: Run): string {
  const rows = findings.flatMap((each) => each.rows);
  const notes = [...machine.warnings, ...findings.flatMap((each) => each.notes)];
  const how = quick ? 'quick run, only for a look' : 'full run';
  return [
    `## ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${machine.commit}`,
    '',
    `${machine.description}. ${how}, ${Math.round(seconds)} s. Medians; ratio = ours / reference.`,
    '',
    table(rows),
    '',
    ...notes.map((note) => `- ${note}`),
    ...(notes.length > 0 ? [''] : []),
  ].join('\n');
}
