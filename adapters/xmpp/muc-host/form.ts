// Data forms (XEP-0004): building, and reading what was filled in.

import { childOf, elementsOf, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { NS } from '../namespaces.ts';

export interface Field {
  readonly name: string;
  readonly type: 'boolean' | 'text-single' | 'text-multi' | 'list-single' | 'hidden';
  readonly label?: string;
  readonly value: string;
  /** Of a list. */
  readonly options?: readonly string[];
}

/** A form, or with type `result` its content without labels. */
export function form(type: 'form' | 'result', formType: string, fields: readonly Field[]): XmlElement {
  const all: readonly Field[] = [{ name: 'FORM_TYPE', type: 'hidden', value: formType }, ...fields];
  return xml(NS.dataForm, 'x', { type }, ...all.map(element));
}

function element({ name, type, label, value, options = [] }: Field): XmlElement {
  const lines = type === 'text-multi' ? value.split('\n') : [value];
  return xml(
    NS.dataForm,
    'field',
    { var: name, type, label },
    ...lines.map((line) => xml(NS.dataForm, 'value', {}, line)),
    ...options.map((option) =>
      xml(NS.dataForm, 'option', { label: option }, xml(NS.dataForm, 'value', {}, option)),
    ),
  );
}

/** What was filled in, lines joined; undefined = no form of type `submit`. */
export function submitted(parent: XmlElement): ReadonlyMap<string, string> | undefined {
  const x = childOf(parent, 'x', NS.dataForm);
  if (x?.attrs['type'] !== 'submit') return undefined;
  const values = new Map<string, string>();
  for (const field of elementsOf(x)) {
    const { var: name } = field.attrs;
    if (field.name !== 'field' || name === undefined) continue;
    const lines = elementsOf(field).filter((child) => child.name === 'value');
    values.set(name, lines.map(textOf).join('\n'));
  }
  return values;
}

/** A boolean as forms write it; undefined = neither. */
export function truth(value: string): boolean | undefined {
  if (value === '1' || value === 'true') return true;
  return value === '0' || value === 'false' ? false : undefined;
}
