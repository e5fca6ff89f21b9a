// Dates in the forms of CSP (csp-datatypes section 3): read liberally, written as basic ISO 8601 in UTC.

/** `20010925T134013Z`. COMPAT(Movistar): cuts by position, so never the extended form. */
export function writeDate(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

const FORM =
  /^(\d{4})-?(\d{2})-?(\d{2})T(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?\s*(Z|[A-IK-Y]|[+-]\d{2}(?::?\d{2})?)?$/i;

/** Military zone letters: A–I are +1…+9, K–M +10…+12, N–Y −1…−12, Z 0. */
function letterHours(letter: string): number {
  const index = 'ABCDEFGHIKLM'.indexOf(letter);
  if (index >= 0) return index + 1;
  const west = 'NOPQRSTUVWXY'.indexOf(letter);
  return west >= 0 ? -(west + 1) : 0;
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined) return 0;
  const numeric = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (numeric === null) return letterHours(zone.toUpperCase()) * 60;
  const minutes = Number(numeric[2]) * 60 + Number(numeric[3] ?? 0);
  return numeric[1] === '-' ? -minutes : minutes;
}

/** Milliseconds since the epoch; undefined when the text is no date. No zone means UTC. */
export function readDate(text: string): number | undefined {
  const match = FORM.exec(text.trim());
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const time =
    Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second) - zoneMinutes(match[7]) * 60_000;
  return Number.isNaN(time) ? undefined : time;
}
