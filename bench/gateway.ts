// Messages through the XMPP gateway, attached to Prosody as its component; beside the same stanza inside Prosody.

import type { ConfigInput } from '../src/config.ts';
import { mucDomain } from '../scripts/stack/layout.ts';
import type { XmppServer } from '../scripts/stack/description.ts';
import { Child, withChild } from './child.ts';
import type { GatewayTask } from './load/tasks.ts';
import { measureAll, percentile, type Plan } from './measure.ts';
import { PAIRS, withServer, xmppTask } from './messages.ts';
import type { Findings, Row } from './row.ts';
import { xmppServers } from './xmpp-reference.ts';

interface Direction {
  readonly what: string;
  readonly program: string;
  /** Messages of each pair under way where CPU and rate are measured. */
  readonly ahead: number;
}

const DIRECTIONS: readonly Direction[] = [
  { what: 'WV → XMPP message', program: 'wv-to-xmpp.ts', ahead: 1 },
  { what: 'XMPP → WV message', program: 'xmpp-to-wv.ts', ahead: 4 },
];
const AIM = '≤ 100';

export interface Traffic {
  /** CPU of each process for one item, microseconds. */
  readonly cpus: readonly number[];
  readonly rate: number;
  /** How long an item took, milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Starts a load, measures the processes under it, ends the load. */
export function traffic(
  program: string,
  task: unknown,
  pids: readonly number[],
  plan: Plan,
): Promise<Traffic> {
  return withChild(Child.start(`load/${program}`), async (load) => {
    await load.ask('start', task);
    const cost = await measureAll(load, pids, plan);
    const latencies = await load.ask<number[]>('latencies');
    return { ...cost, p50: percentile(latencies, 50), p99: percentile(latencies, 99) };
  });
}

/** Our server as component of the XMPP server, rooms both ways included. */
export function gatewayConfig(server: XmppServer): NonNullable<ConfigInput['xmpp']> {
  const { domain, groups, secret } = server.components.main;
  return {
    host: server.host,
    port: server.componentPort,
    component: domain,
    groupsComponent: groups,
    secret,
    domains: [server.domain],
    groupDomains: [mucDomain(server.domain)],
  };
}

/** Our CPU first, then Prosody's. */
function throughGateway(
  plan: Plan,
  prosody: XmppServer,
  { program, ahead }: Direction,
  pairs: number,
  nodeOptions: readonly string[] = [],
): Promise<Traffic> {
  const options = { users: pairs, holdsPolls: true, xmpp: gatewayConfig(prosody) };
  return withServer(options, nodeOptions, (server, port) => {
    const xmpp = { ...xmppTask(prosody), pairs };
    const phones = { pairs, port };
    const component = prosody.components.main.domain;
    const task: GatewayTask = { phones, xmpp, component, ahead };
    return traffic(program, task, [server.pid, prosody.pid], plan);
  });
}

/** One direction under a profiler that writes into `directory` when the server ends. */
export async function profileGateway(plan: Plan, directory: string, way: 0 | 1): Promise<Traffic> {
  const { server, missing } = (await xmppServers()).prosody;
  const direction = DIRECTIONS[way];
  if (server === undefined || direction === undefined) throw new Error(`no Prosody, ${missing}`);
  return throughGateway(plan, server, direction, PAIRS, ['--cpu-prof', `--cpu-prof-dir=${directory}`]);
}

export async function benchGateway(plan: Plan): Promise<Findings> {
  const { server, missing } = (await xmppServers()).prosody;
  if (server === undefined)
    return { rows: [], notes: [`Messages through the XMPP gateway: no Prosody, ${missing}.`] };
  const inside = (pairs: number) =>
    traffic('xmpp-pairs.ts', { ...xmppTask(server), pairs }, [server.pid], plan);
  const name = `Prosody ${server.version}, user to user, TCP`;
  const many = await inside(PAIRS);
  const one = await inside(1);
  const rows: Row[] = [];
  for (const direction of DIRECTIONS) {
    const { what } = direction;
    const busy = await throughGateway(plan, server, direction, PAIRS);
    const quiet = await throughGateway(plan, server, { ...direction, ahead: 1 }, 1);
    const beside = (value: number | undefined) => ({ reference: { name, value: value ?? Number.NaN } });
    const [ours = Number.NaN, theirs = Number.NaN] = busy.cpus;
    rows.push(
      { what: `${what}: our CPU`, ours, unit: 'µs', ...beside(many.cpus[0]), aim: AIM },
      { what: `${what}: Prosody's CPU`, ours: theirs, unit: 'µs', ...beside(many.cpus[0]) },
      { what: `${what}: rate, ${PAIRS} pairs`, ours: busy.rate, unit: 'messages/s', ...beside(many.rate) },
      { what: `${what}: p99, ${PAIRS} pairs`, ours: busy.p99, unit: 'ms', ...beside(many.p99) },
      { what: `${what}: p50, 1 pair`, ours: quiet.p50, unit: 'ms', ...beside(one.p50) },
      { what: `${what}: p99, 1 pair`, ours: quiet.p99, unit: 'ms', ...beside(one.p99) },
    );
  }
  const note =
    'Through the gateway every message is on disk before it goes on, Prosody keeps it in memory; no TLS anywhere. Times are from the ' +
    'sender’s request until the recipient has it: what the gateway adds is ours less the reference.';
  return { rows, notes: [note] };
}
