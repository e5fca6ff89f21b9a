// The characters of PTS: `WVvvTTn[DD][ CODE[=value]]…`, values being text, quoted text or lists in parentheses.
import type { CspVersion } from '../../../wv/version.ts';
import { CodecError } from './errors.ts';

/** `WV`, version, transaction code, TransactionID, and which segment of which this is. */
export interface Preamble {
  /** Undefined for `XX`, version discovery. */
  readonly version: CspVersion | undefined;
  /** In upper case. */
  readonly code: string;
  readonly transactionId: string;
  /** Both from 0; of a message that was not divided there is none. */
  readonly segment?: { readonly index: number; readonly last: number };
  /** Where the preamble ends. */
  readonly end: number;
}

export type PtsValue = PtsText | PtsList;

interface Position {
  /** Characters from the beginning of the document. */
  readonly at: number;
  readonly end: number;
}

export interface PtsText extends Position {
  readonly text: string;
  /** Was it in quotes? `""` is a value, nothing at all is none. */
  readonly quoted: boolean;
}

export interface PtsList extends Position {
  readonly members: readonly PtsValue[];
}

export interface Parameter {
  /** In upper case. */
  readonly code: string;
  readonly at: number;
  readonly value: PtsValue | undefined;
}

export const isList = (value: PtsValue): value is PtsList => 'members' in value;

const PREAMBLE = /^\s{0,9}WV(\d\d|XX)([A-Z]{2})(\d{1,3})([A-Z]{2})?(?=[ \r\n]|$)/i;
const VERSIONS: Readonly<Record<string, CspVersion | undefined>> = { 11: '1.1', 12: '1.2', 13: '1.3' };
const LETTER_A = 'A'.charCodeAt(0);

/** Whether these characters are meant as PTS. */
export const looksLikePts = (text: string): boolean => PREAMBLE.test(text);

/** Reads the preamble. Throws CodecError. */
export function readPreamble(text: string): Preamble {
  const [whole, digits = '', code = '', transactionId = '', division] = PREAMBLE.exec(text) ?? [];
  if (whole === undefined)
    throw new CodecError('malformed', 'does not begin with WV, version, code and number');
  const version = VERSIONS[digits];
  if (version === undefined && digits.toUpperCase() !== 'XX')
    throw new CodecError('unsupported-document', `version ${digits}`, whole.indexOf(digits));
  const preamble = { version, code: code.toUpperCase(), transactionId, end: whole.length };
  if (division === undefined) return preamble;
  const index = division.toUpperCase().charCodeAt(0) - LETTER_A;
  const last = division.toUpperCase().charCodeAt(1) - LETTER_A;
  if (index > last) throw new CodecError('malformed', `segment ${division}`, whole.length - division.length);
  return { ...preamble, segment: { index, last } };
}

/** The two letters that say which segment of which this is. */
export const divisionOf = (index: number, last: number): string =>
  String.fromCharCode(LETTER_A + index, LETTER_A + last).toLowerCase();

export interface TextLimits {
  readonly maxDepth: number;
  /** Parameters and values in all. */
  readonly maxElements: number;
}

/** Reads the parameters that stand in `text` from `start` on. Throws CodecError. */
export function* readParameters(text: string, start: number, limits: TextLimits): Generator<Parameter> {
  yield* new Reader(text, start, limits).parameters();
}

const CODE = /[A-Za-z\d]{1,8}/y;
const BLANKS = /[ \r\n\t]*/y;

class Reader {
  private at: number;
  private count = 0;
  private readonly text: string;
  private readonly limits: TextLimits;

  constructor(text: string, start: number, limits: TextLimits) {
    this.text = text;
    this.at = start;
    this.limits = limits;
  }

  *parameters(): Generator<Parameter> {
    for (;;) {
      this.match(BLANKS);
      if (this.at >= this.text.length) return;
      yield this.parameter();
      if (this.at < this.text.length && !/[ \r\n\t]/.test(this.text.charAt(this.at)))
        this.fail('a blank was expected');
    }
  }

  private parameter(): Parameter {
    const { at } = this;
    this.countOne();
    const code = this.match(CODE).toUpperCase();
    if (code === '') this.fail('a parameter code was expected');
    if (this.text[this.at] !== '=') return { code, at, value: undefined };
    this.at += 1;
    return { code, at, value: this.value(0) };
  }

  private value(depth: number): PtsValue {
    this.countOne();
    const first = this.text[this.at];
    if (first === '(') return this.list(depth + 1);
    if (first === '"') return this.quoted();
    return depth === 0 ? this.word() : this.member();
  }

  private list(depth: number): PtsList {
    const { at } = this;
    if (depth > this.limits.maxDepth)
      this.fail(`over ${this.limits.maxDepth} lists in each other`, 'too-deep');
    const members: PtsValue[] = [];
    do {
      this.at += 1;
      members.push(this.value(depth));
    } while (this.text[this.at] === ',');
    if (this.text[this.at] !== ')') this.fail('a comma or a closing parenthesis was expected');
    this.at += 1;
    return { members, at, end: this.at };
  }

  private quoted(): PtsText {
    const { at } = this;
    let text = '';
    for (let from = at + 1; ;) {
      const end = this.text.indexOf('"', from);
      if (end < 0) this.fail('unfinished quotes');
      text += this.text.slice(from, end);
      this.at = end + 1;
      if (this.text[this.at] !== '"') return { text, quoted: true, at, end: this.at };
      text += '"';
      from = end + 2;
    }
  }

  /** Text of a parameter: up to the next blank. COMPAT(aosp): SessionIDs and cookies are not quoted, whatever is in them. */
  private word(): PtsText {
    return this.unquoted(/[^ \r\n\t]*/y);
  }

  /** Text in a list. COMPAT(aosp): presence values are not quoted, so blanks are text here. */
  private member(): PtsText {
    return this.unquoted(/[^,)]*/y);
  }

  private unquoted(pattern: RegExp): PtsText {
    const { at } = this;
    return { text: this.match(pattern), quoted: false, at, end: this.at };
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private countOne(): void {
    this.count += 1;
    if (this.count > this.limits.maxElements) this.fail(`over ${this.limits.maxElements} values`, 'too-many');
  }

  private fail(message: string, kind: CodecError['kind'] = 'malformed'): never {
    throw new CodecError(kind, message, this.at);
  }
}

const SPECIAL = /[ ",()=&\r\n\t]/;

/** A text as it stands in PTS: in quotes where it has to be. `nothing` is how an empty one is written. */
export function quotedText(text: string, nothing = '""'): string {
  if (text === '') return nothing;
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const listText = (members: readonly string[]): string => `(${members.join(',')})`;
