// Certificate and key of an HTTPS door, read and checked before anything listens.

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from './config.ts';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** `setting`: where they stand in the configuration. Throws a ConfigError that names the key of what is unusable. */
export function readCertificate(
  files: CertificateFiles,
  setting: 'listen.csp.tls' | 'listen.web.tls',
): { readonly cert: Buffer; readonly key: Buffer } {
  const pair = {
    cert: readPem(`${setting}.cert`, files.cert),
    key: readPem(`${setting}.key`, files.key),
  };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new ConfigError(`${setting}: ${(error as Error).message}`, { cause: error });
  }
  return pair;
}

function readPem(key: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${key}: ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
