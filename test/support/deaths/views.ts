// What somebody sees of somebody else, in words that are the same on both sides of the gateway: `offline`, or the
// UserAvailability and the StatusText.

import type { PresenceAttributes } from '../../../src/wv/presence.ts';
import { simple } from '../../../src/wv/presence.ts';

export const OFFLINE = 'offline';
/** By address. Whoever is missing was never shown. */
export type Views = Map<string, string>;

export function presenceFor(availability: string, status: string): PresenceAttributes {
  return { UserAvailability: simple(availability), StatusText: simple(status) };
}

export function viewOf({ OnlineStatus, UserAvailability, StatusText }: PresenceAttributes): string {
  if (OnlineStatus?.valid !== true || OnlineStatus.value === 'F') return OFFLINE;
  return `${UserAvailability?.value ?? '?'} ${StatusText?.value ?? ''}`;
}

/** What is shown of others and should not be; nobody listed in `expected` may be missing. */
export function mistakes(who: string, seen: Views, expected: ReadonlyMap<string, string>): string[] {
  return [...expected]
    .filter(([address, view]) => (seen.get(address) ?? OFFLINE) !== view)
    .map(
      ([address, view]) => `${who} sees ${address} as “${seen.get(address) ?? 'never shown'}”, not “${view}”`,
    );
}
