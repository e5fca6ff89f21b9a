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
  setting: 'listen.csp.tls' | 'listen.ssp.tls' | 'listen.web.tls' | 'ssp.tls',
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

/** Certificates of authorities. Throws a ConfigError that names the key `setting` when the file holds none. */
export function readAuthorities(file: string, setting: 'listen.ssp.clientCa' | 'ssp.tls.ca'): Buffer {
  const ca = readPem(setting, file);
  // node:tls takes a file without any certificate in silence.
  if (!ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new ConfigError(`${setting}: ${file} holds no certificate`);
  try {
    createSecureContext({ ca });
  } catch (error) {
    throw new ConfigError(`${setting}: ${file}: ${(error as Error).message}`, { cause: error });
  }
  return ca;
}

/** What connections to peers trust and show. Throws a ConfigError that names the key of what is unusable. */
export function readPeerTls({
  ca,
  cert,
  key,
}: {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}) {
  return {
    ...(ca === undefined ? {} : { ca: readAuthorities(ca, 'ssp.tls.ca') }),
    ...(cert === undefined || key === undefined ? {} : readCertificate({ cert, key }, 'ssp.tls')),
  };
}

function readPem(key: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${key}: ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
