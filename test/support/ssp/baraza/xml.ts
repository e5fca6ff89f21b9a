// Reading documents for the scripted peer: text to a plain tree. Shares nothing with the reader under test but saxes.

import { SaxesParser } from 'saxes';

export interface Xml {
  /** Local name: prefixes are dropped. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Xml[];
  /** All text directly inside, without blanks around it. */
  readonly text: string;
}

interface Growing {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: Growing[];
  text: string;
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1);

/** The root element, or undefined when the text is not well formed. */
export function readXml(text: string): Xml | undefined {
  const top: Growing = { name: '', attributes: {}, children: [], text: '' };
  const open = [top];
  const innermost = (): Growing => open.at(-1) ?? top;
  const parser = new SaxesParser();
  let broken = false;
  parser.on('error', () => (broken = true));
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name: local(name), attributes, children: [], text: '' };
    innermost().children.push(element);
    open.push(element);
  });
  parser.on('text', (part) => (innermost().text += part));
  parser.on('cdata', (part) => (innermost().text += part));
  parser.on('closetag', () => {
    const closed = open.pop();
    if (closed !== undefined) closed.text = closed.text.trim();
  });
  parser.write(text).close();
  return broken ? undefined : top.children[0];
}

export const child = (element: Xml | undefined, name: string): Xml | undefined =>
  element?.children.find((one) => one.name === name);

export const all = (element: Xml | undefined, name: string): readonly Xml[] =>
  element?.children.filter((one) => one.name === name) ?? [];

/** Descends by names: `at(message, 'Sender', 'User')`. */
export const at = (element: Xml | undefined, ...names: string[]): Xml | undefined =>
  names.reduce<Xml | undefined>(child, element);

/** Escapes what stands between tags or in an attribute. */
export const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
