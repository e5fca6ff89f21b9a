// The element tree that the CSP and SSP codecs read and write: XML reduced to what IMPS uses.

/**
 * One element of an IMPS document. Immutable by convention: build anew instead of changing.
 * `children` is empty for a text element, `text` is '' for a structure; a document that mixes both keeps both
 * (the text of all its pieces joined).
 */
export interface Element {
  readonly name: string;
  /** Namespace URI declared on this very element (CSP: only on three envelope elements and on extensions). */
  readonly xmlns?: string;
  /** Attributes other than `xmlns`; IMPS defines none, extensions may carry some. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly Element[];
}

const NONE: readonly Element[] = Object.freeze([]);

/** A text element. */
export function leaf(name: string, text: string): Element {
  return { name, text, children: NONE };
}

/** An element with children (none: an empty element). */
export function node(name: string, children: readonly Element[] = NONE, xmlns?: string): Element {
  return xmlns === undefined ? { name, text: '', children } : { name, xmlns, text: '', children };
}

/** The first child of that name. */
export function child(parent: Element | undefined, name: string): Element | undefined {
  if (parent === undefined) return undefined;
  for (const candidate of parent.children) if (candidate.name === name) return candidate;
  return undefined;
}

/** The text of the first child of that name; undefined when there is no such child. */
export function childText(parent: Element | undefined, name: string): string | undefined {
  return child(parent, name)?.text;
}
