// Two servers in this process whose disks can die: the moment one does, its network is cut and its clients hear nothing
// more, as if its process had died; then it starts again.

import { eventually } from '../../eventually.ts';
import { freePorts } from '../../kill/gateway-process.ts';
import { Ledger } from '../../kill/ledger.ts';
import { seeded } from '../../kill/random.ts';
import { MortalDisk, type Death } from '../../mortal-disk.ts';
import { TcpProxy } from '../../tcp-proxy.ts';
import { twoHouses, type Side as House, type SideOptions, type TwoHouses } from '../two-houses.ts';
import { FederatedPerson, PASSWORD } from './person.ts';
import type { SideName } from './world.ts';

const REQUEST_SECONDS = 1;

interface CrashSide {
  readonly disk: MortalDisk;
  readonly person: FederatedPerson;
  readonly waiting: () => Promise<number | undefined>;
  deaths: number;
}

export class CrashWorld {
  readonly ledger = new Ledger('crash');
  readonly #houses: TwoHouses;
  readonly #links: readonly TcpProxy[];
  readonly #sides = new Map<SideName, CrashSide>();
  /** A restart that is under way. */
  #reviving: Promise<void> = Promise.resolve();

  private constructor(houses: TwoHouses, links: readonly TcpProxy[]) {
    this.#houses = houses;
    this.#links = links;
  }

  static async start(seed: number): Promise<CrashWorld> {
    const links: TcpProxy[] = [];
    const disks = { a: new MortalDisk(), b: new MortalDisk() };
    const through = async (port: number): Promise<number> => {
      const link = await TcpProxy.start(port);
      links.push(link);
      return link.port;
    };
    const ports = { a: await freePorts(), b: await freePorts() };
    const side = (name: SideName): SideOptions => ({
      through,
      house: { storeFilter: disks[name].filter },
      // Clients must find it at the same place after each restart.
      config: {
        session: { pollMin: 1 },
        listen: { csp: { port: ports[name].csp }, cir: { tcp: { port: ports[name].cir } }, ops: { port: 0 } },
      },
    });
    const options = { a: side('a'), b: side('b'), ssp: { requestSeconds: REQUEST_SECONDS } };
    const houses = await twoHouses({ plain: true, ...options });
    const world = new CrashWorld(houses, links);
    await world.#people(disks, seed);
    return world;
  }

  async #people(disks: Record<SideName, MortalDisk>, seed: number): Promise<void> {
    for (const name of ['a', 'b'] as const) {
      const house = this.#houses[name];
      const disk = disks[name];
      const user = await house.person(name === 'a' ? 'ann' : 'bea', PASSWORD);
      // Asking its store would be calls, too.
      const side = { disk, deaths: 0, waiting: async () => (disk.dead ? undefined : 0) };
      const person = await FederatedPerson.login({
        name: user.slice(3, user.indexOf('@')),
        domain: house.domain,
        url: `http://127.0.0.1:${house.house.addresses.csp.port}/csp`,
        encoding: name === 'a' ? 'wbxml' : 'xml',
        ledger: this.ledger,
        random: seeded(seed),
        kills: () => side.deaths,
        carry: async (input, init) => {
          const { deaths } = side;
          const answer = await fetch(input, init);
          // It may live again by now: what a dead one said does not count.
          if (disk.dead || side.deaths !== deaths) throw new TypeError('the server is dead');
          return answer;
        },
      });
      this.#sides.set(name, Object.assign(side, { person }));
      disk.onDeath = () => this.#died(name);
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

  side(name: SideName): CrashSide {
    const side = this.#sides.get(name);
    if (side === undefined) throw new Error(`no side ${name}`);
    return side;
  }

  arm(name: SideName, call: number, death: Death): void {
    this.side(name).disk.arm(call, death);
  }

  /** Resolves when nobody is dead any more, and nothing waits for the other side. True when somebody was dead. */
  async disarm(name: SideName): Promise<boolean> {
    const isUnspent = this.side(name).disk.disarm();
    await this.#reviving;
    for (const [house, other] of [
      [this.#houses.a, 'b'],
      [this.#houses.b, 'a'],
    ] as const) {
      await eventually(`nothing waits at ${house.domain}`, async () => {
        const entries = await house.house.store.outboxOf(`ssp:${other}.test`, 0, 1);
        return entries.length === 0;
      });
    }
    return !isUnspent;
  }

  #died(name: SideName): void {
    this.side(name).deaths += 1;
    for (const link of this.#links) link.weather = 'cut';
    this.#reviving = this.#revive(this.#houses[name]);
  }

  async #revive(house: House): Promise<void> {
    // After whatever the dead one is just doing.
    await new Promise((resolve) => setImmediate(resolve));
    await house.stop();
    await house.start();
    for (const link of this.#links) link.weather = 'open';
  }

  async stop(): Promise<readonly string[]> {
    for (const { person } of this.#sides.values()) await person.close();
    await this.#houses.close();
    for (const link of this.#links) await link.stop();
    return this.ledger.violations();
  }
}
