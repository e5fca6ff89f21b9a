// The least that a request can cost: node:http, 1 kB in, 700 bytes out.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answering } from './answering.ts';

const ANSWER = Buffer.alloc(700, 'x');

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': ANSWER.length });
    response.end(ANSWER);
  });
});

async function start(): Promise<{ port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port };
}

answering({ start }, () => {
  server.closeAllConnections();
  server.close();
});
