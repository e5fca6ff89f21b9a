// Where a request really comes from: behind trusted proxies, and from which subscriber when a gateway of the mobile
// network says so (csp-transport section 1). Neither is believed of anybody who is not in the configuration.

import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Log } from '../../ops/ports.ts';
import type { NetworkNumber } from '../../sap/authentication.ts';
import { parseMsisdn } from '../../wv/msisdn.ts';
import { plainAddress, type AddressList } from '../address-list.ts';

export interface Origin {
  /** IP address of the client, as far as those we trust tell it. */
  readonly address: string;
  /** The subscriber, as a gateway of the network names him; undefined = nobody we trust named one. */
  readonly number?: NetworkNumber;
}

export interface OriginOptions {
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: AddressList;
  readonly msisdn:
    | {
        /** Header names in lower case; where several are there, they must name the same number. */
        readonly headers: readonly string[];
        /** Gateways that put these headers in, and take out those of their clients. */
        readonly sources: AddressList;
      }
    | undefined;
  readonly log: Log;
}

type Request = Pick<IncomingMessage, 'headers' | 'headersDistinct'> & {
  readonly socket: { readonly remoteAddress?: string | undefined };
};

/** Proxies that may stand one behind the other. */
const MAX_HOPS = 16;
/** Addresses that were warned about; more are passed over in silence. */
const MAX_WARNED = 1_000;

export class Origins {
  readonly #options: OriginOptions;
  readonly #warned = new Set<string>();

  constructor(options: OriginOptions) {
    this.#options = options;
  }

  of(request: Request): Origin {
    const hops = this.#hops(request);
    const address = hops.at(-1) ?? '';
    const number = this.#number(request, hops);
    return number === undefined ? { address } : { address, number };
  }

  /**
   * The connection's address, then those that trusted proxies vouch for, nearest first. The last is the client: the
   * rightmost one that is no trusted proxy. What stands left of it anybody may have written.
   */
  #hops({ socket, headers }: Request): readonly string[] {
    const nearest = plainAddress(socket.remoteAddress ?? '');
    const { trustedProxies } = this.#options;
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined || !trustedProxies.has(nearest)) return [nearest];
    const told = (Array.isArray(forwarded) ? forwarded.join() : forwarded).split(',').toReversed();
    const hops = [nearest];
    for (const text of told.slice(0, MAX_HOPS)) {
      const hop = forwardedAddress(text);
      if (hop === undefined) break;
      hops.push(hop);
      if (!trustedProxies.has(hop)) break;
    }
    return hops;
  }

  #number(request: Request, hops: readonly string[]): NetworkNumber | undefined {
    const { msisdn } = this.#options;
    const names = msisdn?.headers.filter((each) => request.headers[each] !== undefined) ?? [];
    const [name] = names;
    if (msisdn === undefined || name === undefined) return undefined;
    if (!hops.some((hop) => msisdn.sources.has(hop))) {
      this.#warn(hops.at(-1) ?? '', name);
      return undefined;
    }
    // Two headers, of one name or of two: one of them may be the client's own. A gateway may say the same twice.
    const values = names.map((each) => request.headersDistinct[each] ?? []);
    const numbers = new Set(
      values.map(([value = '', second]) => (second === undefined ? parseMsisdn(value) : undefined)),
    );
    const [number] = numbers;
    return numbers.size === 1 && number !== undefined ? number : 'unusable';
  }

  /** Once for each address: phones and handset proxies send such headers with every request. */
  #warn(address: string, header: string): void {
    if (this.#warned.has(address) || this.#warned.size >= MAX_WARNED) return;
    this.#warned.add(address);
    this.#options.log.warn({ address, header }, 'number header from an address that is not trusted: ignored');
  }
}

/** One entry of X-Forwarded-For: an address, some proxies add a port, some quote it. undefined = no address. */
function forwardedAddress(text: string): string | undefined {
  const bare = text.trim().replace(/^"|"$/g, '');
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(bare)?.[1] ?? /^([\d.]+):\d+$/.exec(bare)?.[1] ?? bare;
  const plain = plainAddress(address);
  return isIP(plain) === 0 ? undefined : plain;
}
