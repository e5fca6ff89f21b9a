// A house, and beside it a gateway in a host of its own: both in this process, with SSP between them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { startAdapterHost, type AdapterHost } from '../../../src/adapter-host.ts';
import {
  adapterConfigSchema,
  type AdapterConfig,
  type AdapterConfigInput,
} from '../../../src/config/adapter.ts';
import type { ConfigInput } from '../../../src/config.ts';
import type { Gateway } from '../../../src/sap/port.ts';
import { freePort, Side } from './two-houses.ts';

type PeerInput = NonNullable<NonNullable<ConfigInput['ssp']>['peers']>[number];

export const CORE = 'core.test';

/** The server's entry for a gateway that listens there. */
export function gatewayEntry(
  domains: readonly string[],
  port: number,
  more: Partial<PeerInput> = {},
): PeerInput {
  const [domain = '', ...others] = domains;
  const url = `http://127.0.0.1:${port}/`;
  return { domain, domains: others, url, allowPlain: true, gateway: true, ...more };
}

/** The adapter's section about a server that listens there. */
export function coreEntry(core: string, port: number): AdapterConfigInput['adapter'] {
  return { core, url: `http://127.0.0.1:${port}/`, allowPlain: true };
}

export interface AdapterSceneOptions {
  readonly entry?: Partial<PeerInput>;
  readonly adapter?: Partial<AdapterConfigInput['adapter']>;
  readonly core?: Partial<ConfigInput>;
}

export class AdapterScene {
  readonly core: Side;
  readonly #config: AdapterConfig;
  readonly #folder: string;
  #host: AdapterHost | undefined;

  private constructor(core: Side, config: AdapterConfig, folder: string) {
    this.core = core;
    this.#config = config;
    this.#folder = folder;
  }

  /** The house runs; the adapter does not yet. */
  static async make(domains: readonly string[], options: AdapterSceneOptions = {}): Promise<AdapterScene> {
    const [corePort, port] = [await freePort(), await freePort()];
    const [folder, own] = await Promise.all(['core', 'adapter'].map(newFolder));
    if (folder === undefined || own === undefined) throw new Error('two folders');
    const core = new Side(CORE, corePort, folder, {
      domain: CORE,
      data: folder,
      login: { userBurst: 1000, sourceBurst: 1000 },
      listen: { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 }, ssp: { port: corePort } },
      ssp: { discovery: { enabled: false }, peers: [gatewayEntry(domains, port, options.entry)] },
      ...options.core,
    });
    await core.start();
    const config = adapterConfigSchema.parse({
      data: own,
      adapter: { ...coreEntry(CORE, corePort), ...options.adapter },
      listen: { ssp: { port }, ops: { port: 0 } },
    });
    return new AdapterScene(core, config, own);
  }

  get host(): AdapterHost {
    if (this.#host === undefined) throw new Error('the adapter is not running');
    return this.#host;
  }

  async startAdapter(gateway: Gateway): Promise<void> {
    const log = pino({ level: process.env.WVGATE_TEST_LOG ?? 'silent' });
    this.#host = await startAdapterHost({ config: this.#config, gateway, source: 'adapter', log });
  }

  async stopAdapter(): Promise<void> {
    await this.#host?.stop();
    this.#host = undefined;
  }

  async close(): Promise<void> {
    await this.stopAdapter();
    await this.core.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function newFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `wvgate-${name}-`));
}
