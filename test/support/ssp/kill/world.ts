// Two servers as processes of their own that know each other by SSP over TLS, each document passing a proxy that may
// kill either of them; and somebody of each.

import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigInput } from '../../../../src/config.ts';
import { freePorts, GatewayProcess, whole } from '../../kill/gateway-process.ts';
import { Ledger } from '../../kill/ledger.ts';
import { seeded } from '../../kill/random.ts';
import { SspProxy } from '../ssp-proxy.ts';
import { createTestCa, type TestCa } from '../test-ca.ts';
import { freePort } from '../two-houses.ts';
import { FederatedPerson, PASSWORD } from './person.ts';

export type SideName = 'a' | 'b';
export const OTHER = { a: 'b', b: 'a' } as const satisfies Record<SideName, SideName>;
const NAMES = { a: 'ann', b: 'bea' } as const satisfies Record<SideName, string>;
const domainOf = (side: SideName): string => `${side}.kill`;

/** Seconds a server waits for an answer of the other: short, for some answers die with who owes them. */
const REQUEST_SECONDS = 2;

export interface Side {
  readonly process: GatewayProcess;
  readonly person: FederatedPerson;
  /** Rows of its store that hold undelivered things; undefined while it cannot be asked. */
  readonly waiting: () => Promise<number | undefined>;
  /** Takes what the other side sends to this one. */
  readonly proxy: SspProxy;
  /** Moves on when it is being killed, and when it is dead. */
  kills: number;
}

export class World {
  readonly folder: string;
  readonly ledger = new Ledger('ssp');
  readonly #ca: TestCa;
  readonly #sides = new Map<SideName, Side>();

  private constructor(folder: string, ca: TestCa) {
    this.folder = folder;
    this.#ca = ca;
  }

  static async start(seed: number): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'wvgate-ssp-kill-')), createTestCa());
    await world.#start(seed);
    return world;
  }

  side(name: SideName): Side {
    const side = this.#sides.get(name);
    if (side === undefined) throw new Error(`no side ${name}`);
    return side;
  }

  /** kill -9, and a new start at once. */
  async kill(name: SideName): Promise<void> {
    const side = this.side(name);
    // Twice: what was on its way to clients arrives while it dies.
    side.kills += 1;
    await side.process.kill();
    side.kills += 1;
    side.process.start();
  }

  /** Documents of both directions so far. */
  get documents(): number {
    return this.side('a').proxy.count + this.side('b').proxy.count;
  }

  /** Whatever is wrong; what remains on disk when something is. */
  async stop(): Promise<readonly string[]> {
    for (const { person } of this.#sides.values()) {
      await person
        .close()
        .catch((error: unknown) => this.ledger.violation(`${person.name}: ${String(error)}`));
    }
    for (const [name, { process, proxy }] of this.#sides) {
      const how = await process.stop();
      if (how !== '0') this.ledger.violation(`${name} did not stop in order: ${how}`);
      await proxy.stop();
    }
    this.#ca.remove();
    const violations = this.ledger.violations();
    if (violations.length === 0) await rm(this.folder, { recursive: true, force: true });
    return violations;
  }

  async #start(seed: number): Promise<void> {
    const asked = new Map<string, string>();
    const prepared = await Promise.all(
      (['a', 'b'] as const).map(async (name) => {
        const certificate = this.#ca.issue([domainOf(name), '127.0.0.1']);
        const port = await freePort();
        const proxy = await SspProxy.start(port, asked, { certificate, ca: this.#ca.cert });
        return { name, certificate, port, proxy };
      }),
    );
    for (const [at, { name, certificate, port, proxy }] of prepared.entries()) {
      const folder = join(this.folder, name);
      await mkdir(folder);
      const other = prepared.find((each) => each.name !== name)?.proxy.port ?? 0;
      const config: ConfigInput = {
        domain: domainOf(name),
        users: [{ name: NAMES[name], password: PASSWORD }],
        login: { userBurst: 1_000, sourceBurst: 1_000 },
        session: { pollMin: 1 },
        log: { level: 'debug' },
        listen: { ssp: { port, tls: certificate } },
        ssp: {
          discovery: { enabled: false },
          tls: { ca: this.#ca.cert },
          requestSeconds: REQUEST_SECONDS,
          peers: [
            {
              domain: domainOf(OTHER[name]),
              url: `https://127.0.0.1:${other}/`,
              certificateNames: [domainOf(OTHER[name])],
            },
          ],
        },
      };
      const process = new GatewayProcess(folder, whole(config), await freePorts());
      process.onCrash = (how) => this.ledger.violation(`${name} ended by itself: ${how}`);
      process.start();
      await process.ready();
      const side = { process, proxy, kills: 0, waiting: () => process.waiting() };
      const person = await FederatedPerson.login({
        name: NAMES[name],
        domain: domainOf(name),
        url: process.url,
        encoding: at === 0 ? 'wbxml' : 'xml',
        ledger: this.ledger,
        random: seeded(seed + at),
        kills: () => this.side(name).kills,
      });
      this.#sides.set(name, Object.assign(side, { person }));
    }
    const [ann, bea] = [this.side('a').person, this.side('b').person];
    for (const [one, other] of [
      [ann, bea],
      [bea, ann],
    ] as const) {
      await one.found();
      await one.watch(other);
    }
  }
}
