// A position in a WBXML document: octets, numbers and strings, with the limits they count against.
import { CodecError } from './errors.ts';
import { asciiText, latin1Text, utf16Text, utf8Text } from './utf8.ts';

/** IANA MIBenum numbers of the character sets we read; 0 is "unknown", which phones mean as UTF-8. */
const CHARSETS: ReadonlySet<number> = new Set([0, 3, 4, 106, 1015]);
const LATIN1 = 4;
const UTF16 = 1015;
const MB_OCTETS = 5;

export class Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  /** Characters of text that may still come. */
  private budget: number;
  private charset = 106;
  private tableStart = 0;
  private tableEnd = 0;

  constructor(bytes: Uint8Array, maxText: number) {
    this.bytes = bytes;
    this.budget = maxText;
  }

  fail(kind: CodecError['kind'], message: string): never {
    throw new CodecError(kind, message, this.at);
  }

  octet(): number {
    if (this.at >= this.bytes.length) this.fail('malformed', 'document ends early');
    return this.bytes[this.at++]!;
  }

  /** mb_u_int32: seven bits an octet, at most five octets and 32 bits (WBXML 1.3 section 5.1). */
  number(): number {
    let value = 0;
    for (let count = 0; count < MB_OCTETS; count += 1) {
      const octet = this.octet();
      value = value * 128 + (octet & 0x7f);
      if (octet < 0x80) return value <= 0xffff_ffff ? value : this.fail('malformed', 'number over 32 bits');
    }
    return this.fail('malformed', 'number over five octets');
  }

  useCharset(charset: number): void {
    if (!CHARSETS.has(charset)) this.fail('unsupported-charset', `character set ${charset}`);
    this.charset = charset;
  }

  /** The string table stands here; the cursor goes on behind it. */
  takeTable(): void {
    const length = this.number();
    this.tableStart = this.at;
    this.tableEnd = this.skip(length);
  }

  /** Goes over `length` octets and gives the position behind them. */
  skip(length: number): number {
    if (length > this.bytes.length - this.at) this.fail('malformed', 'length beyond the end');
    this.at += length;
    return this.at;
  }

  /** A zero-terminated string here. */
  inline(): string {
    const { bytes } = this;
    const start = this.at;
    if (this.charset === UTF16) return this.wide();
    let at = start;
    let seen = 0;
    for (;;) {
      const octet = bytes[at];
      if (octet === undefined) this.fail('malformed', 'unfinished string');
      if (octet === 0) break;
      seen |= octet;
      at += 1;
    }
    this.at = at + 1;
    this.spend(at - start);
    return seen < 0x80 ? asciiText(bytes, start, at) : this.text(start, at);
  }

  private wide(): string {
    const start = this.at;
    let unit: number;
    do unit = (this.octet() << 8) | this.octet();
    while (unit !== 0);
    this.spend((this.at - start) >> 1);
    return utf16Text(this.bytes, start, this.at - 2);
  }

  /** A reference to the string table. */
  reference(): string {
    return this.tableText(this.number());
  }

  /** The string at an index of the string table. */
  tableText(index: number): string {
    const behind = this.at;
    if (index >= this.tableEnd - this.tableStart) this.fail('malformed', 'index beyond the string table');
    this.at = this.tableStart + index;
    const text = this.inline();
    if (this.at > this.tableEnd) this.fail('malformed', 'unfinished string table entry');
    this.at = behind;
    return text;
  }

  /** Octets in the document's character set. */
  text(start: number, end: number): string {
    if (this.charset === LATIN1) return latin1Text(this.bytes, start, end);
    if (this.charset === UTF16) return utf16Text(this.bytes, start, end);
    return utf8Text(this.bytes, start, end);
  }

  /** OPAQUE octets as text. */
  opaqueText(): string {
    const length = this.number();
    this.spend(length);
    const start = this.at;
    return this.text(start, this.skip(length));
  }

  spend(characters: number): void {
    this.budget -= characters;
    if (this.budget < 0) this.fail('too-large', 'too much text');
  }
}
