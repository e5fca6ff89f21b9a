// Presence of a client: subscriptions, questions, publication, authorization (csp-transactions section 5).

import type { Body } from '../access/csp/codec/binding.ts';
import {
  readPresenceSubList,
  writeAttributeNames,
  writePresenceSubList,
} from '../access/csp/presence-sublist.ts';
import type { PresenceAttributeName, PresenceAttributes } from '../wv/presence.ts';
import type { CspVersion } from '../wv/version.ts';
import type { Outcome } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { subjectUsers, type Subjects } from './lists.ts';

/** What is known of one user. */
export interface UserPresence {
  readonly user: string;
  readonly attributes: PresenceAttributes;
}

export interface Wanted extends Subjects {
  /** undefined = all that may be seen. */
  readonly attributes?: Iterable<PresenceAttributeName> | undefined;
}

function wantedList(attributes: Wanted['attributes'], version: CspVersion) {
  return attributes === undefined ? undefined : writeAttributeNames(attributes, version);
}

/** `auto`: contacts that are added to the lists later are subscribed too (1.2). */
export function subscribe(
  exchange: Exchange,
  wanted: Wanted & { readonly auto?: boolean },
): Promise<Outcome> {
  const { version } = exchange.settings;
  return exchange.tell('SubscribePresence-Request', {
    ...subjectUsers(wanted, version),
    PresenceSubList: wantedList(wanted.attributes, version),
    AutoSubscribe: wanted.auto,
  });
}

export function unsubscribe(exchange: Exchange, subjects: Subjects): Promise<Outcome> {
  return exchange.tell('UnsubscribePresence-Request', subjectUsers(subjects, exchange.settings.version));
}

export async function getPresence(exchange: Exchange, wanted: Wanted): Promise<readonly UserPresence[]> {
  const { version } = exchange.settings;
  const body = await exchange.get(
    'GetPresence-Request',
    {
      ...subjectUsers(wanted, version),
      PresenceSubList: wantedList(wanted.attributes, version),
    },
    'GetPresence-Response',
  );
  return (body.Presence ?? []).map(presenceOf);
}

export function presenceOf({ UserID = '', PresenceSubList: [list] = [] }: Body<'Presence'>): UserPresence {
  return { user: UserID, attributes: list === undefined ? {} : readPresenceSubList(list).attributes };
}

/** Only the attributes named change. */
export function updatePresence(exchange: Exchange, attributes: PresenceAttributes): Promise<Outcome> {
  return exchange.tell('UpdatePresence-Request', {
    PresenceSubList: writePresenceSubList(attributes, exchange.settings.version),
  });
}

/** Answers a watcher's request, or grants and denies without one. `attributes` (1.2): only those. */
export function answerAuthorization(
  exchange: Exchange,
  user: string,
  accepted: boolean,
  attributes?: Iterable<PresenceAttributeName>,
): Promise<Outcome> {
  return exchange.tell('PresenceAuth-User', {
    UserID: user,
    Acceptance: accepted,
    PresenceSubList: wantedList(attributes, exchange.settings.version),
  });
}

/** Withdraws a grant. */
export function cancelAuthorization(exchange: Exchange, user: string): Promise<Outcome> {
  return exchange.tell('CancelAuth-Request', { UserID: user });
}

export interface Authorization {
  readonly user: string;
  /** GRANTED, DENIED or PENDING. */
  readonly state: string;
}

/** What was decided about these watchers, or all of them (1.2). */
export async function getAuthorizations(
  exchange: Exchange,
  users: readonly string[] = [],
): Promise<readonly Authorization[]> {
  const { ReactiveAuthStatusList: list } = await exchange.get(
    'GetReactiveAuthStatus-Request',
    { UserID: users },
    'GetReactiveAuthStatus-Response',
  );
  return (list.ReactiveAuthStatus ?? []).map(({ UserID, ReactiveAuthState }) => ({
    user: UserID,
    state: ReactiveAuthState.toUpperCase(),
  }));
}

export interface Watcher {
  readonly user: string;
  /** CURRENT_SUBSCRIBER, FORMER_SUBSCRIBER, PRESENCE_ACCESS (1.2). */
  readonly status: string | undefined;
}

/** Who watches the user. `historyPeriod`: also who did in the last so many seconds (1.2). */
export async function getWatchers(
  exchange: Exchange,
  options: { readonly historyPeriod?: number; readonly max?: number } = {},
): Promise<readonly Watcher[]> {
  const body = await exchange.get(
    'GetWatcherList-Request',
    { HistoryPeriod: options.historyPeriod, MaxWatcherList: options.max },
    'GetWatcherList-Response',
  );
  const plain = (body.User ?? []).map(({ UserID }) => ({ user: UserID, status: undefined }));
  const detailed = (body.Watcher ?? []).map(({ User, UserID, WatcherStatus }) => ({
    user: UserID ?? User?.UserID ?? '',
    status: WatcherStatus,
  }));
  return [...plain, ...detailed];
}
