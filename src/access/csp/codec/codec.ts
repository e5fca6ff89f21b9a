// The one door to the CSP codecs: from a Content-Type and octets to a tree, from a message to octets.
import type { Decoded, CodecError, DecodeLimits, Encoding } from './errors.ts';
import type { CspMessage } from './envelope.ts';
import { writeMessage } from './envelope.ts';
import { decodePts } from './pts.ts';
import { decodeWbxml, encodeWbxml } from './wbxml.ts';
import { decodeXml, encodeXml } from './xml.ts';

export { isCodecError } from './errors.ts';
export type { CodecError, Decoded, DecodeLimits, Encoding } from './errors.ts';

/**
 * The encoding a Content-Type names (csp-transport: `application/vnd.wv.csp.xml`, `…csp+wbxml`, `text/xml`, with
 * or without parameters); undefined for anything else, SSP included.
 */
export function contentKind(contentType: string | undefined): Encoding | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type.startsWith('application/vnd.wv.ssp')) return undefined;
  if (type.includes('wbxml')) return 'wbxml';
  return type.includes('xml') ? 'xml' : undefined;
}

/** Reads a document; never throws, whatever the octets are. */
export function decode(
  kind: Encoding | 'pts',
  bytes: Uint8Array,
  limits?: DecodeLimits,
): Decoded | CodecError {
  return DECODERS[kind](bytes, limits);
}

const DECODERS = { xml: decodeXml, wbxml: decodeWbxml, pts: decodePts } as const;

/** Writes a message in its own version. PTS, which cannot write every message, has `encodePts` of its own. */
export function encode(kind: Encoding, message: CspMessage): Uint8Array {
  const root = writeMessage(message);
  return kind === 'xml' ? encodeXml(root, { declaration: true }) : encodeWbxml(root, message.version);
}
