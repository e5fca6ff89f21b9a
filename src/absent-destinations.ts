// Destinations of which something waits on disk, and which are not in the configuration: servers that were found by
// their domain, and gateways that the operator took out.

import type { Gateway } from './sap/port.ts';
import { parseDomain } from './wv/address.ts';
import type { Domain } from './wv/ids.ts';
import { status } from './wv/primitives.ts';
import { result, type Result } from './wv/status.ts';

/** Looks for the server of a domain. */
type Finder = (domain: Domain) => Promise<Gateway | Result>;

/**
 * Stands in for them: what waits goes on waiting, until they are there again or its time is over and its sender is
 * told. `known`: names of the gateways that are there.
 */
export function absentDestinations(
  waiting: readonly string[],
  known: ReadonlySet<string>,
  find: Finder | undefined,
): readonly Gateway[] {
  return waiting.filter((name) => !known.has(name)).map((name) => standIn(name, find));
}

function standIn(name: string, find: Finder | undefined): Gateway {
  const domain = name.startsWith('ssp:') ? parseDomain(name.slice(4)) : undefined;
  return {
    name,
    domains: [],
    capabilities: new Set(),
    async request(request) {
      const found = domain === undefined ? undefined : await find?.(domain);
      if (found === undefined || 'code' in found) return status(result(503, `${name} is not there`));
      return found.request(request);
    },
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    health: () => 'down',
  };
}
