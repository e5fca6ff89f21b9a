// The 7-bit default alphabet of GSM and its packing (3GPP TS 23.038 sections 6.1, 6.2.1), as far as a call needs it.

/** Septets of the characters of ASCII that stand elsewhere than in ASCII. */
const MOVED: Readonly<Record<string, number>> = { '@': 0x00, $: 0x02, _: 0x11 };
/** ASCII characters whose septet is their own code: blank to Z and a to z, but for those above. */
const UNMOVED = /^[ !"#%&'()*+,\-./0-9:;<=>?A-Za-z]$/;
const ESCAPE = 0x1b;

/** Characters that take two septets, the first of them an escape. */
const EXTENSION: Readonly<Record<string, number>> = {
  '^': 0x14,
  '{': 0x28,
  '}': 0x29,
  '\\': 0x2f,
  '[': 0x3c,
  '~': 0x3d,
  ']': 0x3e,
  '|': 0x40,
};

function septetsOfCharacter(character: string): readonly number[] | undefined {
  if (UNMOVED.test(character)) return [character.charCodeAt(0)];
  const moved = MOVED[character];
  if (moved !== undefined) return [moved];
  const extended = EXTENSION[character];
  return extended === undefined ? undefined : [ESCAPE, extended];
}

/** The septets of an ASCII text; undefined when the alphabet lacks one of its characters. */
export function septets(text: string): readonly number[] | undefined {
  const found: number[] = [];
  for (const character of text) {
    const own = septetsOfCharacter(character);
    if (own === undefined) return undefined;
    found.push(...own);
  }
  return found;
}

/** Eight septets to seven octets, lowest bits first; the rest of the last octet is 0. */
export function packed(values: readonly number[]): Uint8Array {
  const octets = new Uint8Array(Math.ceil((values.length * 7) / 8));
  values.forEach((septet, at) => {
    const bit = at * 7;
    const octet = bit >> 3;
    const shifted = septet << (bit & 7);
    octets[octet] = (octets[octet] ?? 0) | (shifted & 0xff);
    if (shifted > 0xff) octets[octet + 1] = shifted >> 8;
  });
  return octets;
}
