// `wvgate adapter xmpp|matrix`: a gateway in a process of its own, until SIGTERM or SIGINT.

import {
  houseConfig,
  NETWORKS,
  readAdapterConfig,
  type AdapterConfig,
  type Network,
} from '../config/adapter.ts';
import { createLog } from '../ops/log.ts';
import { readAuthorities } from '../tls-files.ts';
import { checkCertificate, checkPeerTls, checkReadable } from './check-config.ts';
import { CONFIG_OPTION, parseCommandLine, UsageError, type Command } from './command.ts';
import { ended } from './serve.ts';

const OPTIONS = { ...CONFIG_OPTION, check: { type: 'boolean' } } as const;

export const adapterCommand: Command = {
  usage: 'adapter xmpp|matrix --config FILE',
  summary: 'start a gateway in a process of its own',
  details: `
  --config FILE   configuration of the adapter: data, adapter, listen.ssp, and xmpp or matrix (docs/adapters.md)
  --check         only check it

Serves the same gateway as a section xmpp or matrix of the server's configuration does, and speaks SSP with the
server, whose configuration names it under ssp.peers with gateway: true (for Matrix: collective: true). The two
may be started and stopped in any order. SIGTERM ends it in order.
`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    const network = wanted(positionals);
    const file = values.config;
    if (file === undefined)
      throw new UsageError(
        `adapter ${network}: --config FILE is needed, such as config/adapter-${network}.yaml`,
      );
    const config = readAdapterConfig(file, network);
    checkFiles(config, file);
    // Loaded here, not above: the gateways' libraries take a second that other commands need not wait for.
    const { configuredGateways } = await import('../configured-gateways.ts');
    const [gateway] = configuredGateways(config);
    if (gateway === undefined) throw new TypeError(`no gateway ${network} in a configuration that has it`);
    houseConfig(config, gateway, file);
    if (values.check === true) {
      process.stdout.write(goodNews(config, file, gateway.domains));
      return 0;
    }
    const log = createLog(config.log.level);
    process.on('unhandledRejection', (error) => {
      log.fatal({ err: error }, 'unhandled rejection: a bug, stopping');
      process.exit(70);
    });
    const { startAdapterHost } = await import('../adapter-host.ts');
    const host = await startAdapterHost({ config, gateway, source: file, log });
    const { core } = config.adapter;
    log.info({ config: file, network, core, domains: gateway.domains, ...host.addresses }, 'wvgate is ready');
    await ended();
    log.info({}, 'stopping');
    await host.stop();
    log.info({}, 'stopped');
    return 0;
  },
};

function wanted([name, ...more]: readonly string[]): Network {
  const network = NETWORKS.find((known) => known === name);
  if (network === undefined || more.length > 0)
    throw new UsageError('adapter xmpp --config FILE, or adapter matrix --config FILE');
  return network;
}

function checkFiles({ listen: { ssp }, adapter: { tls }, matrix }: AdapterConfig, source: string): void {
  checkReadable(
    [
      ['listen.ssp.tls.cert', ssp.tls?.cert],
      ['listen.ssp.tls.key', ssp.tls?.key],
      ['listen.ssp.clientCa', ssp.clientCa],
      ['adapter.tls.ca', tls.ca],
      ['adapter.tls.cert', tls.cert],
      ['adapter.tls.key', tls.key],
      ['matrix.registration', matrix?.registration],
    ],
    source,
  );
  if (ssp.tls !== undefined) checkCertificate(ssp.tls, `${source}: listen.ssp.tls`);
  if (ssp.clientCa !== undefined) readAuthorities(ssp.clientCa, 'listen.ssp.clientCa');
  checkPeerTls(tls, `${source}: adapter.tls`);
}

function goodNews(
  { adapter, data, listen }: AdapterConfig,
  file: string,
  domains: readonly string[],
): string {
  const { ssp, ops } = listen;
  return [
    `${file}: good`,
    `  domains     ${domains.join(', ')}`,
    `  data        ${data}`,
    `  server      ${adapter.core} at ${adapter.url}`,
    `  SSP         ${ssp.tls === undefined ? 'http' : 'https'}://${ssp.host}:${ssp.port}/`,
    `  operators   http://${ops.host}:${ops.port}/healthz`,
    '',
  ].join('\n');
}
