// The digest of the 4-way login (csp-transactions 1.1): BASE64( H( nonce ‖ password ) ), characters as single octets.

export type DigestSchema = 'MD5' | 'SHA';

/** Hash functions of the platform. SHA means SHA-1. */
export interface Digest {
  /** The schemas offered to the server, best first. */
  readonly schemas: readonly DigestSchema[];
  hash(schema: DigestSchema, octets: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

/** WebCrypto knows SHA-1 but no MD5. */
export const webDigest: Digest = {
  schemas: ['SHA'],
  async hash(_schema, octets) {
    return new Uint8Array(await crypto.subtle.digest('SHA-1', octets));
  },
};

/** DigestBytes for a challenge. COMPAT(Nokia): of characters beyond Latin-1 only the low octet counts. */
export async function digestBytes(
  digest: Digest,
  schema: DigestSchema,
  nonce: string,
  password: string,
): Promise<string> {
  const octets = Uint8Array.from(nonce + password, (character) => character.charCodeAt(0) & 0xff);
  return base64(await digest.hash(schema, octets));
}

export function base64(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) text += String.fromCharCode(octet);
  return btoa(text);
}

/** undefined when the text is not BASE64. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replace(/\s+/g, '')), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
