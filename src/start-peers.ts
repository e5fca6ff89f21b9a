// What is left of the last run for other servers: sessions, watchers and contacts behind them.

import type { Peer } from './access/ssp/peer.ts';
import type { Log } from './ops/ports.ts';
import type { SspService } from './ssp-service.ts';
import type { Store } from './store/store.ts';
import type { Domain } from './wv/ids.ts';

interface Ports {
  readonly store: Pick<Store, 'watchersIn'>;
  readonly sessions: { resubscribe(domains: readonly Domain[]): Promise<void> };
  readonly log: Log;
}

/** Resolves when all is under way; what takes time goes on in the background. */
export async function startPeers(ssp: SspService, { store, sessions, log }: Ports): Promise<void> {
  const watched: Peer[] = [];
  for (const peer of ssp.peers) if (await isWatched(peer, store)) watched.push(peer);
  ssp.start(watched);
  const domains = ssp.peers.flatMap((peer) => peer.domains);
  sessions.resubscribe(domains).catch((error: unknown) => {
    log.error({ err: error }, 'subscriptions at other servers could not be repeated');
  });
}

async function isWatched(peer: Peer, store: Ports['store']): Promise<boolean> {
  for (const domain of peer.domains)
    if ((await store.watchersIn(domain, undefined, 1)).length > 0) return true;
  return false;
}
