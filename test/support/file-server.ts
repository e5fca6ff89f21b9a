// A web server on loopback for files, well-behaved or hostile: each path is a behaviour that tests give it.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Behaviour = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

export class FileServer {
  readonly paths = new Map<string, Behaviour>();
  /** Method and path of every request. */
  readonly requests: string[] = [];
  readonly stored = new Map<
    string,
    { readonly body: Buffer; readonly headers: IncomingMessage['headers'] }
  >();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      this.requests.push(`${request.method} ${path}`);
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      request.on('end', () => this.#answer(path, request, response, Buffer.concat(pieces)));
    });
  }

  static async start(): Promise<FileServer> {
    const server = new FileServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path: string, host = '127.0.0.1'): string {
    return `http://${host}:${this.port}${path}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(path: string, request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const behaviour = this.paths.get(path);
    if (behaviour !== undefined) return behaviour(request, response, body);
    if (request.method === 'PUT') {
      this.stored.set(path, { body, headers: request.headers });
      response.writeHead(201).end();
    } else response.writeHead(404).end();
    return undefined;
  }
}

export const gives =
  (octets: Buffer | string, headers: Record<string, string> = {}, status = 200): Behaviour =>
  (_request, response) =>
    void response.writeHead(status, headers).end(octets);

export const sendsTo = (location: string): Behaviour => gives('', { location }, 302);
