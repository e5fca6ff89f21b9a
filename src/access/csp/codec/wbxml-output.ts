// The octets of a WBXML document's body while it is written: one buffer that grows and is used again.
import { EXT_T_0, OPAQUE, STR_I } from './wbxml-tables.ts';

const INITIAL = 4096;
/** A buffer that one huge message needed is not kept. */
const KEPT = 1 << 20;
/** UTF-8 octets of one UTF-16 unit, at most. */
const EXPANSION = 3;

const encoder = new TextEncoder();

export class Output {
  private bytes = new Uint8Array(INITIAL);
  private length = 0;

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT) this.bytes = new Uint8Array(INITIAL);
  }

  /** A copy of what was written, with a header in front. */
  behind(header: readonly number[]): Uint8Array {
    const document = new Uint8Array(header.length + this.length);
    document.set(header);
    document.set(this.bytes.subarray(0, this.length), header.length);
    return document;
  }

  octet(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  octets(values: Uint8Array): void {
    this.reserve(values.length);
    this.bytes.set(values, this.length);
    this.length += values.length;
  }

  /** mb_u_int32. */
  number(value: number): void {
    let shift = 28;
    while (shift > 0 && value >>> shift === 0) shift -= 7;
    for (; shift > 0; shift -= 7) this.octet(((value >>> shift) & 0x7f) | 0x80);
    this.octet(value & 0x7f);
  }

  /** A value token: EXT_T_0 and its number. */
  value(token: number): void {
    this.octet(EXT_T_0);
    this.number(token);
  }

  /** An unsigned integer: OPAQUE, big-endian, as few octets as it needs but at least one. */
  integer(value: number): void {
    const size = value > 0xff_ffff ? 4 : value > 0xffff ? 3 : value > 0xff ? 2 : 1;
    this.octet(OPAQUE);
    this.octet(size);
    for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) this.octet((value >>> shift) & 0xff);
  }

  /** STR_I: UTF-8 up to a zero octet, which no string can hold: NUL characters are dropped. */
  string(text: string): void {
    this.reserve(text.length * EXPANSION + 2);
    this.bytes[this.length++] = STR_I;
    this.length += this.ascii(text) ? text.length : this.unicode(text);
    this.bytes[this.length++] = 0;
  }

  /** Writes the text if it is ASCII throughout; the length is left alone. */
  private ascii(text: string): boolean {
    const { bytes, length } = this;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code === 0 || code > 0x7f) return false;
      bytes[length + index] = code;
    }
    return true;
  }

  private unicode(text: string): number {
    const clean = text.includes('\0') ? text.replaceAll('\0', '') : text;
    return encoder.encodeInto(clean, this.bytes.subarray(this.length)).written;
  }

  private reserve(octets: number): void {
    const needed = this.length + octets;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
