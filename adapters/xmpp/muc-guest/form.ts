// Data forms (XEP-0004) as far as rooms use them.

import { NS } from '../namespaces.ts';
import { childOf, elementsOf, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

/** The values of a form by field; several for a list. */
export type FormFields = ReadonlyMap<string, readonly string[]>;

/** Fields of one form; more are not read. */
const MAX_FIELDS = 200;

/** The form of that type among the children; the first form when no type is named. */
export function formIn(parent: XmlElement, formType?: string): FormFields | undefined {
  const forms = elementsOf(parent)
    .filter(({ name, ns }) => name === 'x' && ns === NS.dataForm)
    .map((form) => fieldsOf(form));
  return formType === undefined
    ? forms[0]
    : forms.find((fields) => fields.get('FORM_TYPE')?.[0] === formType);
}

function fieldsOf(form: XmlElement): FormFields {
  const fields = elementsOf(form).filter(({ name, attrs }) => name === 'field' && attrs['type'] !== 'fixed');
  return new Map(
    fields.slice(0, MAX_FIELDS).map((field) => {
      const values = elementsOf(field).filter(({ name }) => name === 'value');
      return [field.attrs['var'] ?? '', values.map((value) => textOf(value))] as const;
    }),
  );
}

/** The first value of a field. */
export function valueOf(fields: FormFields | undefined, name: string): string | undefined {
  return fields?.get(name)?.[0];
}

/** The form filled in. */
export function submission(fields: FormFields): XmlElement {
  const written = [...fields].map(([name, values]) =>
    xml(NS.dataForm, 'field', { var: name }, ...values.map((value) => xml(NS.dataForm, 'value', {}, value))),
  );
  return xml(NS.dataForm, 'x', { type: 'submit' }, ...written);
}

/** The element `child` of a payload, empty when it is missing. */
export function inside(payload: XmlElement | undefined, name: string, ns: string): XmlElement {
  if (payload?.name === name && payload.ns === ns) return payload;
  return (payload === undefined ? undefined : childOf(payload, name, ns)) ?? xml(ns, name);
}
