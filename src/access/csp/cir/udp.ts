// The datagram bindings of CIR (csp-transport section 2): `WVCI <version> <cookie>` to the client's address, as it is to
// its UDP port (SUDP), or in a WAP push (WAPUDP). Nobody answers; what is lost is made good by the next call.

import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Log, Metrics } from '../../../ops/ports.ts';
import { callText, isCallableCookie, type CirChannel } from './channel.ts';
import { callPush, WAP_PUSH_PORT } from './wap-push.ts';

/** Where phones listen when they name no UDPPort (csp-transport section 2). */
export const DEFAULT_SUDP_PORT = 3717;
const MAX_PORT = 65_535;

type DatagramMethod = 'SUDP' | 'WAPUDP';

export interface Sudp {
  /** A channel to `address` (an IP address: the source of the client's HTTP requests) and `port`. */
  channel(address: string, port?: number): CirChannel;
  /** A channel for WAP pushes to `address`. */
  pushChannel(address: string, port?: number): CirChannel;
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
  #lastPush = 0;

  constructor(options: SudpOptions) {
    this.#options = options;
  }

  channel(address: string, port = DEFAULT_SUDP_PORT): CirChannel {
    return {
      call: (version, cookie) => {
        if (!isCallableCookie(cookie)) this.#count('SUDP', 'cookie');
        else this.#send('SUDP', address, port, callText(version, cookie));
      },
      close: () => {},
    };
  }

  pushChannel(address: string, port = WAP_PUSH_PORT): CirChannel {
    return {
      call: (version, cookie) => {
        if (!isCallableCookie(cookie)) return this.#count('WAPUDP', 'cookie');
        this.#lastPush = (this.#lastPush + 1) & 0xff;
        this.#send('WAPUDP', address, port, callPush(version, cookie, this.#lastPush));
      },
      close: () => {},
    };
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #send(method: DatagramMethod, address: string, port: number, datagram: string | Uint8Array): void {
    if (this.#closed) return;
    const family = isIP(address);
    // The port is what the client said; the platform throws on one that does not exist.
    if (family === 0 || port < 1 || port > MAX_PORT) return this.#count(method, 'address');
    const socket = this.#socket(family === 6 ? 'udp6' : 'udp4');
    socket.send(datagram, port, address, (error) => {
      if (error) this.#options.log.debug({ error: error.message }, 'CIR datagram not sent');
      this.#count(method, error ? 'failed' : 'sent');
    });
  }

  #count(method: DatagramMethod, outcome: string): void {
    this.#options.metrics.count('cir_calls_total', { method, outcome });
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
