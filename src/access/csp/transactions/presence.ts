// Presence delivery, subscriptions and reactive authorization (csp-transactions sections 5.1 to 5.6).

import { domainOf, isAddressError, parseUser } from '../../../wv/address.ts';
import { child, type Element } from '../../../wv/element.ts';
import type { UserAddress } from '../../../wv/ids.ts';
import type { AttributeFilter, PresenceAttributes } from '../../../wv/presence.ts';
import { combine, OK, type DetailedResult, type Result } from '../../../wv/status.ts';
import type { Interest } from '../../../services/client.ts';
import { splitByScope } from '../../../services/presence/publishing.ts';
import { presenceOf } from '../../../services/presence/values.ts';
import { addresseesOf, expanded } from '../addressing.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { readPresenceSubList, writePresenceSubList } from '../presence-sublist.ts';
import { CspSession } from '../session.ts';
import { inSession, type Handlers, type SessionExchange } from '../transaction.ts';

/** Attributes a request names; an absent or empty list, or one of unknown names only, means all. */
function filterOf(list: Element | undefined): AttributeFilter | undefined {
  if (list === undefined) return undefined;
  const { requested } = readPresenceSubList(list);
  return requested.length === 0 ? undefined : new Set(requested);
}

const subscribe = inSession('SubscribePresence-Request', async (exchange, body) => {
  const { services, session, version } = exchange;
  const addressees = addresseesOf(body, services.homes.domain);
  const { users, failures } = expanded(session.home, addressees);
  if (users.length > services.settings.maxEntities) return statusOf(754, version, 'Too many users at once');
  const filter = filterOf(body.PresenceSubList);
  const interest: Interest = filter ?? 'all';
  for (const user of users) session.interests.set(user, interest);
  if (body.AutoSubscribe === true) {
    for (const list of addressees.lists)
      if (session.home.lists.has(list)) session.autoLists.set(list, interest);
  }
  const outcome = await services.watching.subscribe(session.home.address, users, filter);
  for (const { code, users: refused = [] } of outcome.details ?? []) {
    // Who does not exist or cannot be reached is not watched; 201 for such a list would be an error to Android.
    if (code === 531 || code === 516) for (const user of refused) session.interests.delete(user);
  }
  await services.sessions.save(session);
  return statusElement(subscriptionResult(outcome, users, failures, addressees.lists.length > 0), version);
});

/**
 * COMPAT(Android): takes 201 for a failure, so one bad contact in a list must not spoil the others. For users named
 * one by one the details are told.
 */
function subscriptionResult(
  outcome: Result,
  users: readonly UserAddress[],
  failures: readonly DetailedResult[],
  byList: boolean,
): Result {
  if (failures.length === 0 && byList) return OK;
  const details = outcome.details ?? [];
  const failed = new Set(details.flatMap((detail) => detail.users ?? []));
  return combine(users.length - failed.size, [...failures, ...details]);
}

const unsubscribe = inSession('UnsubscribePresence-Request', async ({ services, session, version }, body) => {
  const addressees = addresseesOf(body, services.homes.domain);
  const { users } = expanded(session.home, addressees);
  for (const user of users) session.interests.delete(user);
  for (const list of addressees.lists) session.autoLists.delete(list);
  const { home } = session;
  // Whoever stays on a contact list is only not watched now; the others are given up (bridging 3.4).
  await services.watching.unsubscribe(
    home,
    users.filter((user) => home.hasContact(user)),
    false,
  );
  await services.watching.unsubscribe(
    home,
    users.filter((user) => !home.hasContact(user)),
    true,
  );
  await services.sessions.save(session);
  return statusElement(OK, version);
});

const getPresence = inSession(
  'GetPresence-Request',
  async ({ services, session, version }, body) => {
    const { users, failures } = expanded(session.home, addresseesOf(body, services.homes.domain));
    if (users.length > services.settings.maxEntities) return statusOf(754, version, 'Too many users at once');
    const { result, values } = await services.watching.getPresence(
      session.home.address,
      users,
      filterOf(body.PresenceSubList),
    );
    const outcome =
      failures.length === 0 ? result : combine(values.length, [...failures, ...(result.details ?? [])]);
    return buildElement(
      'GetPresence-Response',
      {
        Result: resultBody(outcome),
        // COMPAT(Android): hangs in login without a PresenceSubList, be it empty.
        Presence: values.map(({ user, attributes }) => ({
          UserID: user,
          PresenceSubList: [shownList(session, attributes)],
        })),
      },
      version,
    );
  },
  'GETPR',
);

/** COMPAT(Movistar): with Alias first where the client's row says so. */
function shownList({ version, quirks }: CspSession, attributes: PresenceAttributes): Element {
  const list = writePresenceSubList(attributes, version);
  if (!quirks.aliasFirst) return list;
  const isAlias = ({ name }: Element): boolean => name === 'Alias';
  const children = [...list.children.filter(isAlias), ...list.children.filter((each) => !isAlias(each))];
  return { ...list, children };
}

const updatePresence = inSession(
  'UpdatePresence-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const { attributes, invalid } = readPresenceSubList(body.PresenceSubList);
    if (invalid.length > 0) return statusOf(751, version, `Invalid value of ${invalid.join(', ')}`);
    const { home } = session;
    const before = presenceOf(home);
    const { client, user } = splitByScope(withKeptValues(attributes, before));
    session.ownPresence = { ...session.ownPresence, ...client };
    await Promise.all([services.publishing.publish(home, before, user), services.sessions.save(session)]);
    return statusElement(OK, version);
  },
  'UPDPR',
);

/** COMPAT(Movistar): an attribute with nothing but Qualifier T keeps its value (OnlineStatus: means online). */
function withKeptValues(update: PresenceAttributes, current: PresenceAttributes): PresenceAttributes {
  const kept: Record<string, PresenceAttributes[keyof PresenceAttributes]> = {};
  for (const [name, attribute] of Object.entries(update)) {
    const bare = attribute.valid && attribute.value === undefined && (attribute.fields ?? []).length === 0;
    if (!bare) kept[name] = attribute;
    else if (name === 'OnlineStatus') kept[name] = { valid: true, value: 'T' };
    else kept[name] = current[name as keyof PresenceAttributes] ?? attribute;
  }
  return kept;
}

function watcherIn(exchange: SessionExchange, body: { readonly UserID: string }): UserAddress | undefined {
  const user = parseUser(body.UserID, exchange.services.homes.domain);
  return isAddressError(user) ? undefined : user;
}

/** Of users elsewhere nobody here can tell. */
async function exists({ homes }: SessionExchange['services'], user: UserAddress): Promise<boolean> {
  return domainOf(user) !== homes.domain || (await homes.get(user)) !== undefined;
}

/** The user's word about a watcher, asked for or not; mode Response (ex11 050) and Request are the same. */
const answerWatcher = inSession('PresenceAuth-User', async (exchange, body: Body<'PresenceAuth-User'>) => {
  const { services, session, version } = exchange;
  session.outbound.confirmed(exchange.transaction.id);
  const watcher = watcherIn(exchange, body);
  if (watcher === undefined || !(await exists(services, watcher))) return statusOf(531, version);
  for (const client of session.home.clients) {
    if (client instanceof CspSession) client.outbound.removeAsk(watcher);
  }
  const list = child(exchange.transaction.content, 'PresenceSubList');
  await services.publishing.answer(session.home, watcher, body.Acceptance, filterOf(list));
  session.tellOthers('AC', { UserIDList: { UserID: [watcher] } });
  return statusElement(OK, version);
});

/** Nothing to withdraw is no error: Movistar's DeleteContact always sends it. */
const cancelAuth = inSession(
  'CancelAuth-Request',
  async (exchange, body) => {
    const watcher = watcherIn(exchange, body);
    if (watcher === undefined) return statusOf(531, exchange.version);
    await exchange.services.publishing.cancel(exchange.session.home, watcher);
    exchange.session.tellOthers('AC', { UserIDList: { UserID: [watcher] } });
    return statusElement(OK, exchange.version);
  },
  'CAAUT',
);

export const presenceTransactions: Handlers = {
  'SubscribePresence-Request': subscribe,
  'UnsubscribePresence-Request': unsubscribe,
  'GetPresence-Request': getPresence,
  'UpdatePresence-Request': updatePresence,
  'PresenceAuth-User': answerWatcher,
  'CancelAuth-Request': cancelAuth,
};
