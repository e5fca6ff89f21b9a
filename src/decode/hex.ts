// Octets around a place, for people.

const AROUND = 16;
const PER_LINE = 16;

/** The octets around `offset` in lines of sixteen, with a mark under the one in question. */
export function hexContext(octets: Uint8Array, offset: number): string[] {
  const from = Math.max(0, Math.floor((offset - AROUND) / PER_LINE) * PER_LINE);
  const to = Math.min(octets.length, offset + AROUND);
  const lines: string[] = [];
  for (let at = from; at < to; at += PER_LINE) {
    lines.push(line(octets, at));
    if (offset >= at && offset < at + PER_LINE && offset < octets.length)
      lines.push(`${' '.repeat(10 + (offset - at) * 3)}^^`);
  }
  if (offset >= octets.length)
    lines.push(`${octets.length.toString(16).padStart(8, '0')}  (end of the input)`);
  return lines;
}

function line(octets: Uint8Array, at: number): string {
  const row = [...octets.subarray(at, at + PER_LINE)];
  const digits = row.map((octet) => octet.toString(16).padStart(2, '0')).join(' ');
  const characters = row
    .map((octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.'))
    .join('');
  return `${at.toString(16).padStart(8, '0')}  ${digits.padEnd(PER_LINE * 3)} ${characters}`;
}
