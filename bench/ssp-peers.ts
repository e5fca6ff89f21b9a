// Many servers in the configuration: what each keeps in memory before and after it has a session, and what starting
// takes.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child, withChild } from './child.ts';
import { crowdDomain } from './load/crowd-domain.ts';
import type { Share, SspCrowdTask } from './load/ssp-crowd.ts';
import { DOMAIN } from './load/tasks.ts';
import { median } from './measure.ts';
import type { Findings } from './row.ts';
import type { Memory, SspTask } from './server.ts';
import { freePort, NO_LIMITS, withCa } from './ssp-servers.ts';

export const PEERS = 1_000;
export const FEW_PEERS = 200;

/** Peers that get a session before memory is looked at: what the first set-ups load and compile is no cost of a peer. */
const FIRST = 50;
/** Starts, of which the median counts. */
const STARTS = 3;
/** Until what follows a set-up (the agreement) is over. */
const SETTLE_MS = 1_000;
const KIB = 1024;
const CROWD_NAME = 'crowd.example';

interface Started {
  readonly took: number;
  readonly memory: Memory;
}

type Certificate = SspTask['door']['tls'];

interface Places {
  readonly folder: string;
  readonly ca: string;
  readonly certificate: Certificate;
  readonly door: number;
  readonly crowd: number;
}

function sspOf(peers: number, { ca, certificate, door, crowd }: Places): SspTask {
  return {
    domain: DOMAIN,
    door: { port: door, ...(certificate === undefined ? {} : { tls: certificate }) },
    peers: {
      discovery: { enabled: false },
      tls: { ca },
      limits: NO_LIMITS,
      peers: Array.from({ length: peers }, (_, index) => ({
        domain: crowdDomain(index),
        url: `https://127.0.0.1:${crowd}/`,
        certificateNames: [CROWD_NAME],
      })),
    },
  };
}

/** Starts a server with so many peers, and runs a task with it. */
function withPeers<T>(
  peers: number,
  places: Places,
  task: (server: Child, started: Started) => Promise<T>,
): Promise<T> {
  return withChild(Child.start('server.ts', ['--expose-gc']), async (server) => {
    const data = join(places.folder, `${peers}-${server.pid}`);
    const { took } = await server.ask<{ took: number }>('start', {
      users: 0,
      data,
      ssp: sspOf(peers, places),
    });
    return task(server, { took, memory: await server.ask<Memory>('memory') });
  });
}

async function startOf(peers: number, places: Places): Promise<Started> {
  const starts: Started[] = [];
  for (let count = 0; count < STARTS; count += 1)
    starts.push(await withPeers(peers, places, (_, started) => Promise.resolve(started)));
  const heap = median(starts.map(({ memory }) => memory.heap));
  const resident = median(starts.map(({ memory }) => memory.resident));
  return { took: median(starts.map(({ took }) => took)), memory: { heap, resident } };
}

/** Growth of the heap for each session that is set up, octets. */
function sessionCost(peers: number, places: Places, crowd: SspCrowdTask): Promise<number> {
  return withPeers(peers + FIRST, places, (server) =>
    withChild(Child.start('load/ssp-crowd.ts'), async (load) => {
      await load.ask('start', crowd);
      const heapAfter = async (share: Share): Promise<number> => {
        await load.ask('setUp', share);
        await delay(SETTLE_MS);
        return (await server.ask<Memory>('memory')).heap;
      };
      const before = await heapAfter({ from: 0, to: FIRST });
      return ((await heapAfter({ from: FIRST, to: FIRST + peers })) - before) / peers;
    }),
  );
}

export function benchSspPeers(peers: number): Promise<Findings> {
  return withCa(async (ca, folder) => {
    const [door, crowd] = [await freePort(), await freePort()];
    const certificate = ca.issue([DOMAIN, '127.0.0.1']);
    const places = { folder, ca: ca.cert, certificate, door, crowd };
    const one = await startOf(1, places);
    const many = await startOf(peers, places);
    const idle = (kind: keyof Memory) => (many.memory[kind] - one.memory[kind]) / (peers - 1) / KIB;
    const session = await sessionCost(peers, places, {
      door: { port: crowd, tls: ca.issue([CROWD_NAME, '127.0.0.1']) },
      server: { port: door, domain: DOMAIN, ca: ca.cert },
    });
    const what = `one of ${peers} configured peers`;
    return {
      rows: [
        { what: `${what}, never talked to: heap`, ours: idle('heap'), unit: 'KiB', aim: '≤ 8' },
        { what: `${what}, never talked to: resident`, ours: idle('resident'), unit: 'KiB' },
        { what: `${what}, its session: heap`, ours: session / KIB, unit: 'KiB' },
        {
          what: `start with ${peers} peers`,
          ours: many.took,
          unit: 'ms',
          reference: { name: 'the same with 1 peer', value: one.took },
        },
      ],
      notes: ['SSP peers: one process stands for all of them, so that they share their connections.'],
    };
  });
}
