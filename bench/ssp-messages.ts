// WV → SSP → WV: messages between users of two of our servers, over TLS, durable in both, beside the same phones at one
// server and the bare cost of HTTPS.

import { join } from 'node:path';
import { Child, withChild } from './child.ts';
import type { BareHttpsTask } from './load/bare-https-post.ts';
import { DOMAIN, type PolledTask, type ServerPlace } from './load/tasks.ts';
import { FULL, measureAll, percentile, type Plan } from './measure.ts';
import { withServer } from './messages.ts';
import type { Findings, Row } from './row.ts';
import { withCa, withTwoServers, type Side } from './ssp-servers.ts';

/** Pairs, and messages of each under way at once. */
interface Shape {
  readonly pairs: number;
  readonly ahead: number;
}

const PAIRS = 16;
const MANY: Shape = { pairs: PAIRS, ahead: 1 };
const ONE: Shape = { pairs: 1, ahead: 1 };
/** One order lane that always has something waiting. */
const LANE: Shape = { pairs: 1, ahead: 16 };

interface Traffic {
  /** CPU a message, microseconds, of each server. */
  readonly cpus: readonly number[];
  readonly rate: number;
  /** Milliseconds from the sender's request until the recipient has it. */
  readonly p50: number;
  readonly p99: number;
  /** Messages for each document that a server posted, in the order of `cpus`. */
  readonly gathered: readonly number[];
}

function traffic(servers: readonly Child[], task: PolledTask, plan: Plan): Promise<Traffic> {
  return withChild(Child.start('load/polled-pairs.ts'), async (load) => {
    await load.ask('start', task);
    const pids = servers.map(({ pid }) => pid);
    const cost = await measureAll(load, pids, plan);
    const latencies = await load.ask<number[]>('latencies');
    const messages = await load.ask<number>('count');
    const documents = await Promise.all(
      servers.map((server) => server.ask<number>('counted', 'ssp_documents_out_total')),
    );
    return {
      ...cost,
      p50: percentile(latencies, 50),
      p99: percentile(latencies, 99),
      gathered: documents.map((count) => messages / count),
    };
  });
}

/** Servers of their own for each load: the last one leaves messages that were under way when it ended. */
function between(
  shape: Shape,
  plan: Plan,
  nodeOptions?: (domain: string) => readonly string[],
): Promise<Traffic> {
  const measured = (sending: Side, receiving: Side) =>
    traffic(
      [sending.server, receiving.server],
      { ...shape, from: place(sending), to: place(receiving) },
      plan,
    );
  return withTwoServers(2 * shape.pairs, measured, nodeOptions);
}

function place({ port, domain }: Side): ServerPlace {
  return { port, domain };
}

/** Sender and recipient at one server, the same phones. */
function local(shape: Shape, plan: Plan): Promise<Traffic> {
  return withServer({ users: 2 * shape.pairs, holdsPolls: true }, [], (server, port) => {
    const here: ServerPlace = { port, domain: DOMAIN };
    return traffic([server], { ...shape, from: here, to: here }, plan);
  });
}

/** CPU of one POST over a connection that is kept, microseconds: of who takes it and of who makes it. */
function bare(plan: Plan): Promise<number> {
  return withCa((ca) =>
    withChild(Child.start('bare-https.ts'), async (server) => {
      const { port } = await server.ask<{ port: number }>('start', ca.issue(['127.0.0.1']));
      return withChild(Child.start('load/bare-https-post.ts'), async (load) => {
        await load.ask('start', { pairs: 4, port, ca: ca.cert } satisfies BareHttpsTask);
        const { cpus } = await measureAll(load, [server.pid, load.pid], plan);
        return cpus.reduce((sum, cpu) => sum + cpu, 0);
      });
    }),
  );
}

/** Both servers under a profiler that writes into folders of `directory` named by domain when they end. */
export function profileSspMessages(plan: Plan, directory: string): Promise<Traffic> {
  return between(MANY, plan, (domain) => ['--cpu-prof', `--cpu-prof-dir=${join(directory, domain)}`]);
}

const WHAT = 'WV → SSP → WV message, TLS, durable';

function times(what: string, { rate, p50, p99 }: Traffic): Row[] {
  return [
    { what: `${what}: rate`, ours: rate, unit: 'messages/s' },
    { what: `${what}: p50 until the recipient has it`, ours: p50, unit: 'ms' },
    { what: `${what}: p99`, ours: p99, unit: 'ms' },
  ];
}

function cpuRows(what: string, { cpus: [sending = 0, receiving = 0] }: Traffic, post: number): Row[] {
  // Each server posts one document a message and takes one, when nothing is gathered.
  const reference = { name: 'a node:https POST, CPU of both ends', value: post };
  return [
    { what: `${what}: CPU of the sending server`, ours: sending, unit: 'µs', reference },
    { what: `${what}: CPU of the receiving server`, ours: receiving, unit: 'µs', reference },
  ];
}

function gathered(of: Traffic, server: number): string {
  return (of.gathered[server] ?? Number.NaN).toFixed(1);
}

export async function benchSspMessages(plan: Plan): Promise<Findings> {
  const many = await between(MANY, plan);
  const one = plan === FULL ? await between(ONE, plan) : undefined;
  const lane = plan === FULL ? await between(LANE, plan) : undefined;
  const near = await local(MANY, plan);
  const post = await bare(plan);
  const both = many.cpus.reduce((sum, cpu) => sum + cpu, 0);
  const besides = { name: 'the same phones at one server', value: near.cpus[0] ?? Number.NaN };
  const rows: Row[] = [
    { what: `${WHAT}, ${PAIRS} pairs: CPU of both servers`, ours: both, unit: 'µs', reference: besides },
    ...cpuRows(`${WHAT}, ${PAIRS} pairs`, many, post),
    ...times(`${WHAT}, ${PAIRS} pairs`, many),
    ...times(`WV → WV at one server, ${PAIRS} pairs`, near),
    ...(one === undefined ? [] : times(`${WHAT}, 1 sender, 1 under way`, one)),
    ...(lane === undefined ? [] : times(`${WHAT}, 1 sender, ${LANE.ahead} under way`, lane)),
    ...(lane === undefined ? [] : cpuRows(`${WHAT}, 1 sender, ${LANE.ahead} under way`, lane, post)),
  ];
  const notes = [
    'SSP: both servers, the phones and TLS share this machine. Recipients hold a poll, confirm, and poll again: two ' +
      'requests a message, also at one server.',
    `SSP: with ${PAIRS} pairs a document of requests carries ${gathered(many, 0)} messages, one of answers ${gathered(many, 1)}.`,
  ];
  return { rows, notes };
}
