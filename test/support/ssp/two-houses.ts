// Two whole servers of two domains in this process that know each other by SSP, and people with clients in both.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { WvClient, type WvClientOptions } from '../../../src/client/client.ts';
import { stcp } from '../../../src/client/stcp.ts';
import { peersSchema, type ToldPeer } from '../../../src/commands/peer-table.ts';
import { checkConfig, type ConfigInput } from '../../../src/config.ts';
import { startHouse, type House, type HouseOptions } from '../../../src/gateway.ts';
import { createTestCa, type TestCa } from './test-ca.ts';

export type PeerInput = NonNullable<NonNullable<ConfigInput['ssp']>['peers']>[number];

/** Opens the operators' API of servers whose `operator.tokenFile` has it. */
export const OPERATOR_TOKEN = 'a-secret-of-many-characters';

export interface SideOptions {
  /** Beside what every side has. */
  readonly config?: Partial<ConfigInput>;
  /** What the other side's entry for this one says more. */
  readonly entry?: Partial<PeerInput>;
  /** Further entries beside the other side's. */
  readonly morePeers?: readonly PeerInput[];
  /** Of the house itself, each time it starts. */
  readonly house?: Partial<Omit<HouseOptions, 'config'>>;
  /** Where the other side finds this one, when something stands in between. */
  readonly through?: (port: number) => number | Promise<number>;
}

export interface TwoHousesOptions {
  /** Without TLS. */
  readonly plain?: boolean;
  readonly a?: SideOptions;
  readonly b?: SideOptions;
  /** Of `ssp` of both sides. */
  readonly ssp?: Partial<NonNullable<ConfigInput['ssp']>>;
}

/** One server; it may be stopped and started again under the same address. */
export class Side {
  readonly domain: string;
  readonly port: number;
  readonly folder: string;
  readonly config: ConfigInput;
  readonly #options: NonNullable<SideOptions['house']>;
  #house: House | undefined;
  readonly #clients: WvClient[] = [];
  #people = 0;

  constructor(
    domain: string,
    port: number,
    folder: string,
    config: ConfigInput,
    options: SideOptions['house'] = {},
  ) {
    this.domain = domain;
    this.port = port;
    this.folder = folder;
    this.config = config;
    this.#options = options;
  }

  get house(): House {
    if (this.#house === undefined) throw new Error(`${this.domain} is not running`);
    return this.#house;
  }

  async start(): Promise<void> {
    const config = checkConfig(this.config, this.domain, this.folder);
    const log = pino({ level: process.env.WVGATE_TEST_LOG ?? 'silent' });
    this.#house = await startHouse({ log, ...this.#options, config });
  }

  async stop(): Promise<void> {
    await this.#house?.stop();
    this.#house = undefined;
  }

  /** The address of somebody no other test has met. */
  async person(name: string, password = 'sesame'): Promise<string> {
    this.#people += 1;
    const own = `${name}${this.#people}`;
    await this.house.accounts.create({ name: own, password });
    return `wv:${own}@${this.domain}`;
  }

  async online(user: string, options: Partial<WvClientOptions> = {}): Promise<WvClient> {
    const client = this.client(user, options);
    await client.connect();
    return client;
  }

  /** Not connected yet. */
  client(user: string, options: Partial<WvClientOptions> = {}): WvClient {
    const client = new WvClient({
      url: `http://127.0.0.1:${this.house.addresses.csp.port}/csp`,
      user,
      password: 'sesame',
      pollSeconds: 0,
      cirPollSeconds: 0,
      cir: stcp(),
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A new person with a client. */
  async somebody(
    name: string,
    options: Partial<WvClientOptions> = {},
  ): Promise<{ user: string; client: WvClient }> {
    const user = await this.person(name);
    return { user, client: await this.online(user, options) };
  }

  /** What `wvgate peers` shows. Needs `operator.tokenFile` with OPERATOR_TOKEN. */
  async peers(): Promise<readonly ToldPeer[]> {
    const { port } = this.house.addresses.ops;
    const headers = { Authorization: `Bearer ${OPERATOR_TOKEN}` };
    const response = await fetch(`http://127.0.0.1:${port}/api/peers`, { headers });
    return peersSchema.parse(await response.json()).peers;
  }

  /** A counter, all of its labels together. */
  async metric(name: string): Promise<number> {
    const { port } = this.house.addresses.ops;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`wvgate_${name}`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async close(): Promise<void> {
    // Only for order: whoever cannot log out any more is logged out by the end of the server.
    await Promise.all(this.#clients.splice(0).map((client) => client.logout().catch(() => undefined)));
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface TwoHouses {
  readonly a: Side;
  readonly b: Side;
  close(): Promise<void>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  return port;
}

export async function twoHouses(options: TwoHousesOptions = {}): Promise<TwoHouses> {
  const ca = options.plain === true ? undefined : createTestCa();
  const [portA, portB] = [await freePort(), await freePort()];
  const sides = [
    {
      domain: 'a.test',
      port: portA,
      own: options.a ?? {},
      other: { domain: 'b.test', port: portB, ...options.b },
    },
    {
      domain: 'b.test',
      port: portB,
      own: options.b ?? {},
      other: { domain: 'a.test', port: portA, ...options.a },
    },
  ];
  const [a, b] = await Promise.all(
    sides.map(async ({ domain, port, own, other }) => {
      const reached = (await other.through?.(other.port)) ?? other.port;
      const folder = await mkdtemp(join(tmpdir(), `wvgate-${domain}-`));
      const config: ConfigInput = {
        domain,
        data: folder,
        login: { userBurst: 1000, sourceBurst: 1000 },
        ...own.config,
        listen: {
          csp: { port: 0 },
          cir: { tcp: { port: 0 } },
          ops: { port: 0 },
          ssp: { port, ...doorTls(ca, domain) },
          ...own.config?.listen,
        },
        ssp: {
          discovery: { enabled: false },
          ...(ca === undefined ? {} : { tls: { ca: ca.cert } }),
          peers: [peerEntry(ca, other.domain, reached, other.entry), ...(own.morePeers ?? [])],
          ...options.ssp,
        },
      };
      return new Side(domain, port, folder, config, own.house);
    }),
  );
  if (a === undefined || b === undefined) throw new Error('two sides');
  await a.start();
  await b.start();
  return {
    a,
    b,
    async close() {
      await a.close();
      await b.close();
      ca?.remove();
    },
  };
}

function doorTls(ca: TestCa | undefined, domain: string) {
  return ca === undefined ? {} : { tls: ca.issue([domain, '127.0.0.1']) };
}

function peerEntry(
  ca: TestCa | undefined,
  domain: string,
  port: number,
  more: Partial<PeerInput> | undefined,
): PeerInput {
  const scheme = ca === undefined ? 'http' : 'https';
  return {
    domain,
    url: `${scheme}://127.0.0.1:${port}/`,
    ...(ca === undefined ? { allowPlain: true } : { certificateNames: [domain] }),
    ...more,
  };
}
