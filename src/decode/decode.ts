// Octets → report: which format, what is in them, what is wrong with them. Never throws, whatever the octets are.
import { decode } from '../access/csp/codec/codec.ts';
import type { CodecError } from '../access/csp/codec/errors.ts';
import { isCodecError } from '../access/csp/codec/errors.ts';
import { readPreamble } from '../access/csp/codec/pts-text.ts';
import { versionOfNamespace } from '../wv/version.ts';
import type { CspVersion } from '../wv/version.ts';
import { readCalls } from './cir.ts';
import { cspFaults } from './csp-faults.ts';
import type { Format } from './format.ts';
import { formatOf } from './format.ts';
import { hexContext } from './hex.ts';
import { fromHex, isHex, MAX_OCTETS, withoutHttpHead } from './input.ts';
import type { Fault, Report } from './report.ts';
import { trailingOctets, wbxmlHead } from './wbxml-head.ts';

/** Larger than what the server takes: what is too much for it is worth a look. */
const LIMITS = { maxBytes: MAX_OCTETS, maxDepth: 256, maxElements: 200_000, maxText: MAX_OCTETS };

/** `format` undefined: found out from the octets. Hexadecimal text and an HTTP head in front are taken off. */
export function decodeOctets(source: string, saved: Uint8Array, format?: Format): Report {
  const { octets, facts } = withoutHttpHead(saved);
  const found = format ?? formatOf(octets);
  if (found !== undefined) return reportOf(source, octets, found, facts);
  if (octets.length < MAX_OCTETS && isHex(new TextDecoder('latin1').decode(octets))) {
    const inside = fromHex(new TextDecoder('latin1').decode(octets));
    const inner = formatOf(inside);
    if (inner !== undefined)
      return reportOf(source, inside, inner, [...facts, 'hexadecimal digits, read as octets']);
  }
  const fault: Fault = {
    kind: 'codec',
    path: '',
    message: octets.length === 0 ? 'there is nothing' : 'this is neither XML, WBXML, PTS nor CIR',
    offset: 0,
    context: hexContext(octets, 0),
  };
  return { source, format: 'unknown', octets: octets.length, facts, complete: false, faults: [fault] };
}

function reportOf(source: string, octets: Uint8Array, format: Format, facts: readonly string[]): Report {
  const report = READERS[format](octets);
  return { ...report, source, format, octets: octets.length, facts: [...facts, ...report.facts] };
}

type Reading = Omit<Report, 'source' | 'format' | 'octets'>;

const READERS: Readonly<Record<Format, (octets: Uint8Array) => Reading>> = {
  xml: (octets) => readCsp('xml', octets),
  wbxml: readWbxml,
  pts: readPts,
  ssp: readPlainXml,
  smcnp: readPlainXml,
  cir: (octets) => ({ ...readCalls(octets), complete: true }),
};

function readWbxml(octets: Uint8Array): Reading {
  const head = wbxmlHead(octets);
  const reading = readCsp('wbxml', octets);
  const faults = [...head.faults, ...reading.faults];
  const session = versionOfNamespace(reading.tree?.xmlns);
  if (session !== undefined && head.version !== undefined && session !== head.version)
    faults.push({
      kind: 'version',
      path: '',
      message: `public identifier of ${head.version}, namespace of ${session}`,
    });
  const trailing = reading.complete ? trailingOctets(octets) : 0;
  if (trailing > 0) {
    const offset = octets.length - trailing;
    const context = hexContext(octets, offset);
    faults.push({ kind: 'codec', path: '', message: `${trailing} octets behind the end`, offset, context });
  }
  return { ...reading, facts: [...head.facts, ...reading.facts], faults };
}

function readPts(octets: Uint8Array): Reading {
  const reading = readCsp('pts', octets);
  const text = new TextDecoder().decode(octets);
  try {
    const { segment, code, version = 'XX' } = readPreamble(text);
    const part = segment === undefined ? '' : `, segment ${segment.index + 1} of ${segment.last + 1}`;
    return { ...reading, facts: [`PTS ${version}, transaction code ${code}${part}`, ...reading.facts] };
  } catch (error) {
    if (isCodecError(error)) return reading;
    throw error;
  }
}

function readCsp(kind: 'xml' | 'wbxml' | 'pts', octets: Uint8Array): Reading {
  const decoded = decode(kind, octets, LIMITS);
  if (isCodecError(decoded)) return broken(kind, octets, decoded);
  const { root, version } = decoded;
  const facts = decoded.base64 === true ? ['some octets are no text, and are shown as BASE64'] : [];
  const faults = cspFaults(root, version, true);
  return { tree: root, complete: true, facts: [...facts, versionFact(version)], faults };
}

const versionFact = (version: CspVersion | undefined): string => `CSP ${version ?? 'of no known version'}`;

function broken(kind: 'xml' | 'wbxml' | 'pts', octets: Uint8Array, error: CodecError): Reading {
  const offset = kind === 'wbxml' ? error.offset : octetOf(octets, error.offset);
  const context = hexContext(octets, offset);
  const message = `${error.kind}: ${error.message}`;
  const fault: Fault = { kind: KINDS[error.kind] ?? 'codec', path: '', message, offset, context };
  const { root, version } = error.partial ?? {};
  if (root === undefined) return { complete: false, facts: [], faults: [{ ...fault, kind: 'codec' }] };
  const others = cspFaults(root, version, false);
  return { tree: root, complete: false, facts: [versionFact(version)], faults: [fault, ...others] };
}

const KINDS: Readonly<Partial<Record<CodecError['kind'], Fault['kind']>>> = {
  'unknown-token': 'unknown',
  'unsupported-charset': 'charset',
};

/** Octets in front of a character of a UTF-8 document. */
function octetOf(octets: Uint8Array, character: number): number {
  const before = new TextDecoder().decode(octets).slice(0, character);
  return Math.min(octets.length, new TextEncoder().encode(before).length);
}

/** XML that is not CSP: well formed or not is all that is known of it. */
function readPlainXml(octets: Uint8Array): Reading {
  const decoded = decode('xml', octets, LIMITS);
  if (!isCodecError(decoded)) return { tree: decoded.root, complete: true, facts: [], faults: [] };
  const { faults, tree } = broken('xml', octets, decoded);
  const codec = faults.slice(0, 1);
  return { complete: false, facts: [], faults: codec, ...(tree === undefined ? {} : { tree }) };
}
