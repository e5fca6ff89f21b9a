// The network between two servers fails in the middle of many messages, in each of the ways that networks have:
// none is lost, none doubled, each sender's are in order, and presence is right afterwards. For a real minute, rather
// than for the time it takes to see the same: WVGATE_LONG=1.

import { afterEach, describe, expect, it } from 'vitest';
import { Crowd } from '../../support/ssp/crowd.ts';
import { seeded } from '../../support/kill/random.ts';
import { SspProxy } from '../../support/ssp/ssp-proxy.ts';
import { twoHouses, type TwoHouses, type TwoHousesOptions } from '../../support/ssp/two-houses.ts';
import { TcpProxy, type Weather } from '../../support/tcp-proxy.ts';
import { eventually } from '../../support/eventually.ts';

const LONG = process.env.WVGATE_LONG === '1';
const CUT_MS = LONG ? 60_000 : 2_500;
/** How long a server waits for an answer: it bounds what a swallowed one costs. */
const REQUEST_SECONDS = LONG ? 60 : 2;
const SETTLED_MS = LONG ? 240_000 : 120_000;
const TEST_MS = SETTLED_MS + CUT_MS + 60_000;
const PEOPLE = LONG ? 10 : 5;
/** For the variants. */
const FEWER = LONG ? 1_000 : 200;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let houses: TwoHouses | undefined;
let proxies: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await houses?.close();
  for (const proxy of proxies.splice(0)) await proxy.stop();
  houses = undefined;
});

/** `between` stands between the servers, in both directions. */
async function play(options: TwoHousesOptions, messages: number, meanwhile: (crowd: Crowd) => Promise<void>) {
  houses = await twoHouses({ ssp: { requestSeconds: REQUEST_SECONDS }, ...options });
  const crowd = await Crowd.gather(houses, PEOPLE);
  const writing = crowd.write(messages / PEOPLE / 2);
  await meanwhile(crowd);
  await crowd.publish('afterwards');
  const healed = performance.now();
  await writing;
  await crowd.settled('afterwards', SETTLED_MS);
  expect(crowd.violations()).toEqual([]);
  expect(crowd.ledger.arrived).toBe(messages);
  const took = Math.round(performance.now() - healed);
  if (LONG) process.stdout.write(`${messages} messages, all well ${took} ms after the end of it\n`);
}

async function throughTcp(): Promise<{ options: TwoHousesOptions; links: TcpProxy[] }> {
  const links: TcpProxy[] = [];
  const through = async (port: number): Promise<number> => {
    const link = await TcpProxy.start(port);
    links.push(link);
    proxies.push(link);
    return link.port;
  };
  return { options: { a: { through }, b: { through } }, links };
}

const halfway = (crowd: Crowd, messages: number): Promise<true> =>
  eventually(
    () => `half of the messages are there (${crowd.ledger.arrived})`,
    () => crowd.ledger.arrived >= messages * 0.4,
    SETTLED_MS,
  );

describe('messages', () => {
  it.each(['cut', 'black-hole', 'half-open'] satisfies Weather[])(
    'survive a network that is %s for a while',
    async (weather) => {
      const { options, links } = await throughTcp();
      const messages = weather === 'cut' ? 1_000 : FEWER;
      await play(options, messages, async (crowd) => {
        await halfway(crowd, messages);
        for (const link of links) link.weather = weather;
        await crowd.publish('in the dark');
        await pause(CUT_MS);
        for (const link of links) link.weather = 'open';
      });
    },
    TEST_MS,
  );

  it(
    'survive connections that are reset again and again',
    async () => {
      const { options, links } = await throughTcp();
      const random = seeded(4);
      await play(options, FEWER, async () => {
        for (const end = performance.now() + CUT_MS; performance.now() < end;) {
          await pause(20 + random.below(100));
          links[random.below(links.length)]?.reset();
        }
      });
    },
    TEST_MS,
  );

  it(
    'survive a server that refuses three in ten of the POSTs',
    async () => {
      const random = seeded(7);
      const asked = new Map<string, string>();
      const refusing: SspProxy[] = [];
      const through = async (port: number): Promise<number> => {
        const proxy = await SspProxy.start(port, asked);
        refusing.push(proxy);
        proxies.push(proxy);
        return proxy.port;
      };
      // Each refusal opens the circuit for a while: some five messages a second come through.
      const messages = LONG ? 1_000 : 60;
      await play({ plain: true, a: { through }, b: { through } }, messages, async () => {
        for (const proxy of refusing) {
          proxy.director = () => (random.below(10) < 3 ? { before: async () => 503 } : undefined);
        }
      });
    },
    TEST_MS,
  );
});

it(
  'messages keep their order, and come once, where everything takes its time',
  async () => {
    const { options, links } = await throughTcp();
    await play(options, FEWER, async () => {
      for (const link of links) link.delayMs = 200;
      await pause(CUT_MS / 2);
    });
  },
  TEST_MS,
);
