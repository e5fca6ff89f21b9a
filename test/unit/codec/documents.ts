// Shorthands of the codec tests: documents, trees and octets by hand.
import { expect } from 'vitest';
import type { Element } from '../../../src/wv/element.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { NAMESPACES } from '../../../src/wv/version.ts';
import type { CodecError, Decoded } from '../../../src/access/csp/codec/errors.ts';
import { isCodecError } from '../../../src/access/csp/codec/errors.ts';
import { decodeWbxml } from '../../../src/access/csp/codec/wbxml.ts';
import { decodeXml, encodeXml } from '../../../src/access/csp/codec/xml.ts';

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Octets from hexadecimal with blanks. */
export const octets = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

export const hex = (bytes: Uint8Array): string =>
  [...bytes].map((octet) => octet.toString(16).padStart(2, '0')).join(' ');

export function expectDecoded(result: Decoded | CodecError): Decoded {
  if (isCodecError(result)) expect.fail(`${result.kind}: ${result.message} at ${result.offset}`);
  return result;
}

export function expectError(result: Decoded | CodecError): CodecError {
  if (!isCodecError(result)) expect.fail(`decoded: ${text(result.root)}`);
  return result;
}

export const xml = (document: string): Element => expectDecoded(decodeXml(utf8(document))).root;
export const wbxml = (document: string): Element => expectDecoded(decodeWbxml(octets(document))).root;

/** A tree as XML text without declaration. */
export const text = (root: Element): string =>
  new TextDecoder().decode(encodeXml(root, { declaration: false }));

/** A tree without the blanks that some servers print around every value. */
export const trimmed = (element: Element): Element => ({
  ...element,
  text: element.text.trim(),
  children: element.children.map(trimmed),
});

/** A message of one transaction. */
export function message(version: CspVersion, content: string, mode = 'Request', id = '17'): string {
  const { session, transaction } = NAMESPACES[version];
  const flags = version === '1.1' ? ['<Poll>F</Poll>', ''] : ['', '<Poll>F</Poll>'];
  return (
    `<WV-CSP-Message xmlns="${session}"><Session><SessionDescriptor><SessionType>Inband</SessionType>` +
    `<SessionID>s-81f2c0</SessionID></SessionDescriptor><Transaction><TransactionDescriptor>` +
    `<TransactionMode>${mode}</TransactionMode><TransactionID>${id}</TransactionID>${flags[0]}` +
    `</TransactionDescriptor><TransactionContent xmlns="${transaction}">${content}</TransactionContent>` +
    `</Transaction>${flags[1]}</Session></WV-CSP-Message>`
  );
}
