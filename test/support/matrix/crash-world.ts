// A server in this process between a WV user and the scripted homeserver. It dies where it is told to: at a call of its
// store, at a request to the homeserver, or at a transaction; from then on nothing that it does is seen, and it starts
// again on what is on disk.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { checkConfig, type ConfigInput } from '../../../src/config.ts';
import { startHouse, type House } from '../../../src/gateway.ts';
import { eventually } from '../eventually.ts';
import { JumpingClock } from '../jumping-clock.ts';
import { freePorts } from '../kill/gateway-process.ts';
import { Ledger } from '../kill/ledger.ts';
import { seeded } from '../kill/random.ts';
import { MortalDisk, type Death } from '../mortal-disk.ts';
import { FederatedPerson } from '../ssp/kill/person.ts';
import { besideHomeserver, DOMAIN, PREFIX, SERVER_NAME } from './beside-homeserver.ts';
import { Dave } from './dave.ts';
import type { ScriptedHomeserver, Fault, Script } from './homeserver.ts';
import type { Mishap, PushScript } from './pusher.ts';

/** Long enough for restarts, back-off and the retries of both sides, ms. */
const SETTLED_MS = 60_000;

/** Between which two things the process dies. */
export const BORDERS = ['store', 'homeserver', 'transaction'] as const;
export type Border = (typeof BORDERS)[number];

export class CrashWorld {
  readonly ledger = new Ledger('crash');
  readonly disk = new MortalDisk();
  readonly homeserver: ScriptedHomeserver;
  readonly dave: Dave;
  /** The label of the point at which it died last. */
  diedAt = '';
  /** How the homeserver, and the way of its transactions, behave while the server lives. */
  weather: Script = () => undefined;
  post: PushScript = {};
  #ann: FederatedPerson | undefined;
  readonly #folder: string;
  readonly #config: ConfigInput;
  readonly #clock: JumpingClock;
  #house: House | undefined;
  #deaths = 0;
  #reviving: Promise<void> = Promise.resolve();
  #diesAnswering = false;
  #armed: { border: Border; left: number; death: Death } | undefined;

  private constructor(folder: string, config: ConfigInput, homeserver: ScriptedHomeserver) {
    this.#clock = new JumpingClock();
    this.#folder = folder;
    this.#config = config;
    this.homeserver = homeserver;
    this.dave = new Dave(homeserver, this.ledger, { serverName: SERVER_NAME, ghosts: `@${PREFIX}` });
    this.disk.onDeath = () => this.#died(`store ${this.disk.lastCall}`);
    homeserver.script = (call) => this.#fault(call.name) ?? this.weather(call);
    homeserver.pusher.script = {
      mishap: async (transaction, tries) =>
        (await this.#mishap()) ?? (await this.post.mishap?.(transaction, tries)),
      answered: () => this.#answered(),
      again: (transaction, past) => this.post.again?.(transaction, past) ?? [],
    };
  }

  static async start(seed: number): Promise<CrashWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'wvgate-matrix-crash-'));
    const { homeserver, config } = await besideHomeserver(folder, await freePorts());
    const world = new CrashWorld(folder, config, homeserver);
    await world.#start();
    world.#ann = await world.#login(seed);
    return world;
  }

  get ann(): FederatedPerson {
    if (this.#ann === undefined) throw new TypeError('nobody is logged in');
    return this.#ann;
  }

  /** The ghost of ann. */
  get ghost(): string {
    return `@${PREFIX}ann:${SERVER_NAME}`;
  }

  /** It dies at the `left`th passage of that border from now on, counted from 1. */
  arm(border: Border, left: number, death: Death): void {
    this.diedAt = '';
    if (border === 'store') this.disk.arm(left, death);
    else this.#armed = { border, left, death };
  }

  /** True when it died. Nothing will die any more; resolves when it lives, and nothing waits in it. */
  async disarm(): Promise<boolean> {
    this.disk.disarm();
    this.#armed = undefined;
    await this.#reviving;
    await eventually('the outbox is empty', async () => {
      const waiting = await this.#house?.store.outboxOf('matrix', 0, 1);
      return waiting?.length === 0;
    });
    return this.diedAt !== '';
  }

  /** Moves the server's time. */
  jump(ms: number): void {
    this.#clock.jump(ms);
  }

  /** All that was accepted has arrived and is reported. `jump`: the server's time goes on faster by so many ms a look. */
  async recovered(jump = 0): Promise<void> {
    let missing: readonly string[] = [];
    await eventually(
      () => `all is well again (${missing.join('; ')})`,
      async () => {
        if (jump > 0) this.jump(jump);
        missing = [...this.ledger.missing(), ...this.ann.unreported.map((id) => `no report of ${id}`)];
        if (missing.length > 0 || !this.homeserver.pusher.idle || this.disk.dead) return false;
        await this.#reviving;
        return true;
      },
      SETTLED_MS,
    );
  }

  async stop(): Promise<readonly string[]> {
    await this.#reviving;
    await this.ann.close();
    this.homeserver.pusher.stop();
    await this.#house?.stop();
    await this.homeserver.close();
    await rm(this.#folder, { recursive: true, force: true });
    return this.ledger.violations();
  }

  async #start(): Promise<void> {
    const config = checkConfig(this.#config, 'crash test', this.#folder);
    const log = pino({ level: process.env.WVGATE_TEST_LOG ?? 'silent' });
    this.#house = await startHouse({ config, log, clock: this.#clock, storeFilter: this.disk.filter });
  }

  #login(seed: number): Promise<FederatedPerson> {
    return FederatedPerson.login({
      name: 'ann',
      domain: DOMAIN,
      url: `http://127.0.0.1:${this.#house?.addresses.csp.port}/csp`,
      encoding: 'wbxml',
      ledger: this.ledger,
      random: seeded(seed),
      kills: () => this.#deaths,
      carry: async (input, init) => {
        const deaths = this.#deaths;
        const answer = await fetch(input, init);
        // It may live again by now: what a dead one said does not count.
        if (this.disk.dead || this.#deaths !== deaths) throw new TypeError('the server is dead');
        return answer;
      },
    });
  }

  /** Of a request to the homeserver. */
  #fault(name: string): Fault | undefined {
    if (this.disk.dead) return 'cut before';
    const death = this.#passed('homeserver');
    if (death === undefined) return undefined;
    this.#died(`homeserver ${name}`);
    return death === 'before' ? 'cut before' : 'cut after';
  }

  /** Of a transaction. A dead one takes nothing. */
  async #mishap(): Promise<Mishap | undefined> {
    await this.#reviving;
    const death = this.#passed('transaction');
    if (death === undefined) return undefined;
    if (death === 'before') {
      this.#died('transaction');
      return 'lost before';
    }
    this.#diesAnswering = true;
    return 'lost after';
  }

  #answered(): void {
    if (!this.#diesAnswering) return;
    this.#diesAnswering = false;
    this.#died('answer to a transaction');
  }

  #passed(border: Border): Death | undefined {
    const armed = this.#armed;
    if (armed?.border !== border) return undefined;
    armed.left -= 1;
    if (armed.left > 0) return undefined;
    this.#armed = undefined;
    return armed.death;
  }

  #died(label: string): void {
    this.diedAt = label;
    this.disk.dead = true;
    this.#deaths += 1;
    this.#reviving = this.#revive();
  }

  async #revive(): Promise<void> {
    // After whatever the dead one is just doing.
    await new Promise((resolve) => setImmediate(resolve));
    this.homeserver.breakConnections();
    await this.#house?.stop();
    await this.#start();
  }
}
