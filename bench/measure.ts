// CPU of a server while a load generator counts what it got done: several windows of time, and their median, because
// other programs share the machine.

import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from './child.ts';
import { cpuOf } from './process-cost.ts';

export interface Plan {
  readonly warmMs: number;
  readonly windowMs: number;
  readonly windows: number;
}

export const FULL: Plan = { warmMs: 3_000, windowMs: 2_000, windows: 5 };
/** Short, with fewer windows: good for a look, not for a comparison. */
export const QUICK: Plan = { warmMs: 500, windowMs: 400, windows: 2 };

export interface Cost {
  /** CPU of the server for one item, microseconds. */
  readonly cpu: number;
  /** Items a second. */
  readonly rate: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The load is running; `pid` is the server's. */
export async function measure(load: Child, pid: number, plan: Plan): Promise<Cost> {
  await delay(plan.warmMs);
  const costs: Cost[] = [];
  let last = await sample(load, pid);
  for (let window = 0; window < plan.windows; window += 1) {
    await delay(plan.windowMs);
    const next = await sample(load, pid);
    const count = next.count - last.count;
    costs.push({ cpu: (next.cpu - last.cpu) / count, rate: (count * 1000) / (next.at - last.at) });
    last = next;
  }
  return { cpu: median(costs.map(({ cpu }) => cpu)), rate: median(costs.map(({ rate }) => rate)) };
}

async function sample(load: Child, pid: number): Promise<{ count: number; cpu: number; at: number }> {
  const count = await load.ask<number>('count');
  return { count, cpu: cpuOf(pid), at: performance.now() };
}
