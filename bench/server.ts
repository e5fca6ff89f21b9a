// wvgate itself in a process of its own, with a fresh database and accounts made for the benchmark.

import { passwordKey } from '../src/data-folder.ts';
import { startHouse, type House } from '../src/gateway.ts';
import { checkConfig, type Config, type ConfigInput } from '../src/config.ts';
import { createLog } from '../src/ops/log.ts';
import { Passwords } from '../src/sap/passwords.ts';
import { parseUser, isAddressError } from '../src/wv/address.ts';
import { trusted, type Domain } from '../src/wv/ids.ts';
import { answering } from './answering.ts';
import { DOMAIN, PASSWORD, userAddress } from './load/tasks.ts';

export interface ServerTask {
  readonly data: string;
  /** Accounts `u0`, `u1`, … with the password PASSWORD. */
  readonly users: number;
  readonly xmpp?: ConfigInput['xmpp'];
}

export interface Memory {
  readonly heap: number;
  readonly resident: number;
}

const BATCH = 250;
const GATEWAY_DEADLINE_MS = 20_000;
const POLL_MS = 50;

let house: House | undefined;

async function start(task: ServerTask): Promise<{ port: number }> {
  const config = checkConfig(
    {
      domain: DOMAIN,
      data: task.data,
      listen: { csp: { port: 0 }, ops: { port: 0 } },
      log: { level: 'error' },
      ...(task.xmpp === undefined ? {} : { xmpp: task.xmpp }),
    } satisfies ConfigInput,
    'bench',
    task.data,
  );
  const running = await startHouse({ config, log: createLog(config.log.level) });
  house = running;
  await createUsers(running, config, task.users);
  if (config.xmpp !== undefined) await untilReady(running);
  return { port: running.addresses.csp.port };
}

/** No scrypt hash: it would cost 10,000 log-ins three minutes, and log-ins are not what is measured. */
async function createUsers({ store }: House, config: Config, count: number): Promise<void> {
  const { cipher } = await new Passwords(passwordKey(config)).protect(PASSWORD, true);
  if (cipher === undefined) throw new Error('passwords are not kept for digest login');
  const create = (index: number) => {
    const address = parseUser(userAddress(index), trusted<Domain>(DOMAIN));
    if (isAddressError(address)) throw new Error(address.reason);
    return store.createUser({ address, credentials: { cipher }, createdAt: Date.now(), active: true }, []);
  };
  for (let first = 0; first < count; first += BATCH) {
    const size = Math.min(BATCH, count - first);
    await Promise.all(Array.from({ length: size }, (_, index) => create(first + index)));
  }
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

answering({ start, memory }, () => house?.stop());
