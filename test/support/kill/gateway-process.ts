// The gateway as a process of its own, to be killed.

import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, writeFileSync, type WriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { ConfigInput } from '../../../src/config.ts';
import { eventually } from '../eventually.ts';

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

export class GatewayProcess {
  readonly url: string;
  readonly #ops: string;
  readonly #file: string;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #exited: Promise<string> = Promise.resolve('never started');
  /** Called when it ends although nobody wanted it to. */
  onCrash: (how: string) => void = () => {};

  /** `folder` takes the configuration, the data and the log. */
  constructor(folder: string, config: ConfigInput, ports: Ports) {
    this.url = `http://127.0.0.1:${ports.csp}/csp`;
    this.#ops = `http://127.0.0.1:${ports.ops}`;
    this.#file = join(folder, 'wvgate.yaml');
    this.#log = createWriteStream(join(folder, 'gateway.log'), { flags: 'a' });
    const listen = {
      ...config.listen,
      csp: { port: ports.csp },
      cir: { tcp: { port: ports.cir } },
      ops: { port: ports.ops },
    };
    // JSON is YAML.
    writeFileSync(this.#file, JSON.stringify({ ...config, data: join(folder, 'data'), listen }, null, 2), {
      mode: 0o600,
    });
    // Whatever becomes of us: no gateway stays behind.
    process.on('exit', () => this.#child?.kill('SIGKILL'));
  }

  start(): void {
    const args = [...FLAGS, 'src/main.ts', 'serve', '--config', this.#file];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(this.#log, { end: false });
    child.stderr.pipe(this.#log, { end: false });
    this.#child = child;
    this.#exited = new Promise((done) => {
      child.on('exit', (code, signal) => {
        const how = signal ?? String(code);
        if (this.#child === child) this.onCrash(how);
        done(how);
      });
    });
  }

  /** Ends it as the kernel's out-of-memory killer would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it as an operator would. @returns the exit code, or the signal */
  async stop(): Promise<string> {
    const how = await this.#end('SIGTERM');
    this.#log.end();
    return how;
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill(signal);
    return await this.#exited;
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
