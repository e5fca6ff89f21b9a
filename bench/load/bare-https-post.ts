// Load for bench/bare-https.ts, and the other half of what is measured: node:https with the connections kept.

import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { runPairs, type Pair } from './pairs.ts';
import type { PairsTask } from './tasks.ts';

export interface BareHttpsTask extends PairsTask {
  readonly port: number;
  /** File name, PEM. */
  readonly ca: string;
}

const BODY = Buffer.alloc(1000, 'x');

function post(agent: Agent, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'text/plain', 'Content-Length': BODY.length };
    const posted = request({ agent, host: '127.0.0.1', port, method: 'POST', headers }, (response) => {
      response.on('data', () => {});
      response.on('end', resolve);
    });
    posted.on('error', reject);
    posted.end(BODY);
  });
}

runPairs<BareHttpsTask>(({ pairs, port, ca }) => {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(ca) });
  const pair: Pair = { turn: () => post(agent, port), close: () => agent.destroy() };
  return Promise.resolve(Array.from({ length: pairs }, () => pair));
});
