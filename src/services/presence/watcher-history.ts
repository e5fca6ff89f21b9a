// Who watched a user or looked at his presence before (csp-transactions 5.5): what GetWatcherList tells of the past.

import type { UserAddress } from '../../wv/ids.ts';

export type PastWatching = 'FORMER_SUBSCRIBER' | 'PRESENCE_ACCESS';

export interface PastWatcher {
  readonly watcher: UserAddress;
  readonly status: PastWatching;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The last thing each watcher did, newest last. In memory, forgotten with the home and with a restart. */
export class WatcherHistory {
  private readonly past = new Map<UserAddress, PastWatcher>();

  /** Notes an event; of more than `limit` watchers the one seen longest ago is forgotten. */
  note(watcher: UserAddress, status: PastWatching, at: number, limit: number): void {
    const known = this.past.get(watcher);
    // Who ended a subscription and then only looked is still the former subscriber.
    const kept = known?.status === 'FORMER_SUBSCRIBER' ? known.status : status;
    this.past.delete(watcher);
    this.past.set(watcher, { watcher, status: kept, at });
    const [oldest] = this.past.keys();
    if (this.past.size > limit && oldest !== undefined) this.past.delete(oldest);
  }

  /** What happened after `since`, newest first. */
  after(since: number): readonly PastWatcher[] {
    return [...this.past.values()].filter(({ at }) => at > since).toReversed();
  }
}
