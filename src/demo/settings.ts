// The configuration that the demo runs with: the usual ports where they are free, and both gateways of the stack.

import { createServer } from 'node:net';
import { checkConfig, ConfigError, type Config, type ConfigInput } from '../config.ts';
import type { MatrixServer, Servers } from './servers.ts';

export const HOST = '127.0.0.1';
export const WV_DOMAIN = 'wv.localhost';
export const MATRIX_PSEUDO_DOMAIN = `matrix.${WV_DOMAIN}`;
const XMPP_PSEUDO_DOMAIN = `xmpp.${WV_DOMAIN}`;

/** Accounts of the demo; passwords that anybody may know, for it listens on loopback only. */
export const USERS = [
  { name: 'ann', password: 'ann-secret', displayName: 'Ann' },
  { name: 'bea', password: 'bea-secret', displayName: 'Bea' },
] as const;

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}

/** The port itself when nobody listens there, else 0: any. */
async function freeOrAny(port: number): Promise<number> {
  return (await isFree(port)) ? port : 0;
}

const portOf = (server: MatrixServer): number => Number(new URL(server.registrations.main.url).port);

/**
 * The homeserver knows one place where to find us: who is there already would be disturbed.
 * @throws ConfigError
 */
export async function checkAlone({ matrix }: Servers): Promise<void> {
  if (matrix === undefined || (await isFree(portOf(matrix)))) return;
  throw new ConfigError(
    `port ${portOf(matrix)} is taken: another demo seems to be running, end that one first`,
  );
}

function gatewaysOf({ xmpp, matrix }: Servers): Pick<ConfigInput, 'xmpp' | 'matrix'> {
  return {
    ...(xmpp === undefined
      ? {}
      : {
          xmpp: {
            host: xmpp.host,
            port: xmpp.componentPort,
            component: xmpp.components.main.domain,
            secret: xmpp.components.main.secret,
            domains: [xmpp.domain],
            pseudoDomain: XMPP_PSEUDO_DOMAIN,
          },
        }),
    ...(matrix === undefined
      ? {}
      : {
          matrix: {
            homeserverUrl: matrix.baseUrl,
            serverName: matrix.serverName,
            registration: matrix.registrations.main.file,
            listen: { port: portOf(matrix) },
            pseudoDomain: MATRIX_PSEUDO_DOMAIN,
          },
        }),
  };
}

/** The whole configuration, with its data in `folder`. */
export async function demoConfig(servers: Servers, folder: string): Promise<Config> {
  const [csp, cir, ops] = await Promise.all([8080, 3171, 9090].map(freeOrAny));
  const input: ConfigInput = {
    domain: WV_DOMAIN,
    data: folder,
    users: [...USERS],
    provider: { name: 'wvgate demo' },
    listen: { csp: { port: csp }, cir: { tcp: { port: cir } }, ops: { port: ops } },
    // bea's phone has no channel to be called on; nobody wants to watch her wait.
    session: { pollMin: 1 },
    ...gatewaysOf(servers),
  };
  return checkConfig(input, 'demo configuration', folder);
}
