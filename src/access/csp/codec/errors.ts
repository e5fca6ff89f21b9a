// What the CSP codecs give back: a decoded document, or an error that is a value. Nothing in codec/ throws
// over its edge because of bytes it was given.
import type { Element } from '../../../wv/element.ts';
import type { CspVersion } from '../../../wv/version.ts';

export type CodecErrorKind =
  | 'malformed'
  | 'too-large'
  | 'too-deep'
  | 'too-many'
  | 'unsupported-charset'
  | 'unsupported-document'
  | 'unknown-token'
  | 'doctype';

/** What could be read of a broken message, so that Status 400 can be answered inside its session. */
export interface PartialMessage {
  readonly sessionId?: string;
  readonly transactionId?: string;
  readonly version?: CspVersion;
  /** The tree as far as it was read, its last elements unfinished. */
  readonly root?: Element;
}

export class CodecError {
  readonly kind: CodecErrorKind;
  readonly message: string;
  /** Octets (WBXML) or characters (XML, PTS) from the beginning of the document. */
  readonly offset: number;
  readonly partial: PartialMessage | undefined;

  constructor(kind: CodecErrorKind, message: string, offset = 0, partial?: PartialMessage) {
    this.kind = kind;
    this.message = message;
    this.offset = offset;
    this.partial = partial;
  }
}

/** Why a decoded message cannot be used: 400 something needed is missing, 402 a value that cannot be. */
export class BindError {
  readonly code: 400 | 402;
  readonly element: string;
  readonly message: string;

  constructor(code: 400 | 402, element: string, message: string) {
    this.code = code;
    this.element = element;
    this.message = message;
  }
}

export function isBindError(value: unknown): value is BindError {
  return value instanceof BindError;
}

export function isCodecError(value: unknown): value is CodecError {
  return value instanceof CodecError;
}

/** The encodings of HTTP, in which every message can be written. */
export type Encoding = 'xml' | 'wbxml';

export interface Decoded {
  readonly root: Element;
  /** From the root's namespace, else DOCTYPE or public identifier; undefined when nothing says it. */
  readonly version: CspVersion | undefined;
  readonly encoding: Encoding | 'pts';
  /** True when OPAQUE octets that are not UTF-8 stand in the tree as BASE64 text. */
  readonly base64?: true;
}

/** What a document may cost. */
export interface DecodeLimits {
  /** Octets; default 256 KiB. */
  readonly maxBytes?: number;
  /** Elements inside each other; default 32, at most 256. */
  readonly maxDepth?: number;
  /** Elements and attributes in all; default 20,000. */
  readonly maxElements?: number;
  /** Characters of text in all, repeated string table entries counted each time; default 256 Ki. */
  readonly maxText?: number;
}

const DEPTH_CEILING = 256;

export function withDefaults(limits: DecodeLimits): Required<DecodeLimits> {
  const { maxBytes = 262_144, maxDepth = 32, maxElements = 20_000, maxText = 262_144 } = limits;
  return { maxBytes, maxDepth: Math.min(maxDepth, DEPTH_CEILING), maxElements, maxText };
}

/** Runs a decoder whose inner functions throw CodecError, and makes a value of what they throw. */
export function catching<T>(decode: () => T): T | CodecError {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
}

/** The version a public identifier names: `-//OMA//DTD WV-CSP 1.2//EN` and its relatives. */
export function versionOfPublicId(text: string): CspVersion | undefined {
  return /DTD (?:WV-|IMPS-)?CSP (1\.[123])\//.exec(text)?.[1] as CspVersion | undefined;
}
