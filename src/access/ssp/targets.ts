// Where a peer listens (ssp.md section 2, rules 8 and 9): the address in its entry, else DNS SRV. Nothing is ever
// derived from where a connection came from.

import type { Clock } from '../../ops/ports.ts';
import { parseDomain } from '../../wv/address.ts';
import type { Domain } from '../../wv/ids.ts';
import { inOrder, type SrvAnswer, type SrvRecord, type SrvResolver } from './srv.ts';
import type { PeerAddress, Poster, PostHeaders, PostOutcome } from './transport.ts';

/** What an operator says about where a peer is; for one that is not listed, only its domain. */
export interface PeerWhereabouts {
  readonly domain: Domain;
  /** Base URL. Absent = DNS SRV. */
  readonly url?: string | undefined;
  /** Documents may travel without TLS. */
  readonly allowPlain?: boolean | undefined;
  /** Names its certificate must show besides the host. Default: none for a URL, the domain for SRV. */
  readonly certificateNames?: readonly string[] | undefined;
}

export type Located =
  /** To be tried in this order; at least one. */
  | { readonly kind: 'found'; readonly addresses: readonly PeerAddress[] }
  /** No SSP there: final. */
  | { readonly kind: 'none' }
  /** It could not be found out: try later. `reason` is one line for the operator. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface TargetsOptions {
  /** Absent = no discovery: only peers with an address are found. */
  readonly resolver?: SrvResolver | undefined;
  /** How long answers are kept, also that there is nothing. Node does not tell the records' own time to live. */
  readonly cacheSeconds: number;
  /** Answers kept; the longest unused goes. */
  readonly maxCached?: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
}

const MAX_CACHED = 10_000;
/** Look-ups at once: names come from what users type. */
const MAX_UNDER_WAY = 200;
/** A resolver that failed is not asked again about a name for so long. */
const FAILURE_MS = 10_000;
/** Records of one name that are tried. */
const MAX_TARGETS = 8;

interface Kept {
  readonly answer: SrvAnswer;
  readonly from: number;
  readonly until: number;
}

export class Targets {
  private readonly options: TargetsOptions;
  private readonly random: () => number;
  /** By domain, the longest unused first. */
  private readonly kept = new Map<Domain, Kept>();
  private readonly underWay = new Map<Domain, Promise<SrvAnswer>>();

  constructor(options: TargetsOptions) {
    this.options = options;
    this.random = options.random ?? Math.random;
  }

  /** Never rejects. Weights are drawn anew each time. */
  async locate(peer: PeerWhereabouts): Promise<Located> {
    if (peer.url !== undefined) return { kind: 'found', addresses: [configured(peer, peer.url)] };
    const answer = await this.ask(peer.domain);
    return answer.kind === 'records' ? this.usable(peer, answer.records) : answer;
  }

  /** Forgets what DNS said about a domain: the operator changed it and does not want to wait. */
  forget(domain: Domain): void {
    this.kept.delete(domain);
  }

  private usable(peer: PeerWhereabouts, records: readonly SrvRecord[]): Located {
    const offered = records.filter(({ target }) => target !== '' && target !== '.');
    if (offered.length === 0) return { kind: 'none' };
    const targets = inOrder(offered.filter(isUsable), this.random).slice(0, MAX_TARGETS);
    if (targets.length === 0) return { kind: 'unknown', reason: `no SRV record of ${peer.domain} is usable` };
    return { kind: 'found', addresses: targets.flatMap((target) => discovered(peer, target)) };
  }

  private ask(domain: Domain): Promise<SrvAnswer> {
    const known = this.remembered(domain) ?? this.underWay.get(domain);
    if (known !== undefined) return Promise.resolve(known);
    const { resolver } = this.options;
    if (resolver === undefined) return Promise.resolve({ kind: 'none' });
    if (this.underWay.size >= MAX_UNDER_WAY) {
      return Promise.resolve({ kind: 'unknown', reason: 'DNS: too many look-ups at once' });
    }
    const asking = resolver.resolve(`_imps-server._tcp.${domain}`).then((answer) => {
      this.underWay.delete(domain);
      this.remember(domain, answer);
      return answer;
    });
    this.underWay.set(domain, asking);
    return asking;
  }

  private remembered(domain: Domain): SrvAnswer | undefined {
    const kept = this.kept.get(domain);
    if (kept === undefined) return undefined;
    const now = this.options.clock.now();
    this.kept.delete(domain);
    // Before `from`: somebody set the clock back.
    if (now >= kept.until || now < kept.from) return undefined;
    this.kept.set(domain, kept);
    return kept.answer;
  }

  private remember(domain: Domain, answer: SrvAnswer): void {
    const { cacheSeconds, clock, maxCached = MAX_CACHED } = this.options;
    const from = clock.now();
    const life = cacheSeconds * 1_000;
    const until = from + (answer.kind === 'unknown' ? Math.min(life, FAILURE_MS) : life);
    this.kept.set(domain, { answer, from, until });
    if (this.kept.size > maxCached) this.kept.delete(this.kept.keys().next().value as Domain);
  }
}

/** Records are strangers' input: a target is a host name and nothing else that a URL would understand. */
function isUsable({ target, port }: SrvRecord): boolean {
  return port > 0 && port <= 65_535 && parseDomain(target) !== undefined;
}

function configured({ certificateNames = [] }: PeerWhereabouts, text: string): PeerAddress {
  const url = new URL(text);
  return { url, certificateNames: unique([hostOf(url), ...certificateNames]) };
}

/** HTTPS; after it plain HTTP, where the operator allowed that. */
function discovered(peer: PeerWhereabouts, { target, port }: SrvRecord): readonly PeerAddress[] {
  const certificateNames = unique([target.toLowerCase(), ...(peer.certificateNames ?? [peer.domain])]);
  const schemes = peer.allowPlain === true ? ['https', 'http'] : ['https'];
  return schemes.map((scheme) => ({ url: new URL(`${scheme}://${target}:${port}/`), certificateNames }));
}

/** Without the brackets that IPv6 addresses have in a URL: certificates do not know them. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

export interface Posted {
  readonly outcome: PostOutcome;
  /** The address that the outcome is of; for `unreachable`: the last. */
  readonly address: PeerAddress;
}

/**
 * Posts to the first address that can be reached. Only `unreachable` leads on to the next: after anything else the
 * peer has, or may have, the document. When all fail, that is one failure of the peer (see circuit.ts), with all
 * reasons. Throws a TypeError without addresses.
 */
export async function postToFirst(
  poster: Pick<Poster, 'post'>,
  addresses: readonly PeerAddress[],
  document: string,
  headers: PostHeaders,
): Promise<Posted> {
  const reasons: string[] = [];
  for (const address of addresses) {
    const outcome = await poster.post(address, document, headers);
    if (outcome.kind !== 'unreachable') return { outcome, address };
    reasons.push(outcome.reason);
  }
  const address = addresses.at(-1);
  if (address === undefined) throw new TypeError('a peer that was located has an address');
  return { outcome: { kind: 'unreachable', reason: unique(reasons).join('; ') }, address };
}
