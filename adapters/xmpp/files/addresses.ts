// Which network addresses a file of somebody else may lead to: public ones only (RFC 6890), and what the operator
// allows. Knows nothing of XMPP.

import { BlockList, isIP } from 'node:net';

const V4_REFUSED: readonly (readonly [address: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  // Shared with the provider (CGNAT).
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, with the metadata service of most clouds.
  ['169.254.0.0', 16],
  // Metadata of another cloud, at a public address.
  ['168.63.129.16', 32],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Parts of the global range that hold or tunnel other addresses: special purpose and Teredo, documentation, 6to4. */
const V6_REFUSED: readonly (readonly [address: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const refused = new BlockList();
for (const [address, prefix] of V4_REFUSED) refused.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of V6_REFUSED) refused.addSubnet(address, prefix, 'ipv6');
/** Global unicast. All else (loopback, unique local, link-local, multicast, mapped IPv4, NAT64) lies outside. */
const globalV6 = new BlockList();
globalV6.addSubnet('2000::', 3, 'ipv6');

/** An entry of the list is none. */
export class AllowListError extends Error {
  override readonly name = 'AllowListError';
}

/** What the operator lets through although it is not public: addresses, networks (`10.1.0.0/16`), host names. */
export class AddressGate {
  readonly #networks = new BlockList();
  readonly #hosts = new Set<string>();

  /** @throws AllowListError */
  constructor(allowed: readonly string[]) {
    for (const entry of allowed) this.#add(entry.toLowerCase());
  }

  /** True when a connection to that address, found for that host name, may be made. */
  admits(address: string, host: string): boolean {
    const version = isIP(address);
    if (version === 0) return false;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (this.#hosts.has(host) || this.#networks.check(address, family)) return true;
    if (version === 6 && !globalV6.check(address, 'ipv6')) return false;
    return !refused.check(address, family);
  }

  #add(entry: string): void {
    const [address = '', prefix] = entry.split('/');
    const version = isIP(address);
    if (version === 0 && (prefix !== undefined || !/^[a-z0-9.-]+$/.test(entry)))
      throw new AllowListError(`not an address, a network or a host name: ${entry}`);
    if (version === 0) this.#hosts.add(entry);
    else {
      const whole = version === 4 ? 32 : 128;
      const bits = prefix === undefined ? whole : Number(prefix);
      if (!Number.isInteger(bits) || bits < 0 || bits > whole)
        throw new AllowListError(`not a network: ${entry}`);
      this.#networks.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
    }
  }
}
