// DNS SRV records of peers (ssp.md section 2, rule 8): asking for them, and the order of RFC 2782.

import { BADNAME, CANCELLED, NODATA, NOTFOUND } from 'node:dns';
import { Resolver } from 'node:dns/promises';

export interface SrvRecord {
  /** Host name. '' or '.': the service is decidedly not offered. */
  readonly target: string;
  readonly port: number;
  /** Lowest first. */
  readonly priority: number;
  /** Share among records of the same priority. */
  readonly weight: number;
}

export type SrvAnswer =
  | { readonly kind: 'records'; readonly records: readonly SrvRecord[] }
  /** The name does not exist, or has no SRV records: an answer, not a failure. */
  | { readonly kind: 'none' }
  /** Nobody could say. `reason` is one line for the operator. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface SrvResolver {
  /** Never rejects. */
  resolve(name: string): Promise<SrvAnswer>;
  /** Ends what is under way. */
  close(): void;
}

/** How long the first try waits for an answer, ms; later ones wait longer. */
const TIMEOUT_MS = 2_000;
const TRIES = 2;

/** Asks DNS. `servers`: addresses of resolvers, `ip` or `ip:port`; none = the system's. @throws for a bad address. */
export function dnsResolver(servers: readonly string[], timeoutMs = TIMEOUT_MS): SrvResolver {
  const resolver = new Resolver({ timeout: timeoutMs, tries: TRIES });
  if (servers.length > 0) resolver.setServers([...servers]);
  return {
    async resolve(name) {
      try {
        const found = await resolver.resolveSrv(name);
        const records = found.map((record) => ({ ...record, target: record.name }));
        return { kind: 'records', records };
      } catch (error) {
        return failure(error);
      }
    },
    close: () => resolver.cancel(),
  };
}

/** BADNAME: too long to be asked for, so nobody can have it. */
const NOTHING_THERE: ReadonlySet<string> = new Set([NOTFOUND, NODATA, BADNAME]);

function failure(error: unknown): SrvAnswer {
  const { code = 'failed' } = error as NodeJS.ErrnoException;
  if (NOTHING_THERE.has(code)) return { kind: 'none' };
  return { kind: 'unknown', reason: code === CANCELLED ? 'DNS: the server stops' : `DNS: ${code}` };
}

/** By priority, then at random by weight. `random` is in [0, 1). */
export function inOrder(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const priorities = Map.groupBy(records, ({ priority }) => priority);
  return [...priorities.keys()]
    .toSorted((a, b) => a - b)
    .flatMap((priority) => byWeight(priorities.get(priority) ?? [], random));
}

/** RFC 2782: those without weight stand first, so that they are drawn only when the draw is 0. */
function byWeight(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = records.toSorted((a, b) => Math.min(a.weight, 1) - Math.min(b.weight, 1));
  const drawn: SrvRecord[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const draw = Math.floor(random() * (total + 1));
    let running = 0;
    const index = left.findIndex(({ weight }) => (running += weight) >= draw);
    drawn.push(...left.splice(index, 1));
  }
  return drawn;
}
