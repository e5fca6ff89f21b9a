// From what somebody saved to the octets of a message: hexadecimal, and files as Wireshark exports them, which may
// have the head of an HTTP message in front.

export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Largest input that is read, octets. */
export const MAX_OCTETS = 4_194_304;

const OFFSET = /^\s*(?:0x)?[\da-f]{4,8}(?::|\s\s)\s*/i;
/** With an offset in front, or nothing but the last offset. */
const DUMP_LINE = /^\s*(?:0x)?[\da-f]{4,8}(?::|\s\s|\s*$)/i;
const PREFIX = /0x|\\x/gi;
const SEPARATORS = /[\s:,;-]+/g;

/**
 * Octets from hexadecimal: with or without blanks, colons, `0x`, and as hexdump, xxd or Wireshark print it, with
 * offsets in front and characters behind. Throws InputError where something else stands.
 */
export function fromHex(text: string): Uint8Array {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const dumped = lines.some((line) => OFFSET.test(line)) && lines.every((line) => DUMP_LINE.test(line));
  const digits = lines
    .map((line) => (dumped ? withoutDump(line) : line).replace(PREFIX, '').replace(SEPARATORS, ''))
    .join('');
  const wrong = /[^\da-f]/i.exec(digits);
  if (wrong !== null) throw new InputError(`${JSON.stringify(wrong[0])} is no hexadecimal digit`);
  if (digits.length % 2 !== 0) throw new InputError('an odd number of hexadecimal digits');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** One line of a dump: octets stand in groups with one or two blanks between, characters behind more or behind `|`. */
function withoutDump(line: string): string {
  const octets = line.replace(OFFSET, '');
  if (octets === line) return '';
  const groups = /^(?:[\da-f]{2,8}(?: {1,2}|$))*/i.exec(octets)?.[0] ?? '';
  return groups.split(/ {3,}/)[0] ?? '';
}

/** Whether a text is nothing but hexadecimal digits, and so is meant as octets. */
export const isHex = (text: string): boolean =>
  /^[\s\da-f:]{8,}$/i.test(text) && text.replace(SEPARATORS, '').length % 2 === 0;

const HTTP_HEAD = /^(?:(?:POST|GET|PUT) \S+ HTTP\/1\.[01]|HTTP\/1\.[01] \d{3})/;
const MAX_HEAD = 65_536;

export interface Body {
  readonly octets: Uint8Array;
  /** First line and content type of the HTTP head that stood in front. */
  readonly facts: readonly string[];
}

/** The body of an HTTP message, or the octets as they are. */
export function withoutHttpHead(octets: Uint8Array): Body {
  const head = new TextDecoder('latin1').decode(octets.subarray(0, MAX_HEAD));
  if (!HTTP_HEAD.test(head)) return { octets, facts: [] };
  const end = /\r?\n\r?\n/.exec(head);
  const lines = head.slice(0, end?.index ?? head.length).split(/\r?\n/);
  const type = lines.find((line) => /^content-type:/i.test(line));
  const facts = [`HTTP: ${lines[0] ?? ''}`, ...(type === undefined ? [] : [type])];
  const body = end === null ? new Uint8Array(0) : octets.subarray(end.index + end[0].length);
  const chunked = lines.some((line) => /^transfer-encoding:.*chunked/i.test(line));
  return { octets: chunked ? withoutChunks(body) : body, facts };
}

/** The octets of a chunked body; what is left when a chunk is no chunk stays as it is. */
function withoutChunks(body: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length;) {
    const line = /^([\da-f]{1,6})[^\r\n]*\r\n/i.exec(
      new TextDecoder('latin1').decode(body.subarray(at, at + 64)),
    );
    if (line === null) {
      pieces.push(body.subarray(at));
      break;
    }
    const start = at + line[0].length;
    const length = Number.parseInt(line[1] ?? '0', 16);
    if (length === 0) break;
    pieces.push(body.subarray(start, start + length));
    at = start + length + 2;
  }
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}
