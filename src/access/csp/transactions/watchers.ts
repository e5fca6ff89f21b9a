// Who watches a user, and how he decided about them (csp-transactions 5.5, 5.6).

import { domainOf, isAddressError, parseUser } from '../../../wv/address.ts';
import type { UserAddress } from '../../../wv/ids.ts';
import type { Home } from '../../../services/home.ts';
import type { PastWatching } from '../../../services/presence/watcher-history.ts';
import { statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { writeAttributeNames } from '../presence-sublist.ts';
import { inSession, type Handlers } from '../transaction.ts';

/** Watchers that one answer shows at most. */
const MAX_SHOWN = 1_000;
/** The longest time that is looked back, seconds. */
const LONGEST_HISTORY = 7 * 86_400;

interface ShownWatcher {
  readonly user: UserAddress;
  readonly status: 'CURRENT_SUBSCRIBER' | PastWatching;
}

/** Current watchers, then those of the last `period` seconds, newest first; never the user himself. */
function watchersOf(home: Home, period: number, now: number): readonly ShownWatcher[] {
  const current = [...home.watchers.keys()];
  const past = home.watcherHistory.after(now - period * 1000);
  return [
    ...current.map((user) => ({ user, status: 'CURRENT_SUBSCRIBER' }) as const),
    ...past
      .filter(({ watcher }) => !home.watchers.has(watcher))
      .map(({ watcher, status }) => ({ user: watcher, status })),
  ].filter(({ user }) => user !== home.address);
}

const getWatchers = inSession(
  'GetWatcherList-Request',
  ({ services, session, version }, body) => {
    const period = Math.min(body.HistoryPeriod ?? 0, LONGEST_HISTORY);
    // 1.1 has no word for former watchers.
    const asked = version === '1.1' ? 0 : period;
    const watchers = watchersOf(session.home, asked, services.clock.now());
    const shown = watchers.slice(0, Math.min(body.MaxWatcherList ?? MAX_SHOWN, MAX_SHOWN));
    return buildElement(
      'GetWatcherList-Response',
      {
        User: shown.map(({ user }) => ({ UserID: user })),
        ...(body.HistoryPeriod === undefined ? {} : { HistoryPeriod: period }),
        WatcherCount: watchers.length,
        Watcher: shown.map(({ user, status }) => ({
          User: { UserID: user },
          UserID: user,
          WatcherStatus: status,
        })),
      },
      version,
    );
  },
  'GETWL',
);

/** The user's answers and open questions; no UserID = all of them. Whom he never was asked about has no state. */
const getAuthStatus = inSession(
  'GetReactiveAuthStatus-Request',
  async ({ services, session, version }, body) => {
    if (version !== '1.2') return statusOf(405, version, 'GetReactiveAuthStatus is of CSP 1.2');
    const { homes, settings } = services;
    const named: UserAddress[] = [];
    if ((body.UserID ?? []).length > settings.maxEntities) return statusOf(754, version, 'Too many users');
    for (const text of body.UserID ?? []) {
      const user = parseUser(text, homes.domain);
      if (isAddressError(user)) return statusOf(901, version, user.reason);
      const local = domainOf(user) === homes.domain;
      if (local && (await homes.get(user)) === undefined) return statusOf(531, version, user);
      named.push(user);
    }
    const { authorizations } = session.home;
    const watchers = named.length > 0 ? new Set(named) : authorizations.keys();
    const states: Body<'ReactiveAuthStatus'>[] = [];
    for (const watcher of watchers) {
      const record = authorizations.get(watcher);
      if (record === undefined) continue;
      const { state, attributes } = record;
      states.push({
        UserID: watcher,
        ReactiveAuthState: state,
        ...(attributes === undefined
          ? {}
          : { PresenceSubList: writeAttributeNames([...attributes], version) }),
      });
    }
    const body12 = { ReactiveAuthStatusList: { ReactiveAuthStatus: states } };
    return buildElement('GetReactiveAuthStatus-Response', body12, version);
  },
  'GETAUT',
);

export const watcherTransactions: Handlers = {
  'GetWatcherList-Request': getWatchers,
  'GetReactiveAuthStatus-Request': getAuthStatus,
};
