// An authority for tests, made with the openssl command line: it signs certificates, valid or expired, into a folder
// of its own.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** File names, PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** Common name; default: the first of the names. */
  readonly commonName?: string;
  /** It ended yesterday. */
  readonly expired?: boolean;
}

export interface TestCa {
  /** File name of the authority's own certificate, PEM. */
  readonly cert: string;
  /** A certificate for DNS names and IP addresses; without any it has no subjectAltName. */
  issue(names: readonly string[], options?: IssueOptions): TestCertificate;
  remove(): void;
}

export function createTestCa(name = 'Test CA'): TestCa {
  const folder = mkdtempSync(join(tmpdir(), 'wvgate-ca-'));
  const at = (file: string) => join(folder, file);
  const [cert, key] = [at('ca.pem'), at('ca-key.pem')];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-days', '2');
  let issued = 0;
  return {
    cert,
    issue(names, { commonName = names[0] ?? 'nobody', expired = false } = {}) {
      issued += 1;
      const own = { cert: at(`${issued}.pem`), key: at(`${issued}-key.pem`) };
      const [asked, extensions] = [at(`${issued}.csr`), at(`${issued}.ext`)];
      openssl('req', ...newKey, '-keyout', own.key, '-out', asked, '-subj', `/CN=${commonName}`);
      writeFileSync(extensions, `basicConstraints=CA:FALSE\n${altNames(names)}`);
      const signer = ['-CA', cert, '-CAkey', key, '-set_serial', String(issued)];
      const validity = ['-days', expired ? '-1' : '1'];
      openssl('x509', '-req', '-in', asked, '-out', own.cert, '-extfile', extensions, ...signer, ...validity);
      return own;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The files' contents, as node:tls takes them. */
export function pem({ cert, key }: TestCertificate): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

function altNames(names: readonly string[]): string {
  if (names.length === 0) return '';
  const entries = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`);
  return `subjectAltName=${entries.join(',')}\n`;
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
