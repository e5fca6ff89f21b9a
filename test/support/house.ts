// A whole server in this process, on free ports of loopback, with its data in a folder of its own.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { checkConfig, type ConfigInput } from '../../src/config.ts';
import { startHouse, type House, type HouseOptions } from '../../src/gateway.ts';

export interface TestHouse {
  readonly house: House;
  /** Where clients POST to. */
  readonly url: string;
  readonly domain: string;
  readonly folder: string;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
  /** Stops it and starts it again on the same data (other ports). */
  restart(): Promise<TestHouse>;
}

export interface TestHouseOptions extends Partial<Omit<HouseOptions, 'config'>> {
  readonly config?: ConfigInput;
  /** Accounts `name`/`name-secret`; default ann, bea and cy. */
  readonly users?: readonly string[];
  readonly folder?: string;
}

export const TEST_DOMAIN = 'wv.test';

export async function startTestHouse(options: TestHouseOptions = {}): Promise<TestHouse> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'wvgate-test-')));
  const users = (options.users ?? ['ann', 'bea', 'cy']).map((name) => ({ name, password: `${name}-secret` }));
  const input: ConfigInput = {
    domain: TEST_DOMAIN,
    data: folder,
    users,
    listen: { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 } },
    ...options.config,
  };
  const config = checkConfig(input, 'test configuration', folder);
  const log = options.log ?? pino({ level: process.env.WVGATE_TEST_LOG ?? 'silent' });
  const house = await startHouse({ ...options, config, log });
  const { host, port } = house.addresses.csp;
  return {
    house,
    url: `http://${host}:${port}/csp`,
    domain: config.domain,
    folder,
    async stop() {
      await house.stop();
      await rm(folder, { recursive: true, force: true });
    },
    async restart() {
      await house.stop();
      return startTestHouse({ ...options, folder });
    },
  };
}
