// Parts: the pieces that SSP elements are described with. One part both reads and writes, so a table of parts is the
// only description of a primitive, and the type of what it carries follows from it. Reading is liberal (ssp.md section
// 13), writing exact.

import type { Element } from '../../../wv/element.ts';
import type { Domain } from '../../../wv/ids.ts';
import type { StatusCode } from '../../../wv/status.ts';
import type { Dialect } from '../dialects.ts';
import type { SspVersion } from '../document.ts';

/** What reading depends on besides the document. */
export interface ReadContext {
  /** Where addresses without a domain belong, in the places where the peer asks about ours. */
  readonly homeDomain: Domain;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Seconds. */
  readonly defaultValidity: number;
  /** Seconds. */
  readonly maxValidity: number;
  /** Of the transaction that is read; with the session's it names messages that came without an id. */
  readonly transactionId: string;
  readonly sessionId: string;
}

export interface WriteContext {
  readonly dialect: Dialect;
  readonly version: SspVersion;
  /** Milliseconds since the epoch; undefined: validity counts from when a message was sent. */
  readonly now: number | undefined;
}

/** An element while it is written. */
export interface Draft {
  readonly attributes: [name: string, value: string][];
  readonly children: Element[];
  text: string;
}

/** Reads something out of an element, and writes the same into one. */
export interface Part<T> {
  /** Throws Unreadable. */
  readonly read: (element: Element, context: ReadContext) => T;
  readonly write: (value: T, draft: Draft, context: WriteContext) => void;
}

/** A value as text, of an attribute or of an element. `read` gets it without white space around; throws Unreadable. */
export interface Text<T> {
  readonly read: (text: string, context: ReadContext) => T;
  readonly write: (value: T) => string;
}

/** A primitive that cannot be understood: the code to answer, and a reason that is safe to log. Caught per transaction. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  readonly code: StatusCode;

  constructor(code: StatusCode, reason: string) {
    super(reason);
    this.code = code;
  }
}

function missing(what: string): Unreadable {
  return new Unreadable(400, `${what} is missing`);
}

export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw missing(what);
  return value;
}

/** An attribute without white space around, without regard to the case of its name; '' counts as absent. */
export function attributeOf(element: Element, name: string): string | undefined {
  const attributes = element.attributes ?? {};
  const folded = name.toLowerCase();
  const key = Object.hasOwn(attributes, name)
    ? name
    : Object.keys(attributes).find((candidate) => candidate.toLowerCase() === folded);
  const value = key === undefined ? undefined : attributes[key]?.trim();
  return value === '' ? undefined : value;
}

/** All children of any of the names. */
export function childrenOf(element: Element, ...names: readonly string[]): readonly Element[] {
  return element.children.filter(({ name }) => names.includes(name));
}

/** Builds an element with what a part writes. */
export function build<T>(name: string, part: Part<T>, value: T, context: WriteContext): Element {
  const draft: Draft = { attributes: [], children: [], text: '' };
  part.write(value, draft, context);
  return {
    name,
    ...(draft.attributes.length > 0 ? { attributes: Object.fromEntries(draft.attributes) } : {}),
    text: draft.text,
    children: draft.children,
  };
}

// ---- scalars

/** An attribute that may be missing. `names`: the one that is written, then others that are read. */
export function attribute<T>(names: string | readonly string[], text: Text<T>): Part<T | undefined> {
  const [written = '', ...others] = typeof names === 'string' ? [names] : names;
  return {
    read: (element, context) => {
      for (const name of [written, ...others]) {
        const value = attributeOf(element, name);
        if (value !== undefined) return text.read(value, context);
      }
      return undefined;
    },
    write: (value, draft) => {
      if (value !== undefined) draft.attributes.push([written, text.write(value)]);
    },
  };
}

/** The element's own text. */
export function content<T>(text: Text<T>): Part<T> {
  return {
    read: (element, context) => text.read(element.text.trim(), context),
    write: (value, draft) => {
      draft.text = text.write(value);
    },
  };
}

// ---- presence and absence

/** Refuses an element without it: 400. */
export function must<T>(part: Part<T | undefined>, what: string): Part<T> {
  return {
    read: (element, context) => required(part.read(element, context), what),
    write: part.write,
  };
}

/** What an absent part means. It is written nevertheless. */
export function or<T>(part: Part<T | undefined>, absent: T): Part<T> {
  return { read: (element, context) => part.read(element, context) ?? absent, write: part.write };
}

/** Absent when it says `absent`. */
export function unless<T>(part: Part<T | undefined>, absent: T): Part<T> {
  return {
    read: (element, context) => part.read(element, context) ?? absent,
    write: (value, draft, context) => part.write(value === absent ? undefined : value, draft, context),
  };
}

/** What sections 5 and 6 do not name: read from everyone, written for those who understand it. */
export function extension<T>(part: Part<T>): Part<T> {
  return {
    read: part.read,
    write: (value, draft, context) => {
      if (context.dialect.extensions) part.write(value, draft, context);
    },
  };
}

// ---- structure

/** The first child of the name that says something. `names`: the one that is written, then others that are read. */
export function child<T>(names: string | readonly string[], part: Part<T>): Part<T | undefined> {
  const all = typeof names === 'string' ? [names] : names;
  return {
    read: (element, context) => {
      const found = childrenOf(element, ...all)[0];
      return found === undefined ? undefined : part.read(found, context);
    },
    write: (value, draft, context) => {
      if (value !== undefined) draft.children.push(build(all[0] ?? '', part, value, context));
    },
  };
}

/** All children of the name, in order; none is fine. */
export function children<T>(names: string | readonly string[], part: Part<T>): Part<readonly T[]> {
  const all = typeof names === 'string' ? [names] : names;
  return {
    read: (element, context) => childrenOf(element, ...all).map((found) => part.read(found, context)),
    write: (values, draft, context) => {
      for (const value of values) draft.children.push(build(all[0] ?? '', part, value, context));
    },
  };
}

/** The same, at least one: 400 for none. */
export function some<T>(names: string | readonly string[], part: Part<T>): Part<readonly T[]> {
  const any = children(names, part);
  const what = typeof names === 'string' ? names : names.join(' or ');
  return {
    read: (element, context) => {
      const found = any.read(element, context);
      if (found.length === 0) throw missing(what);
      return found;
    },
    write: any.write,
  };
}

/** A list within an element of its own that is only there when the list is not empty. */
export function list<T>(name: string, items: Part<readonly T[]>): Part<readonly T[]> {
  const inside = child(name, items);
  return {
    read: (element, context) => inside.read(element, context) ?? [],
    write: (values, draft, context) => {
      inside.write(values.length === 0 ? undefined : values, draft, context);
    },
  };
}

/** A part seen as another type. */
export function mapped<Wire, T>(
  part: Part<Wire>,
  toTyped: (wire: Wire, context: ReadContext) => T,
  toWire: (value: T, context: WriteContext) => Wire,
): Part<T> {
  return {
    read: (element, context) => toTyped(part.read(element, context), context),
    write: (value, draft, context) => part.write(toWire(value, context), draft, context),
  };
}

/** Writes something besides a part that follows from it, or is always the same, and that nobody reads. */
export function also<T>(part: Part<T>, write: (draft: Draft, value: T) => void): Part<T> {
  return {
    read: part.read,
    write: (value, draft, context) => {
      part.write(value, draft, context);
      write(draft, value);
    },
  };
}

// ---- tables of parts

/** Any part: what every Part<T> can be taken for. */
interface AnyPart {
  readonly read: (element: Element, context: ReadContext) => unknown;
  readonly write: (value: never, draft: Draft, context: WriteContext) => void;
}

type Value<P extends AnyPart> = ReturnType<P['read']>;

type Optional<Fields extends Readonly<Record<string, AnyPart>>> = {
  [Key in keyof Fields]: undefined extends Value<Fields[Key]> ? Key : never;
}[keyof Fields];

type Flat<T> = { readonly [Key in keyof T]: T[Key] };

/** What a table of parts carries: parts that may be undefined are optional properties. */
export type Shape<Fields extends Readonly<Record<string, AnyPart>>> = Flat<
  { [Key in Exclude<keyof Fields, Optional<Fields>>]: Value<Fields[Key]> } & {
    [Key in Optional<Fields>]?: Exclude<Value<Fields[Key]>, undefined>;
  }
>;

/** An object whose properties are written in the order of the table. */
export function record<const Fields extends Readonly<Record<string, AnyPart>>>(
  fields: Fields,
): Part<Shape<Fields>> {
  const parts = Object.entries(fields);
  return {
    read: (element, context) => {
      const properties = parts
        .map(([key, part]) => [key, part.read(element, context)] as const)
        .filter(([, value]) => value !== undefined);
      return Object.fromEntries(properties) as Shape<Fields>;
    },
    write: (value, draft, context) => {
      const properties = value as Readonly<Record<string, never>>;
      for (const [key, part] of parts) part.write(properties[key] as never, draft, context);
    },
  };
}
