// A primitive with one thing about it spoilt, for each thing that there is.

import { parseXml, writeXml } from '../../../src/access/strict-xml.ts';
import type { Element } from '../../../src/wv/element.ts';

const LONG = 'x'.repeat(65_536);

type Change = (element: Element) => readonly Element[];

/** What is done to an element. */
const TO_ELEMENTS: Readonly<Record<string, Change>> = {
  missing: () => [],
  twice: (element) => [element, element],
  'fifty times': (element) => Array.from({ length: 50 }, () => element),
  empty: ({ name }) => [{ name, text: '', children: [] }],
  'a long text': ({ name }) => [{ name, text: LONG, children: [] }],
  'text instead': (element) => [{ ...element, text: '__proto__', children: [] }],
  'within itself': (element) => [{ ...element, children: [element] }],
  renamed: (element) => [{ ...element, name: 'constructor' }],
};

/** What is done to a value. */
const TO_VALUES: Readonly<Record<string, string>> = {
  empty: '',
  blank: ' \t ',
  long: LONG,
  negative: '-1',
  huge: '9'.repeat(400),
  fraction: '1e3',
  'no number': 'NaN',
  'of JavaScript': '__proto__',
  'a path': '../../../etc/passwd',
  markup: '"><Status code="200"/><x y="',
  'control characters': '\u0001\u0085\u202e',
  'half an escape': 'wv:%E0%A4%A@mallory.test',
  'many domains': 'wv:a@b@c@mallory.test',
};

/** What was done, and the primitive. */
export function* distorted(primitive: string): Generator<readonly [what: string, primitive: string]> {
  const root = parseXml(primitive, 1_000_000);
  for (const [what, element] of changesIn(root, root.name)) yield [what, writeXml(element)];
}

function* changesIn(element: Element, path: string): Generator<readonly [string, Element]> {
  for (const name of Object.keys(element.attributes ?? {})) {
    const { [name]: _, ...others } = element.attributes ?? {};
    yield [`${path} without ${name}`, { ...element, attributes: others }];
    for (const [what, value] of Object.entries(TO_VALUES))
      yield [`${path}@${name} ${what}`, { ...element, attributes: { ...others, [name]: value } }];
  }
  if (element.children.length === 0 && element.text !== '')
    for (const [what, text] of Object.entries(TO_VALUES)) yield [`${path} ${what}`, { ...element, text }];
  for (const [index, child] of element.children.entries()) {
    const inner = `${path}/${child.name}`;
    for (const [what, change] of Object.entries(TO_ELEMENTS))
      yield [
        `${inner} ${what}`,
        { ...element, children: element.children.toSpliced(index, 1, ...change(child)) },
      ];
    for (const [what, changed] of changesIn(child, inner))
      yield [what, { ...element, children: element.children.with(index, changed) }];
  }
}
