// DateTime as six octets (csp-wbxml section 3): 2 zero bits, year 12, month 4, day 5, hour 5, minute 6, second 6
// bits, then the military zone letter of ISO 8601 in ASCII.

export const DATE_OCTETS = 6;

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/**
 * The date at `at` as ISO 8601 basic text. No zone, or none that exists, is read as UTC.
 * COMPAT(baraza): its dates are wrong in the month (even 0) and the zone; they are passed as they stand.
 */
export function dateText(bytes: Uint8Array, at: number): string {
  const octet = (index: number): number => bytes[at + index] ?? 0;
  const year = ((octet(0) & 0x3f) << 6) | (octet(1) >> 2);
  const month = ((octet(1) & 0x03) << 2) | (octet(2) >> 6);
  const day = (octet(2) >> 1) & 0x1f;
  const hour = ((octet(2) & 0x01) << 4) | (octet(3) >> 4);
  const minute = ((octet(3) & 0x0f) << 2) | (octet(4) >> 6);
  const second = octet(4) & 0x3f;
  const zone = /^[A-IK-Z]$/.exec(String.fromCharCode(octet(5)))?.[0] ?? 'Z';
  const date = pad(year, 4) + pad(month, 2) + pad(day, 2);
  return `${date}T${pad(hour, 2)}${pad(minute, 2)}${pad(second, 2)}${zone}`;
}
