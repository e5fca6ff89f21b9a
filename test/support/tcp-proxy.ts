// A TCP proxy on loopback that behaves as networks do: it breaks, swallows, or takes its time.

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * - `open`: passes everything.
 * - `cut`: connections break, and none can be made.
 * - `black-hole`: connections can be made, and nothing comes through, in no direction; what went in is lost.
 * - `half-open`: what clients write arrives; what they are answered does not.
 */
export type Weather = 'open' | 'cut' | 'black-hole' | 'half-open';

export class TcpProxy {
  readonly #server: Server;
  /** Client and server ends. */
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #weather: Weather = 'open';
  /** Milliseconds that everything takes, each way. */
  delayMs = 0;
  /** Connections so far. */
  connections = 0;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      this.connections += 1;
      if (this.#weather === 'cut') {
        client.on('error', () => undefined);
        return void client.resetAndDestroy();
      }
      this.#join(client, connect({ host: '127.0.0.1', port: target, noDelay: true }));
    });
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get weather(): Weather {
    return this.#weather;
  }

  /** Also for the connections there are. What was swallowed is lost: its connections break when it clears up. */
  set weather(weather: Weather) {
    const lossy = this.#weather !== 'open' || weather === 'cut';
    this.#weather = weather;
    if (lossy) this.reset();
  }

  /** Breaks all connections; new ones can be made. */
  reset(): void {
    for (const [client, server] of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  async stop(): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    client.setNoDelay(true);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (data) => this.#weather !== 'black-hole' && this.#pass(data, server));
    server.on('data', (data) => this.#weather === 'open' && this.#pass(data, client));
  }

  #pass(data: Buffer, to: Socket): void {
    if (this.delayMs === 0) to.write(data);
    else setTimeout(() => to.writable && to.write(data), this.delayMs);
  }
}
