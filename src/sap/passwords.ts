// How passwords are kept: scrypt for plain login; encrypted for digest login, which needs the password itself
// (csp-transactions 1.1: DigestBytes = BASE64(H(nonce ‖ password))).

import { createHash, randomBytes, scrypt as scryptCallback, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Credentials } from '../store/store.ts';
import { SecretCipher } from './secret-cipher.ts';

const scrypt = promisify(scryptCallback) as (
  password: string,
  salt: Buffer,
  length: number,
  options: { N: number; r: number; p: number },
) => Promise<Buffer>;

/** OWASP's minimum for scrypt that still answers a phone's login in well under 100 ms. */
const COST = { N: 2 ** 14, r: 8, p: 1 };
const HASH_BYTES = 32;

/** Digest schemas we can check, in order of preference. "SHA" is SHA-1, "PWD" the password itself in step two. */
export const DIGEST_SCHEMAS = ['SHA', 'MD5'] as const;
export type DigestSchema = (typeof DIGEST_SCHEMAS)[number];

export class Passwords {
  private readonly cipher: SecretCipher;
  private decoy: Promise<string> | undefined;

  /** `key`: 32 bytes from the configuration; encrypts passwords for digest login. */
  constructor(key: Buffer) {
    this.cipher = new SecretCipher(key);
  }

  /** `digestLogin` = keep the password encrypted too, so that 4-way login works. */
  async protect(password: string, digestLogin: boolean): Promise<Credentials> {
    const hash = await this.hash(password);
    return digestLogin ? { hash, cipher: this.cipher.seal(password) } : { hash };
  }

  async matches(credentials: Credentials, password: string): Promise<boolean> {
    if (credentials.hash !== undefined) return checkHash(credentials.hash, password);
    const kept = this.cipher.open(credentials.cipher);
    return kept !== undefined && sameText(kept, password);
  }

  /** Costs as much as a real check, so that an unknown user is not told by the time it takes. */
  async waste(password: string): Promise<void> {
    this.decoy ??= this.hash('decoy');
    await checkHash(await this.decoy, password);
  }

  /** Checks DigestBytes. False also when no password is kept for digest login. */
  matchesDigest(credentials: Credentials, schema: DigestSchema, nonce: string, digest: string): boolean {
    const password = this.cipher.open(credentials.cipher);
    if (password === undefined) return false;
    const hash = createHash(schema === 'SHA' ? 'sha1' : 'md5');
    // Clients take the low byte of each character (ISO-8859-1); a newer one may use UTF-8 for a password outside it.
    const latin1 = hash
      .copy()
      .update(nonce + password, 'latin1')
      .digest('base64');
    const utf8 = hash.update(nonce + password, 'utf8').digest('base64');
    const given = digest.replace(/\s+/g, '');
    return sameText(latin1, given) || sameText(utf8, given);
  }

  private async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    const derived = await scrypt(password, salt, HASH_BYTES, COST);
    return `scrypt:${COST.N}:${COST.r}:${COST.p}:${salt.toString('base64')}:${derived.toString('base64')}`;
  }
}

async function checkHash(stored: string, password: string): Promise<boolean> {
  const [scheme, n, r, p, salt, hash] = stored.split(':');
  if (scheme !== 'scrypt' || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64');
  const options = { N: Number(n), r: Number(r), p: Number(p) };
  const derived = await scrypt(password, Buffer.from(salt, 'base64'), expected.length, options);
  return timingSafeEqual(derived, expected);
}

/** Constant-time comparison of two texts of any length. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(a), digest(b));
}
