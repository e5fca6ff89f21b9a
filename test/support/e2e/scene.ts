// The whole house behind real servers, and phones of every kind that log in at it.

import { randomBytes } from 'node:crypto';
import type { MatrixServer, XmppServer } from '../../../scripts/stack/description.ts';
import { NETWORKS, type AdapterConfigInput, type Network } from '../../../src/config/adapter.ts';
import { mucDomain } from '../../../scripts/stack/layout.ts';
import type { ConfigInput } from '../../../src/config.ts';
import { WvClient, type WvClientOptions } from '../../../src/client/client.ts';
import { nodeDigest } from '../../../src/client/node-digest.ts';
import { stcp } from '../../../src/client/stcp.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { eventually } from '../eventually.ts';
import { startTestHouse, TEST_DOMAIN, type TestHouse } from '../house.ts';
import { ProgramFolder, type Serving } from '../program.ts';
import { coreEntry, gatewayEntry } from '../ssp/adapter-scene.ts';
import { freePort } from '../ssp/two-houses.ts';

export const MATRIX_DOMAIN = 'matrix.wv.test';
/** Whom a WV user lets see him to be seen in Matrix. */
export const ALL_OF_MATRIX = `wv:gateway@${MATRIX_DOMAIN}`;
export const SHOWN = ['OnlineStatus', 'UserAvailability', 'StatusText'] as const;
/** Real servers are real processes; ms. */
export const DEADLINE_MS = 15_000;

/** Where the gateways run: in the house's process, or each in one of its own with SSP between. */
export const WHEREABOUTS = ['in the house', 'behind SSP'] as const;
export type Whereabouts = (typeof WHEREABOUTS)[number];

type PhoneKind = Pick<WvClientOptions, 'version' | 'encoding' | 'login' | 'digest'>;

/** The three phones that all hold the same conversation. */
export const PHONES = [
  { phone: 'XML 1.1', kind: { version: '1.1', encoding: 'xml', login: '2-way' } },
  { phone: 'WBXML 1.2', kind: { version: '1.2', encoding: 'wbxml', login: '4-way', digest: nodeDigest } },
  { phone: 'XML 1.3', kind: { version: '1.3', encoding: 'xml', login: '4-way', digest: nodeDigest } },
] as const satisfies readonly { phone: string; kind: PhoneKind }[];

/** An account that no server has heard of. */
export interface Account {
  readonly name: string;
  readonly address: UserAddress;
}

export interface Scene {
  /** The one that runs now. */
  readonly house: TestHouse;
  newAccount(first: string): Promise<Account>;
  /** A phone that is still off: what waits for it comes while it logs in. */
  phone(account: Account, kind?: PhoneKind): WvClient;
  login(account: Account, kind?: PhoneKind): Promise<WvClient>;
  /** Resolves when all gateways are connected to their networks. */
  connected(): Promise<void>;
  /** Stops the house, not the servers, and starts it again; resolves when it is connected. Phones log in anew. */
  restart(): Promise<void>;
  /** Between tests: all phones log out. */
  everybodyOut(): Promise<void>;
  stop(): Promise<void>;
}

function xmppConfig(server: XmppServer): {
  readonly xmpp: Exclude<ConfigInput['xmpp'], undefined | unknown[]>;
} {
  const { domain, groups, secret } = server.components.test;
  return {
    xmpp: {
      host: server.host,
      port: server.componentPort,
      component: domain,
      groupsComponent: groups,
      secret,
      domains: [server.domain],
      groupDomains: [mucDomain(server.domain)],
      // The upload services of the stack listen on loopback, without TLS.
      files: { insecure: true, allow: ['127.0.0.1'] },
    },
  };
}

function matrixConfig(server: MatrixServer): Pick<ConfigInput, 'matrix'> {
  const { file, url } = server.registrations.test;
  return {
    matrix: {
      homeserverUrl: server.baseUrl,
      serverName: server.serverName,
      registration: file,
      listen: { port: Number(new URL(url).port) },
      pseudoDomain: MATRIX_DOMAIN,
    },
  };
}

/** Accounts of the server may be linked, over the users' HTTP listener. */
function linkedConfig(server: XmppServer): ConfigInput {
  const { domain, host, c2sPort } = server;
  const { xmpp } = xmppConfig(server);
  return {
    listen: { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 }, web: { port: 0 } },
    xmpp: { ...xmpp, linked: { servers: [{ domain, host, port: c2sPort }] } },
  };
}

/** Accounts of the homeserver may be linked, over the users' HTTP listener. */
function linkedMatrixConfig(server: MatrixServer): ConfigInput {
  const { matrix } = matrixConfig(server);
  if (matrix === undefined) throw new TypeError('a homeserver has a section');
  return {
    listen: { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 }, web: { port: 0 } },
    matrix: { ...matrix, linked: {} },
  };
}

type Servers = {
  readonly xmpp?: XmppServer;
  readonly matrix?: MatrixServer;
  /** Instead of `xmpp`: with linked accounts. */
  readonly linked?: XmppServer;
  /** Instead of `matrix`: with linked accounts. */
  readonly linkedMatrix?: MatrixServer;
};
type Gateways = Pick<ConfigInput, Network>;

/** The house's listeners and peers for gateways that run elsewhere, and their processes. */
class Adapters {
  readonly config: ConfigInput;
  readonly parts: readonly string[];
  readonly #folder: ProgramFolder;
  readonly #configs: readonly (readonly [Network, AdapterConfigInput])[];
  readonly #running: Serving[] = [];

  private constructor(
    folder: ProgramFolder,
    config: ConfigInput,
    configs: readonly (readonly [Network, AdapterConfigInput])[],
  ) {
    this.#folder = folder;
    this.#configs = configs;
    this.config = config;
    this.parts = (config.ssp?.peers ?? []).map(({ domain }) => `ssp:${domain}`);
  }

  static async of(gateways: Gateways): Promise<Adapters> {
    const corePort = await freePort();
    const peers: NonNullable<NonNullable<ConfigInput['ssp']>['peers']> = [];
    const configs: (readonly [Network, AdapterConfigInput])[] = [];
    for (const network of NETWORKS) {
      if (gateways[network] === undefined) continue;
      const port = await freePort();
      const domains =
        network === 'matrix'
          ? [MATRIX_DOMAIN]
          : [gateways.xmpp ?? []].flat().flatMap((section) => section.domains ?? []);
      peers.push(gatewayEntry(domains, port, { collective: network === 'matrix' }));
      const listen = { ssp: { port }, ops: { port: 0 } };
      const adapter = coreEntry(TEST_DOMAIN, corePort);
      configs.push([network, { data: network, adapter, listen, [network]: gateways[network] }]);
    }
    const free = { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 } };
    const config = {
      listen: { ...free, ssp: { port: corePort } },
      ssp: { discovery: { enabled: false }, peers },
    };
    return new Adapters(await ProgramFolder.make(), config, configs);
  }

  async start(): Promise<void> {
    for (const [network, config] of this.#configs) {
      const file = await this.#folder.config(JSON.stringify(config), `${network}.yaml`);
      this.#running.push(await this.#folder.adapter(network, file));
    }
  }

  async stop(): Promise<void> {
    for (const { signal, ended } of this.#running) {
      signal('SIGTERM');
      await ended;
    }
    await this.#folder.remove();
  }
}

/** A house with the `test` component and registration of the servers that are given. */
export async function startScene(servers: Servers, where: Whereabouts = 'in the house'): Promise<Scene> {
  const gateways: ConfigInput = {
    ...(servers.linked === undefined ? {} : linkedConfig(servers.linked)),
    ...(servers.xmpp === undefined ? {} : xmppConfig(servers.xmpp)),
    ...(servers.linkedMatrix === undefined ? {} : linkedMatrixConfig(servers.linkedMatrix)),
    ...(servers.matrix === undefined ? {} : matrixConfig(servers.matrix)),
  };
  const adapters = where === 'in the house' ? undefined : await Adapters.of(gateways);
  let house = await startTestHouse({ users: [], config: adapters?.config ?? gateways });
  await adapters?.start();
  const parts = adapters?.parts ?? NETWORKS.filter((network) => gateways[network] !== undefined);
  const phones: WvClient[] = [];
  const phone = ({ address }: Account, kind: PhoneKind = PHONES[1].kind): WvClient => {
    const timing = { pollSeconds: 0, cirPollSeconds: 0, cir: stcp({ reconnectMs: 100 }) };
    const client = new WvClient({ url: house.url, user: address, password: 'sesame', ...timing, ...kind });
    phones.push(client);
    return client;
  };
  const everybodyOut = async (): Promise<void> => {
    for (const client of phones.splice(0)) await client.logout();
  };
  const connected = async (): Promise<void> => {
    const isUp = () => parts.every((part) => house.house.readiness().parts[part] === 'up');
    await eventually('the gateways are connected', isUp);
  };
  return {
    get house() {
      return house;
    },
    everybodyOut,
    connected,
    async restart() {
      house = await house.restart();
      await connected();
    },
    async newAccount(first) {
      const name = `${first}${randomBytes(4).toString('hex')}`;
      await house.house.accounts.create({ name, password: 'sesame', displayName: first });
      return { name, address: `wv:${name}@${TEST_DOMAIN}` as UserAddress };
    },
    phone,
    async login(account, kind) {
      const client = phone(account, kind);
      await client.connect();
      return client;
    },
    async stop() {
      await everybodyOut();
      await adapters?.stop();
      await house.stop();
    },
  };
}

/** How many messages wait for a user. */
export async function waitingFor({ house }: Scene, { address }: Account): Promise<number> {
  return (await house.house.store.queueOf(address, 0, 100)).length;
}

/** Whether somebody's request to watch a user is written down. */
export async function isAsked({ house }: Scene, { address }: Account, watcher: string): Promise<boolean> {
  const home = await house.house.store.loadHome(address);
  return home?.authorizations.some((authorization) => authorization.watcher === watcher) ?? false;
}

/** Lets a watcher see the user. COMPAT(1.3): has no answer to a question, but lists of who may see what. */
export async function lets(phone: WvClient, watcher: string): Promise<void> {
  if (phone.settings.version === '1.3') await phone.createAttributeList(SHOWN, { users: [watcher] });
  else await phone.answerAuthorization(watcher, true);
}

/** Sees a user's presence with these values. */
export function seesPresence(
  phone: WvClient,
  user: string,
  wanted: Partial<Record<(typeof SHOWN)[number], string>>,
): Promise<unknown> {
  return phone.next(
    'presence',
    (seen) =>
      seen.user === user &&
      SHOWN.every((name) => [undefined, seen.attributes[name]?.value].includes(wanted[name])),
    DEADLINE_MS,
  );
}

export function seesMessage(phone: WvClient, from: string, text: string): Promise<unknown> {
  return phone.next(
    'message',
    (seen) => seen.text === text && seen.from !== undefined && 'user' in seen.from && seen.from.user === from,
    DEADLINE_MS,
  );
}
