// Messages → PTS, as Android's client reads it: one blank between parameters, every list in parentheses, quotes only
// where they have to be.
import type { Element } from '../../../wv/element.ts';
import { versionDigit } from '../schema/lookup.ts';
import { PTS_FORMS } from '../schema/pts-codes.ts';
import type { CspMessage, CspTransaction } from './envelope.ts';
import { CodecError } from './errors.ts';
import { attributesText, codedText } from './pts-attributes.ts';
import type { LeaveOut } from './pts-attributes.ts';
import { listText, quotedText } from './pts-text.ts';
import type { Place } from './pts-tables.ts';
import * as pts from './pts-tables.ts';

export interface PtsOutput {
  readonly bytes: Uint8Array;
  /** Paths of the elements that have no code, and so are not in the text: `Result/DetailedResult`. */
  readonly leftOut: readonly string[];
}

const encoder = new TextEncoder();
const TRANSACTION_ID = /^(?:0|[1-9]\d{0,2})$/;

/**
 * Writes a message of one transaction in its own version. An error when it has several, when the primitive has no
 * known code, or when its TransactionID is not a number of up to 999, which is all that PTS can write. `Poll` and
 * `CIR` are not written: there is nothing to poll where the server may send at any time.
 */
export function encodePts(message: CspMessage): PtsOutput | CodecError {
  const [transaction, ...others] = message.transactions;
  if (transaction === undefined) return new CodecError('malformed', 'no transaction');
  if (others.length > 0) return new CodecError('too-many', 'PTS writes one transaction a message');
  const code = pts.transactionCode(transaction.primitive) ?? pts.unknownCode(transaction.primitive);
  if (code === undefined || message.discovery === true)
    return new CodecError('unsupported-document', `${transaction.primitive} has no code in PTS`);
  // COMPAT(aosp): the Polling-Request, which has no TransactionID, gets 0.
  const id = transaction.id === '' ? '0' : transaction.id;
  if (!TRANSACTION_ID.test(id)) return new CodecError('malformed', `TransactionID ${id.slice(0, 20)}`);
  return written(message, transaction, `WV1${versionDigit(message.version)}${code}${id}`);
}

function written({ sessionId }: CspMessage, transaction: CspTransaction, preamble: string): PtsOutput {
  const leftOut: string[] = [];
  const own = transaction.content.children.some(({ name }) => name === 'SessionID');
  const session = sessionId === undefined || own ? [] : [`SI=${quotedText(sessionId)}`];
  const parameters = parametersText(transaction, (path) => leftOut.push(path));
  for (const { name } of transaction.extension ?? []) leftOut.push(name);
  return { bytes: encoder.encode([preamble, ...session, ...parameters].join(' ')), leftOut };
}

/** The parameters in the order of their first values. */
function parametersText({ primitive, content }: CspTransaction, leaveOut: LeaveOut): string[] {
  const values = new Map<string, string[]>();
  const add = (code: string, value: string): void => {
    const present = values.get(code);
    if (present === undefined) values.set(code, [value]);
    else present.push(value);
  };
  const { byChild } = pts.parametersOf(primitive);
  for (const child of content.children) {
    const place = byChild.get(child.name);
    const unknown = pts.unknownCode(child.name);
    if (place !== undefined) addPlace(place, child, primitive, add, leaveOut);
    else if (unknown !== undefined) add(unknown, child.text);
    else leaveOut(child.name);
  }
  return [...values].map(([code, texts]) => `${code}${valuesText(texts)}`);
}

function addPlace(
  { code, name, wrapper }: Place,
  child: Element,
  primitive: string,
  add: (code: string, value: string) => void,
  leaveOut: LeaveOut,
): void {
  const elements = wrapper === undefined ? [child] : child.children;
  for (const element of elements) {
    if (element.name !== name) leaveOut(`${child.name}/${element.name}`);
    else {
      const value = elementText(element, primitive, leaveOut, '""');
      if (value !== undefined) add(code, value);
    }
  }
}

function valuesText(texts: readonly string[]): string {
  const [only = ''] = texts;
  if (texts.length > 1) return `=${listText(texts)}`;
  return only === '' ? '' : `=${only}`;
}

/** A value; undefined when nothing of it can be written. `nothing` is how an empty text stands here. */
function elementText(
  element: Element,
  parent: string,
  leaveOut: LeaveOut,
  nothing: string,
): string | undefined {
  const { name, children } = element;
  const form = PTS_FORMS[name];
  const inside: LeaveOut = (path) => leaveOut(`${name}/${path}`);
  switch (form?.form) {
    case undefined:
      return leafText(element, parent, inside, nothing);
    case 'tuple':
      return tupleText(element, form.children, inside);
    case 'rows':
      return listText(children.map((row) => rowText(row, form.of, inside)).filter((row) => row !== ''));
    case 'pairs':
      return listText(children.flatMap((pair) => pairText(pair, name, inside)));
    case 'features':
      return featuresText(element, inside);
    case 'attributes':
      return attributesText(element, parent === 'Presence' || parent === 'UpdatePresence-Request', inside);
  }
}

function leafText(element: Element, parent: string, leaveOut: LeaveOut, nothing: string): string {
  const [only, ...others] = element.children;
  for (const { name } of others) leaveOut(name);
  return codedText(element.name, parent, only === undefined ? element.text : only.text, nothing);
}

/** `(first,second)`, or the first alone. */
function tupleText({ name, children }: Element, names: readonly string[], leaveOut: LeaveOut): string {
  const texts: string[] = [];
  for (const child of children) {
    const index = names.indexOf(child.name);
    if (index < 0 || texts[index] !== undefined) leaveOut(child.name);
    else texts[index] = elementText(child, name, leaveOut, '') ?? '';
  }
  const whole = Array.from(texts, (text) => text ?? '');
  return name === 'Result' && whole.length === 1 ? (whole[0] ?? '') : listText(whole);
}

/** COMPAT(aosp): who has no nickname stands in a pair too, behind nothing. */
function rowText(row: Element, name: string, leaveOut: LeaveOut): string {
  const form = PTS_FORMS[name];
  const children = form?.form === 'tuple' ? form.children : [];
  if (row.name === name) return tupleText(row, children, (path) => leaveOut(`${name}/${path}`));
  if (children.includes(row.name)) return tupleText({ name, text: '', children: [row] }, children, leaveOut);
  leaveOut(row.name);
  return '';
}

function pairText(pair: Element, parent: string, leaveOut: LeaveOut): string[] {
  const unknown = pts.unknownCode(pair.name);
  if (unknown !== undefined) return [listText([unknown, pair.text])];
  const code = pts.capabilities.codeOf(pair.name === 'CIRURL' ? 'CIRHTTPAddress' : pair.name);
  if (code !== undefined) return [listText([code, leafText(pair, parent, leaveOut, '')])];
  leaveOut(pair.name);
  return [];
}

/**
 * A part of the tree of functions that is there in pieces is left out: its code would mean the whole of it.
 */
function featuresText(functions: Element, leaveOut: LeaveOut): string | undefined {
  const roots = functions.children.filter(({ name }) => name === pts.FEATURE_ROOT);
  const features = roots.flatMap(({ children }) => children);
  if (roots.length > 0 && features.length === 0)
    return listText([pts.features.codeOf(pts.FEATURE_ROOT) ?? '']);
  const codes = features.flatMap(({ name, children }) => {
    const code = pts.features.codeOf(name) ?? pts.unknownCode(name);
    if (code !== undefined && children.length === 0) return [code];
    leaveOut(name);
    return [];
  });
  return codes.length === 0 && features.length > 0 ? undefined : listText(codes);
}
