// The SUDP binding of CIR (csp-transport section 2): one datagram `WVCI <version> <cookie>` to the client's address
// and UDP port. Nobody answers it; what is lost is made good by the next call.

import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Log, Metrics } from '../../../ops/ports.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { callText, isCallableCookie, type CirChannel } from './channel.ts';

/** Where phones listen when they name no UDPPort (csp-transport section 2). */
export const DEFAULT_SUDP_PORT = 3717;
const MAX_PORT = 65_535;

export interface Sudp {
  /** A channel to `address` (an IP address: the source of the client's HTTP requests) and `port`. */
  channel(address: string, port?: number): CirChannel;
  close(): void;
}

export interface SudpOptions {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Opens no socket before the first call of each address family. */
export function startSudp(options: SudpOptions): Sudp {
  return new Sender(options);
}

class Sender implements Sudp {
  readonly #options: SudpOptions;
  readonly #sockets = new Map<'udp4' | 'udp6', Socket>();
  #closed = false;

  constructor(options: SudpOptions) {
    this.#options = options;
  }

  channel(address: string, port = DEFAULT_SUDP_PORT): CirChannel {
    return {
      call: (version, cookie) => this.#send(address, port, version, cookie),
      close: () => {},
    };
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #send(address: string, port: number, version: CspVersion, cookie: string): void {
    if (this.#closed) return;
    if (!isCallableCookie(cookie)) return this.#count('cookie');
    const family = isIP(address);
    // The port is what the client said; the platform throws on one that does not exist.
    if (family === 0 || port < 1 || port > MAX_PORT) return this.#count('address');
    const socket = this.#socket(family === 6 ? 'udp6' : 'udp4');
    socket.send(callText(version, cookie), port, address, (error) => {
      if (error) this.#options.log.debug({ error: error.message }, 'CIR datagram not sent');
      this.#count(error ? 'failed' : 'sent');
    });
  }

  #count(outcome: string): void {
    this.#options.metrics.count('cir_calls_total', { method: 'SUDP', outcome });
  }

  #socket(type: 'udp4' | 'udp6'): Socket {
    const open = this.#sockets.get(type);
    if (open !== undefined) return open;
    const socket = createSocket(type);
    socket.on('error', (error) => {
      this.#options.log.warn({ error: error.message }, 'CIR datagram socket');
      this.#sockets.delete(type);
      socket.close();
    });
    socket.unref();
    this.#sockets.set(type, socket);
    return socket;
  }
}
