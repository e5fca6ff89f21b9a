// The standalone TCP binding of CIR (csp-transport 2.1): the client connects, says HELO <SessionID>, pings every
// quarter of an hour or so, and waits to be called.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Clock, Log, Metrics } from '../../../ops/ports.ts';
import type { CirDirectory } from './channel.ts';
import { RefusalLog } from './refusal-log.ts';
import { StcpConnection } from './stcp-connection.ts';

export type { CirAttachment, CirChannel, CirDirectory } from './channel.ts';

export interface StcpLimits {
  /** Connections in all; more are closed at once. */
  readonly maxConnections: number;
  /** Connections of one address; a mobile network puts many phones behind one. */
  readonly maxPerAddress: number;
  /** Longest line, in octets, its end not counted. */
  readonly lineBytes: number;
  /** Until the first octet, ms. */
  readonly silentMs: number;
  /** Until HELO, ms. */
  readonly heloMs: number;
  /** Without a word from an attached client, ms. Phones ping each 900 to 1,200 s. */
  readonly idleMs: number;
  /** Between two lines to the same client, ms: Nokia reads one line from the start of its buffer. */
  readonly pauseMs: number;
}

export const STCP_LIMITS: StcpLimits = {
  maxConnections: 100_000,
  maxPerAddress: 20_000,
  lineBytes: 1024,
  silentMs: 30_000,
  heloMs: 300_000,
  idleMs: 3_900_000,
  pauseMs: 100,
};

export interface StcpOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly directory: CirDirectory;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly limits?: Partial<StcpLimits>;
}

export interface StcpListener {
  readonly address: { readonly host: string; readonly port: number };
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** Listens for CIR connections. Rejects when the address cannot be had. */
export async function startStcp(options: StcpOptions): Promise<StcpListener> {
  const listener = new Listener(options, { ...STCP_LIMITS, ...options.limits });
  await listener.listen(options.host, options.port);
  return listener;
}

class Listener implements StcpListener {
  readonly #options: StcpOptions;
  readonly #limits: StcpLimits;
  readonly #server: Server;
  readonly #connections = new Set<StcpConnection>();
  readonly #perAddress = new Map<string, number>();
  readonly #refusals: RefusalLog;
  #cancelSweep: () => void = () => {};

  constructor(options: StcpOptions, limits: StcpLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#refusals = new RefusalLog(options.clock, options.log);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  get address(): StcpListener['address'] {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#options.log.error({ error }, 'CIR listener'));
        resolve();
      });
    });
    this.#planSweep();
  }

  async close(): Promise<void> {
    this.#cancelSweep();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.end('shutdown');
    await closed;
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const refusal = this.#refusal(address);
    if (refusal !== undefined) {
      this.#options.metrics.count('cir_connections_refused_total', { reason: refusal });
      this.#refusals.refused(address, refusal);
      socket.on('error', () => {}).destroy();
      return;
    }
    const connection = new StcpConnection(socket, this.#options, this.#limits, () =>
      this.#forget(connection, address),
    );
    this.#connections.add(connection);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    this.#options.metrics.gauge('cir_connections', this.#connections.size);
  }

  #refusal(address: string): string | undefined {
    if (this.#connections.size >= this.#limits.maxConnections) return 'all';
    return (this.#perAddress.get(address) ?? 0) >= this.#limits.maxPerAddress ? 'address' : undefined;
  }

  #forget(connection: StcpConnection, address: string): void {
    if (!this.#connections.delete(connection)) return;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
    this.#options.metrics.gauge('cir_connections', this.#connections.size);
  }

  /** One timer for all connections, a quarter of the shortest limit apart. */
  #planSweep(): void {
    const { silentMs, heloMs, idleMs } = this.#limits;
    this.#cancelSweep = this.#options.clock.after(Math.min(silentMs, heloMs, idleMs) / 4, () => {
      const now = this.#options.clock.now();
      for (const connection of this.#connections) connection.sweep(now);
      this.#planSweep();
    });
  }
}
