// A TCP proxy on loopback between the gateway and an XMPP server: cuts what the server sends into single octets,
// or the connection.

import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export class XmppProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Each octet from the server travels in a chunk of its own. */
  slicing = false;
  /** What the gateway writes is read and thrown away. */
  swallowing = false;

  private constructor(host: string, port: number) {
    this.#server = createServer((client) => this.#join(client, connect({ host, port, noDelay: true })));
  }

  /** @param own where it listens; 0 = anywhere */
  static async start(host: string, port: number, own = 0): Promise<XmppProxy> {
    const proxy = new XmppProxy(host, port);
    await new Promise<void>((resolve) => proxy.#server.listen(own, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    client.setNoDelay(true);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (data) => this.swallowing || server.write(data));
    server.on('data', (data) => (this.slicing ? this.#slice(server, client, data) : client.write(data)));
  }

  /** One octet per turn of the event loop, so that each is read by itself. */
  #slice(server: Socket, client: Socket, data: Buffer): void {
    server.pause();
    const next = (index: number): void => {
      if (index === data.length) {
        server.resume();
        return;
      }
      client.write(data.subarray(index, index + 1), () => setImmediate(next, index + 1));
    };
    next(0);
  }
}
