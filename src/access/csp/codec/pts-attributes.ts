// Presence attributes in PTS. Asked for: `(OS,(CF,(CT,CP)))`. Told: `((UA,T,AV),(CF,T,((CT,MP),(CP,Name))))`, the
// qualifier being left out or empty when there is none.
import type { Element } from '../../../wv/element.ts';
import { leaf, node } from '../../../wv/element.ts';
import { contentOf } from '../schema/lookup.ts';
import type { PtsList, PtsText, PtsValue } from './pts-text.ts';
import { isList, listText, quotedText } from './pts-text.ts';
import type { Codes } from './pts-tables.ts';
import * as pts from './pts-tables.ts';

type Raw = (value: PtsValue) => string;

/** The children of a PresenceSubList. `raw` gives a value as it was written. */
export function readAttributes(value: PtsValue, told: boolean, raw: Raw): Element[] {
  if (!told) return readNames(isList(value) ? value.members : [value], raw);
  if (!isList(value)) return isNothing(value) ? [] : [attributeOf(value.text, [])];
  const [first] = value.members;
  if (first !== undefined && !isList(first)) return isNothing(first) ? [] : [readTold(value, raw)];
  return value.members.map((member) =>
    isList(member) ? readTold(member, raw) : attributeOf(member.text, []),
  );
}

const isNothing = (value: PtsText): boolean => value.text === '' && !value.quoted;
const CODE = /^[A-Za-z\d]{1,8}$/;

function attributeOf(code: string, children: readonly Element[]): Element {
  const name = pts.attributes.nameOf(code);
  if (name !== undefined) return node(name, children);
  return CODE.test(code)
    ? node(`${pts.UNKNOWN}${code.toUpperCase()}`, children)
    : { ...leaf(pts.EXTRA, code), children };
}

/** Names of attributes. A list behind a name says which parts of it, when these are parts that it has. */
function readNames(members: readonly PtsValue[], raw: Raw): Element[] {
  const found: Element[] = [];
  for (const member of members) {
    const previous = found.at(-1);
    if (!isList(member)) {
      if (!isNothing(member)) found.push(attributeOf(member.text, []));
    } else if (previous !== undefined && isInside(previous, member)) {
      found[found.length - 1] = { ...previous, children: partsOf(previous, member, raw) };
    } else {
      found.push(...readNames(member.members, raw));
    }
  }
  return found;
}

function isInside(attribute: Element, { members: [first] }: PtsList): boolean {
  const inside = pts.insideOf(attribute.name);
  return first !== undefined && !isList(first) && inside.nameOf(first.text) !== undefined;
}

function partsOf(attribute: Element, { members }: PtsList, raw: Raw): Element[] {
  const inside = pts.insideOf(attribute.name);
  return members.map((member) => {
    const name = isList(member) ? undefined : inside.nameOf(member.text);
    return name === undefined ? leaf(pts.EXTRA, raw(member)) : node(name);
  });
}

/** `(code[,qualifier][,value])`: of two members the second is the value. */
function readTold({ members }: PtsList, raw: Raw): Element {
  const [code, ...rest] = members;
  if (code === undefined || isList(code)) return leaf(pts.EXTRA, code === undefined ? '' : raw(code));
  const [qualifier, value] = rest.length === 1 ? [undefined, rest[0]] : rest;
  const attribute = attributeOf(code.text, []);
  const children: Element[] = [];
  if (qualifier !== undefined) children.push(...readQualifier(qualifier, raw));
  if (value !== undefined) children.push(...readValue(attribute.name, value, raw));
  children.push(...rest.slice(2).map((member) => leaf(pts.EXTRA, raw(member))));
  return { ...attribute, children };
}

function readQualifier(value: PtsValue, raw: Raw): Element[] {
  if (isList(value)) return [leaf(pts.EXTRA, raw(value))];
  return isNothing(value) ? [] : [leaf('Qualifier', value.text)];
}

function readValue(attribute: string, value: PtsValue, raw: Raw): Element[] {
  if (pts.unknownCode(attribute) !== undefined) return [leaf('PresenceValue', raw(value))];
  const plain = holdsValue(attribute);
  if (!isList(value)) {
    if (isNothing(value)) return [];
    const text = pts.valuesOf('PresenceValue', attribute).nameOf(value.text) ?? value.text;
    return [leaf(plain ? 'PresenceValue' : pts.EXTRA, text)];
  }
  const [first] = value.members;
  if (plain) return [leaf(pts.EXTRA, raw(value))];
  const pairs = first !== undefined && !isList(first) ? [value] : value.members;
  return pairs.map((pair) => readPart(pts.insideOf(attribute), attribute, pair, raw));
}

function readPart(inside: Codes, attribute: string, pair: PtsValue, raw: Raw): Element {
  const [code, value, ...more] = isList(pair) ? pair.members : [];
  if (code === undefined || value === undefined || more.length > 0 || isList(code) || isList(value))
    return leaf(pts.EXTRA, raw(pair));
  const name = inside.nameOf(code.text);
  if (name !== undefined) return leaf(name, pts.valuesOf(name, attribute).nameOf(value.text) ?? value.text);
  return CODE.test(code.text)
    ? leaf(`${pts.UNKNOWN}${code.text.toUpperCase()}`, raw(value))
    : leaf(pts.EXTRA, raw(pair));
}

/** Whether the attribute has one PresenceValue, and no parts. */
function holdsValue(attribute: string): boolean {
  const content = contentOf(attribute);
  return content?.kind === 'structure' && content.byName.has('PresenceValue');
}

/** Notes what cannot be written. */
export type LeaveOut = (path: string) => void;

/** The value of a PresenceSubList; undefined when nothing of it can be written. */
export function attributesText(list: Element, told: boolean, leaveOut: LeaveOut): string | undefined {
  const parts = list.children.flatMap((attribute) => {
    const code = pts.attributes.codeOf(attribute.name) ?? pts.unknownCode(attribute.name);
    const note = (name: string): void => leaveOut(`${attribute.name}${name === '' ? '' : `/${name}`}`);
    if (code === undefined) return (note(''), []);
    return [told ? toldText(attribute, code, note) : nameText(attribute, code, note)];
  });
  if (parts.length === 0 && list.children.length > 0) return undefined;
  const [only] = parts;
  return !told && only !== undefined && parts.length === 1 ? only : listText(parts);
}

function nameText(attribute: Element, code: string, leaveOut: LeaveOut): string {
  const inside = pts.insideOf(attribute.name);
  const parts = attribute.children.flatMap(({ name, text }) => {
    const part = inside.codeOf(name);
    if (part === undefined || text !== '') leaveOut(name);
    return part === undefined ? [] : [part];
  });
  return parts.length === 0 ? code : listText([code, listText(parts)]);
}

function toldText(attribute: Element, code: string, leaveOut: LeaveOut): string {
  const qualifier = attribute.children.find(({ name }) => name === 'Qualifier');
  const others = attribute.children.filter((child) => child !== qualifier);
  const value = valueText(attribute.name, others, leaveOut);
  if (qualifier === undefined && value === undefined) return listText([code]);
  // Of two members the second would be taken for the value, so the qualifier brings a third.
  return listText([code, quotedText(qualifier?.text ?? '', ''), value ?? '']);
}

function valueText(attribute: string, children: readonly Element[], leaveOut: LeaveOut): string | undefined {
  const unknown = pts.unknownCode(attribute) !== undefined;
  const values: string[] = [];
  const pairs: string[] = [];
  for (const { name, text } of children) {
    const code = pts.insideOf(attribute).codeOf(name) ?? pts.unknownCode(name);
    if (name === 'PresenceValue' && values.length === 0)
      values.push(unknown ? text : codedText(name, attribute, text));
    else if (code === undefined || name === 'PresenceValue' || unknown) leaveOut(name);
    else
      pairs.push(
        listText([code, pts.unknownCode(name) === undefined ? codedText(name, attribute, text, '') : text]),
      );
  }
  return pairs.length > 0 ? listText(pairs) : values[0];
}

/** A value by its code if it has one, else in full. */
export function codedText(name: string, parent: string, text: string, nothing?: string): string {
  return pts.valuesOf(name, parent).codeOf(text) ?? quotedText(text, nothing);
}
