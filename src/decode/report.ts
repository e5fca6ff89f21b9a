// What `wvgate decode` found out about some octets: what they are, the tree in them, and what is wrong.
import type { Element } from '../wv/element.ts';
import type { Format } from './format.ts';

export type FaultKind =
  | 'codec'
  | 'unknown'
  | 'misplaced'
  | 'order'
  | 'missing'
  | 'repeated'
  | 'version'
  | 'value'
  | 'length'
  | 'charset'
  | 'spelling';

export interface Fault {
  readonly kind: FaultKind;
  /** The element, by its path from the root (`…/Login-Request/UserID`); '' for the document. */
  readonly path: string;
  readonly message: string;
  /** Octets from the beginning, where that is known. */
  readonly offset?: number;
  /** The octets around it, in hexadecimal and as characters. */
  readonly context?: readonly string[];
}

export interface Report {
  /** File name, or `-`. */
  readonly source: string;
  readonly format: Format | 'unknown';
  readonly octets: number;
  /** What the document says of itself, line by line: version, character set, segment. */
  readonly facts: readonly string[];
  readonly tree?: Element;
  /** Is the tree all of the document? */
  readonly complete: boolean;
  readonly faults: readonly Fault[];
}

export const EXIT = { fine: 0, faults: 1, unreadable: 2 } as const;

/** 0 nothing wrong, 1 faults, 2 nothing could be read. */
export function exitCode({ tree, faults, facts }: Report): number {
  if (tree === undefined && (facts.length === 0 || faults.some(({ kind }) => kind === 'codec')))
    return EXIT.unreadable;
  return faults.length === 0 ? EXIT.fine : EXIT.faults;
}
