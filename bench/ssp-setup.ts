// Setting up a session between two servers: the six steps of the secret-token exchange, over TLS.

import { Child, withChild } from './child.ts';
import { DOMAIN, PEER_DOMAIN } from './load/tasks.ts';
import type { LinkTask } from './load/ssp-link.ts';
import { median, percentile } from './measure.ts';
import { cpuOf } from './process-cost.ts';
import type { Findings, Row } from './row.ts';
import { freePort, withCa } from './ssp-servers.ts';

/** Set-ups that are measured, after as many that only warm the code. */
export interface SetupPlan {
  readonly cold: number;
  readonly warm: number;
}

export const SETUPS: SetupPlan = { cold: 200, warm: 500 };
export const FEW_SETUPS: SetupPlan = { cold: 20, warm: 50 };

interface SetupCost {
  /** Milliseconds until whoever began it has the session. */
  readonly took: number;
  readonly p99: number;
  /** CPU of both servers, microseconds. */
  readonly cpu: number;
}

async function cost(sides: readonly [Child, Child], cold: boolean, count: number): Promise<SetupCost> {
  const cpuOfBoth = () => sides.reduce((sum, { pid }) => sum + cpuOf(pid), 0);
  // Forgetting is no part of it: it reads and checks the certificates of all authorities anew.
  const round = async (): Promise<{ took: number; cpu: number }> => {
    await Promise.all(sides.map((side) => side.ask('fresh', { cold })));
    const before = cpuOfBoth();
    const took = await sides[0].ask<number>('setUp');
    return { took, cpu: cpuOfBoth() - before };
  };
  for (let warming = 0; warming < count; warming += 1) await round();
  const times: number[] = [];
  let cpu = 0;
  for (let done = 0; done < count; done += 1) {
    const one = await round();
    times.push(one.took);
    cpu += one.cpu;
  }
  return { took: median(times), p99: percentile(times, 99), cpu: cpu / count };
}

function rows(what: string, { took, p99, cpu }: SetupCost, remark: string): Row[] {
  return [
    { what: `SSP set-up, ${what}: time`, ours: took, unit: 'ms', remark },
    { what: `SSP set-up, ${what}: p99`, ours: p99, unit: 'ms' },
    { what: `SSP set-up, ${what}: CPU of both servers`, ours: cpu, unit: 'µs' },
  ];
}

export function benchSspSetup({ cold, warm }: SetupPlan): Promise<Findings> {
  return withCa(async (ca) => {
    const ports = [await freePort(), await freePort()] as const;
    const domains = [DOMAIN, PEER_DOMAIN] as const;
    const task = (own: 0 | 1, other: 0 | 1): LinkTask => ({
      domain: domains[own],
      door: { port: ports[own], tls: ca.issue([domains[own], '127.0.0.1']) },
      other: { port: ports[other], domain: domains[other], ca: ca.cert },
    });
    return withChild(Child.start('load/ssp-link.ts'), (initiator) =>
      withChild(Child.start('load/ssp-link.ts'), async (acceptor) => {
        await initiator.ask('start', task(0, 1));
        await acceptor.ask('start', task(1, 0));
        const sides = [initiator, acceptor] as const;
        const measured = [
          ...rows('cold', await cost(sides, true, cold), 'two new connections, full TLS handshakes'),
          ...rows('warm', await cost(sides, false, warm), 'connections are there'),
        ];
        return { rows: measured, notes: ['SSP set-up: six documents, nothing written to disk.'] };
      }),
    );
  });
}
