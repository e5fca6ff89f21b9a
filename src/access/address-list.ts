// A list of network addresses and prefixes, as the configuration names them: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.

import { BlockList, isIP } from 'node:net';

interface Prefix {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** An IPv4 client of a socket for both families has its own address: for rate limits, lists and datagrams alike. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** Whom an address stands for when callers are counted: of IPv6 the first 64 bits, which one host may have all of. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}

function parsePrefix(text: string): Prefix | undefined {
  const [, address = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  return bits <= most ? { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' } : undefined;
}

/** True for an IP address or a prefix of one. */
export function isAddressPrefix(text: string): boolean {
  return parsePrefix(text) !== undefined;
}

export class AddressList {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  /** @throws TypeError for a text that is neither address nor prefix. */
  constructor(prefixes: readonly string[]) {
    this.isEmpty = prefixes.length === 0;
    for (const text of prefixes) {
      const prefix = parsePrefix(text);
      if (prefix === undefined) throw new TypeError(`${text} is no address or prefix`);
      this.#list.addSubnet(prefix.address, prefix.bits, prefix.family);
    }
  }

  /** False too for a text that is no address. */
  has(address: string): boolean {
    const version = this.isEmpty ? 0 : isIP(address);
    return version !== 0 && this.#list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}
