// The picture that GetSPInfo shows of the service (csp-transactions 1.8): read once, when the server starts.

import { readFileSync } from 'node:fs';
import { ConfigError } from './config.ts';

export interface ProviderLogo {
  readonly contentType: 'image/png' | 'image/gif' | 'image/jpeg';
  /** Octets of the picture. */
  readonly size: number;
  readonly base64: string;
}

/** Octets. As BASE64 it must fit, with the rest of the answer, into the parser of a small phone (32,767 octets). */
export const MAX_LOGO = 16_384;

/** By the first octets, whatever the file is called. */
const SIGNATURES = [
  ['image/png', '89504e470d0a1a0a'],
  ['image/gif', '474946383761'],
  ['image/gif', '474946383961'],
  ['image/jpeg', 'ffd8ff'],
] as const satisfies readonly (readonly [ProviderLogo['contentType'], string])[];

/** @throws ConfigError that names the key and says what is wrong with the file. */
export function readLogo(file: string): ProviderLogo {
  const octets = read(file);
  if (octets.length > MAX_LOGO) {
    throw new ConfigError(`provider.logo: ${file} has ${octets.length} bytes, at most ${MAX_LOGO} are shown`);
  }
  const start = octets.subarray(0, 8).toString('hex');
  const known = SIGNATURES.find(([, signature]) => start.startsWith(signature));
  if (known === undefined) throw new ConfigError(`provider.logo: ${file} is no PNG, GIF or JPEG picture`);
  return { contentType: known[0], size: octets.length, base64: octets.toString('base64') };
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`provider.logo: ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
