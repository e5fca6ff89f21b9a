// What some octets are: by what stands at their beginning, never by their file's name.
import { looksLikePts } from '../access/csp/codec/pts-text.ts';

export const FORMATS = ['wbxml', 'xml', 'pts', 'ssp', 'smcnp', 'cir'] as const;
export type Format = (typeof FORMATS)[number];

/** How a format is shown. SSP and SMCNP have no codec yet: their names and values are shown, nothing is checked. */
export const TITLES: Readonly<Record<Format | 'unknown', string>> = {
  wbxml: 'CSP in WBXML',
  xml: 'CSP in XML',
  pts: 'CSP in plain text (PTS)',
  ssp: 'SSP, as plain XML (not checked against the protocol)',
  smcnp: 'XML of a mobile core or of something else (not checked against a protocol)',
  cir: 'calls of the client (CIR)',
  unknown: 'nothing that is known here',
};

const HEAD_OCTETS = 2048;
const CIR_LINE = /^\s*(?:WVCI|HELO|PING|OK)\b/i;
const WV_ROOT = /<(?:[\w.-]+:)?(WV-(?:CSP|SSP)[\w-]*)/;
const CSP_NAMESPACE = /(?:WV-CSP|IMPS-CSP|\/CSP1\.)/;

/** The format; undefined when nothing fits. */
export function formatOf(octets: Uint8Array): Format | undefined {
  const head = new TextDecoder('latin1').decode(octets.subarray(0, HEAD_OCTETS)).replaceAll('\0', '');
  const text = head.replace(/^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)/, '');
  if (isWbxml(octets)) return 'wbxml';
  if (/^\s*</.test(text)) return xmlFormat(text);
  if (looksLikePts(text)) return 'pts';
  if (CIR_LINE.test(text) || isPush(octets, text)) return 'cir';
  return undefined;
}

function xmlFormat(text: string): Format {
  const root = WV_ROOT.exec(text)?.[1];
  if (root?.startsWith('WV-SSP')) return 'ssp';
  return root !== undefined || CSP_NAMESPACE.test(text) ? 'xml' : 'smcnp';
}

/** Version octet 1.1 to 1.3 and a public identifier: one of CSP's numbers, or a string in the table. */
function isWbxml(octets: Uint8Array): boolean {
  const [version = 0, publicId = 0] = octets;
  return (
    octets.length >= 4 &&
    version >= 1 &&
    version <= 3 &&
    (publicId === 0 || (publicId >= 0x0e && publicId <= 0x1f))
  );
}

/** A WAP push of the connectionless session service: an id, PDU type 6, headers, the call. */
export const isPush = (octets: Uint8Array, text: string): boolean =>
  octets[1] === 0x06 && text.includes('WVCI');
