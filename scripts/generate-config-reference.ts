// Writes docs/configuration.md from the schemas in src/config.ts and src/config/adapter.ts. With --check it writes nothing and fails when the
// file is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { configSchema } from '../src/config.ts';
import { adapterConfigSchema } from '../src/config/adapter.ts';

/** The generated file. */
export const REFERENCE_FILE = resolve(import.meta.dirname, '../docs/configuration.md');

/** The part of JSON Schema that the configuration uses. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  /** One section, or a list of such. */
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

type SectionKind = 'always' | 'list' | 'needed' | 'optional';

const NOTES: Readonly<Record<SectionKind, string | undefined>> = {
  always: undefined,
  list: 'A list; each entry has these keys:',
  needed: '**Needed** in the section around it.',
  optional: 'Optional: off unless this section is written. What is **needed** is needed then.',
};

interface Section {
  readonly path: string;
  readonly schema: Schema;
  readonly kind: SectionKind;
}

const INTRODUCTION = `<!-- Generated from src/config.ts by scripts/generate-config-reference.ts: do not edit. -->

# Configuration

One YAML file. \`npm start\` and the \`wvgate\` command read \`config/wvgate.yaml\` when it is there, else
\`config/quickstart.yaml\`; \`--config FILE\` names another one. [config/wvgate.sample.yaml](../config/wvgate.sample.yaml)
is a file to start from.

- Every key has a default unless it is marked **needed**, so an empty file is a valid configuration.
- An unknown key is an error: a misspelt key is never ignored. Errors name the file and the key.
- Relative paths start at the folder of the configuration file.
- The file is read once, at start. After a change: \`npx wvgate check-config\`, then restart.
- It holds secrets (the component's secret, first passwords): file mode 0600.

A section below, such as \`listen.csp\`, is nesting in the file:

\`\`\`yaml
listen:
  csp:
    host: 0.0.0.0
    port: 8080
\`\`\`
`;

const ADAPTER_INTRODUCTION = `# Configuration of an adapter

The file of \`wvgate adapter\` ([adapters.md](adapters.md)). \`listen.ssp\` (**needed**), \`listen.ops\`, \`log\`, and \`xmpp\` or
\`matrix\` are as above; there are no other sections than these:
`;

/** The whole text of docs/configuration.md. */
export function configReference(): string {
  const root = z.toJSONSchema(configSchema, { io: 'input' }) as Schema;
  const sections = sectionsOf({ path: '', schema: root, kind: 'always' });
  return `${INTRODUCTION}\n${textOf(sections)}\n${ADAPTER_INTRODUCTION}\n${textOf(adapterSections())}`;
}

function textOf(sections: readonly Section[]): string {
  return sections.map(sectionText).filter(Boolean).join('\n');
}

/** Its sections that the server's file does not have. */
function adapterSections(): Section[] {
  const root = z.toJSONSchema(adapterConfigSchema, { io: 'input' }) as Schema;
  const own = sectionsOf({ path: '', schema: root, kind: 'always' });
  return own.filter(({ path }) => path === '' || path.split('.')[0] === 'adapter');
}

/** A section and those inside it, in the schema's order. */
function sectionsOf(section: Section): Section[] {
  const inner = Object.entries(section.schema.properties ?? {}).flatMap(([name, schema]) => {
    const path = section.path === '' ? name : `${section.path}.${name}`;
    const rows = schema.type === 'array' ? schema.items : singleOf(schema);
    if (rows?.type !== 'object') return [];
    const kind = rows === singleOf(schema) ? kindOf(schema, isNeeded(section.schema, name)) : 'list';
    return sectionsOf({ path, schema: withDescription(rows, schema), kind });
  });
  return [section, ...inner];
}

/** The section itself, where several of the kind may be listed too. */
function singleOf(schema: Schema): Schema {
  return schema.anyOf?.find(({ type }) => type === 'object') ?? schema;
}

function kindOf(schema: Schema, needed: boolean): SectionKind {
  if (needed) return 'needed';
  return schema.default === undefined ? 'optional' : 'always';
}

function withDescription(schema: Schema, outer: Schema): Schema {
  return outer.description === undefined ? schema : { ...schema, description: outer.description };
}

/** A section without keys of its own and without a word about it needs no heading. */
function sectionText({ path, schema, kind }: Section): string {
  const rows = Object.entries(schema.properties ?? {})
    .filter(([, property]) => !isSection(property))
    .map(([name, property]) => rowText(name, property, isNeeded(schema, name)));
  const words = [schema.description, NOTES[kind]].filter((line) => line !== undefined);
  if (rows.length === 0 && words.length === 0) return '';
  const table = ['| Key | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
  return `${[`## ${path === '' ? 'Top level' : `\`${path}\``}`, ...words, table].join('\n\n')}\n`;
}

function isSection(schema: Schema): boolean {
  return singleOf(schema).type === 'object' || (schema.type === 'array' && schema.items?.type === 'object');
}

function isNeeded(parent: Schema, name: string): boolean {
  return parent.required?.includes(name) === true;
}

function rowText(name: string, schema: Schema, needed: boolean): string {
  const cells = [`\`${name}\``, typeText(schema), defaultText(schema, needed), schema.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll(/[|<]/g, String.raw`\$&`)).join(' | ')} |`;
}

function defaultText(schema: Schema, needed: boolean): string {
  if (needed) return '**needed**';
  return schema.default === undefined ? '–' : `\`${JSON.stringify(schema.default).replaceAll('"', '')}\``;
}

function typeText(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  switch (schema.type) {
    case 'array':
      return `list of ${typeText(schema.items ?? {})}`;
    case 'boolean':
      return '`true` or `false`';
    case 'integer':
      return `integer${rangeText(schema)}`;
    default:
      return schema.format === 'uri' ? 'URL' : `text${lengthText(schema)}`;
  }
}

/** zod writes the largest safe integer where there is no limit. */
function rangeText({ minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER }: Schema): string {
  if (maximum < Number.MAX_SAFE_INTEGER) return `, ${minimum} to ${maximum}`;
  return minimum > Number.MIN_SAFE_INTEGER ? `, at least ${minimum}` : '';
}

function lengthText({ maxLength }: Schema): string {
  return maxLength === undefined ? '' : `, at most ${maxLength} characters`;
}

/** True when the file on disk is the generated text. */
export function isReferenceUpToDate(): boolean {
  try {
    return readFileSync(REFERENCE_FILE, 'utf8') === configReference();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

if (import.meta.main) {
  if (!process.argv.includes('--check')) writeFileSync(REFERENCE_FILE, configReference());
  else if (!isReferenceUpToDate()) {
    process.stderr.write(
      'docs/configuration.md is out of date: node scripts/run.mjs scripts/generate-config-reference.ts\n',
    );
    process.exitCode = 1;
  }
}
