// Two servers whose users talk to each other, and peers of the first one that mean no good.

import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { WvClient } from '../../../src/client/client.ts';
import type { ConfigInput } from '../../../src/config.ts';
import { RememberedLog, watchForUncaught } from '../abuse.ts';
import { Hostile } from './hostile.ts';
import { twoHouses, type PeerInput, type TwoHouses } from './two-houses.ts';

export interface HostileSceneOptions {
  /** Domains of hostile peers; what their entries say more. */
  readonly hostile: Readonly<Record<string, Partial<PeerInput>>>;
  readonly ssp?: Partial<NonNullable<ConfigInput['ssp']>>;
  /** Of the first server. */
  readonly listen?: NonNullable<ConfigInput['listen']>;
  readonly logLevel?: string;
  /** What stands between the second server and the first. */
  readonly through?: (port: number) => Promise<number>;
  readonly config?: Partial<ConfigInput>;
}

/** Somebody of b.test and somebody of a.test. */
export interface Pair {
  readonly sender: WvClient;
  readonly receiver: WvClient;
  readonly receiverAddress: string;
  readonly senderAddress: string;
}

export class HostileScene {
  readonly houses: TwoHouses;
  readonly log: RememberedLog;
  readonly #peers: ReadonlyMap<string, Hostile>;
  readonly #checkUncaught: () => void;
  readonly #stranger: Hostile;

  private constructor(
    houses: TwoHouses,
    log: RememberedLog,
    peers: ReadonlyMap<string, Hostile>,
    stranger: Hostile,
  ) {
    this.houses = houses;
    this.log = log;
    this.#peers = peers;
    this.#stranger = stranger;
    this.#checkUncaught = watchForUncaught();
  }

  static async start(options: HostileSceneOptions): Promise<HostileScene> {
    const log = new RememberedLog(options.logLevel);
    const peers = new Map<string, Hostile>();
    const morePeers: PeerInput[] = [];
    for (const [domain, entry] of Object.entries(options.hostile)) {
      const peer = await Hostile.open(domain);
      peers.set(domain, peer);
      morePeers.push({ domain, url: peer.url, allowPlain: true, ...entry });
    }
    const stranger = await Hostile.open('stranger.test');
    const { listen, ssp } = options;
    const houses = await twoHouses({
      plain: true,
      a: {
        ...(options.through === undefined ? {} : { through: options.through }),
        house: { log: log.log },
        morePeers,
        config: { ...options.config, ...(listen === undefined ? {} : { listen }) },
      },
      ...(ssp === undefined ? {} : { ssp }),
    });
    for (const peer of [...peers.values(), stranger]) peer.target = houses.a.port;
    return new HostileScene(houses, log, peers, stranger);
  }

  peer(domain: string): Hostile {
    const found = this.#peers.get(domain);
    if (found === undefined) throw new Error(`no hostile peer ${domain}`);
    return found;
  }

  /** Somebody who is no peer of anybody. */
  get stranger(): Hostile {
    return this.#stranger;
  }

  async pair(): Promise<Pair> {
    const { user: senderAddress, client: sender } = await this.houses.b.somebody('bea');
    const { user: receiverAddress, client: receiver } = await this.houses.a.somebody('ann');
    return { sender, receiver, senderAddress, receiverAddress };
  }

  /** The server has no fault of its own to tell, and nothing was thrown that nobody caught. */
  expectNoFaults(): void {
    expect(this.log.errors()).toEqual([]);
  }

  async stop(): Promise<void> {
    for (const peer of [...this.#peers.values(), this.#stranger]) await peer.close();
    await this.houses.close();
    this.#checkUncaught();
  }
}

/** How long a message takes from client to client, ms. */
export async function latency({ sender, receiver, receiverAddress }: Pair): Promise<number> {
  const content = `hello ${randomBytes(8).toString('hex')}`;
  const arrived = receiver.next('message', ({ text }) => text === content, 30_000);
  const begun = performance.now();
  await sender.sendMessage({ to: { user: receiverAddress as never }, content });
  await arrived;
  return performance.now() - begun;
}

/** Has messages sent, one after the other, while `abuse` goes on; their latencies, ms. At least one is sent. */
export async function latenciesDuring(pair: Pair, abuse: () => Promise<unknown>): Promise<readonly number[]> {
  const latencies: number[] = [];
  let over = false;
  const abusing = abuse().finally(() => (over = true));
  do latencies.push(await latency(pair));
  while (!over);
  await abusing;
  return latencies;
}
