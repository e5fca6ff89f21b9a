// The gateway as a process of its own, or as several, to be killed.

import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, writeFileSync, type WriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { NETWORKS, type AdapterConfigInput } from '../../../src/config/adapter.ts';
import type { ConfigInput } from '../../../src/config.ts';
import { eventually } from '../eventually.ts';
import { coreEntry, gatewayEntry } from '../ssp/adapter-scene.ts';
import { freePort } from '../ssp/two-houses.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=DEP0040',
  '--disable-warning=DEP0060',
];
const READY_MS = 30_000;

export interface Ports {
  readonly csp: number;
  readonly cir: number;
  readonly ops: number;
}

/** Ports that nobody uses now: clients must find the gateway at the same place after each restart. */
export async function freePorts(): Promise<Ports> {
  const servers = await Promise.all([0, 0, 0].map(() => listening()));
  const [csp = 0, cir = 0, ops = 0] = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return { csp, cir, ops };
}

function listening(): Promise<ReturnType<typeof createServer>> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => done(server));
  });
}

/** What a process is started with. */
interface Part {
  readonly args: readonly string[];
  readonly config: ConfigInput | AdapterConfigInput;
}

/** One process with everything in it. */
export function whole(config: ConfigInput): Part[] {
  return [{ args: ['serve'], config }];
}

/** The server, and each of its gateways in a process of its own. */
export async function parted({ xmpp, matrix, ...core }: ConfigInput): Promise<Part[]> {
  const gateways = { xmpp, matrix };
  const domains = {
    xmpp: [xmpp ?? []].flat().flatMap((section) => section.domains ?? []),
    matrix: [matrix?.pseudoDomain ?? ''],
  };
  const corePort = await freePort();
  const ports = { xmpp: await freePort(), matrix: await freePort() };
  const peers = NETWORKS.map((name) =>
    gatewayEntry(domains[name], ports[name], { collective: name === 'matrix' }),
  );
  const ssp = { discovery: { enabled: false }, peers };
  const adapters = NETWORKS.map((name): Part => {
    const listen = { ssp: { port: ports[name] }, ops: { port: 0 } };
    const adapter = coreEntry(core.domain ?? '', corePort);
    return { args: ['adapter', name], config: { adapter, listen, [name]: gateways[name] } };
  });
  return [{ args: ['serve'], config: { ...core, ssp, listen: { ssp: { port: corePort } } } }, ...adapters];
}

export class GatewayProcess {
  readonly url: string;
  readonly #ops: string;
  readonly #commands: readonly (readonly string[])[];
  readonly #log: WriteStream;
  readonly #running = new Map<number, { readonly child: ChildProcess; readonly exited: Promise<string> }>();
  /** Called when it ends although nobody wanted it to. */
  onCrash: (how: string) => void = () => {};

  /** `folder` takes the configuration, the data and the log. */
  constructor(folder: string, parts: readonly Part[], ports: Ports) {
    this.url = `http://127.0.0.1:${ports.csp}/csp`;
    this.#ops = `http://127.0.0.1:${ports.ops}`;
    this.#log = createWriteStream(join(folder, 'gateway.log'), { flags: 'a' });
    const listen = { csp: { port: ports.csp }, cir: { tcp: { port: ports.cir } }, ops: { port: ports.ops } };
    this.#commands = parts.map(({ args, config }, at) => {
      const file = join(folder, `${args.at(-1)}.yaml`);
      const listening = at === 0 ? { ...config.listen, ...listen } : config.listen;
      // JSON is YAML.
      const text = JSON.stringify({ ...config, data: join(folder, 'data'), listen: listening }, null, 2);
      writeFileSync(file, text, { mode: 0o600 });
      return [...args, '--config', file];
    });
    // Whatever becomes of us: no gateway stays behind.
    process.on('exit', () => {
      for (const { child } of this.#running.values()) child.kill('SIGKILL');
    });
  }

  /** Processes in all. */
  get size(): number {
    return this.#commands.length;
  }

  /** Starts what does not run. */
  start(): void {
    for (const [at, command] of this.#commands.entries())
      if (!this.#running.has(at)) this.#start(at, command);
  }

  #start(at: number, command: readonly string[]): void {
    const args = [...FLAGS, 'src/main.ts', ...command];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(this.#log, { end: false });
    child.stderr.pipe(this.#log, { end: false });
    const exited = new Promise<string>((done) => {
      child.on('exit', (code, signal) => {
        const how = signal ?? String(code);
        if (this.#running.get(at)?.child === child) this.onCrash(how);
        done(how);
      });
    });
    this.#running.set(at, { child, exited });
  }

  /** Ends one of its processes as the kernel's out-of-memory killer would. */
  async kill(at = 0): Promise<void> {
    await this.#end(at, 'SIGKILL');
  }

  /** Ends one of its processes as an operator does who starts it again. @returns the exit code, or the signal */
  async terminate(at = 0): Promise<string> {
    return await this.#end(at, 'SIGTERM');
  }

  /** Ends it for good, as an operator would. @returns the exit code, or the signal; of the first that did not end in order */
  async stop(): Promise<string> {
    let worst = '0';
    for (const at of [...this.#running.keys()].toReversed()) {
      const how = await this.#end(at, 'SIGTERM');
      if (how !== '0') worst = how;
    }
    this.#log.end();
    return worst;
  }

  async #end(at: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    const running = this.#running.get(at);
    this.#running.delete(at);
    running?.child.kill(signal);
    return running === undefined ? 'never started' : await running.exited;
  }

  /** Waits until it and its gateways are ready. */
  async ready(): Promise<void> {
    let last = 'no answer';
    await eventually(
      () => `the gateway is ready (${last})`,
      async () => {
        const answer = await this.#ask('/readyz');
        last = answer ?? 'no answer';
        if (answer === undefined) return undefined;
        const { parts = {} } = JSON.parse(answer) as { parts?: Record<string, string> };
        return Object.values(parts).length > 0 && Object.values(parts).every((state) => state === 'up')
          ? true
          : undefined;
      },
      READY_MS,
    );
  }

  /** Rows of the store's tables that hold undelivered things; undefined while it cannot be asked. */
  async waiting(): Promise<number | undefined> {
    const metrics = await this.#ask('/metrics');
    if (metrics === undefined) return undefined;
    const rows = metrics.matchAll(/^wvgate_store_rows\{table="(?:queue|outbox)"\} (\d+)/gm);
    return [...rows].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** The sum of a counter's series whose labels contain `label`; undefined while it cannot be asked. */
  async counted(counter: string, label = ''): Promise<number | undefined> {
    const metrics = await this.#ask('/metrics');
    const series = metrics?.split('\n').filter((line) => line.startsWith(counter) && line.includes(label));
    return series?.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async #ask(path: string): Promise<string | undefined> {
    try {
      const answer = await fetch(`${this.#ops}${path}`, { signal: AbortSignal.timeout(5_000) });
      return await answer.text();
    } catch {
      // Not there: the caller asks again.
      return undefined;
    }
  }
}
