import { describe, expect, it } from 'vitest';
import type { CspMessage } from '../../../src/access/csp/codec/binding.ts';
import { isBindError, readMessage, writeMessage } from '../../../src/access/csp/codec/binding.ts';
import { contentKind, decode, encode } from '../../../src/access/csp/codec/codec.ts';
import { decodeXml } from '../../../src/access/csp/codec/xml.ts';
import { expectDecoded, message, text, utf8 } from './documents.ts';

const STATUS = '<Status><Result><Code>200</Code></Result></Status>';

function read(document: string): CspMessage {
  const result = readMessage(expectDecoded(decodeXml(utf8(document))));
  if (isBindError(result)) expect.fail(`${result.code} ${result.element}`);
  return result;
}

describe('reading a message', () => {
  it.each(['1.1', '1.2', '1.3'] as const)('reads and writes the envelope of %s', (version) => {
    const document = message(version, STATUS, 'Response');
    const result = read(document);
    expect(result).toMatchObject({
      version,
      sessionType: 'Inband',
      sessionId: 's-81f2c0',
      poll: false,
      transactions: [{ mode: 'Response', id: '17', primitive: 'Status' }],
    });
    expect(text(writeMessage(result))).toBe(document);
  });

  it('trims what is padded and takes a missing mode for a request', () => {
    const padded = message('1.2', STATUS)
      .replaceAll(/>([^<>]+)</g, '>\n$1\n<')
      .replace(/<TransactionMode>[^]*<\/TransactionMode>/, '');
    expect(read(padded)).toMatchObject({
      sessionId: 's-81f2c0',
      poll: false,
      transactions: [{ mode: 'Request', id: '17' }],
    });
  });

  it('reads Poll and CIR wherever they stand, but not in the content', () => {
    const poll = '<Poll>T</Poll>';
    expect(read(message('1.1', STATUS).replace('<Poll>F</Poll>', poll)).poll).toBe(true);
    expect(
      read(message('1.2', STATUS).replace('<Poll>F</Poll>', '').replace('</SessionDescriptor>', `${poll}$&`))
        .poll,
    ).toBe(true);
    expect(read(message('1.2', `<Status>${poll}</Status>`).replace('<Poll>F</Poll>', ''))).not.toHaveProperty(
      'poll',
    );
    expect(read(message('1.2', STATUS).replace('</Session></', '<CIR>F</CIR></Session></')).cir).toBe(false);
  });

  it('reads several transactions and their extensions', () => {
    const block = '<ExtBlock xmlns="www.nokia.com/apiclient"><APIClient>x</APIClient></ExtBlock>';
    const one = message('1.2', STATUS).replace('</Transaction>', `${block}</Transaction>`);
    const [transaction = ''] = /<Transaction>.*<\/Transaction>/.exec(one) ?? [];
    const both = read(one.replace('</Transaction>', `</Transaction>${transaction}`));
    expect(both.transactions).toHaveLength(2);
    expect(text(writeMessage(both)).split(block)).toHaveLength(3);
  });

  it('keeps unknown primitives, and names known ones by their usual name', () => {
    expect(read(message('1.2', '<Frobnicate-Request/>')).transactions[0]?.primitive).toBe(
      'Frobnicate-Request',
    );
    expect(read(message('1.1', '<BlockUser-Request/>')).transactions[0]?.primitive).toBe(
      'BlockEntity-Request',
    );
  });

  it('takes an empty or missing TransactionID, and no SessionID before login', () => {
    const poll = message('1.2', '<Polling-Request/>', 'Request', '');
    expect(read(poll).transactions[0]?.id).toBe('');
    expect(read(poll.replace('<TransactionID></TransactionID>', '')).transactions[0]?.id).toBe('');
    const outband = read(poll.replace('Inband', 'Outband').replace(/<SessionID>.*<\/SessionID>/, ''));
    expect(outband).not.toHaveProperty('sessionId');
    expect(outband.sessionType).toBe('Outband');
  });

  it('takes 1.2 for a message that does not say', () => {
    expect(read(message('1.2', STATUS).replaceAll(/ xmlns="[^"]*"/g, '')).version).toBe('1.2');
  });

  it('reads and writes version discovery at the root', () => {
    const discovery = read(
      '<WV-CSP-VersionDiscovery-Request><VersionList/></WV-CSP-VersionDiscovery-Request>',
    );
    expect(discovery).toMatchObject({
      sessionType: 'Outband',
      discovery: true,
      transactions: [{ mode: 'Request', id: '', primitive: 'WV-CSP-NSDiscovery-Request' }],
    });
    expect(text(writeMessage(discovery))).toBe(
      '<WV-CSP-NSDiscovery-Request><VersionList/></WV-CSP-NSDiscovery-Request>',
    );
  });

  it.each([
    ['<html/>', 'Session'],
    ['<WV-CSP-Message><Session/></WV-CSP-Message>', 'Transaction'],
    ['<WV-CSP-Message><Session><Transaction/></Session></WV-CSP-Message>', 'TransactionContent'],
    [message('1.2', ''), 'TransactionContent'],
  ])('answers %s with 400', (document, element) => {
    expect(readMessage(expectDecoded(decodeXml(utf8(document))))).toEqual(
      expect.objectContaining({ code: 400, element }),
    );
  });
});

describe('the door to the codecs', () => {
  it.each([
    ['application/vnd.wv.csp.xml', 'xml'],
    ['application/vnd.wv.csp+xml; charset=utf-8', 'xml'],
    ['text/xml', 'xml'],
    ['Application/VND.WV.CSP.WBXML', 'wbxml'],
    ['application/vnd.wv.csp+wbxml', 'wbxml'],
    ['application/vnd.wv.ssp+xml', undefined],
    ['application/json; x=xml', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('takes %s for %s', (contentType, kind) => {
    expect(contentKind(contentType)).toBe(kind);
  });

  it.each(['xml', 'wbxml'] as const)('writes and reads %s', (kind) => {
    const sent = read(message('1.3', STATUS, 'Response'));
    const decoded = expectDecoded(decode(kind, encode(kind, sent)));
    expect(decoded).toMatchObject({ encoding: kind, version: '1.3' });
    expect(readMessage(decoded)).toEqual(sent);
  });
});
