// Test support: the program itself, in a process of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { ConfigInput } from '../../src/config.ts';

/** As scripts/run.mjs starts it. */
const FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=DEP0060',
  '--disable-warning=DEP0040',
];
const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `wvgate <args>`, with `stdin` as its whole input. */
export function wvgate(args: readonly string[], stdin = ''): Promise<Ran> {
  return new Running(args, stdin).ended;
}

class Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ran>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], stdin: string) {
    this.process = spawn(process.execPath, [...FLAGS, MAIN, ...args]);
    this.process.stdout?.on('data', (data: Buffer) => (this.stdout += data.toString()));
    this.process.stderr?.on('data', (data: Buffer) => (this.stderr += data.toString()));
    this.process.stdin?.on('error', () => {}).end(stdin);
    this.ended = new Promise((done, failed) => {
      this.process.on('error', failed);
      this.process.on('close', (code) => done({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }
}

export interface Serving {
  /** What its log says of it at the start. */
  readonly ready: {
    readonly csp: { port: number };
    readonly ops: { port: number };
    readonly [key: string]: unknown;
  };
  readonly ended: Promise<Ran>;
  readonly signal: (name: NodeJS.Signals) => void;
}

/** A folder with a configuration file in it. */
export class ProgramFolder {
  readonly path: string;
  readonly #running: Running[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<ProgramFolder> {
    return new ProgramFolder(await mkdtemp(join(tmpdir(), 'wvgate-program-')));
  }

  /** Writes a configuration, with free ports unless it says otherwise; returns the file's name. */
  async config(config: ConfigInput | string = {}, name = 'wvgate.yaml'): Promise<string> {
    const file = join(this.path, name);
    const listen = { csp: { port: 0 }, ops: { port: 0 } };
    const text = typeof config === 'string' ? config : stringify({ domain: 'wv.test', listen, ...config });
    await writeFile(file, text);
    return file;
  }

  /** `wvgate serve`; resolves when it is ready, rejects when it ends before. */
  serve(config: string): Promise<Serving> {
    return this.#start(['serve', '--config', config]);
  }

  /** `wvgate adapter`, likewise. */
  adapter(network: string, config: string): Promise<Serving> {
    return this.#start(['adapter', network, '--config', config]);
  }

  async #start(args: readonly string[]): Promise<Serving> {
    const running = new Running(args, '');
    this.#running.push(running);
    const early = running.ended.then(({ stderr, stdout }) => {
      throw new Error(`wvgate ended: ${stderr}${stdout}`);
    });
    const ready = await Promise.race([readyLine(running), early]);
    return { ready, ended: running.ended, signal: (name) => running.process.kill(name) };
  }

  /** Ends what still runs and removes the folder. */
  async remove(): Promise<void> {
    for (const { process, ended } of this.#running) {
      process.kill('SIGKILL');
      await ended;
    }
    await rm(this.path, { recursive: true, force: true });
  }
}

function readyLine(running: Running): Promise<Serving['ready']> {
  return new Promise((done) => {
    running.process.stdout?.on('data', () => {
      const line = running.stdout.split('\n').find((text) => text.includes('wvgate is ready'));
      if (line !== undefined) done(JSON.parse(line) as Serving['ready']);
    });
  });
}
