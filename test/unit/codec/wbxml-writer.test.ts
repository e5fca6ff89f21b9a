import { describe, expect, it } from 'vitest';
import type { Element } from '../../../src/wv/element.ts';
import { leaf, node } from '../../../src/wv/element.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { decodeWbxml, encodeWbxml } from '../../../src/access/csp/codec/wbxml.ts';
import { expectDecoded, hex, message, xml } from './documents.ts';

/** The body: what comes behind the four octets of the header. */
const body = (root: Element, version: CspVersion = '1.2'): string =>
  hex(encodeWbxml(root, version).subarray(4));

describe('writing WBXML', () => {
  it.each([
    ['1.1', '03 10 6a 00 89 05 03 31 2e 31 00 01'],
    ['1.2', '03 11 6a 00 89 08 03 31 2e 32 00 01'],
    ['1.3', '03 12 6a 00 89 0b 03 31 2e 33 00 01'],
  ] as const)('begins a message of %s with its header and namespace', (version, octets) => {
    const { xmlns = '' } = xml(message(version, '<Polling-Request/>'));
    expect(hex(encodeWbxml(node('WV-CSP-Message', [], xmlns), version))).toBe(octets);
  });

  it('writes text as one string and empty elements without content', () => {
    expect(body(leaf('Description', 'Zoë'))).toBe('52 03 5a 6f c3 ab 00 01');
    expect(body(leaf('ContentData', 'a😀\0b'))).toBe('4d 03 61 f0 9f 98 80 62 00 01');
    expect(body(leaf('TransactionID', ''))).toBe('35');
  });

  it('writes long text of any kind', () => {
    for (const value of ['x'.repeat(20_000), '€'.repeat(20_000)]) {
      const back = expectDecoded(decodeWbxml(encodeWbxml(leaf('ContentData', value), '1.2')));
      expect(back.root.text).toBe(value);
    }
  });

  it.each([
    ['0', 'c3 01 00'],
    ['200', 'c3 01 c8'],
    ['256', 'c3 02 01 00'],
    ['65536', 'c3 03 01 00 00'],
    ['4294967295', 'c3 04 ff ff ff ff'],
    [' 7\n', 'c3 01 07'],
    ['4294967296', '03 34 32 39 34 39 36 37 32 39 36 00'],
    ['x', '03 78 00'],
  ])('writes the integer %s as %s', (value, octets) => {
    expect(body(leaf('Code', value))).toBe(`4b ${octets} 01`);
  });

  it('writes dates as text, since phones drop octets there', () => {
    expect(body(leaf('DateTime', '20010925T165859Z'))).toMatch(/^51 03 32 30/);
  });

  it('uses value tokens for protocol values', () => {
    expect(body(leaf('Poll', 'T'))).toBe('61 80 2c 01');
    expect(body(leaf('ContentType', 'text/plain'))).toBe('50 80 28 01');
    expect(body(leaf('ContentType', 'text/plain; charset=us-ascii'))).toMatch(/^50 03 /);
    expect(body(leaf('SupportedCIRMethod', 'SHTTP'))).toBe('00 03 50 80 81 25 01');
    expect(body(node('OnlineStatus', [leaf('PresenceValue', 'T')]))).toBe('00 05 61 00 00 64 80 2c 01 01');
  });

  it.each([
    ['ContentData', 'Open'],
    ['ContentData', 'T'],
    ['UserID', 'Mod'],
    ['Name', 'Private'],
    ['Description', 'N'],
    ['SName', 'Admin'],
    ['SearchString', 'T'],
  ])('writes a user’s own %s %s as text', (name, value) => {
    expect(body(leaf(name, value))).toContain(' 03 ');
    expect(body(leaf(name, value))).not.toContain(' 80 ');
  });

  it('tells protocol values from a user’s text by the element around them', () => {
    const property = (name: string, value: string): string =>
      body(node('Property', [leaf('Name', name), leaf('Value', value)]));
    expect(property('Accesstype', 'Open')).toBe(
      '65 5e 03 41 63 63 65 73 73 74 79 70 65 00 01 7d 80 18 01 01',
    );
    expect(property('Topic', 'Open')).toBe('65 5e 80 2b 01 7d 03 4f 70 65 6e 00 01 01');
    expect(body(node('NickName', [leaf('Name', 'Topic')]))).not.toContain('80');
    expect(body(node('StatusText', [leaf('PresenceValue', 'HAPPY')]))).not.toContain('80');
    expect(body(node('StatusMood', [leaf('PresenceValue', 'HAPPY')]))).toContain('80 67');
  });

  it('uses the value tokens of the version only', () => {
    const property = (name: string): Element => node('Property', [leaf('Name', name)]);
    expect(body(property('AutoDelete'), '1.1')).not.toContain('80');
    expect(body(property('AutoDelete'), '1.2')).toContain('80 31');
    expect(body(property('History'), '1.3')).not.toContain('80');
    expect(body(leaf('SearchElement', 'GROUP_ID'), '1.3')).not.toContain('80');
    expect(body(leaf('SearchElement', 'GROUP_ID'), '1.2')).toContain('80 3d');
    expect(body(leaf('Cap', 'IM'), '1.1')).toContain('80 12');
  });

  it('has two tokens for SMS', () => {
    expect(body(leaf('SupportedBearer', 'SMS'))).toContain('80 43');
    expect(body(leaf('Cap', 'SMS'))).toContain('80 75');
  });

  it('takes the token of another version where it is free, and a literal where it is not', () => {
    expect(body(node('MessageInfoList'), '1.2')).toBe('00 06 20');
    expect(hex(encodeWbxml(node('AnswerOptionText'), '1.2'))).toMatch(/^03 11 6a 11 41 6e .* 00 04 00$/);
  });

  it('writes vendor extensions with a string table', () => {
    const detail = { ...leaf('ClientTypeDetail', 'PC'), xmlns: 'http://imps.colibria.com/PA-ext-1.2' };
    const root = node('ClientInfo', [detail, leaf('Model', 'x')]);
    expect(expectDecoded(decodeWbxml(encodeWbxml(root, '1.2'))).root).toEqual(root);
  });

  it('writes other spellings with the token they have', () => {
    expect(body(node('BlockUser-Request'))).toBe('00 06 06');
  });

  it('forgets the buffer of a huge document', () => {
    const huge = leaf('ContentData', 'x'.repeat(2_000_000));
    expect(encodeWbxml(huge, '1.2').length).toBe(2_000_000 + 8);
    expect(body(leaf('Code', '1'))).toBe('4b c3 01 01 01');
  });
});
