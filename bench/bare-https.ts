// The least that a document to another server can cost: node:https on both sides, 1 kB in, nothing out.

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { answering } from './answering.ts';

let server: Server | undefined;

async function start({ cert, key }: { cert: string; key: string }): Promise<{ port: number }> {
  const listening = createServer(
    { cert: readFileSync(cert), key: readFileSync(key) },
    (request, response) => {
      request.on('data', () => {});
      request.on('end', () => response.writeHead(200, { 'Content-Length': 0 }).end());
    },
  );
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return { port: (listening.address() as AddressInfo).port };
}

answering({ start }, () => {
  server?.closeAllConnections();
  server?.close();
});
