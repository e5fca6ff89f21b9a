// To whom a message goes: recipients by domain, and by name when they are not reached.

import { domainOf } from '../wv/address.ts';
import type { Domain, GroupAddress, UserAddress } from '../wv/ids.ts';
import type { Party } from '../wv/message.ts';
import type { DetailedResult, StatusCode } from '../wv/status.ts';

/** Each party once, those of one domain together. */
export function splitByDomain(parties: readonly Party[]): readonly (readonly Party[])[] {
  // Nearly every message has one recipient.
  if (parties.length === 1) return [parties];
  return [...Map.groupBy(uniqueParties(parties), domainOfParty).values()];
}

/** Those of the domain, and the others. */
export function partitionByDomain(
  parties: readonly Party[],
  domain: Domain,
): readonly [readonly Party[], readonly Party[]] {
  const { here = [], there = [] } = Object.groupBy(parties, (party) =>
    domainOfParty(party) === domain ? 'here' : 'there',
  );
  return [here, there];
}

function uniqueParties(parties: readonly Party[]): Iterable<Party> {
  const byKey = new Map<string, Party>();
  for (const party of parties) {
    const key = party.kind === 'user' ? party.user : `${party.group} ${party.screenName ?? ''}`;
    if (!byKey.has(key)) byKey.set(key, party);
  }
  return byKey.values();
}

export function addressOf(party: Party): UserAddress | GroupAddress {
  return party.kind === 'user' ? party.user : party.group;
}

function domainOfParty(party: Party): Domain {
  return domainOf(addressOf(party));
}

/** One failure of all recipients, by name. */
export function failureOf(code: StatusCode, recipients: readonly Party[]): DetailedResult {
  const users = recipients.flatMap((party) => (party.kind === 'user' ? [party.user] : []));
  const groups = recipients.flatMap((party) => (party.kind === 'group' ? [party.group] : []));
  return { code, ...(users.length > 0 ? { users } : {}), ...(groups.length > 0 ? { groups } : {}) };
}
