import { cpuTime } from '../../support/cpu-time.ts';
import { describe, expect, it } from 'vitest';
import { leaf, node } from '../../../src/wv/element.ts';
import { decodeWbxml } from '../../../src/access/csp/codec/wbxml.ts';
import { expectDecoded, expectError, octets, text, wbxml } from './documents.ts';

const V11 = '03 10 6a 00';
const V12 = '03 11 6a 00';
const V13 = '03 12 6a 00';

describe('the header', () => {
  it.each([
    [V11, '1.1'],
    [V12, '1.2'],
    [V13, '1.3'],
    ['01 11 6a 00', '1.2'],
    ['02 11 6a 00', '1.2'],
    ['03 01 6a 00', undefined],
    ['03 0f 6a 00', undefined],
    ['03 11 00 00', '1.2'],
    ['03 11 03 00', '1.2'],
    ['03 11 87 77 00', '1.2'],
    [`03 00 00 6a 1a ${Buffer.from('-//OMA//DTD WV-CSP 1.2//EN').toString('hex')}`, undefined],
    [`03 00 00 6a 1b ${Buffer.from('-//OMA//DTD WV-CSP 1.2//EN\0').toString('hex')}`, '1.2'],
  ])('%s is version %s', (header, version) => {
    const result = decodeWbxml(octets(`${header} 09`));
    if (version === undefined && header.startsWith('03 00')) expectError(result);
    else expect(expectDecoded(result).version).toBe(version);
  });

  it('lets the namespace of the root overrule the public identifier', () => {
    expect(expectDecoded(decodeWbxml(octets(`${V11} 89 08 03 31 2e 32 00 01`))).version).toBe('1.2');
  });

  it.each([
    ['00 11 6a 00 09', 'unsupported-document'],
    ['04 11 6a 00 09', 'unsupported-document'],
    ['03 11 05 00 09', 'unsupported-charset'],
    ['03 11 6a 00', 'malformed'],
    ['03 11 6a 05 61 00', 'malformed'],
    ['03 00 07 6a 02 61 00 09', 'malformed'],
    ['', 'malformed'],
  ])('refuses %s: %s', (document, kind) => {
    expect(expectError(decodeWbxml(octets(document))).kind).toBe(kind);
  });
});

describe('text', () => {
  const name = (content: string, header = V12): string => wbxml(`${header} 5e ${content} 01`).text;

  it('joins STR_I, STR_T, ENTITY and value tokens in their order', () => {
    expect(name('03 61 00 83 02 02 83 20 80 28 03 21 00', '03 11 6a 05 78 00 62 63 00')).toBe(
      'abcƠtext/plain!',
    );
  });

  it('continues a value prefix with STR_I', () => {
    expect(wbxml(`${V12} 77 80 0e 03 68 2f 70 00 01`)).toEqual(leaf('URL', 'http://h/p'));
  });

  it('reads UTF-8, surrogates written one by one, and mends what is broken', () => {
    expect(name('03 5a 6f c3 ab 20 f0 9f 98 80 00')).toBe('Zoë 😀');
    expect(name('03 61 ed a0 bd ed b8 80 62 00')).toBe('a😀b');
    expect(name('03 61 ff 62 00')).toBe('a\ufffdb');
    expect(name('02 83 b0 3d 02 83 bc 00')).toBe('😀');
  });

  it('reads Latin-1 and UTF-16 when the header says so', () => {
    expect(name('03 e9 00', '03 11 04 00')).toBe('é');
    expect(name('03 00 5a 01 00 d8 3d de 00 00 00', '03 11 87 77 00')).toBe('ZĀ😀');
  });

  it('skips the extensions that mean nothing here, and instructions', () => {
    expect(name('40 78 00 41 78 00 42 78 00 81 05 82 85 05 c0 c1 c2 43 05 03 31 00 01 03 61 00')).toBe('a');
    expect(wbxml(`${V12} 43 05 03 31 00 01 00 01 0b`).name).toBe('CapabilityRequest');
  });

  it('takes OPAQUE in text for UTF-8, and anything else for BASE64', () => {
    expect(name('c3 03 c3 ab 21')).toBe('ë!');
    const image = expectDecoded(decodeWbxml(octets(`${V12} 4d c3 04 ff d8 ff e0 01`)));
    expect(image).toMatchObject({ root: { text: '/9j/4A==' }, base64: true });
  });

  it('drops blanks between elements', () => {
    expect(wbxml(`${V12} 6d 03 0a 20 00 21 03 0a 00 01`)).toEqual(node('Session', [leaf('Poll', '')]));
  });

  it.each([
    ['a string without end', '03 61'],
    ['an index beyond the string table', '83 00'],
    ['OPAQUE beyond the end', 'c3 05 61'],
    ['a number of six octets', 'c3 81 81 81 81 81 01'],
    ['a number over 32 bits', '80 9f 80 80 80 00'],
    ['a character beyond Unicode', '02 c4 80 00'],
    ['no END', '03 61 00'],
  ])('refuses %s', (_, content) => {
    expect(expectError(decodeWbxml(octets(`${V12} 5e ${content}`))).kind).toBe('malformed');
  });

  it('refuses value tokens nobody defined', () => {
    expect(expectError(decodeWbxml(octets(`${V12} 5e 80 81 7f 01`))).kind).toBe('unknown-token');
  });
});

describe('typed values', () => {
  it.each([
    ['c3 01 c8', '200'],
    ['c3 02 01 91', '401'],
    ['c3 04 ff ff ff ff', '4294967295'],
    ['c3 00', '0'],
    ['c3 01 00', '0'],
    ['c3 04 00 00 00 07', '7'],
    ['03 34 30 31 00', '401'],
  ])('reads the integer %s as %s', (content, value) => {
    expect(wbxml(`${V12} 4b ${content} 01`)).toEqual(leaf('Code', value));
  });

  it('reads SearchID as a string and, when it is OPAQUE, as the number others make of it', () => {
    expect(wbxml(`${V12} 00 01 66 c3 04 23 82 93 81 01`)).toEqual(leaf('SearchID', '595760001'));
    expect(wbxml(`${V12} 00 01 66 03 78 31 00 01`)).toEqual(leaf('SearchID', 'x1'));
  });

  it.each([
    ['1f 46 73 0e bb 5a', '20010925T165859Z'],
    ['1f 46 a6 9c 9f 5a', '20011019T095031Z'],
    ['1f 46 72 da 0d 5a', '20010925T134013Z'],
    ['1f 46 72 da 0d 00', '20010925T134013Z'],
    ['1f 46 72 da 0d 4a', '20010925T134013Z'],
    ['1f 46 72 da 0d 41', '20010925T134013A'],
  ])('reads the date %s', (date, value) => {
    expect(wbxml(`${V12} 51 c3 06 ${date} 01`)).toEqual(leaf('DateTime', value));
  });

  it('passes a date that is text as it is', () => {
    expect(wbxml(`${V12} 51 03 32 30 30 31 00 01`).text).toBe('2001');
  });
});

describe('what depends on the version', () => {
  it('names the tags by version, older names first where the version has none', () => {
    const tag = (header: string, page: string, token: string): string =>
      wbxml(`${header} 00 ${page} ${token}`).name;
    expect(tag(V12, '09', '0b')).toBe('ReactiveAuthState');
    expect(tag(V13, '09', '0b')).toBe('AnswerOptionText');
    expect(tag(V12, '03', '14')).toBe('CIRURL');
    expect(tag(V13, '03', '14')).toBe('CIRHTTPAddress');
    expect(tag(V11, '06', '06')).toBe('BlockEntity-Request');
    expect(tag(V12, '06', '20')).toBe('MessageInfoList');
    expect(tag(V13, '07', '1f')).toBe('Users');
  });

  it('reads 0x3D as History only in a property name of 1.3', () => {
    expect(wbxml(`${V13} 5e 80 3d 01`).text).toBe('History');
    expect(wbxml(`${V13} 00 01 64 80 3d 01`).text).toBe('GROUP_ID');
    expect(wbxml(`${V12} 5e 80 3d 01`).text).toBe('GROUP_ID');
  });

  it('reads 0x68 as IM in presence and as AP in invitations', () => {
    expect(wbxml(`${V13} 00 05 6f 80 68 01`)).toEqual(leaf('Cap', 'IM'));
    expect(wbxml(`${V12} 00 05 63 80 68 01`)).toEqual(leaf('PrefC', 'IM'));
    expect(wbxml(`${V13} 00 01 58 80 68 01`)).toEqual(leaf('InviteType', 'AP'));
    expect(wbxml(`${V11} 5e 80 68 01`).text).toBe('IM');
  });

  it('reads 0x34 in a property name of 1.1 as ShowID, which S60 means', () => {
    expect(wbxml(`${V11} 5e 80 34 01`).text).toBe('ShowID');
    expect(wbxml(`${V12} 00 09 4b 80 34 01`).text).toBe('DENIED');
  });
});

describe('names and attributes', () => {
  it('reads literal names and values from the string table, as Baraza and others write them', () => {
    expect(text(wbxml(`03 11 6a 04 31 2e 32 00 c9 08 83 00 01 01`))).toBe(
      '<WV-CSP-Message xmlns="http://www.openmobilealliance.org/DTD/WV-CSP1.2"/>',
    );
    const table = Buffer.from('PC\0v:Kind\0xmlns\0').toString('hex');
    expect(text(wbxml(`03 11 6a 10 ${table} c4 03 04 0a 03 75 72 6e 00 01 83 00 01`))).toBe(
      '<Kind xmlns="urn">PC</Kind>',
    );
  });

  it('keeps other attributes', () => {
    expect(wbxml('03 11 6a 02 61 00 89 04 00 03 62 00 02 21 01')).toMatchObject({ attributes: { a: 'b!' } });
  });

  it('reads a namespace in pieces', () => {
    const pieces = `${V12} 89 08 03 31 00 00 00 03 2e 32 00 01`;
    expect(wbxml(pieces).xmlns).toBe('http://www.openmobilealliance.org/DTD/WV-CSP1.2');
  });

  it.each([
    ['a literal name that is no name', '03 11 6a 04 61 20 62 00 04 00', 'malformed'],
    ['an empty literal name', '03 11 6a 01 00 04 00', 'malformed'],
    ['an unknown tag', `${V12} 3f`, 'unknown-token'],
    ['an unknown tag page', `${V12} 00 ff 05`, 'unknown-token'],
    ['an unknown attribute', `${V12} 89 3f 01`, 'unknown-token'],
    ['an attribute on another page', `${V12} 89 00 01 05 01`, 'unknown-token'],
    ['an attribute value token of 1.0', `${V12} 89 05 85 01`, 'unknown-token'],
    ['END instead of a root', `${V12} 01`, 'malformed'],
    ['text instead of a root', `${V12} 03 61 00`, 'malformed'],
  ])('refuses %s', (_, document, kind) => {
    expect(expectError(decodeWbxml(octets(document))).kind).toBe(kind);
  });

  it('tells session and transaction of a message that breaks later', () => {
    const broken = `${V12} c9 08 03 31 2e 32 00 01 6d 6e 6f 03 73 31 00 01 01 72 74 75 03 37 00 01 01 33 ff`;
    expect(expectError(decodeWbxml(octets(broken)))).toMatchObject({
      kind: 'unknown-token',
      partial: { sessionId: 's1', transactionId: '7', version: '1.2' },
    });
  });
});

describe('limits', () => {
  const many = (header: string, part: string, count: number): Uint8Array =>
    Uint8Array.from([...octets(header), ...Array.from({ length: count }, () => [...octets(part)]).flat()]);

  it('keeps depth, elements, text and octets', () => {
    expect(expectError(decodeWbxml(many(V12, '6d', 100_000))).kind).toBe('too-deep');
    expect(expectError(decodeWbxml(many(V12, '6d', 100_000), { maxDepth: 1e9 })).kind).toBe('too-deep');
    expect(expectError(decodeWbxml(many(`${V12} 6d`, '21', 20_001))).kind).toBe('too-many');
    expect(expectError(decodeWbxml(many(`${V12} 5e`, '03 61 61 00', 3), { maxText: 5 })).kind).toBe(
      'too-large',
    );
    expect(expectError(decodeWbxml(many(V12, '6d', 300_000))).kind).toBe('too-large');
  });

  it('counts repeated string table entries each time', () => {
    const header = octets('03 11 6a 9f 20');
    const table = new Uint8Array(4000).fill(0x61);
    table[3999] = 0;
    const references = many('5e', '83 00', 100_000);
    const document = Uint8Array.from([...header, ...table, ...references]);
    const start = cpuTime();
    expect(expectError(decodeWbxml(document)).kind).toBe('too-large');
    expect(cpuTime() - start).toBeLessThan(500);
  });

  it.each([
    ['instructions inside attributes', V12, '43 04 00'],
    ['instructions', V12, '43 01'],
    ['page switches', V12, '00 00'],
    ['empty strings', `${V12} 5e`, '03 00'],
    ['attributes', `${V12} 89`, '05'],
  ])('takes time in proportion for many %s', (_, header, part) => {
    const start = cpuTime();
    expectError(decodeWbxml(many(header, part, Math.floor(262_000 / octets(part).length))));
    expect(cpuTime() - start).toBeLessThan(1000);
  });
});
