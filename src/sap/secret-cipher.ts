// Encrypts what has to be read again: passwords for digest login, and those of linked accounts. AES-256-GCM.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const SCHEME = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export class SecretCipher {
  readonly #key: Buffer;

  /** `key`: 32 bytes from the configuration. */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new Error('the password key must have 32 bytes');
    this.#key = key;
  }

  seal(text: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(SCHEME, this.#key, iv);
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return `${SCHEME}:${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64')}`;
  }

  /** undefined when there is nothing, or the key is not the one it was sealed with. */
  open(sealed: string | undefined): string | undefined {
    const [scheme, text] = sealed?.split(':') ?? [];
    if (scheme !== SCHEME || text === undefined) return undefined;
    const bytes = Buffer.from(text, 'base64');
    const body = IV_BYTES + TAG_BYTES;
    try {
      const decipher = createDecipheriv(SCHEME, this.#key, bytes.subarray(0, IV_BYTES));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, body));
      return Buffer.concat([decipher.update(bytes.subarray(body)), decipher.final()]).toString('utf8');
    } catch {
      return undefined; // GCM refuses: another key, or damaged text
    }
  }
}
