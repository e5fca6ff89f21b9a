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
  const { cpus, rate } = await measureAll(load, [pid], plan);
  return { cpu: cpus[0] ?? Number.NaN, rate };
}

/** The same with several processes; `cpus` in their order. */
export async function measureAll(load: Child, pids: readonly number[], plan: Plan): Promise<Costs> {
  await delay(plan.warmMs);
  const costs: Costs[] = [];
  let last = await sample(load, pids);
  for (let window = 0; window < plan.windows; window += 1) {
    await delay(plan.windowMs);
    const next = await sample(load, pids);
    const count = next.count - last.count;
    const before = last.cpus;
    costs.push({
      cpus: next.cpus.map((cpu, at) => (cpu - (before[at] ?? 0)) / count),
      rate: (count * 1000) / (next.at - last.at),
    });
    last = next;
  }
  return {
    cpus: pids.map((_, at) => median(costs.map(({ cpus }) => cpus[at] ?? Number.NaN))),
    rate: median(costs.map(({ rate }) => rate)),
  };
}

interface Costs {
  /** CPU of each process for one item, microseconds. */
  readonly cpus: readonly number[];
  readonly rate: number;
}

interface Sample {
  readonly count: number;
  readonly cpus: readonly number[];
  readonly at: number;
}

async function sample(load: Child, pids: readonly number[]): Promise<Sample> {
  const count = await load.ask<number>('count');
  return { count, cpus: pids.map(cpuOf), at: performance.now() };
}

export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN;
}
