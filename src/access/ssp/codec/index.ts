// The SSP codec: octets → typed documents → text. Pure: no I/O, no clock, no logger.

import { parseXml, writeXml, XmlError, XML_DECLARATION } from '../../strict-xml.ts';
import type { Element } from '../../../wv/element.ts';
import type { Domain } from '../../../wv/ids.ts';
import type { Dialect } from '../dialects.ts';
import { SspSyntaxError, type SspDocument } from '../document.ts';
import { readEnvelope, writeEnvelope } from './envelope.ts';

export interface DecodeOptions {
  /** Where the recipients belong that the peer names without a domain. */
  readonly homeDomain: Domain;
  /** Octets of a document. */
  readonly maxBytes: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of a message that says nothing about it, seconds. */
  readonly defaultValidity: number;
  /** What a longer validity is cut to, seconds. */
  readonly maxValidity: number;
}

/**
 * Reads one document. Throws SspSyntaxError for what is not well formed, too large, no WV-SSP-Message, or a step of the
 * set-up that misses something; nothing else. One transaction that cannot be understood is `unreadable`.
 */
export function decodeDocument(octets: Uint8Array, options: DecodeOptions): SspDocument {
  const { maxBytes, ...surroundings } = options;
  return readEnvelope(parsed(octets, maxBytes), surroundings);
}

function parsed(octets: Uint8Array, maxBytes: number): Element {
  try {
    return parseXml(octets, maxBytes);
  } catch (error) {
    if (error instanceof XmlError) throw new SspSyntaxError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Writes one document, in the words of its version and the dialect of the peer. With `now` (milliseconds since the
 * epoch) a message says how long it is valid from then on, without it how long it was when it was sent.
 * Throws TypeError for what is never sent: unreadable transactions, several requests in one that are no notifications.
 */
export function encodeDocument(document: SspDocument, dialect: Dialect, now?: number): string {
  return XML_DECLARATION + writeXml(writeEnvelope(document, { dialect, version: document.version, now }));
}
