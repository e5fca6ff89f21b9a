// Groups of other servers that a client of ours is gone from and whose home could not be told yet (ssp section 16,
// "Session loss").

import type { ClientId, Domain, GroupAddress, UserAddress } from '../wv/ids.ts';

export interface OwedLeave {
  readonly group: GroupAddress;
  readonly user: UserAddress;
  readonly clientId: ClientId;
  /** When the client went, milliseconds since the epoch. */
  readonly owedAt: number;
}

export interface OwedLeaveStore {
  /** Notes leaves, in place of the same ones of before. Of each domain the newest `limit` stay; returns how many did not. */
  putOwedLeaves(leaves: readonly OwedLeave[], limit: number): Promise<number>;
  /** What is owed to the groups of a domain, oldest first. */
  owedLeaves(domain: Domain, limit: number): Promise<readonly OwedLeave[]>;
  domainsOwedLeaves(): Promise<readonly Domain[]>;
  /** Forgets one, unless it was noted again since. */
  deleteOwedLeave(leave: OwedLeave): Promise<void>;
  /** Drops leaves of before a time, at most `limit`; returns how many. */
  dropOwedLeaves(before: number, limit: number): Promise<number>;
}
