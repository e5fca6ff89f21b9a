// The characters of an XML document: byte order mark, declared encoding, UTF-8 by default (XML 1.0 section 4.3.3);
// and what makes a name.
import { CodecError } from './errors.ts';

const NAME_START =
  'A-Z_a-z\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f' +
  '\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}';
const LOCAL_NAME = new RegExp(
  `^[${NAME_START}][${NAME_START}\\-.0-9\\xb7\\u0300-\\u036f\\u203f\\u2040]*$`,
  'u',
);

/** The part of a name behind its prefix; undefined when that is no name (Namespaces in XML 1.0 section 4). */
export function localName(name: string): string | undefined {
  const local = name.slice(name.indexOf(':') + 1);
  return LOCAL_NAME.test(local) ? local : undefined;
}

const LABELS: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  'iso-8859-1': 'latin1',
  latin1: 'latin1',
};

const DECLARED = /^\s*<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})["']/;
const DECLARATION_LENGTH = 160;

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** The WHATWG label of the document's encoding; undefined when we do not read it. */
function encodingOf(bytes: Uint8Array): string | undefined {
  const [first = 0, second = 0] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c)) return 'utf-16be';
  const declared = DECLARED.exec(latin1(bytes.subarray(0, DECLARATION_LENGTH)))?.[1]?.toLowerCase();
  // A document that can be read so far and says UTF-16 was converted on its way: it is UTF-8 by now.
  return declared === undefined || declared.startsWith('utf-16') ? 'utf-8' : LABELS[declared];
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The text of an XML document without its byte order mark. Throws CodecError. */
export function documentText(bytes: Uint8Array): string {
  const label = encodingOf(bytes);
  if (label === undefined) throw new CodecError('unsupported-charset', 'encoding of the XML declaration');
  try {
    return (label === 'utf-8' ? UTF8 : new TextDecoder(label, { fatal: true })).decode(bytes);
  } catch {
    throw new CodecError('malformed', `octets are not ${label}`);
  }
}

/** The same for error reports: whatever can be made of it. */
export function looseText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes) ?? 'utf-8').decode(bytes);
}
