// An hour of people on phones and at XMPP clients, as fast as it goes: does the server's memory stay what it is?

import type { XmppServer } from '../scripts/stack/description.ts';
import { withChild, Child } from './child.ts';
import { gatewayConfig } from './gateway.ts';
import type { SoakTask } from './load/xmpp-soak.ts';
import { median } from './measure.ts';
import { withServer } from './messages.ts';
import { cpuOf } from './process-cost.ts';
import type { Findings } from './row.ts';
import type { Memory } from './server.ts';
import { xmppServers } from './xmpp-reference.ts';

export interface SoakPlan {
  /** A phone and an XMPP client each. */
  readonly pairs: number;
  /** Rounds after which everything that is kept is there. */
  readonly warm: number;
  /** Times that memory is looked at after that, and rounds between. */
  readonly looks: number;
  readonly rounds: number;
}

/**
 * A round is a minute of a busy couple: a message each way, five changes of presence each, a visit to each other's
 * group with a message, and every fourth a subscription that ends and begins again. 240 rounds of 4 couples: four hours.
 */
export const SOAK: SoakPlan = { pairs: 4, warm: 40, looks: 10, rounds: 20 };
export const SHORT_SOAK: SoakPlan = { pairs: 4, warm: 6, looks: 4, rounds: 2 };

export interface Soaked {
  /** Heap after a full collection, at each look, octets. */
  readonly heaps: readonly number[];
  readonly resident: readonly number[];
  /** Of our server in one round, milliseconds. */
  readonly cpu: number;
  /** Users of ours that the gateway takes to be in rooms of the XMPP server, when all have left. */
  readonly guests: number;
  readonly failures: number;
}

/** Texts that may be quoted are many by default, and would not all be there when memory is looked at first. */
const SMALL = { maxQuotableMessages: 20, maxRememberedChats: 4, joinsPerMinute: 100_000 };

export function soak(xmpp: XmppServer, { pairs, warm, looks, rounds }: SoakPlan): Promise<Soaked> {
  const options = {
    users: pairs,
    joined: pairs,
    calls: true,
    xmpp: { ...gatewayConfig(xmpp), ...SMALL },
  };
  return withServer(options, ['--expose-gc'], (server, port) =>
    withChild(Child.start('load/xmpp-soak.ts'), async (load) => {
      await load.ask('start', { port, server: xmpp, pairs } satisfies SoakTask);
      await load.ask('rounds', warm);
      const memories = [await server.ask<Memory>('memory')];
      const before = cpuOf(server.pid);
      for (let look = 0; look < looks; look += 1) {
        await load.ask('rounds', rounds);
        memories.push(await server.ask<Memory>('memory'));
      }
      return {
        heaps: memories.map(({ heap }) => heap),
        resident: memories.map(({ resident }) => resident),
        cpu: (cpuOf(server.pid) - before) / 1_000 / looks / rounds,
        guests: await server.ask<number>('counted', 'xmpp_room_guests'),
        failures: await server.ask<number>('counted', 'xmpp_failures_total'),
      };
    }),
  );
}

/** What the heap grew by between the looks of the first half and those of the second: medians, octets. */
export function growth(heaps: readonly number[]): number {
  const half = heaps.length >> 1;
  return median(heaps.slice(-half)) - median(heaps.slice(0, half));
}

export async function benchSoak(plan: SoakPlan): Promise<Findings> {
  const { server, missing } = (await xmppServers()).prosody;
  if (server === undefined) return { rows: [], notes: [`Soak: no Prosody, ${missing}.`] };
  const { heaps, resident, cpu, guests, failures } = await soak(server, plan);
  const what = `soak, ${plan.looks * plan.rounds} rounds of ${plan.pairs} couples`;
  const mebi = (octets: number | undefined = Number.NaN): number => octets / 1_048_576;
  return {
    rows: [
      {
        what: `${what}: heap at the end`,
        ours: mebi(heaps.at(-1)),
        unit: 'MiB',
        reference: { name: 'at the first look', value: mebi(heaps[0]) },
      },
      {
        what: `${what}: heap, second half less first`,
        ours: growth(heaps) / 1024,
        unit: 'KiB',
        aim: '≤ 1024',
      },
      {
        what: `${what}: resident at the end`,
        ours: mebi(resident.at(-1)),
        unit: 'MiB',
        reference: { name: 'at the first look', value: mebi(resident[0]) },
      },
      { what: `${what}: CPU of a round`, ours: cpu, unit: 'ms' },
    ],
    notes: [
      `Soak: heap at each look ${heaps.map((heap) => mebi(heap).toFixed(2)).join(', ')} MiB; ` +
        `${guests} users left in rooms, ${failures} failures of the gateway.`,
    ],
  };
}
