// WBXML made once and patched per message: the generator must not spend its time in a codec.

import { decodeXml } from '../../src/access/csp/codec/xml.ts';
import { isCodecError } from '../../src/access/csp/codec/errors.ts';
import { encodeWbxml } from '../../src/access/csp/codec/wbxml.ts';
import { NAMESPACES, type CspVersion } from '../../src/wv/version.ts';

const VERSION: CspVersion = '1.2';
const { session, transaction } = NAMESPACES[VERSION];

export interface Envelope {
  readonly mode: 'Request' | 'Response';
  readonly id: string;
  /** Absent = outside any session. */
  readonly sessionId?: string | undefined;
}

/** A whole CSP message in WBXML 1.2. */
export function wbxmlOf(primitive: string, { mode, id, sessionId }: Envelope): Buffer {
  const descriptor =
    sessionId === undefined
      ? '<SessionType>Outband</SessionType>'
      : `<SessionType>Inband</SessionType><SessionID>${sessionId}</SessionID>`;
  const text =
    `<WV-CSP-Message xmlns="${session}"><Session><SessionDescriptor>${descriptor}</SessionDescriptor><Transaction>` +
    `<TransactionDescriptor><TransactionMode>${mode}</TransactionMode><TransactionID>${id}</TransactionID>` +
    `</TransactionDescriptor><TransactionContent xmlns="${transaction}">${primitive}</TransactionContent>` +
    '</Transaction></Session></WV-CSP-Message>';
  const decoded = decodeXml(Buffer.from(text));
  if (isCodecError(decoded)) throw new TypeError(decoded.message);
  return Buffer.from(encodeWbxml(decoded.root, VERSION));
}

/** Octets with holes. Each hole is a text that stands in them once; what is put in has the same length. */
export class Template {
  readonly #octets: Buffer;
  readonly #holes: readonly { readonly at: number; readonly length: number }[];

  constructor(octets: Buffer, holes: readonly string[]) {
    this.#octets = octets;
    this.#holes = holes.map((hole) => {
      const at = octets.indexOf(hole);
      if (at < 0 || octets.indexOf(hole, at + 1) >= 0) throw new TypeError(`${hole} is not there just once`);
      return { at, length: hole.length };
    });
  }

  /** The octets with these texts (Latin-1) in the holes; good until the next call. */
  filled(...texts: readonly (string | Buffer)[]): Buffer {
    for (const [index, { at, length }] of this.#holes.entries()) {
      const text = texts[index] ?? '';
      if (text.length !== length) throw new TypeError(`${String(text)} does not fit`);
      if (typeof text === 'string') this.#octets.write(text, at, 'latin1');
      else text.copy(this.#octets, at);
    }
    return this.#octets;
  }
}
