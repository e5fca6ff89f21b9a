// What people save, and the octets in it; and which format these are.
import { describe, expect, it } from 'vitest';
import { formatOf } from '../../../src/decode/format.ts';
import { hexContext } from '../../../src/decode/hex.ts';
import { fromHex, InputError, isHex, withoutHttpHead } from '../../../src/decode/input.ts';
import { hex, octets, utf8 } from '../codec/documents.ts';

describe('hexadecimal', () => {
  it.each([
    ['03116a00', '03 11 6a 00'],
    ['03 11 6A 00\n', '03 11 6a 00'],
    ['03:11:6a:00', '03 11 6a 00'],
    ['0x03, 0x11, 0x6a', '03 11 6a'],
    ['\\x03\\x11', '03 11'],
    ['00000000: 0311 6a00 5741                           ..j.WA', '03 11 6a 00 57 41'],
    ['00000000  03 11 6a 00 41 42 43 44  45 46  |..j.ABCDEF|\n0000000a', '03 11 6a 00 41 42 43 44 45 46'],
    ['0000  03 11 6a 00   ..j.', '03 11 6a 00'],
    ['', ''],
  ])('%j', (text, expected) => {
    expect(hex(fromHex(text))).toBe(expected);
  });

  it.each(['03 1', '03 1g', 'hello'])('%j is none', (text) => {
    expect(() => fromHex(text)).toThrow(InputError);
  });

  it('is recognised when there is nothing else', () => {
    expect(isHex('03 11 6a 00')).toBe(true);
    expect(isHex('03 11 6a 0')).toBe(false);
    expect(isHex('WV12GL2')).toBe(false);
  });
});

describe('an HTTP head', () => {
  it('is taken off, and told', () => {
    const saved = utf8('POST /csp HTTP/1.1\r\nHost: im.example\r\nContent-Type: text/xml\r\n\r\n<a/>');
    const { octets: body, facts } = withoutHttpHead(saved);
    expect([new TextDecoder().decode(body), facts]).toEqual([
      '<a/>',
      ['HTTP: POST /csp HTTP/1.1', 'Content-Type: text/xml'],
    ]);
  });

  it('may announce chunks', () => {
    const saved = utf8('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\n<a\r\n2;x=y\r\n/>\r\n0\r\n\r\n');
    expect(new TextDecoder().decode(withoutHttpHead(saved).octets)).toBe('<a/>');
  });

  it('is not made up', () => {
    expect(withoutHttpHead(utf8('POSTcard')).octets).toEqual(utf8('POSTcard'));
    expect(withoutHttpHead(utf8('GET / HTTP/1.0')).octets).toHaveLength(0);
  });
});

describe('the format', () => {
  it.each([
    ['03 11 6a 00 49 01', 'wbxml'],
    ['01 10 6a 00 49 01', 'wbxml'],
    ['03 00 00 6a 1a 2d', 'wbxml'],
    ['ff fe 3c 00 57 00 56 00', 'smcnp'],
    ['01 06 03 c6 af 8a 57 56 43 49 20 31', 'cir'],
    ['03 02 6a 00', undefined],
    ['', undefined],
  ])('of octets %s is %s', (text, format) => {
    expect(formatOf(octets(text))).toBe(format);
  });

  it.each([
    ['<?xml version="1.0"?>\n<WV-CSP-Message/>', 'xml'],
    ['\ufeff<p:WV-CSP-Message xmlns:p="x"/>', 'xml'],
    ['<WV-CSP-NSDiscovery-Request/>', 'xml'],
    ['<?xml version="1.0"?><WV-SSP-Message/>', 'ssp'],
    ['<slia ver="3.0.0"/>', 'smcnp'],
    ['WV12LR1 UI=x', 'pts'],
    ['WVCI 1.2 ck-1', 'cir'],
    ['HELO s-1\r\n', 'cir'],
    ['OKAY', undefined],
    ['hello', undefined],
  ])('of %j is %s', (text, format) => {
    expect(formatOf(utf8(text))).toBe(format);
  });
});

describe('the octets around a place', () => {
  it('are marked', () => {
    expect(
      hexContext(
        Uint8Array.from({ length: 40 }, (_, index) => 0x30 + index),
        18,
      ),
    ).toEqual([
      '00000000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?',
      '00000010  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO',
      '                ^^',
      '00000020  50 51 52 53 54 55 56 57                          PQRSTUVW',
    ]);
  });

  it('end with the input', () => {
    expect(hexContext(octets('03'), 1)).toEqual([
      '00000000  03                                               .',
      '00000001  (end of the input)',
    ]);
    expect(hexContext(octets(''), 0)).toEqual(['00000000  (end of the input)']);
  });
});
