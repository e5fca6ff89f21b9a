// A server as a process of its own between a WV user and the scripted homeserver, killed (SIGKILL) while a request of a
// kind, or a transaction, is under way between them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import { freePorts, GatewayProcess, whole } from '../kill/gateway-process.ts';
import { Ledger } from '../kill/ledger.ts';
import { seeded } from '../kill/random.ts';
import type { Death } from '../mortal-disk.ts';
import { FederatedPerson } from '../ssp/kill/person.ts';
import { besideHomeserver, DOMAIN, PREFIX, SERVER_NAME } from './beside-homeserver.ts';
import { Dave } from './dave.ts';
import type { ScriptedHomeserver } from './homeserver.ts';

/** Long enough for a restart and the back-off of both sides, ms. */
const SETTLED_MS = 60_000;

export class KillWorld {
  readonly ledger = new Ledger('kill');
  readonly homeserver: ScriptedHomeserver;
  readonly dave: Dave;
  readonly #process: GatewayProcess;
  readonly #folder: string;
  #ann: FederatedPerson | undefined;
  #kills = 0;
  #reviving: Promise<void> = Promise.resolve();
  #armed: { readonly call: string; readonly death: Death } | undefined;

  private constructor(folder: string, homeserver: ScriptedHomeserver, process: GatewayProcess) {
    this.#folder = folder;
    this.homeserver = homeserver;
    this.#process = process;
    this.dave = new Dave(homeserver, this.ledger, { serverName: SERVER_NAME, ghosts: `@${PREFIX}` });
    process.onCrash = (how) => this.ledger.violation(`our server ended by itself: ${how}`);
    homeserver.script = ({ name }) => {
      const death = this.#passed(name);
      return death === undefined ? undefined : `cut ${death}`;
    };
    homeserver.pusher.script = {
      mishap: async () => {
        const death = this.#armed?.death === 'before' ? this.#passed('transaction') : undefined;
        await this.#reviving;
        return death === undefined ? undefined : 'lost before';
      },
      answered: () => void this.#passed('transaction'),
    };
  }

  static async start(seed: number): Promise<KillWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'wvgate-matrix-kill-'));
    const ports = await freePorts();
    const { homeserver, config } = await besideHomeserver(folder, ports);
    const process = new GatewayProcess(folder, whole(config), ports);
    process.start();
    await process.ready();
    const world = new KillWorld(folder, homeserver, process);
    world.#ann = await FederatedPerson.login({
      name: 'ann',
      domain: DOMAIN,
      url: process.url,
      encoding: 'wbxml',
      ledger: world.ledger,
      random: seeded(seed),
      kills: () => world.#kills,
    });
    return world;
  }

  get ann(): FederatedPerson {
    if (this.#ann === undefined) throw new TypeError('nobody is logged in');
    return this.#ann;
  }

  get ghost(): string {
    return `@${PREFIX}ann:${SERVER_NAME}`;
  }

  /** It dies at the next request of that kind, or `transaction`. */
  arm(call: string, death: Death): void {
    this.#armed = { call, death };
  }

  /** False while the death has not come. */
  get isOver(): boolean {
    return this.#armed === undefined;
  }

  async recovered(): Promise<void> {
    let missing: readonly string[] = [];
    await eventually(
      () => `all is well again (${missing.join('; ')})`,
      async () => {
        await this.#reviving;
        missing = [...this.ledger.missing(), ...this.ann.unreported.map((id) => `no report of ${id}`)];
        return missing.length === 0 && this.homeserver.pusher.idle && (await this.#process.waiting()) === 0;
      },
      SETTLED_MS,
    );
  }

  async stop(): Promise<readonly string[]> {
    await this.#reviving;
    await this.ann.close();
    this.homeserver.pusher.stop();
    await this.#process.stop();
    await this.homeserver.close();
    await rm(this.#folder, { recursive: true, force: true });
    return this.ledger.violations();
  }

  #passed(name: string): Death | undefined {
    const armed = this.#armed;
    if (armed?.call !== name) return undefined;
    this.#armed = undefined;
    this.#kills += 1;
    this.#reviving = this.#process.kill().then(() => this.#process.start());
    return armed.death;
  }
}
