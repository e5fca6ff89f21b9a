// Whether a user may have one more session, and which of his others end for it (csp-transactions 1.1).

import type { Home } from '../../services/home.ts';
import type { ClientId } from '../../wv/ids.ts';
import { result, type Result } from '../../wv/status.ts';
import { CspSession } from './session.ts';

/** What happens to a user's other clients when one logs in: they stay, they end (601), or the new one is refused (603). */
export type SameUserPolicy = 'parallel' | 'replace' | 'refuse';

export interface AdmissionLimits {
  readonly sessions: number;
  readonly sessionsPerUser: number;
  readonly sameUser: SameUserPolicy;
}

/** A session that ends for a new one; without a reason its client is the one that logs in again, and knows. */
type Displaced = readonly [CspSession, 601 | undefined];

export function sessionsOf(home: Home): readonly CspSession[] {
  return [...home.clients].filter((client): client is CspSession => client instanceof CspSession);
}

/** Sessions that end for a new one: those of the same client, and others as far as policy and limit want it. */
export function displacedBy(home: Home, clientId: ClientId, limits: AdmissionLimits): readonly Displaced[] {
  const own = sessionsOf(home);
  const same = own.filter((session) => session.clientId === clientId);
  const others = own.filter((session) => session.clientId !== clientId);
  const tooMany = Math.max(0, others.length + 1 - limits.sessionsPerUser);
  const ending = limits.sameUser === 'replace' ? others : others.slice(0, tooMany);
  return [
    ...same.map((session) => [session, undefined] as const),
    ...ending.map((session) => [session, 601] as const),
  ];
}

/** Why there can be no new session: 603 by policy, 503 when the server is full. undefined = there can. */
export function refusalOfSession(
  home: Home,
  clientId: ClientId,
  live: number,
  limits: AdmissionLimits,
): Result | undefined {
  const others = sessionsOf(home).some((session) => session.clientId !== clientId);
  if (limits.sameUser === 'refuse' && others) return result(603, 'Another client of this user is logged in');
  if (live < limits.sessions || displacedBy(home, clientId, limits).length > 0) return undefined;
  return result(503, 'Too many sessions, try again later');
}
