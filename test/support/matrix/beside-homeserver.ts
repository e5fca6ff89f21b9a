// The scripted homeserver, and the configuration of a server beside it.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateRegistration, parseRegistration } from '../../../adapters/matrix/registration.ts';
import type { ConfigInput } from '../../../src/config.ts';
import type { Ports } from '../kill/gateway-process.ts';
import { PASSWORD } from '../ssp/kill/person.ts';
import { freePort } from '../ssp/two-houses.ts';
import { ScriptedHomeserver, type HomeserverOptions } from './homeserver.ts';

export const SERVER_NAME = 'hs.test';
export const DOMAIN = 'crash.test';
export const PREFIX = '_imps_';

/** It listens; the server is one with one user, ann. */
export async function besideHomeserver(
  folder: string,
  ports: Ports,
): Promise<{
  readonly homeserver: ScriptedHomeserver;
  readonly config: ConfigInput;
  readonly service: HomeserverOptions['service'];
}> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, 'registration.yaml');
  const text = generateRegistration({ url, serverName: SERVER_NAME, prefix: PREFIX });
  await writeFile(file, text, { mode: 0o600 });
  const { asToken, hsToken } = parseRegistration(text, file);
  const bot = `@${PREFIX}bot:${SERVER_NAME}`;
  const service = { url, asToken, hsToken, bot };
  const homeserver = new ScriptedHomeserver({ serverName: SERVER_NAME, service });
  await homeserver.open();
  const config: ConfigInput = {
    domain: DOMAIN,
    data: folder,
    users: [{ name: 'ann', password: PASSWORD }],
    login: { userBurst: 1_000, sourceBurst: 1_000 },
    session: { pollMin: 1 },
    listen: { csp: { port: ports.csp }, cir: { tcp: { port: ports.cir } }, ops: { port: ports.ops } },
    matrix: {
      homeserverUrl: homeserver.url,
      serverName: SERVER_NAME,
      registration: file,
      listen: { port },
      pseudoDomain: 'matrix.wv.test',
    },
  };
  return { homeserver, config, service };
}
