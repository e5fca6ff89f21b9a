// A message to a large group: what it costs the server, and what everybody else notices of it.

import { Child, withChild } from './child.ts';
import type { GroupTask, Watched } from './load/group.ts';
import { median, percentile } from './measure.ts';
import { withServer } from './messages.ts';
import { cpuOf } from './process-cost.ts';
import type { Findings, Row } from './row.ts';

export interface GroupPlan {
  /** Joined users, and how many of them have a session. */
  readonly size: number;
  readonly live: number;
  /** Messages whose cost is measured, and as many while others are watched. */
  readonly messages: number;
  /** Length of a message, octets. */
  readonly octets: number;
}

/** A short message to very many, and a picture to many: the copies of both are large. */
export const LARGE_GROUPS: readonly GroupPlan[] = [
  { size: 10_000, live: 2_000, messages: 7, octets: 100 },
  { size: 1_000, live: 200, messages: 5, octets: 64 * 1024 },
];
export const SMALL_GROUPS: readonly GroupPlan[] = [{ size: 2_000, live: 400, messages: 3, octets: 100 }];

const QUIET_MS = 1_000;

interface GroupCost {
  /** Until the sender has his 200, milliseconds: the first message, before which nobody's home was in memory. */
  readonly first: number;
  readonly answer: number;
  /** CPU of the server a recipient, microseconds. */
  readonly cpu: number;
  /** What strangers wait for an answer, milliseconds: 99 of 100, and the longest of one message. */
  readonly p99: number;
  readonly longest: number;
  /** The same while there is no message. */
  readonly quiet: number;
  /** By the server's own clock, milliseconds. */
  readonly block: number;
}

function groupCost({ size, live, messages, octets }: GroupPlan): Promise<GroupCost> {
  return withServer({ users: size + 2, joined: size }, [], (server, port) =>
    withChild(Child.start('load/group.ts'), async (load) => {
      await load.ask('enter', { port, live, strangers: size, octets } satisfies GroupTask);
      const { waits } = await load.ask<Watched>('quiet', QUIET_MS);
      const first = await load.ask<number>('send');
      const before = cpuOf(server.pid);
      for (let count = 0; count < messages; count += 1) await load.ask('send');
      const cpu = (cpuOf(server.pid) - before) / messages / (size - 1);
      const seen: (Watched & { readonly block: number })[] = [];
      await server.ask('longestBlock');
      for (let count = 0; count < messages; count += 1) {
        const watched = await load.ask<Watched>('sendWatched');
        seen.push({ ...watched, block: await server.ask<number>('longestBlock') });
      }
      return {
        first,
        answer: median(seen.map(({ took }) => took)),
        cpu,
        p99: percentile(
          seen.flatMap((each) => each.waits),
          99,
        ),
        longest: median(seen.map((each) => Math.max(...each.waits))),
        quiet: Math.max(...waits),
        block: median(seen.map(({ block }) => block)),
      };
    }),
  );
}

export async function benchGroups(plans: readonly GroupPlan[]): Promise<Findings> {
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const plan of plans) {
    const cost = await groupCost(plan);
    const what = `${plan.octets} octets to a group of ${plan.size}, ${plan.live} with a session`;
    rows.push(
      { what: `${what}: until the sender has his 200`, ours: cost.answer, unit: 'ms' },
      { what: `${what}: CPU a recipient, durable`, ours: cost.cpu, unit: 'µs' },
      { what: `${what}: longest wait of others`, ours: cost.longest, unit: 'ms', aim: '≤ 50' },
      { what: `${what}: p99 of the waits of others`, ours: cost.p99, unit: 'ms' },
    );
    notes.push(
      `${what}: others wait at most ${cost.quiet.toFixed(1)} ms while there is no message; during one, the server does ` +
        `nothing else for ${cost.block.toFixed(0)} ms by its own clock. The first message took ${cost.first.toFixed(0)} ms.`,
    );
  }
  return { rows, notes };
}
