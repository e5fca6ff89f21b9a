// Load for bench/bare-http.ts: as many connections as there are pairs, one request under way on each.

import { HttpPost } from './http-post.ts';
import { runPairs, type Pair } from './pairs.ts';
import type { PhonesTask } from './tasks.ts';

const BODY = Buffer.alloc(1000, 'x');

async function poster(port: number): Promise<Pair> {
  const connection = await HttpPost.open('127.0.0.1', port, '/', 'text/plain');
  return {
    turn: async () => void (await connection.post(BODY)),
    close: () => connection.close(),
  };
}

runPairs<PhonesTask>(({ pairs, port }) => Promise.all(Array.from({ length: pairs }, () => poster(port))));
