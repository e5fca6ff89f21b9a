// What holds for one peer, out of the configuration.

import type { Domain } from '../../wv/ids.ts';
import type { DialectName } from './dialects.ts';
import type { SspFunction, SspVersion } from './document.ts';
import type { IntakeLimits } from './intake.ts';

/**
 * What a peer is to us: a server of somebody else's, a gateway of ours in a process of its own, or, where we are such a
 * gateway, the server that we serve.
 */
export type PeerRole = 'server' | 'gateway' | 'core';

export interface PeerSettings {
  readonly role: PeerRole;
  readonly ownDomain: Domain;
  /** The domain that logs in. */
  readonly domain: Domain;
  /** All domains behind it, its own first. */
  readonly domains: readonly Domain[];
  /** Named in the configuration, not found by its domain. */
  readonly listed: boolean;
  /** What the operator lets pass, both ways. */
  readonly functions: ReadonlySet<SspFunction>;
  /** Best first. */
  readonly versions: readonly SspVersion[];
  readonly dialect: 'auto' | DialectName;
  readonly suspended: boolean;
  /** It must show a client certificate for its domain. */
  readonly clientCertificate: boolean;
  /** Idle life of a session, seconds. */
  readonly timeToLive: number;
  /** How long it may take over a request, ms. */
  readonly requestMs: number;
  readonly limits: IntakeLimits & {
    /** Longest content of a message that it takes, octets. */
    readonly messageBytes: number;
  };
}
