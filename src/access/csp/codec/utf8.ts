// Octets → strings, tuned for the short ASCII strings that IMPS messages consist of.

const SHORT = 48;
const loose = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** UTF-8 text; COMPAT(aosp): surrogates encoded one by one (CESU-8) are joined. Bad octets become U+FFFD. */
export function utf8Text(bytes: Uint8Array, start: number, end: number): string {
  const text = loose.decode(bytes.subarray(start, end));
  return text.includes('\ufffd') ? joinedText(bytes, start, end) : text;
}

/** The same, or undefined when the octets are neither UTF-8 nor CESU-8. */
export function strictText(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    return strict.decode(bytes.subarray(start, end));
  } catch {
    const text = joinedText(bytes, start, end);
    return text.includes('\ufffd') ? undefined : text;
  }
}

/** ASCII text: every octet is below 0x80. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT) return loose.decode(bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at]!);
  return text;
}

const isHighSurrogate = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0xed && (bytes[at + 1]! & 0xf0) === 0xa0 && (bytes[at + 2]! & 0xc0) === 0x80;
const isLowSurrogate = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0xed && (bytes[at + 1]! & 0xf0) === 0xb0 && (bytes[at + 2]! & 0xc0) === 0x80;
const unit = (bytes: Uint8Array, at: number): number =>
  0xd000 | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f);

/** Text in which pairs of three-octet surrogates stand for one character. */
function joinedText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let rest = start;
  for (let at = start; at + 6 <= end; at += 1) {
    if (!isHighSurrogate(bytes, at) || !isLowSurrogate(bytes, at + 3)) continue;
    text +=
      loose.decode(bytes.subarray(rest, at)) + String.fromCharCode(unit(bytes, at), unit(bytes, at + 3));
    rest = at + 6;
    at = rest - 1;
  }
  return text + loose.decode(bytes.subarray(rest, end));
}

/** ISO-8859-1 text. */
export function latin1Text(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at]!);
  return text;
}

const utf16 = new TextDecoder('utf-16be');

/** UTF-16 text, big-endian as network order wants it. */
export function utf16Text(bytes: Uint8Array, start: number, end: number): string {
  return utf16.decode(bytes.subarray(start, end));
}

/** BASE64 of octets that are no text. */
export function base64Text(bytes: Uint8Array, start: number, end: number): string {
  return btoa(latin1Text(bytes, start, end));
}
