// What a file is, by its first octets. A list of what is passed on, so that pages, SVG, programs and archives are not.
// Pure.

/** Octets of the beginning that `sniff` wants to see. */
const HEAD_BYTES = 32;

const brand =
  (...brands: readonly string[]) =>
  (head: string): boolean =>
    head.slice(4, 8) === 'ftyp' && brands.some((name) => head.startsWith(name, 8));
const begins =
  (...magic: readonly string[]) =>
  (head: string): boolean =>
    magic.some((octets) => head.startsWith(octets));
const riff =
  (kind: string) =>
  (head: string): boolean =>
    head.startsWith('RIFF') && head.startsWith(kind, 8);

/** In this order: brands of the MP4 family go from the special to the general. */
const TYPES: readonly (readonly [type: string, matches: (head: string) => boolean])[] = [
  ['image/jpeg', begins('\xff\xd8\xff')],
  ['image/png', begins('\x89PNG\r\n\x1a\n')],
  ['image/gif', begins('GIF87a', 'GIF89a')],
  ['image/webp', riff('WEBP')],
  ['image/avif', brand('avif', 'avis')],
  ['image/heic', brand('heic', 'heix', 'mif1')],
  ['audio/amr', begins('#!AMR\n')],
  ['audio/amr-wb', begins('#!AMR-WB\n')],
  ['audio/midi', begins('MThd')],
  ['audio/mpeg', begins('ID3', '\xff\xfb', '\xff\xf3', '\xff\xf2')],
  ['audio/ogg', begins('OggS')],
  ['audio/wav', riff('WAVE')],
  ['audio/mp4', brand('M4A')],
  ['video/3gpp', brand('3g')],
  ['video/quicktime', brand('qt')],
  ['video/mp4', brand('')],
  ['video/webm', begins('\x1a\x45\xdf\xa3')],
  ['application/pdf', begins('%PDF-')],
  ['text/x-vcard', begins('BEGIN:VCARD')],
  ['text/calendar', begins('BEGIN:VCALENDAR')],
];

/** The MIME type; undefined = nothing that is passed on. */
export function sniff(octets: Uint8Array): string | undefined {
  const head = Buffer.from(octets.subarray(0, HEAD_BYTES)).toString('latin1');
  return TYPES.find(([, matches]) => matches(head))?.[0];
}
