// What has to be done now and then: ends what is over, forgets old ids.

import type { SessionTable } from './access/csp/session-table.ts';
import type { Clock, Log } from './ops/ports.ts';
import type { ServiceElements } from './services/elements.ts';
import type { LinkedAccounts } from './services/linked-accounts.ts';
import type { Store } from './store/store.ts';
import { result } from './wv/status.ts';

export interface HousekeepingPorts extends Pick<
  ServiceElements,
  'messaging' | 'groups' | 'departures' | 'content'
> {
  readonly store: Store;
  readonly sessions: Pick<SessionTable, 'endAll'>;
  /** Clears what removed users left, so many at most; resolves with how many there were. */
  readonly clearRemoved: (limit: number) => Promise<number>;
  readonly linkedAccounts: Pick<LinkedAccounts, 'refresh'>;
  readonly clock: Clock;
  readonly log: Log;
}

const ROUND_MS = 10_000;
/** Things ended in one write. */
const BATCH = 200;
const PRUNE_MS = 3_600_000;
/** How often groups are told what is owed to them: a server that is slow does not become usable again. */
const LEAVES_MS = 300_000;
const DEACTIVATED = result(403, 'The account was deactivated');

/** Begins with the first round after ten seconds; one that fails is logged and tried again. Returns what ends it. */
export function keepHouse(ports: HousekeepingPorts): () => Promise<void> {
  const { messaging, groups, departures, content, store, sessions, clearRemoved, linkedAccounts } = ports;
  const { clock, log } = ports;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  let cancel = () => {};
  let lastPrune = 0;
  let lastLeaves = clock.now();
  const round = async (): Promise<void> => {
    while (!stopped && (await clearRemoved(BATCH)) === BATCH);
    await linkedAccounts.refresh();
    while (!stopped && (await messaging.expire(BATCH)) === BATCH);
    while (!stopped && (await groups.expire(BATCH)) === BATCH);
    while (!stopped && (await store.dropExpiredInvitations(clock.now(), BATCH)) === BATCH);
    while (!stopped && (await departures.expire(BATCH)) === BATCH);
    await content?.storage.expire();
    // Deactivated by the command line, which works beside the server.
    for (const user of await store.inactiveWithSessions()) await sessions.endAll(user, DEACTIVATED);
    if (clock.now() - lastLeaves > LEAVES_MS) {
      lastLeaves = clock.now();
      repeatLeaves();
    }
    if (clock.now() - lastPrune > PRUNE_MS) {
      lastPrune = clock.now();
      await store.prune(lastPrune);
    }
  };
  // Not waited for: another server may take its time.
  const repeatLeaves = () => {
    departures.repeat().catch((error: unknown) => log.error({ err: error }, 'groups could not be left'));
  };
  const schedule = () => {
    cancel = clock.after(ROUND_MS, () => {
      running = round()
        .catch((error: unknown) => log.error({ err: error }, 'housekeeping failed'))
        .finally(() => {
          if (!stopped) schedule();
        });
    });
  };
  schedule();
  return async () => {
    stopped = true;
    cancel();
    await running;
  };
}
