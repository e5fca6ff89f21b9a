import { XMLValidator } from 'fast-xml-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Element } from '../../../src/wv/element.ts';
import { leaf, node } from '../../../src/wv/element.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { CSP_VERSIONS, NAMESPACES } from '../../../src/wv/version.ts';
import { ELEMENTS } from '../../../src/access/csp/schema/elements.ts';
import { ignoresBlanks, tokenEntries, words } from '../../../src/access/csp/schema/lookup.ts';
import { INTEGER_ELEMENTS, VALUE_TOKENS } from '../../../src/access/csp/schema/tokens.ts';
import { readMessage } from '../../../src/access/csp/codec/binding.ts';
import { isCodecError } from '../../../src/access/csp/codec/errors.ts';
import { decodeWbxml, encodeWbxml } from '../../../src/access/csp/codec/wbxml.ts';
import { decodeXml, encodeXml } from '../../../src/access/csp/codec/xml.ts';
import { expectDecoded, message, octets, xml } from './documents.ts';

const integers = new Set(words(INTEGER_ELEMENTS));
const names = Object.keys(ELEMENTS).filter((name) => !name.includes('/'));
const leaves = names.filter((name) => !ignoresBlanks(name));
const structures = names.filter((name) => ignoresBlanks(name));

/* oxlint-disable no-control-regex -- the point is to avoid control characters */
/** Characters that XML 1.0 can hold. */
const character = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 1 })
  .filter((c) => !/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(c));
const words_ = tokenEntries(VALUE_TOKENS).map(({ name }) => name);
const text = fc
  .oneof(fc.string({ unit: character }), fc.string(), fc.constantFrom(...words_))
  .map((value) => value.replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, ''));
const integer = fc.nat({ max: 0xffff_ffff }).map(String);
const vendorName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,12}$/);

const leafArbitrary: fc.Arbitrary<Element> = fc
  .oneof({ weight: 5, arbitrary: fc.constantFrom(...leaves) }, { weight: 1, arbitrary: vendorName })
  .chain((name) => (integers.has(name) ? integer : text).map((value) => leaf(name, value)));

const namespaces = CSP_VERSIONS.flatMap((version) => Object.values(NAMESPACES[version]) as string[]);
const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    leafArbitrary,
    fc
      .tuple(fc.constantFrom(...structures), fc.array(tie('tree'), { maxLength: 5 }))
      .map(([name, children]) => node(name, children)),
    fc
      .record({
        name: fc.oneof(fc.constantFrom('TransactionContent', 'PresenceSubList', 'ExtBlock'), vendorName),
        xmlns: fc.oneof(fc.constantFrom(...namespaces), fc.webUrl()),
        attributes: fc.dictionary(
          vendorName.filter((name) => name !== 'xmlns'),
          text,
          { minKeys: 1, maxKeys: 3, noNullPrototype: true },
        ),
        children: fc.array(tie('tree'), { maxLength: 3 }),
      })
      .map((element): Element => ({ ...element, text: '' })),
  ),
}));

const version: fc.Arbitrary<CspVersion> = fc.constantFrom(...CSP_VERSIONS);

/** A document as a client might send it: the root's namespace tells the version. */
const document = fc.tuple(version, fc.array(tree, { maxLength: 5 })).map(([number, children]) => ({
  version: number,
  root: node('WV-CSP-Message', children, NAMESPACES[number].session),
}));

describe('any tree', () => {
  it('survives XML, and another parser finds the text well formed', () => {
    fc.assert(
      fc.property(document, ({ root, version: number }) => {
        const bytes = encodeXml(root, { declaration: true });
        expect(expectDecoded(decodeXml(bytes))).toEqual({ root, version: number, encoding: 'xml' });
        expect(XMLValidator.validate(new TextDecoder().decode(bytes))).toBe(true);
      }),
    );
  });

  it('survives WBXML of its version', () => {
    fc.assert(
      fc.property(document, ({ root, version: number }) => {
        const bytes = encodeWbxml(root, number);
        expect(expectDecoded(decodeWbxml(bytes))).toEqual({ root, version: number, encoding: 'wbxml' });
      }),
    );
  });

  it('is the same by way of either', () => {
    fc.assert(
      fc.property(document, ({ root, version: number }) => {
        const byXml = expectDecoded(decodeXml(encodeXml(root, { declaration: false }))).root;
        const byBoth = expectDecoded(decodeWbxml(encodeWbxml(byXml, number))).root;
        expect(encodeXml(byBoth, { declaration: false })).toEqual(encodeXml(root, { declaration: false }));
      }),
    );
  });
});

const SAMPLE = message(
  '1.2',
  '<SendMessage-Request><DeliveryReport>T</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType>' +
    '<ContentSize>5</ContentSize><Recipient><User><UserID>wv:bea</UserID></User></Recipient>' +
    '<DateTime>20050612T101500Z</DateTime></MessageInfo><ContentData>Zoë 😀</ContentData></SendMessage-Request>',
);
const sampleXml = new TextEncoder().encode(SAMPLE);
const sampleWbxml = encodeWbxml(xml(SAMPLE), '1.2');
// The same with what other encoders write: string table, literal names, OPAQUE, ENTITY, extensions.
const strange = octets(
  '03 00 00 6a 23' +
    Buffer.from('-//OMA//DTD WV-CSP 1.2//EN\0Odd\0urn\0').toString('hex') +
    'c9 08 03 31 2e 32 00 01 6d 44 1b 83 1f 01 51 c3 06 1f 46 73 0e bb 5a 01 4d c3 02 ff fe 02 83 20 c0 40 61 00 01 00 03 50 80 81 25 01 01 01',
);

/** Neither decoder nor envelope may throw, whatever the octets are; and what decodes can be written as XML. */
function mustNotThrow(bytes: Uint8Array): void {
  for (const decode of [decodeXml, decodeWbxml]) {
    const result = decode(bytes);
    if (isCodecError(result)) continue;
    readMessage(result);
    expectDecoded(decodeXml(encodeXml(result.root, { declaration: true })));
  }
}

describe('any octets', () => {
  it('give a tree or an error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), mustNotThrow), { numRuns: 1000 });
  });

  it('behind a good header give a tree or an error', () => {
    const header = octets('03 11 6a 04 61 00 62 00');
    const body = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(body, (bytes) => mustNotThrow(Uint8Array.from([...header, ...bytes]))),
      { numRuns: 2000 },
    );
  });

  it('made of tokens give a tree or an error', () => {
    const token = fc.constantFrom(
      0,
      1,
      2,
      3,
      4,
      5,
      0x40,
      0x43,
      0x44,
      0x45,
      0x49,
      0x6d,
      0x80,
      0x83,
      0x84,
      0x85,
      0xc3,
      0xc4,
      0xc9,
      0x61,
    );
    const header = octets('03 11 6a 04 61 00 62 00');
    const body = fc.array(token, { maxLength: 200 });
    fc.assert(
      fc.property(body, (bytes) => mustNotThrow(Uint8Array.from([...header, ...bytes]))),
      { numRuns: 3000 },
    );
  });

  it('made of markup give a tree or an error', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '</',
      '/>',
      'a',
      '<a>',
      '</a>',
      ' xmlns="',
      '"',
      '&',
      ';',
      '&#x',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<!DOCTYPE',
      '[',
      '<?xml',
      '?>',
      ':',
      '=',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) =>
        mustNotThrow(new TextEncoder().encode(pieces.join(''))),
      ),
      { numRuns: 3000 },
    );
  });
});

describe.each([
  ['XML', sampleXml, decodeXml],
  ['WBXML', sampleWbxml, decodeWbxml],
  ['strange WBXML', strange, decodeWbxml],
] as const)('a message in %s', (_, bytes, decode) => {
  it('decodes whole', () => {
    expectDecoded(decode(bytes));
  });

  it('is an error when it ends early, at every octet', () => {
    for (let end = 0; end < bytes.length; end += 1)
      expect(isCodecError(decode(bytes.slice(0, end)))).toBe(true);
  });

  it('is a tree or an error with any bit the other way', () => {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      mustNotThrow(flipped);
    }
  });
});
