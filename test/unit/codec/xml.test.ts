import { cpuTime } from '../../support/cpu-time.ts';
import { XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { leaf, node } from '../../../src/wv/element.ts';
import { decodeXml, encodeXml } from '../../../src/access/csp/codec/xml.ts';
import { expectDecoded, expectError, message, text, utf8, xml } from './documents.ts';

const STATUS = '<Status><Result><Code>200</Code></Result></Status>';

describe('reading XML', () => {
  it('reads what it writes', () => {
    const document = message('1.2', STATUS);
    expect(text(xml(document))).toBe(document);
  });

  it('keeps xmlns where it was declared and drops other declarations', () => {
    const root = xml(
      '<WV-CSP-Message xmlns="http://www.wireless-village.org/CSP1.1" xmlns:xsi="http://a/" xsi:x="1"/>',
    );
    expect(root).toEqual({
      name: 'WV-CSP-Message',
      xmlns: 'http://www.wireless-village.org/CSP1.1',
      text: '',
      children: [],
    });
  });

  it('drops blanks between elements and keeps them in leaves', () => {
    const root = xml('<NewMessage>\r\n\t<ContentData> two\r\nlines </ContentData>\n</NewMessage>');
    expect(root).toEqual(node('NewMessage', [leaf('ContentData', ' two\nlines ')]));
    expect(xml('<ContentData>  </ContentData>').text).toBe('  ');
    expect(xml('<NickList>\n</NickList>').text).toBe('');
  });

  it('joins text around comments, CDATA and references', () => {
    const root = xml(
      '<?xml version="1.0"?><!-- a --><ContentData>a<!-- - -->&lt;<![CDATA[<b>&amp;]]>&#x20AC;</ContentData>',
    );
    expect(root.text).toBe('a<<b>&amp;€');
  });

  it('keeps mixed content', () => {
    expect(xml('<ClientID>phone<URL>u</URL></ClientID>')).toMatchObject({
      text: 'phone',
      children: [{ text: 'u' }],
    });
  });

  it('reads prefixed documents by local name, with the namespaces where they change', () => {
    const root = xml(
      '<wv:WV-CSP-Message xmlns:wv="urn:CSP1.2" xmlns:t="urn:TRC1.2"><wv:Session><t:TransactionContent>' +
        '<t:Status/></t:TransactionContent></wv:Session></wv:WV-CSP-Message>',
    );
    expect(text(root)).toBe(
      '<WV-CSP-Message xmlns="urn:CSP1.2"><Session><TransactionContent xmlns="urn:TRC1.2"><Status/>' +
        '</TransactionContent></Session></WV-CSP-Message>',
    );
  });

  it('reads attributes that look like properties of objects', () => {
    const { attributes } = xml('<a __proto__="x" constructor="y"/>');
    expect(Object.entries(attributes ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it.each([
    ['<?xml version="1.0" encoding="UTF-8"?>', 'utf-8'],
    ["\ufeff<?xml version='1.0'?>", 'byte order mark'],
    ['<?xml version="1.0" encoding="UTF-16"?>', 'UTF-16 that is none'],
    ['  \r\n<?xml version="1.0"?>', 'blanks before the declaration'],
  ])('takes %s (%s)', (prolog) => {
    expect(xml(`${prolog}<Name>Zoë 😀</Name>`).text).toBe('Zoë 😀');
  });

  it('reads Latin-1 that says so, and UTF-16', () => {
    const latin1 = Uint8Array.from('<?xml version="1.0" encoding="ISO-8859-1"?><Name>Zoë</Name>', (c) =>
      c.charCodeAt(0),
    );
    expect(expectDecoded(decodeXml(latin1)).root.text).toBe('Zoë');
    const wide = new Uint8Array(Uint16Array.from('\ufeff<Name>Zoë</Name>', (c) => c.charCodeAt(0)).buffer);
    expect(expectDecoded(decodeXml(wide)).root.text).toBe('Zoë');
  });

  it('refuses other encodings and octets that are not what they say', () => {
    expect(expectError(decodeXml(utf8('<?xml version="1.0" encoding="koi8-r"?><a/>'))).kind).toBe(
      'unsupported-charset',
    );
    expect(expectError(decodeXml(Uint8Array.of(0x3c, 0x61, 0x3e, 0xe9, 0x3c))).kind).toBe('malformed');
  });

  it('takes the version from the namespace, else from the DOCTYPE', () => {
    const doctype = '<!DOCTYPE WV-CSP-Message PUBLIC "-//OMA//DTD WV-CSP 1.1//EN" "http://a/b">';
    expect(expectDecoded(decodeXml(utf8(`${doctype}<WV-CSP-Message/>`))).version).toBe('1.1');
    expect(expectDecoded(decodeXml(utf8(doctype + message('1.3', STATUS)))).version).toBe('1.3');
    expect(expectDecoded(decodeXml(utf8('<WV-CSP-Message/>'))).version).toBeUndefined();
  });

  it('takes a DOCTYPE without the word PUBLIC, as Baraza writes it', () => {
    const prolog = `<?xml version='1.0'?>\n\t<!DOCTYPE IMPS-CSP "-//OMA//DTD WV-CSP 1.1//EN" \n\t"http://a/[>">\n`;
    expect(expectDecoded(decodeXml(utf8(`${prolog}<a/>`))).version).toBe('1.1');
  });
});

describe('refusing XML', () => {
  const BOMB = `<!DOCTYPE lolz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><a>&b;</a>`;

  it.each([
    ['an internal subset', BOMB, 'doctype'],
    ['an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 'doctype'],
    ['a second DOCTYPE', '<!DOCTYPE a><!DOCTYPE a><a/>', 'doctype'],
    ['a DOCTYPE after the beginning', '<a><!DOCTYPE a></a>', 'malformed'],
    ['an unfinished DOCTYPE', '<!DOCTYPE a "', 'malformed'],
    [
      'an entity of HTML (Baraza writes them for non-ASCII text)',
      '<Name>Caf&Atilde;&copy;</Name>',
      'malformed',
    ],
    ['an entity named like a property of objects', '<a>&constructor;&toString;</a>', 'malformed'],
    ['a surrogate as character reference', '<a>&#xD800;</a>', 'malformed'],
    ['a NUL', '<a>\0</a>', 'malformed'],
    ['crossed tags', '<a><b></a></b>', 'malformed'],
    ['an unclosed element', '<a><b>', 'malformed'],
    ['two roots', '<a/><b/>', 'malformed'],
    ['junk behind the root', '<a/>junk', 'malformed'],
    ['an attribute twice', '<a b="1" b="2"/>', 'malformed'],
    ['a name that is only a prefix', '<a:/>', 'malformed'],
    ['no element', '  ', 'malformed'],
    ['nothing', '', 'malformed'],
    ['no XML', 'WV12QR', 'malformed'],
  ])('refuses %s', (_, document, kind) => {
    expect(expectError(decodeXml(utf8(document))).kind).toBe(kind);
  });

  it('tells session and transaction of a message with a broken xmlns', () => {
    const broken = message('1.2', '<ListManage-Request/>').replace(
      '<TransactionContent xmlns="',
      '<TransactionContent xmlns=',
    );
    expect(expectError(decodeXml(utf8(broken)))).toMatchObject({
      kind: 'malformed',
      partial: { sessionId: 's-81f2c0', transactionId: '17', version: '1.2' },
    });
    const padded = broken.replaceAll(/>([^<>]+)</g, '>\n$1\n<');
    expect(expectError(decodeXml(utf8(padded))).partial).toMatchObject({
      sessionId: 's-81f2c0',
      transactionId: '17',
      version: '1.2',
    });
  });

  it('keeps the limits', () => {
    const nested = (depth: number): Uint8Array => utf8('<a>'.repeat(depth) + '</a>'.repeat(depth));
    expectDecoded(decodeXml(nested(32)));
    expect(expectError(decodeXml(nested(33))).kind).toBe('too-deep');
    expect(expectError(decodeXml(nested(100_000), { maxBytes: 1e7, maxDepth: 1e9 })).kind).toBe('too-deep');
    expect(expectError(decodeXml(utf8(`<a>${'<b/>'.repeat(20_000)}</a>`))).kind).toBe('too-many');
    expect(expectError(decodeXml(utf8('<a>12345</a>'), { maxText: 4 })).kind).toBe('too-large');
    expect(expectError(decodeXml(new Uint8Array(262_145))).kind).toBe('too-large');
  });

  it.each([
    ['attributes', `<a ${Array.from({ length: 15_000 }, (_, i) => `b${i}=""`).join(' ')}/>`],
    ['comments', `${'<!---->'.repeat(35_000)}<a/>`],
    ['an unfinished comment', `<!--${'-'.repeat(250_000)}`],
    ['less-than signs', '<'.repeat(250_000)],
    ['entities', `<a>${'&amp;'.repeat(50_000)}</a>`],
    ['session ids that are none', `<a>${'<SessionID>'.repeat(20_000)}`],
    ['a session id of blanks', `<a><SessionID>${' '.repeat(250_000)}`],
    ['session ids of blanks', `<a>${`<SessionID>${' '.repeat(500)}`.repeat(500)}`],
    ['blanks in tags', `<a>${`<SessionID${' '.repeat(500)}`.repeat(500)}`],
    ['an endless declaration', `<?xml ${' '.repeat(250_000)}`],
    ['an endless DOCTYPE', `<!DOCTYPE ${`"'`.repeat(120_000)}`],
  ])('takes time in proportion for many %s', (_, document) => {
    const start = cpuTime();
    decodeXml(utf8(document));
    expect(cpuTime() - start).toBeLessThan(1000);
  });
});

describe('writing XML', () => {
  const written = (value: string): string => text(leaf('ContentData', value));

  it('escapes only what it must', () => {
    expect(written(`a<b>&"c"'d'`)).toBe(`<ContentData>a&lt;b>&amp;"c"'d'</ContentData>`);
    expect(written(']]>')).toBe('<ContentData>]]&gt;</ContentData>');
    expect(written('a\r\nb\tc')).toBe('<ContentData>a&#13;\nb\tc</ContentData>');
  });

  it('drops what XML 1.0 cannot hold', () => {
    expect(written('a\0\u0001\u000b\ufffe\ud800b😀')).toBe('<ContentData>ab😀</ContentData>');
  });

  it('writes declaration, empty elements and attributes', () => {
    const root = { ...node('a', [node('b')], 'urn:"x"'), attributes: { c: '<\t"' } };
    expect(new TextDecoder().decode(encodeXml(root, { declaration: true }))).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><a xmlns="urn:&quot;x&quot;" c="&lt;&#9;&quot;"><b/></a>',
    );
  });

  it('writes what another parser finds well formed', () => {
    const all = Array.from({ length: 0x300 }, (_, code) => String.fromCharCode(code)).join('');
    expect(XMLValidator.validate(written(`${all}]]>\ud83d😀\uffff`))).toBe(true);
  });
});
