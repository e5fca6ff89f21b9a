import { X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError, type Config } from '../config.ts';
import { sectionsOf } from '../config/gateways.ts';
import { readLogo } from '../provider-logo.ts';
import { readAuthorities } from '../tls-files.ts';
import { CONFIG_OPTION, loadConfig, parseCommandLine, type Command } from './command.ts';

type NamedFiles = readonly (readonly [key: string, file: string | undefined])[];

/** Throws a ConfigError for the first one that cannot be read. */
export function checkReadable(named: NamedFiles, source: string): void {
  for (const [key, file] of named) {
    if (file === undefined) continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      throw new ConfigError(`${source}: ${key}: ${file} cannot be read`, { cause: error });
    }
  }
}

/** Files the configuration names must be readable, and the gateways must accept what they are given. */
export async function checkFiles(config: Config, source: string): Promise<void> {
  const { csp, ssp, web } = config.listen;
  const named: NamedFiles = [
    ['listen.csp.tls.cert', csp.tls?.cert],
    ['listen.csp.tls.key', csp.tls?.key],
    ['listen.ssp.tls.cert', ssp?.tls?.cert],
    ['listen.ssp.tls.key', ssp?.tls?.key],
    ['listen.ssp.clientCa', ssp?.clientCa],
    ['listen.web.tls.cert', web?.tls?.cert],
    ['listen.web.tls.key', web?.tls?.key],
    ['operator.tokenFile', config.operator.tokenFile],
    ['passwordKeyFile', config.passwordKeyFile],
    ['matrix.registration', config.matrix?.registration],
    ['ssp.tls.ca', config.ssp?.tls.ca],
    ['ssp.tls.cert', config.ssp?.tls.cert],
    ['ssp.tls.key', config.ssp?.tls.key],
  ];
  checkReadable(named, source);
  if (csp.tls !== undefined) checkCertificate(csp.tls, `${source}: listen.csp.tls`);
  if (ssp?.tls !== undefined) checkCertificate(ssp.tls, `${source}: listen.ssp.tls`);
  if (ssp?.clientCa !== undefined) readAuthorities(ssp.clientCa, 'listen.ssp.clientCa');
  if (web?.tls !== undefined) checkCertificate(web.tls, `${source}: listen.web.tls`);
  if (config.ssp !== undefined) checkPeerTls(config.ssp.tls, `${source}: ssp.tls`);
  if (config.provider.logo !== undefined) readLogo(config.provider.logo);
  if (config.xmpp === undefined && config.matrix === undefined) return;
  const { configuredGateways } = await import('../configured-gateways.ts');
  configuredGateways(config);
}

export function checkCertificate({ cert, key }: { cert: string; key: string }, source: string): void {
  try {
    createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
  } catch (error) {
    const reason = (error as Error).message;
    throw new ConfigError(`${source}: not a certificate with its key: ${reason}`, {
      cause: error,
    });
  }
}

export function checkPeerTls({ ca, cert, key }: NonNullable<Config['ssp']>['tls'], source: string): void {
  if (cert !== undefined && key !== undefined) checkCertificate({ cert, key }, source);
  if (ca !== undefined) checkAuthorities(ca, `${source}.ca: ${ca}`);
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Node takes a file without certificates without a word: no peer would be believed. */
function checkAuthorities(file: string, source: string): void {
  const certificates = readFileSync(file, 'latin1').match(PEM_CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new ConfigError(`${source}: has no certificate in PEM`);
  for (const pem of certificates) {
    try {
      new X509Certificate(pem);
    } catch (error) {
      throw new ConfigError(`${source}: not a certificate: ${(error as Error).message}`, { cause: error });
    }
  }
}

export const checkConfigCommand: Command = {
  usage: 'check-config [--config FILE]',
  summary: 'check the configuration and say what it would start',
  async run(args, projectRoot) {
    const { values } = parseCommandLine(args, CONFIG_OPTION);
    const { config, file } = loadConfig(values.config, projectRoot);
    await checkFiles(config, file);
    const { csp, ssp, cir, ops, web } = config.listen;
    const xmpp = sectionsOf(config.xmpp);
    const lines = [
      `${file}: good`,
      `  domain      ${config.domain}`,
      `  data        ${config.data}`,
      `  CSP         ${csp.tls === undefined ? 'http' : 'https'}://${csp.host}:${csp.port}${csp.path}`,
      `  SSP         ${[ssp && `${ssp.tls === undefined ? 'http' : 'https'}://${ssp.host}:${ssp.port}/`, csp.ssp && 'on the CSP port'].filter(Boolean).join(', ') || 'off'}`,
      `  CIR         ${[cir.tcp && `TCP ${cir.tcp.host}:${cir.tcp.port}`, cir.udp && 'UDP'].filter(Boolean).join(', ') || 'off'}`,
      `  operators   http://${ops.host}:${ops.port}/healthz`,
      `  web         ${web === undefined ? 'off' : `${web.tls === undefined ? 'http' : 'https'}://${web.host}:${web.port}`}`,
      `  XMPP        ${xmpp.length === 0 ? 'off' : xmpp.map(([, { component, host, port }]) => `${component} at ${host}:${port}`).join(', ')}`,
      `  Matrix      ${config.matrix === undefined ? 'off' : `${config.matrix.serverName} at ${config.matrix.homeserverUrl}`}`,
      `  SSP         ${config.ssp === undefined ? 'off' : `${config.ssp.peers.length} peer(s)${config.ssp.federation === 'open' ? ', open to others' : ''}`}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    return 0;
  },
};
