// WV → WV messages over HTTP/WBXML, durable, beside what other servers take for a message between two of their users.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { XmppServer } from '../scripts/stack/description.ts';
import { Child, reasonOf, withChild } from './child.ts';
import type { PhonesTask, XmppTask } from './load/tasks.ts';
import { FULL, measure, type Cost, type Plan } from './measure.ts';
import type { Findings, Row } from './row.ts';
import type { ServerTask } from './server.ts';
import { xmppServers, type XmppReference } from './xmpp-reference.ts';

/** Pairs with one message under way each, for every server alike. */
export const PAIRS = 32;
const WHAT = 'WV → WV message, durable';
/** From the design: measured there, and not to be had here. */
const OLD_SERVER = 'the 2011 open IMPS server with PostgreSQL is not here; the design says 4,800 µs';

/** Runs a task with our server in a process of its own and a database of its own. */
export async function withServer<T>(
  options: Omit<ServerTask, 'data'>,
  nodeOptions: readonly string[],
  task: (server: Child, port: number) => Promise<T>,
): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), 'wvgate-bench-'));
  try {
    return await withChild(Child.start('server.ts', nodeOptions), async (server) => {
      const { port } = await server.ask<{ port: number }>('start', { ...options, data });
      return task(server, port);
    });
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** Starts a load, measures the process `pid` under it, ends the load. */
export function underLoad(program: string, task: unknown, pid: number, plan: Plan): Promise<Cost> {
  return withChild(Child.start(`load/${program}`), async (load) => {
    await load.ask('start', task);
    return measure(load, pid, plan);
  });
}

function ourCost(
  plan: Plan,
  pairs: number,
  dated: boolean,
  nodeOptions: readonly string[] = [],
): Promise<Cost> {
  return withServer({ users: 2 * pairs }, nodeOptions, (server, port) => {
    const task: PhonesTask = { pairs, port, dated };
    return underLoad('wv-to-wv.ts', task, server.pid, plan);
  });
}

function bareCost(plan: Plan): Promise<Cost> {
  return withChild(Child.start('bare-http.ts'), async (server) => {
    const { port } = await server.ask<{ port: number }>('start');
    return underLoad('bare-post.ts', { pairs: PAIRS, port } satisfies PhonesTask, server.pid, plan);
  });
}

/** How the load reaches an XMPP server, with the accounts that are there for load. */
export function xmppTask({ host, c2sPort, domain, users }: XmppServer): XmppTask {
  const accounts = Object.entries(users)
    .filter(([name]) => name.startsWith('load'))
    .map(([name, { password }]) => ({ name, password }));
  return { pairs: PAIRS, host, port: c2sPort, domain, accounts };
}

/** The same message from user to user of an XMPP server, over TCP or BOSH. */
export function xmppCost(plan: Plan, server: XmppServer, boshUrl?: string): Promise<Cost> {
  const task = xmppTask(server);
  return boshUrl === undefined
    ? underLoad('xmpp-pairs.ts', task, server.pid, plan)
    : underLoad('bosh-pairs.ts', { ...task, boshUrl }, server.pid, plan);
}

/** Only our side, under a profiler that writes into `directory` when the server ends. */
export function profileMessages(plan: Plan, directory: string): Promise<Cost> {
  return ourCost(plan, PAIRS, false, ['--cpu-prof', `--cpu-prof-dir=${directory}`]);
}

export async function benchMessages(plan: Plan): Promise<Findings> {
  const ours = await ourCost(plan, PAIRS, false);
  const bare = await bareCost(plan);
  const { prosody, ejabberd } = await xmppServers();
  const against = (name: string, value: number, more: Partial<Row> = {}): Row => {
    return { what: `${WHAT}: CPU`, ours: ours.cpu, unit: 'µs', reference: { name, value }, ...more };
  };
  const rows: Row[] = [
    against('2 bare node:http requests', 2 * bare.cpu, { aim: '≤ 2 × the reference' }),
    { what: `${WHAT}: CPU`, ours: ours.cpu, unit: 'µs', aim: '≤ 100', remark: OLD_SERVER },
    ...(await xmppRows(plan, prosody, against)),
    ...(await xmppRows(plan, ejabberd, against)),
    { what: `${WHAT}: rate, ${PAIRS} pairs`, ours: ours.rate, unit: 'messages/s' },
    ...(plan === FULL ? await variants(plan) : []),
  ];
  const rates = `node:http ${Math.round(bare.rate)} requests/s`;
  return { rows, notes: [`One message under way in each of ${PAIRS} pairs, for all servers; ${rates}.`] };
}

async function variants(plan: Plan): Promise<Row[]> {
  const alone = await ourCost(plan, 1, false);
  const dated = await ourCost(plan, PAIRS, true);
  return [
    { what: `${WHAT}: rate, 1 pair`, ours: alone.rate, unit: 'messages/s' },
    { what: `${WHAT}, 1 pair: CPU`, ours: alone.cpu, unit: 'µs', remark: 'commits are not shared' },
    { what: `${WHAT}, with DateTime: CPU`, ours: dated.cpu, unit: 'µs', remark: 'looks for repeats' },
  ];
}

async function xmppRows(
  plan: Plan,
  { name, server, missing }: XmppReference,
  against: (name: string, value: number) => Row,
): Promise<Row[]> {
  const without = (reason: string): Row => {
    const { reference: _none, ...row } = against(name, 0);
    return { ...row, remark: `${name}: ${reason}` };
  };
  if (server === undefined) return [without(missing)];
  const row = async (how: string, boshUrl?: string): Promise<Row> => {
    const cost = await xmppCost(plan, server, boshUrl).catch(reasonOf);
    return typeof cost === 'string'
      ? without(cost)
      : against(`${name} ${server.version}, ${how}, in memory`, cost.cpu);
  };
  const tcp = await row('TCP');
  if (server.boshUrl === undefined || name !== 'Prosody') return [tcp];
  return [tcp, await row('BOSH', server.boshUrl)];
}
