// The notation in which elements.ts writes the protocol down, and the message types that follow from it.
import type { Element } from '../../../wv/element.ts';

/**
 * What a leaf holds:
 * - `token`  a protocol value (enumeration, property name, content type): trimmed, may be a WBXML value token
 * - `text`   an identifier or other short text: trimmed, never a value token
 * - `free`   what a user wrote, or content: kept to the last blank
 * - `int`    unsigned 32 bit; `bool` T or F; `date` ISO 8601 text; `empty` nothing at all
 * - `tree`   kept as an element tree, because vendors extend it
 */
export interface LeafValue {
  token: string;
  text: string;
  free: string;
  int: number;
  bool: boolean;
  date: string;
  empty: true;
  tree: Element;
}

export type Leaf = keyof LeafValue;

/** A structure: its children in the order of the DTD. */
export interface Sequence<P extends string = string> {
  readonly children: readonly P[];
  /** The child that bare text inside this structure stands for. */
  readonly bareText?: string;
  /** The versions (digits after `1.`) in which the structure is written as that bare text. */
  readonly bareIn?: string;
}

/** The words of space-separated lists. */
type Words<L extends string> = L extends `${infer First} ${infer Rest}` ? First | Words<Rest> : L;

/**
 * A structure of these children, in the order of the DTD: `X` required, `X?` optional, `X*` any number, `X+`
 * at least one. A digit list after `@` limits the versions the child is written in: `ClientID?@1` only in 1.1,
 * `User?@` never (some peer sends it against the DTD). A child that a version's token table does not have is
 * never written in that version, so it needs no `@`. What any known client leaves out is optional.
 */
export function seq<const L extends readonly string[]>(...lists: L): Sequence<Words<L[number]>> {
  return { children: lists.flatMap((list) => list.split(' ')) as Words<L[number]>[] };
}

/** Several leaves of one kind. */
export function leaves<K extends Leaf, const L extends readonly string[]>(
  kind: K,
  ...lists: L
): { readonly [N in Words<L[number]>]: K } {
  const entries = lists.flatMap((list) => list.split(' ')).map((name) => [name, kind] as const);
  return Object.fromEntries(entries) as { [N in Words<L[number]>]: K };
}

/** A structure in which some peers put bare text instead: the text is read as the child of that name. */
export function textOr<const P extends string>(
  bareText: string,
  body: Sequence<P>,
  bareIn = '',
): Sequence<P> {
  return { ...body, bareText, bareIn };
}

export type Definition = Leaf | Sequence;
export type Definitions = Readonly<Record<string, Definition>>;

type Unversioned<P extends string> = P extends `${infer Q}@${string}` ? Q : P;
type Bare<Q extends string> = Q extends `${infer N}?` | `${infer N}*` | `${infer N}+` ? N : Q;

/** The element that a particle such as `ClientID?@1` names. */
export type NameOf<P extends string> = Bare<Unversioned<P>>;

type Select<P extends string, Suffix extends string> = P extends string
  ? Unversioned<P> extends `${string}${Suffix}`
    ? P
    : never
  : never;
type Optional<P extends string> = Select<P, '?'>;
type Any<P extends string> = Select<P, '*'>;
type Several<P extends string> = Select<P, '+'>;
type Required<P extends string> = Exclude<P, Optional<P> | Any<P> | Several<P>>;

/** A child may have a meaning of its own inside one parent: `CommC/Status` is text, `Status` a primitive. */
type Meaning<
  S extends Definitions,
  Parent extends string,
  N extends string,
> = `${Parent}/${N}` extends keyof S ? `${Parent}/${N}` : N;

type Flat<T> = { [K in keyof T]: T[K] };

type Structure<S extends Definitions, Parent extends string, P extends string> = Flat<
  {
    readonly [K in Required<P> as NameOf<K>]: BodyIn<S, Meaning<S, Parent, NameOf<K>>>;
  } & {
    readonly [K in Optional<P> as NameOf<K>]?: BodyIn<S, Meaning<S, Parent, NameOf<K>>> | undefined;
  } & {
    readonly [K in Several<P> as NameOf<K>]: readonly BodyIn<S, Meaning<S, Parent, NameOf<K>>>[];
  } & {
    readonly [K in Any<P> as NameOf<K>]?: readonly BodyIn<S, Meaning<S, Parent, NameOf<K>>>[] | undefined;
  }
>;

/** The typed body of element `N` of schema `S`. */
export type BodyIn<S extends Definitions, N extends string> = N extends keyof S
  ? S[N] extends infer D
    ? D extends Leaf
      ? LeafValue[D]
      : D extends Sequence<infer P>
        ? Structure<S, N, P>
        : never
    : never
  : never;

/** Particles that name no element of the schema; `never` when all is well. */
export type Undefined<S extends Definitions> = {
  [N in keyof S]: S[N] extends Sequence<infer P> ? Exclude<NameOf<P>, keyof S> : never;
}[keyof S];
