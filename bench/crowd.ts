// Idle sessions (memory each) and presence fan-out (CPU for each watcher of one change).

import { Child, reasonOf, withChild } from './child.ts';
import type { CrowdTask } from './load/crowd.ts';
import { median } from './measure.ts';
import { withServer, xmppTask } from './messages.ts';
import { cpuOf, residentBytes } from './process-cost.ts';
import type { Findings, Row } from './row.ts';
import type { Memory } from './server.ts';
import { xmppServers, type XmppReference } from './xmpp-reference.ts';

export interface CrowdPlan {
  /** Sessions, and watchers of one user. */
  readonly size: number;
  readonly changes: number;
  readonly rounds: number;
}

export const CROWD: CrowdPlan = { size: 10_000, changes: 20, rounds: 5 };
export const SMALL_CROWD: CrowdPlan = { size: 1_000, changes: 20, rounds: 3 };

/** Resources of four accounts: ejabberd takes 100 of each here. */
const IDLE_REFERENCE = 320;
/** Users who log in before memory is looked at: what the first log-ins load and compile is no cost of a session. */
const FIRST = 200;
const KIB = 1024;
/** Below this a connection with an XML parser and a session was not what grew. */
const LEAST_KIB = 8;

interface CrowdCost {
  readonly heap: number;
  readonly resident: number;
  readonly change: number;
  readonly fetch: number;
}

function crowdCost({ size, changes, rounds }: CrowdPlan): Promise<CrowdCost> {
  const users = size + FIRST + 1;
  return withServer({ users }, ['--expose-gc'], (server, port) =>
    withChild(Child.start('load/crowd.ts'), async (load) => {
      await load.ask('connect', { port, size });
      const memory = await perSession(server, load, { port, size });
      await load.ask('watch', { port, size });
      const costs: number[] = [];
      await load.ask('collect', { port, size });
      await load.ask('change', changes);
      for (let round = 0; round < rounds; round += 1) {
        costs.push((await cpuDuring(server, () => load.ask('change', changes))) / changes / size);
      }
      const got = { watchers: 0 };
      const fetch = await cpuDuring(server, async () => {
        got.watchers = await load.ask<number>('collect', { port, size });
      });
      if (got.watchers !== size) throw new Error(`${got.watchers} of ${size} watchers heard of the change`);
      return { ...memory, change: median(costs), fetch: fetch / size };
    }),
  );
}

async function cpuDuring(server: Child, task: () => Promise<unknown>): Promise<number> {
  const before = cpuOf(server.pid);
  await task();
  return cpuOf(server.pid) - before;
}

async function perSession(
  server: Child,
  load: Child,
  task: CrowdTask,
): Promise<Pick<CrowdCost, 'heap' | 'resident'>> {
  await load.ask('warm', { first: task.size + 1, size: FIRST });
  const before = await server.ask<Memory>('memory');
  await load.ask('login', task);
  const after = await server.ask<Memory>('memory');
  return {
    heap: (after.heap - before.heap) / task.size,
    resident: (after.resident - before.resident) / task.size,
  };
}

/** Growth of the server's resident memory for each client that logs in and does nothing; a TCP connection included. */
function idleReference({ server, name, missing }: XmppReference): Promise<Pick<Row, 'reference' | 'remark'>> {
  if (server === undefined) return Promise.resolve({ remark: `${name}: ${missing}` });
  return withChild(Child.start('load/xmpp-idle.ts'), async (load) => {
    const before = residentBytes(server.pid);
    await load.ask('login', { ...xmppTask(server), pairs: IDLE_REFERENCE });
    const value = (residentBytes(server.pid) - before) / IDLE_REFERENCE / KIB;
    // A server that still has memory of earlier load to fill shows less than a session takes: not a result.
    if (value < LEAST_KIB) return { remark: `${name}: filled memory it had already` };
    return { reference: { name: `${name} ${server.version}, resident, with its connection`, value } };
  }).catch((error: unknown) => ({ remark: `${name}: ${reasonOf(error)}` }));
}

export async function benchCrowd(plan: CrowdPlan): Promise<Findings> {
  const { size } = plan;
  const cost = await crowdCost(plan);
  const { prosody, ejabberd } = await xmppServers();
  const idle = {
    what: `idle session of ${size}, with the user's home: heap`,
    ours: cost.heap / KIB,
    unit: 'KiB',
  };
  const rows: Row[] = [
    { ...idle, aim: '≤ 4', ...(await idleReference(prosody)) },
    { ...idle, aim: '≤ 4', ...(await idleReference(ejabberd)) },
    {
      what: `idle session of ${size}, with the user's home: resident`,
      ours: cost.resident / KIB,
      unit: 'KiB',
    },
    {
      what: `presence: one change to ${size} watchers, CPU a watcher`,
      ours: cost.change,
      unit: 'µs',
      aim: '≤ 5',
      remark: 'ejabberd would need an account for each watcher',
    },
    {
      what: 'presence: CPU of a poll that brings a change, and its confirmation',
      ours: cost.fetch,
      unit: 'µs',
      remark: '2 requests',
    },
  ];
  return { rows, notes: [] };
}
