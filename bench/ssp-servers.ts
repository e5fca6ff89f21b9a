// Two of our servers in processes of their own, which know each other by SSP over TLS on loopback.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestCa, type TestCa } from '../test/support/ssp/test-ca.ts';
import { Child, withChild } from './child.ts';
import { DOMAIN, PEER_DOMAIN, type ServerPlace } from './load/tasks.ts';
import type { SspTask } from './server.ts';

/** More than any load asks for: the limits are not what is measured. */
export const NO_LIMITS = { requestsPerSecond: 1_000_000, burst: 1_000_000 };

export interface Side extends ServerPlace {
  readonly server: Child;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** A folder and an authority for certificates, gone afterwards. */
export async function withCa<T>(task: (ca: TestCa, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wvgate-bench-'));
  const ca = createTestCa();
  try {
    return await task(ca, folder);
  } finally {
    ca.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a task with a server of DOMAIN and one of PEER_DOMAIN. `nodeOptions`: of each. */
export function withTwoServers<T>(
  users: number,
  task: (sending: Side, receiving: Side) => Promise<T>,
  nodeOptions: (domain: string) => readonly string[] = () => [],
): Promise<T> {
  return withCa(async (ca, folder) => {
    const doors: Readonly<Record<string, number>> = {
      [DOMAIN]: await freePort(),
      [PEER_DOMAIN]: await freePort(),
    };
    const side = async (domain: string, other: string, use: (side: Side) => Promise<T>): Promise<T> =>
      withChild(Child.start('server.ts', nodeOptions(domain)), async (server) => {
        const ssp: SspTask = {
          domain,
          door: { port: doors[domain] ?? 0, tls: ca.issue([domain, '127.0.0.1']) },
          peers: {
            discovery: { enabled: false },
            tls: { ca: ca.cert },
            limits: NO_LIMITS,
            peers: [
              {
                domain: other,
                url: `https://127.0.0.1:${doors[other] ?? 0}/`,
                certificateNames: [other],
              },
            ],
          },
        };
        const data = join(folder, domain);
        const { port } = await server.ask<{ port: number }>('start', { users, data, ssp, holdsPolls: true });
        return use({ server, port, domain });
      });
    return side(PEER_DOMAIN, DOMAIN, (receiving) =>
      side(DOMAIN, PEER_DOMAIN, (sending) => task(sending, receiving)),
    );
  });
}
