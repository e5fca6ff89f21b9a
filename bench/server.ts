// wvgate itself in a process of its own, with a fresh database and accounts made for the benchmark.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { passwordKey } from '../src/data-folder.ts';
import { startHouse, type House } from '../src/gateway.ts';
import { checkConfig, type Config, type ConfigInput } from '../src/config.ts';
import { createLog } from '../src/ops/log.ts';
import { Passwords } from '../src/sap/passwords.ts';
import { INITIAL_SETTINGS } from '../src/services/groups/properties.ts';
import { parseGroup, parseUser, isAddressError } from '../src/wv/address.ts';
import { trusted, type ClientId, type Domain, type UserAddress } from '../src/wv/ids.ts';
import { answering } from './answering.ts';
import { CLIENT_ID, DOMAIN, GROUP, HELD_SECONDS, PASSWORD, userAddress, userName } from './load/tasks.ts';

export interface ServerTask {
  readonly data: string;
  /** Accounts `u0`, `u1`, … with the password PASSWORD. */
  readonly users: number;
  /** Makes GROUP, of `u0`, with so many of them joined. */
  readonly joined?: number;
  /** Polls are held for those who let them. */
  readonly holdsPolls?: boolean;
  /** Phones are called over a standing TCP connection. */
  readonly calls?: boolean;
  readonly xmpp?: ConfigInput['xmpp'];
  readonly matrix?: ConfigInput['matrix'];
  readonly ssp?: SspTask;
}

/** Another server beside this one. */
export interface SspTask {
  /** Default: DOMAIN. */
  readonly domain: string;
  /** Its door for other servers. */
  readonly door: NonNullable<NonNullable<ConfigInput['listen']>['ssp']>;
  readonly peers: NonNullable<ConfigInput['ssp']>;
}

export interface Memory {
  readonly heap: number;
  readonly resident: number;
}

const BATCH = 250;
const GATEWAY_DEADLINE_MS = 20_000;
const POLL_MS = 50;

let house: House | undefined;

/** How long starting took in itself, milliseconds, without what is made for the benchmark. */
interface Started {
  readonly port: number;
  readonly took: number;
}

function configOf({ data, holdsPolls = false, calls = false, xmpp, matrix, ssp }: ServerTask): ConfigInput {
  return {
    domain: ssp?.domain ?? DOMAIN,
    data,
    listen: {
      csp: { port: 0 },
      ops: { port: 0 },
      ...(calls ? { cir: { tcp: { port: 0 } } } : {}),
      ...(ssp === undefined ? {} : { ssp: ssp.door }),
    },
    log: { level: 'error' },
    ...(holdsPolls ? { session: { longPollSeconds: HELD_SECONDS } } : {}),
    ...(xmpp === undefined ? {} : { xmpp }),
    ...(matrix === undefined ? {} : { matrix }),
    ...(ssp === undefined ? {} : { ssp: ssp.peers }),
  };
}

async function start(task: ServerTask): Promise<Started> {
  const begun = performance.now();
  const config = checkConfig(configOf(task), 'bench', task.data);
  const running = await startHouse({ config, log: createLog(config.log.level) });
  const took = performance.now() - begun;
  house = running;
  await createUsers(running, config, task.users);
  if (task.joined !== undefined) await createGroup(running, task.joined);
  if (config.xmpp !== undefined) await untilReady(running);
  return { port: running.addresses.csp.port, took };
}

/** No scrypt hash: it would cost 10,000 log-ins three minutes, and log-ins are not what is measured. */
async function createUsers({ store }: House, config: Config, count: number): Promise<void> {
  const { cipher } = await new Passwords(passwordKey(config)).protect(PASSWORD, true);
  if (cipher === undefined) throw new Error('passwords are not kept for digest login');
  const create = (index: number) =>
    store.createUser(
      {
        address: canonicalUser(index, config.domain),
        credentials: { cipher },
        createdAt: Date.now(),
        active: true,
      },
      [],
    );
  for (let first = 0; first < count; first += BATCH) {
    const size = Math.min(BATCH, count - first);
    await Promise.all(Array.from({ length: size }, (_, index) => create(first + index)));
  }
}

function canonicalUser(index: number, domain: string = DOMAIN): UserAddress {
  const address = parseUser(userAddress(index, domain), trusted<Domain>(domain));
  if (isAddressError(address)) throw new Error(address.reason);
  return address;
}

async function createGroup({ store }: House, joined: number): Promise<void> {
  const address = parseGroup(GROUP, trusted<Domain>(DOMAIN));
  if (isAddressError(address)) throw new Error(address.reason);
  const clientId = trusted<ClientId>(CLIENT_ID);
  const record = (index: number) => ({
    user: canonicalUser(index),
    clientId,
    screenName: userName(index),
    subscribed: false,
  });
  await store.createGroup(
    {
      address,
      owner: canonicalUser(0),
      createdAt: Date.now(),
      profile: { properties: {} },
      people: [{ user: canonicalUser(0), privilege: 'Admin', settings: INITIAL_SETTINGS }],
      joined: Array.from({ length: joined }, (_, index) => record(index)),
      rejected: [],
    },
    { perOwner: 1, perServer: 1 },
  );
}

async function untilReady(running: House): Promise<void> {
  const deadline = performance.now() + GATEWAY_DEADLINE_MS;
  while (running.readiness().parts['xmpp'] !== 'up') {
    if (performance.now() > deadline) throw new Error('the XMPP server does not take the component');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** After a full collection where `--expose-gc` allows one. */
function memory(): Memory {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();

/** The longest time that the event loop did nothing else since this was asked before, milliseconds. */
function longestBlock(): number {
  const longest = loop.max / 1e6;
  loop.reset();
  return longest;
}

/** What the counters of a name have counted so far, or its gauges say, whatever their labels. */
async function counted(name: string): Promise<number> {
  const { text = '' } = (await house?.metrics.expose()) ?? {};
  const ours = [`wvgate_${name}{`, `wvgate_${name} `];
  const values = text.split('\n').filter((line) => ours.some((start) => line.startsWith(start)));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

answering({ start, memory, longestBlock, counted }, () => house?.stop());
