// Other WV servers (SSP), for the operator: /api/peers on the operators' endpoint, with a bearer token.

import { Router } from 'express';
import type { Log } from '../ops/ports.ts';
import { parseDomain } from '../wv/address.ts';
import type { Domain } from '../wv/ids.ts';
import { requireOperator } from './authenticate.ts';
import { errorHandler, notFound, WebError } from './errors.ts';

/** How it stands with one peer. Times in milliseconds since the epoch. */
export interface PeerState {
  readonly domain: Domain;
  /** More domains behind it. */
  readonly domains: readonly Domain[];
  /** It stands in the configuration. */
  readonly listed: boolean;
  readonly session: 'up' | 'setting-up' | 'down';
  /** `open`: it could not be reached and is left alone until `nextTryAt`. */
  readonly circuit: 'closed' | 'open' | 'trying';
  /** Where it was reached last, or stands in the configuration. */
  readonly url?: string;
  /** Of the session. */
  readonly version?: string;
  readonly dialect: string;
  /** Requests for it in the outbox. */
  readonly waiting: number;
  /** Since when the session is as it is. */
  readonly since?: number;
  /** One line. */
  readonly lastError?: string;
  readonly nextTryAt?: number;
  /** Messages since the server started. */
  readonly messagesIn?: number;
  readonly messagesOut?: number;
}

/** What of peers is needed here; access/ssp has it. */
export interface PeerOverview {
  list(): readonly PeerState[];
  /** Looks for the peer and tries it at once, whatever waiting was due. False = no such peer. */
  retry(domain: Domain): boolean;
}

export interface PeersApiOptions {
  readonly token: string;
  readonly peers: PeerOverview;
  readonly log: Log;
}

/** To be mounted at /api/peers; answers everything below it, errors too. */
export function peersApi({ token, peers, log }: PeersApiOptions): Router {
  const router = Router();
  router.use(requireOperator(token));

  router.get('/', (_request, response) => {
    response.json({ peers: peers.list().map(peerJson) });
  });

  router.post('/:domain/retry', (request, response) => {
    const domain = parseDomain(request.params.domain);
    if (domain === undefined) throw new WebError(400, 'not a domain name', { field: 'domain' });
    if (!peers.retry(domain)) throw new WebError(404, `no peer ${domain}`, { field: 'domain' });
    log.info({ peer: domain }, 'peer is tried at once, the operator wants it');
    response.status(202).json({ domain });
  });

  router.use(notFound);
  router.use(errorHandler(log));
  return router;
}

/** The state as JSON; times as text of ISO 8601. */
function peerJson({ since, nextTryAt, ...rest }: PeerState): object {
  return {
    ...rest,
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    ...(nextTryAt === undefined ? {} : { nextTryAt: new Date(nextTryAt).toISOString() }),
  };
}
