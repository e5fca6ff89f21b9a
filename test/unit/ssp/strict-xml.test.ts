// The strict wrapper round fast-xml-parser: what XML forbids, what attacks parsers, and what the parser alone would get
// wrong (field-lessons sections 4.5 and 6.2).

import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { parseXml, writeXml, XmlError } from '../../../src/access/strict-xml.ts';
import { leaf, node, type Element } from '../../../src/wv/element.ts';

const LIMIT = 4_000_000;
const read = (text: string): Element => parseXml(text, LIMIT);
const octets = (text: string, encoding: BufferEncoding = 'utf8'): Uint8Array => Buffer.from(text, encoding);

function reason(document: string | Uint8Array, limit = LIMIT): string {
  try {
    parseXml(document, limit);
  } catch (error) {
    if (error instanceof XmlError) return error.message;
    throw error;
  }
  return expect.fail('was taken for XML');
}

describe('text is kept as it stands', () => {
  it.each([
    ['numbers', '<a>007</a>', '007'],
    ['numbers with exponents', '<a>1e5</a>', '1e5'],
    ['words', '<a>true</a>', 'true'],
    ['white space', '<a> x\n</a>', ' x\n'],
    ['nothing but white space', '<a>  </a>', '  '],
    ['line ends become one kind', '<a>x\r\ny\rz</a>', 'x\ny\nz'],
    ['predefined entities', '<a>&lt;&gt;&amp;&quot;&apos;</a>', '<>&"\''],
    ['decimal references', '<a>&#228;&#0000065;</a>', 'äA'],
    ['hexadecimal references', '<a>&#xE4;&#x1F600;</a>', 'ä😀'],
    ['references are resolved once', '<a>&amp;lt;&#38;amp;&amp;#65;</a>', '&lt;&amp;&#65;'],
    ['CDATA', '<a>x<![CDATA[<&amp;]]]]><![CDATA[>]]></a>', 'x<&amp;]]>'],
    ['empty CDATA', '<a><![CDATA[]]></a>', ''],
    ['comments are not there', '<a>x<!-- <b> & y -->y</a>', 'xy'],
    ['processing instructions are not there', `<a>x<?y it's <b> ?>y</a>`, 'xy'],
    ['characters beyond the basic plane', '<a>😀</a>', '😀'],
  ])('%s', (_, document, text) => expect(read(document)).toEqual(leaf('a', text)));

  it('also in attributes, where white space becomes blanks', () => {
    const { attributes } = read(`<a n="007" t='it"s &lt;&amp;lt;&#10;' w="x\ty\nz" e=""/>`);
    expect(attributes).toEqual({ n: '007', t: 'it"s <&lt;\n', w: 'x y z', e: '' });
  });

  it('white space between elements is left out, other text is not', () => {
    expect(read('<a>\n <b/>\n</a>')).toEqual(node('a', [node('b')]));
    expect(read('<a>x<b/>y</a>')).toEqual({ name: 'a', text: 'xy', children: [node('b')] });
  });
});

describe('names', () => {
  it('lose their prefix', () => {
    expect(read('<p:a xmlns:p="urn:p" xmlns="urn:d" p:x="1"><p:b/></p:a>')).toEqual({
      name: 'a',
      xmlns: 'urn:p',
      attributes: { x: '1' },
      text: '',
      children: [node('b')],
    });
    expect(read('<a xmlns="urn:d" xmlns:p="urn:p"/>')).toEqual(node('a', [], 'urn:d'));
  });

  it('of attributes without prefix count before namesakes', () => {
    expect(read('<a x="own" p:x="other"/>').attributes).toEqual({ x: 'own' });
    expect(read('<a p:x="other" x="own"/>').attributes).toEqual({ x: 'own' });
  });

  const dangerous = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

  it.each(dangerous)('%s is a name like others', (name) => {
    const element = read(`<a><${name} ${name}="x">y</${name}><${name}/></a>`);
    expect(element.children.map((child) => [child.name, child.text])).toEqual([
      [name, 'y'],
      [name, ''],
    ]);
    const attributes = element.children[0]?.attributes ?? {};
    expect(Object.entries(attributes)).toEqual([[name, 'x']]);
    expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it.each(dangerous)('%s may not repeat either', (name) => {
    expect(reason(`<a ${name}="x" ${name}="y"/>`)).toBe('attribute that repeats');
  });

  it.each(['#text', '#cdata', ':@', '+', ':', 'a:', ':a', 'a:b:c', '1a', '-a', 'a\ufeffb'])(
    '%s is none',
    (name) => {
      expect(reason(`<${name}/>`)).toMatch(/no element|malformed tag/);
    },
  );
});

describe('a document that is not well formed is refused', () => {
  it.each([
    ['nothing', ''],
    ['no element', ' <!-- x --> '],
    ['text alone', 'hello'],
    ['text before the root', 'x<a/>'],
    ['text behind the root', '<a></a>x'],
    ['text behind an empty root', '<a/>x'],
    ['a second root', '<a></a><b></b>'],
    ['a second empty root', '<a/><b/>'],
    ['a reference behind the root', '<a/>&amp;'],
    ['CDATA behind the root', '<a/><![CDATA[x]]>'],
    ['an unclosed element', '<a>'],
    ['an unclosed element with children', '<a><b></b>'],
    ['crossing elements', '<a><b></a></b>'],
    ['an end tag in another case', '<a></A>'],
    ['an end tag with another prefix', '<p:a></q:a>'],
    ['an end tag alone', '</a>'],
    ['an end tag with attributes', '<a></a x="1">'],
    ['an unfinished tag', '<a'],
    ['white space before a name', '< a/>'],
    ['an attribute without value', '<a b/>'],
    ['an attribute without quotes', '<a b=c/>'],
    ['an unfinished value', '<a b="c/>'],
    ['attributes without white space between', '<a b="1"c="2"/>'],
    ['a stray equals sign', '<a = b="c"/>'],
    ['< in a value', '<a b="<"/>'],
    ['an attribute that repeats', '<a b="1" b="2"/>'],
    ['an undeclared entity', '<a>&foo;</a>'],
    ['an HTML entity', '<a>&nbsp;</a>'],
    ['an undeclared entity in an attribute', '<a b="&foo;"/>'],
    ['an entity in another case', '<a>&LT;</a>'],
    ['an entity with a dot', '<a>&l.;</a>'],
    ['a bare ampersand', '<a>x & y</a>'],
    ['a bare ampersand in an attribute', '<a b="x & y"/>'],
    ['a reference without semicolon', '<a>&amp</a>'],
    ['a reference without digits', '<a>&#;</a>'],
    ['a hexadecimal reference without digits', '<a>&#x;</a>'],
    ['a reference cut by a comment', '<a>&am<!-- -->p;</a>'],
    ['a reference to NUL', '<a>&#0;</a>'],
    ['a reference to a control character', '<a b="&#8;"/>'],
    ['a reference to a surrogate', '<a>&#xD800;</a>'],
    ['a reference to no character', '<a>&#xFFFE;</a>'],
    ['a reference beyond Unicode', '<a>&#x110000;</a>'],
    ['NUL', '<a>\0</a>'],
    ['a control character', '<a b="\x08"/>'],
    ['a control character in a comment', '<!--\x01--><a/>'],
    ['a lone surrogate', '<a>\ud800</a>'],
    ['U+FFFF', '<a>\uffff</a>'],
    [']]> in text', '<a>]]></a>'],
    ['an unfinished comment', '<a><!-- </a>'],
    ['-- in a comment', '<a><!-- x -- y --></a>'],
    ['a comment that ends in --->', '<a><!-- x ---></a>'],
    ['unfinished CDATA', '<a><![CDATA[ </a>'],
    ['an unfinished processing instruction', '<a><?x </a>'],
    ['a processing instruction without name', '<a><? x ?></a>'],
    ['a declaration inside', '<a><?xml version="1.0"?></a>'],
    ['a declaration that is not first', ' <?xml version="1.0"?><a/>'],
    ['another declaration inside', '<a><!ELEMENT b ANY></a>'],
    ['a DOCTYPE inside', '<a><!DOCTYPE a></a>'],
    ['a DOCTYPE behind the root', '<a/><!DOCTYPE a>'],
    ['two DOCTYPEs', '<!DOCTYPE a><!DOCTYPE a><a/>'],
    ['an unfinished DOCTYPE', '<!DOCTYPE a "x'],
  ])('%s', (_, document) => expect(reason(document)).not.toBe(''));
});

describe('document types', () => {
  it.each([
    '<!DOCTYPE a>',
    '<!DOCTYPE a SYSTEM "http://x/a.dtd">',
    `<!DOCTYPE a PUBLIC "-//X//DTD ] > [ A//EN" 'a.dtd'>`,
    '<?xml version="1.0"?> <!-- x --><!DOCTYPE a>\n<?y?>',
  ])('%s is skipped', (prolog) => expect(read(`${prolog}<a/>`)).toEqual(node('a')));

  const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join(
    '',
  );

  it.each([
    ['an entity', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['an empty subset', '<!DOCTYPE a []><a/>'],
    ['a billion laughs', `<!DOCTYPE a [<!ENTITY l0 "ha">${laughs}]><a>&l9;</a>`],
    ['a file', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ['a parameter entity', '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://x/"> %x;]><a/>'],
    ['an entity that hides &lt; (CVE-2026-25896)', '<!DOCTYPE a [<!ENTITY l. "<b/>">]><a>&lt;</a>'],
    ['a subset behind an identifier', '<!DOCTYPE a SYSTEM "x" [<!ENTITY x "y">]><a/>'],
  ])('with %s are refused', (_, document) =>
    expect(reason(document)).toBe('DOCTYPE with an internal subset'),
  );
});

describe('octets', () => {
  it('are UTF-8, a byte order mark is no harm', () => {
    expect(parseXml(octets('\ufeff<?xml version="1.0" encoding="utf-8"?><a>ä</a>'), LIMIT)).toEqual(
      leaf('a', 'ä'),
    );
    expect(parseXml('\ufeff<a/>', LIMIT)).toEqual(node('a'));
  });

  it.each([
    ['UTF-16', octets('\ufeff<a/>', 'utf16le')],
    ['UTF-16 without a mark', octets('<a/>', 'utf16le')],
    ['ISO-8859-1', octets('<a>ä</a>', 'latin1')],
    ['overlong forms', Uint8Array.from([0x3c, 0x61, 0x3e, 0xc0, 0xbc, 0x3c, 0x2f, 0x61, 0x3e])],
    ['a character cut off', octets('<a>ä</a>').subarray(0, 4)],
    ['another encoding in the declaration', octets('<?xml version="1.0" encoding="UTF-16"?><a/>')],
    ['UTF-7 in the declaration', octets(`<?xml version='1.0' encoding='UTF-7'?><a/>`)],
  ])('that are %s are refused', (_, document) => expect(reason(document)).not.toBe(''));
});

describe('limits', () => {
  const nested = (levels: number): string => '<a>'.repeat(levels) + '</a>'.repeat(levels);

  it('64 levels', () => {
    expect(read(nested(64)).name).toBe('a');
    expect(reason(nested(65))).toBe('too many elements inside each other');
    expect(reason(nested(200_000))).toBe('too many elements inside each other');
  });

  it('20,000 elements', () => {
    expect(read(`<r>${'<a/>'.repeat(19_999)}</r>`).children).toHaveLength(19_999);
    expect(reason(`<r>${'<a/>'.repeat(20_000)}</r>`)).toBe('too many elements');
  });

  it('100 attributes', () => {
    const attributes = (count: number): string =>
      Array.from({ length: count }, (_, n) => ` a${n}="x"`).join('');
    expect(Object.keys(read(`<a${attributes(100)}/>`).attributes ?? {})).toHaveLength(100);
    expect(reason(`<a${attributes(101)}/>`)).toBe('too many attributes');
  });

  it('octets, not characters', () => {
    expect(reason('<a>ää</a>', 10)).toBe('over 10 octets');
    expect(parseXml('<a>ää</a>', 11)).toEqual(leaf('a', 'ää'));
    expect(reason(octets('<a>ää</a>'), 10)).toBe('over 10 octets');
  });
});

describe('writing', () => {
  it('escapes what must be', () => {
    const element = {
      name: 'a',
      xmlns: 'urn:"',
      attributes: { b: '<&>"\n\t\r' },
      text: '<&>"\r]]>',
      children: [],
    };
    expect(writeXml(element)).toBe(
      '<a xmlns="urn:&quot;" b="&lt;&amp;&gt;&quot;&#10;&#9;&#13;">&lt;&amp;&gt;"&#13;]]&gt;</a>',
    );
  });

  it('leaves out what XML cannot carry', () => {
    const attributes = { b: '\x01x', 'c d': 'y', xmlns: 'urn:x' };
    const children = [leaf('x y', 'z'), leaf('', 'z'), leaf('p:q', 'z')];
    expect(writeXml({ name: 'a', attributes, text: '\0x\ud800\uffff', children })).toBe('<a b="x">x</a>');
  });

  const name = fc.oneof(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,12}$/), fc.string());
  const any = fc.oneof(fc.string({ unit: 'binary' }), fc.string());
  const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
    tree: fc
      .record({
        name,
        attributes: fc.dictionary(name, any, { maxKeys: 3 }),
        text: any,
        children: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie('tree'), { maxLength: 3 })),
      })
      .map((element): Element => element),
  }));

  it('is well formed whatever the tree holds, and read as it was written', () => {
    fc.assert(
      fc.property(tree, (element) => {
        const text = writeXml({ ...element, name: 'root' });
        const parser = new SaxesParser();
        parser.on('error', (error) => {
          throw error;
        });
        parser.write(text).close();
        // Text between elements is put in front of them once, so the second time nothing changes.
        const once = writeXml(read(text));
        expect(writeXml(read(once))).toBe(once);
      }),
    );
  });
});

it('takes and refuses what another strict parser does', () => {
  const pieces = [
    '<a>',
    '</a>',
    '<a/>',
    '<b x="1">',
    '</b>',
    'x',
    '&amp;',
    '&',
    '<',
    '>',
    '"',
    ']]>',
    '<!--',
    '-->',
    '<![CDATA[',
    '<?p ',
    '?>',
    ' ',
    '&#65;',
    '&#1;',
    "x='",
  ];
  const strict = (text: string): boolean => {
    let fine = true;
    const parser = new SaxesParser();
    parser.on('error', () => (fine = false));
    parser.write(text).close();
    return fine;
  };
  const ours = (text: string): boolean => {
    try {
      read(text);
      return true;
    } catch (error) {
      if (error instanceof XmlError) return false;
      throw error;
    }
  };
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 10 }), (chosen) => {
      const text = `<r>${chosen.join('')}</r>`;
      expect([text, ours(text)]).toEqual([text, strict(text)]);
    }),
    { numRuns: 3_000 },
  );
});
