// The scan of XML is stricter than fast-xml-parser's own validator, which is therefore not asked (strict-xml.ts).

import fc from 'fast-check';
import { XMLValidator } from 'fast-xml-parser';
import { expect, it } from 'vitest';
import { scan, XmlError } from '../../../src/access/xml-scan.ts';

const DOCUMENTS = [
  '<WV-SSP-Message xmlns="u"><Session sessionID="1@a"><Transaction mode="Request"/></Session></WV-SSP-Message>',
  '<a x="1" y=\'2\'><b/>t&amp;&#65;<![CDATA[<x>]]><c:d xmlns:c="u">é</c:d><!-- c --><?p q?></a>',
  '<?xml version="1.0"?><!DOCTYPE a SYSTEM "x"><a>\n <b c = "d" >x</b >\n</a>',
  '<x:a xmlns:x=\'n\' x:b="&quot;"><x:c></x:c>]</x:a>',
];
const PIECES = [
  '<',
  '>',
  '/',
  '"',
  "'",
  '=',
  '&',
  ';',
  ' ',
  '\n',
  '\r',
  '!',
  '?',
  '-',
  '[',
  ']',
  ':',
  '.',
  '+',
  '#',
  '1',
  '&lt;',
  '&#x41;',
  '&#0;',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<?p?>',
  '<a>',
  '</a>',
  '<b/>',
  'xmlns',
  'xml',
  '__proto__',
  'constructor',
  'é',
  '·',
  '\u0300',
  '\ufeff',
  '\u2028',
  '😀',
  '',
];

const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  without: fc.nat({ max: 3 }),
  piece: fc.constantFrom(...PIECES),
});

const changed = fc
  .tuple(fc.constantFrom(...DOCUMENTS), fc.array(change, { minLength: 1, maxLength: 4 }))
  .map(([document, changes]) =>
    changes.reduce((text, { at, without, piece }) => {
      const from = Math.floor(at * text.length);
      return text.slice(0, from) + piece + text.slice(from + without);
    }, document),
  );

function scanned(text: string): string | undefined {
  try {
    return scan(text);
  } catch (error) {
    if (error instanceof XmlError) return undefined;
    throw error;
  }
}

it('the validator finds no fault with what the scan lets pass', () => {
  let passed = 0;
  fc.assert(
    fc.property(changed, (text) => {
      const markup = scanned(text);
      if (markup === undefined) return;
      passed += 1;
      expect(XMLValidator.validate(markup), JSON.stringify(text)).toBe(true);
    }),
    { numRuns: 10_000 },
  );
  expect(passed).toBeGreaterThan(100);
});
