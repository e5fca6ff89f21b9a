// Presence on the wire (ssp.md section 6.4, observed-peer.md section 12). The lists themselves keep the CSP syntax.

import { node, type Element } from '../../../wv/element.ts';
import type { AttributeFilter, PresenceAttributeName, PresenceAttributes } from '../../../wv/presence.ts';
import type { MetaInfo, PresenceNotification, PresenceValue } from '../../../wv/primitives.ts';
import type { UserAddress } from '../../../wv/ids.ts';
import {
  readPresenceSubList,
  writeAttributeNames,
  writePresenceSubList,
  type PresenceSubList,
} from '../../csp/presence-sublist.ts';
import { meta, OUR_USER_ID, OUTCOME, serviceOf } from './common.ts';
import {
  attribute,
  children,
  childrenOf,
  extension,
  mapped,
  must,
  record,
  required,
  some,
  unless,
  Unreadable,
  type Part,
} from './parts.ts';
import type { Answer, Body, RequestParts } from './tables.ts';
import { oneOf, USER, YES_NO } from './values.ts';

/** COMPAT(Baraza): one list for each client of a user; they are read as one, in which the first value counts. */
function subListIn(element: Element): PresenceSubList | undefined {
  const lists = childrenOf(element, 'PresenceSubList');
  if (lists.length === 0) return undefined;
  return readPresenceSubList(
    node(
      'PresenceSubList',
      lists.flatMap((found) => found.children),
    ),
  );
}

/**
 * `AttributeList/PresenceSubList`: undefined = all that may be seen. Vendors' names are overlooked, but a list of
 * nothing else is refused: 750. COMPAT(Baraza): without a list it writes `(null)`.
 */
export const ATTRIBUTE_NAMES: Part<readonly PresenceAttributeName[] | undefined> = {
  read: (element) => {
    const found = childrenOf(element, 'AttributeList')[0];
    const names = found === undefined ? undefined : subListIn(found);
    if (names === undefined || names.requested.length > 0) return names?.requested;
    if (names.unknown.length > 0) throw new Unreadable(750, 'no presence attribute that is known');
    return undefined;
  },
  write: (names, draft, { version }) => {
    if (names === undefined) return;
    draft.children.push(node('AttributeList', [writeAttributeNames(names, version)]));
  },
};

const FILTER: Part<AttributeFilter | undefined> = mapped(
  ATTRIBUTE_NAMES,
  (names): AttributeFilter | undefined => (names === undefined ? undefined : new Set(names)),
  (filter) => (filter === undefined ? undefined : [...filter]),
);

/** What is known of one user. Bad values are overlooked; when nothing else is said the list is refused: 751. */
const VALUES: Part<PresenceAttributes> = {
  read: (element) => {
    const found = subListIn(element);
    if (found === undefined) return {};
    if (found.invalid.length > 0 && Object.keys(found.attributes).length === 0) {
      throw new Unreadable(751, 'presence value outside its enumeration');
    }
    return found.attributes;
  },
  write: (attributes, draft, { version }) => {
    draft.children.push(writePresenceSubList(attributes, version));
  },
};

const PRESENCE_VALUE: Part<PresenceValue> = record({
  user: must(attribute('userID', USER), 'userID'),
  attributes: VALUES,
});

interface Watch {
  readonly meta: MetaInfo;
  readonly watcher: UserAddress;
}

/** The watcher is the user who asks, and nowhere else on the wire. */
function watching<Wire extends { readonly meta: MetaInfo }>(part: Part<Wire>): Part<Wire & Watch> {
  return mapped(
    part,
    (wire) => ({ ...wire, watcher: required(wire.meta.user, 'User in MetaInfo') }),
    (value) => ({ ...value, meta: { ...value.meta, user: value.watcher } }),
  );
}

const PUBLISHERS = some(['UserID', 'VerUserID', 'User'], OUR_USER_ID);

const SUBSCRIBE: Part<Body<'SubscribeRequest'>> = watching(
  record({ meta: meta(), publishers: PUBLISHERS, attributes: FILTER }),
);

const UNSUBSCRIBE: Part<Body<'UnsubscribeRequest'>> = watching(
  record({
    final: extension(unless(attribute('final', YES_NO), false)),
    meta: meta(),
    publishers: PUBLISHERS,
  }),
);

const GET_PRESENCE: Part<Body<'GetPresenceRequest'>> = watching(
  record({
    meta: meta(),
    publishers: some(['VerUserID', 'UserID', 'User'], OUR_USER_ID),
    attributes: FILTER,
  }),
);

/** An extension as a whole: the publisher is the user who answers. */
const PRESENCE_AUTH: Part<Body<'PresenceAuthResponse'>> = mapped(
  record({
    state: must(attribute('state', oneOf(['GRANTED', 'DENIED', 'CANCELLED'])), 'state'),
    meta: meta(),
    watchers: some('UserID', OUR_USER_ID),
  }),
  ({ state, meta: origin, watchers: [watcher] }) => ({
    state,
    meta: origin,
    publisher: required(origin.user, 'User in MetaInfo'),
    watcher: required(watcher, 'UserID'),
  }),
  ({ state, meta: origin, publisher, watcher }) => ({
    state,
    meta: { ...origin, user: publisher },
    watchers: [watcher],
  }),
);

// ---- notifications: several of ours may be one on the wire

/** COMPAT(Baraza): without MetaInfo; whose notification it is, its publisher tells. */
const ORIGIN: Part<MetaInfo | undefined> = {
  read: (element, context) =>
    childrenOf(element, 'MetaInfo').length === 0 ? undefined : meta().read(element, context),
  write: (value, draft, context) => {
    if (value !== undefined) meta().write(value, draft, context);
  },
};

/** The notification as it travels: the same watchers hear of several publishers, or of none. */
export const NOTIFICATIONS: Part<readonly PresenceNotification[]> = mapped(
  record({
    meta: ORIGIN,
    watchers: children('User', OUR_USER_ID),
    values: children('PresenceValue', PRESENCE_VALUE),
  }),
  ({ meta: origin, watchers, values }): readonly PresenceNotification[] => {
    if (values.length > 0 && watchers.length === 0) throw new Unreadable(400, 'User is missing');
    return values.map(({ user, attributes }) => ({
      primitive: 'PresenceNotification' as const,
      meta: origin ?? { service: serviceOf(user) },
      publisher: user,
      watchers,
      attributes,
    }));
  },
  (notifications) => ({
    ...(notifications[0] === undefined ? {} : { meta: notifications[0].meta }),
    watchers: notifications[0]?.watchers ?? [],
    values: notifications.map(({ publisher, attributes }) => ({ user: publisher, attributes })),
  }),
);

export const PRESENCE_REQUESTS = {
  SubscribeRequest: SUBSCRIBE,
  UnsubscribeRequest: UNSUBSCRIBE,
  GetPresenceRequest: GET_PRESENCE,
  PresenceAuthResponse: PRESENCE_AUTH,
} satisfies Partial<RequestParts>;

export const GET_PRESENCE_RESPONSE: Part<Answer<'GetPresenceResponse'>> = record({
  result: OUTCOME,
  values: children('PresenceValue', PRESENCE_VALUE),
});
