// What the header of a WBXML document says (WBXML 1.3 section 5.4), read apart from the codec: a header can be
// shown although the body is broken.
import { decodeWbxml } from '../access/csp/codec/wbxml.ts';
import { isCodecError, versionOfPublicId } from '../access/csp/codec/errors.ts';
import { PUBLIC_IDS } from '../access/csp/schema/tokens.ts';
import type { CspVersion } from '../wv/version.ts';
import type { Fault } from './report.ts';

const CHARSETS: ReadonlyMap<number, string> = new Map([
  [0, 'unknown'],
  [3, 'US-ASCII'],
  [4, 'ISO-8859-1'],
  [106, 'UTF-8'],
  [1015, 'UTF-16'],
]);
const UTF_8 = 106;
const ASCII = 3;

export interface WbxmlHead {
  readonly facts: readonly string[];
  readonly faults: readonly Fault[];
  /** The version that the public identifier names. */
  readonly version: CspVersion | undefined;
}

/** Reads the header; as much of it as there is. */
export function wbxmlHead(octets: Uint8Array): WbxmlHead {
  const numbers = new Numbers(octets);
  const version = numbers.next();
  const publicId = numbers.next();
  const index = publicId === 0 ? numbers.next() : undefined;
  const charset = numbers.next();
  const tableLength = numbers.next();
  const table = octets.subarray(numbers.at, numbers.at + tableLength);
  const text = index === undefined ? undefined : textAt(table, index);
  const named = text === undefined ? versionByNumber(publicId) : versionOfPublicId(text);
  const set = CHARSETS.get(charset) ?? 'not known here';
  return {
    facts: [
      `WBXML 1.${version}, public identifier ${text === undefined ? `0x${publicId.toString(16)}` : JSON.stringify(text)}` +
        ` (${named === undefined ? 'not of CSP' : `CSP ${named}`}), character set ${charset} (${set}),` +
        ` string table of ${tableLength} octets`,
    ],
    faults: [...headFaults(charset, set, named)],
    version: named,
  };
}

function* headFaults(charset: number, set: string, named: CspVersion | undefined): Generator<Fault> {
  if (named === undefined)
    yield { kind: 'version', path: '', message: 'the public identifier is none of CSP', offset: 1 };
  if (charset !== UTF_8 && charset !== ASCII)
    yield {
      kind: 'charset',
      path: '',
      message: `character set ${charset} (${set}), not 106 (UTF-8)`,
      offset: 2,
    };
}

const versionByNumber = (publicId: number): CspVersion | undefined =>
  (Object.entries(PUBLIC_IDS) as [CspVersion, number][]).find(([, number]) => number === publicId)?.[0];

function textAt(table: Uint8Array, index: number): string {
  const end = table.indexOf(0, index);
  return new TextDecoder().decode(table.subarray(index, end < 0 ? undefined : end)).slice(0, 80);
}

/** mb_u_int32, one behind the other; 0 behind the end. */
class Numbers {
  at = 0;
  private readonly octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.octets = octets;
  }

  next(): number {
    let value = 0;
    for (let count = 0; count < 5; count += 1) {
      const octet = this.octets[this.at] ?? 0;
      this.at += 1;
      value = value * 128 + (octet & 0x7f);
      if (octet < 0x80) break;
    }
    return value;
  }
}

/** Octets behind the end of the document, which the codec does not look at: a shorter input reads as well. */
export function trailingOctets(octets: Uint8Array): number {
  let [enough, tooFew] = [octets.length, 0];
  while (enough - tooFew > 1) {
    const middle = (enough + tooFew) >> 1;
    if (isCodecError(decodeWbxml(octets.subarray(0, middle)))) tooFew = middle;
    else enough = middle;
  }
  return octets.length - enough;
}
