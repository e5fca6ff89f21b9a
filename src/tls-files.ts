// Certificate and key of the HTTPS door, read and checked before anything listens.

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from './config.ts';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Throws a ConfigError that names the key of the configuration for a file that cannot be read or used. */
export function readCertificate(files: CertificateFiles): { readonly cert: Buffer; readonly key: Buffer } {
  const pair = {
    cert: readPem('listen.csp.tls.cert', files.cert),
    key: readPem('listen.csp.tls.key', files.key),
  };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new ConfigError(`listen.csp.tls: ${(error as Error).message}`, { cause: error });
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
