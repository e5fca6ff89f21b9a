// The codes of schema/pts-codes.ts in the shapes that reading and writing PTS want.
import { contentOf, words } from '../schema/lookup.ts';
import type { Structure } from '../schema/lookup.ts';
import {
  PTS_ATTRIBUTES,
  PTS_CAPABILITIES,
  PTS_FEATURES,
  PTS_PARAMETERS,
  PTS_PARAMETERS_OF,
  PTS_REQUESTS,
  PTS_RESPONSES,
  PTS_SUB_ATTRIBUTES,
  PTS_VALUES,
} from '../schema/pts-codes.ts';

/** Code (upper case) ⇄ name. */
export class Codes {
  private readonly names = new Map<string, string>();
  private readonly codes = new Map<string, string>();

  constructor(list = '') {
    for (const word of list === '' ? [] : words(list)) {
      const [code = '', name = ''] = word.split('=');
      this.names.set(code, name);
      this.codes.set(name, code);
    }
  }

  nameOf(code: string): string | undefined {
    return this.names.get(code.toUpperCase());
  }

  codeOf(name: string): string | undefined {
    return this.codes.get(name);
  }
}

const requests = new Codes(PTS_REQUESTS);
const responses = new Codes(PTS_RESPONSES);

export interface PtsPrimitive {
  readonly name: string;
  readonly mode: 'Request' | 'Response';
}

export function primitiveOf(code: string): PtsPrimitive | undefined {
  const request = requests.nameOf(code);
  if (request !== undefined) return { name: request, mode: 'Request' };
  const response = responses.nameOf(code);
  return response === undefined ? undefined : { name: response, mode: 'Response' };
}

export function transactionCode(primitive: string): string | undefined {
  return requests.codeOf(primitive) ?? responses.codeOf(primitive);
}

/** Where a parameter's values stand: in children `name` of the primitive, or in `name` inside of `wrapper`. */
export interface Place {
  readonly code: string;
  readonly name: string;
  readonly wrapper: string | undefined;
}

/** The parameters of one primitive. */
export interface Parameters {
  /** The place of a code's values when they are read. */
  readonly byCode: ReadonlyMap<string, Place>;
  /** Every place from which a code's values may be written, by the child of the primitive. */
  readonly byChild: ReadonlyMap<string, Place>;
}

const NONE: Parameters = { byCode: new Map(), byChild: new Map() };
const known = new Map<string, Parameters>();

/** Nothing for a primitive that is not of CSP, or that has no children. */
export function parametersOf(primitive: string): Parameters {
  const found = known.get(primitive);
  if (found !== undefined) return found;
  const content = contentOf(primitive);
  if (content?.kind !== 'structure') return NONE;
  const compiled = compile(primitive, content);
  known.set(primitive, compiled);
  return compiled;
}

function compile(primitive: string, structure: Structure): Parameters {
  const byCode = new Map<string, Place>();
  const byChild = new Map<string, Place>();
  for (const word of words(`${PTS_PARAMETERS_OF[primitive] ?? ''} ${PTS_PARAMETERS}`)) {
    const [code = '', places = ''] = word.split('=');
    for (const path of places.split('|')) {
      const place = placeOf(code, path);
      const child = place.wrapper ?? place.name;
      if (!structure.byName.has(child) || byChild.has(child)) continue;
      byChild.set(child, place);
      if (!byCode.has(code)) byCode.set(code, place);
    }
  }
  return { byCode, byChild };
}

function placeOf(code: string, path: string): Place {
  const [first = '', second] = path.split('/');
  return second === undefined
    ? { code, name: first, wrapper: undefined }
    : { code, name: second, wrapper: first };
}

export const capabilities = new Codes(PTS_CAPABILITIES);
export const features = new Codes(PTS_FEATURES);
export const attributes = new Codes(PTS_ATTRIBUTES);
/** The child of Functions and AllFunctions that holds the features. */
export const FEATURE_ROOT = 'WVCSPFeat';

const NO_CODES = new Codes();
const subAttributes = new Map(
  Object.entries(PTS_SUB_ATTRIBUTES).map(([name, list]) => [name, new Codes(list)]),
);
const values = new Map(Object.entries(PTS_VALUES).map(([name, list]) => [name, new Codes(list)]));

/** The codes inside of a presence attribute. */
export const insideOf = (attribute: string): Codes => subAttributes.get(attribute) ?? NO_CODES;

/** The codes of an element's values. */
export const valuesOf = (name: string, parent: string): Codes =>
  values.get(`${parent}/${name}`) ?? values.get(name) ?? NO_CODES;

/** The name under which something stands in the tree whose code nobody knows. */
export const UNKNOWN = 'PTS-';
/** Values beyond those that a form has a place for. */
export const EXTRA = 'PTS-EXTRA';

/** The code of an element that was read without knowing its meaning. */
export function unknownCode(name: string): string | undefined {
  return name.startsWith(UNKNOWN) && name !== EXTRA ? name.slice(UNKNOWN.length) : undefined;
}
