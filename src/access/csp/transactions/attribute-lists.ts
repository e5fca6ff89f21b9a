// Attribute lists: who may see which presence attributes without being asked (csp-transactions section 4).

import { combine, OK, type DetailedResult } from '../../../wv/status.ts';
import { domainOf } from '../../../wv/address.ts';
import { PRESENCE_ATTRIBUTE_NAMES, type PresenceAttributeName } from '../../../wv/presence.ts';
import { subjectKey } from '../../../services/home.ts';
import type { AttributeListRecord, AttributeListSubject } from '../../../store/store.ts';
import { addresseesOf, type Addressees } from '../addressing.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement } from '../codec/binding.ts';
import { readPresenceSubList, writeAttributeNames } from '../presence-sublist.ts';
import type { CspSession } from '../session.ts';
import { inSession, type Handlers, type SessionExchange } from '../transaction.ts';

interface Subjects {
  readonly subjects: readonly AttributeListSubject[];
  readonly failures: readonly DetailedResult[];
}

async function subjectsOf(
  { services, session }: SessionExchange,
  addressees: Addressees,
  forEverybody: boolean,
): Promise<Subjects> {
  const failures = [...addressees.failures];
  const subjects: AttributeListSubject[] = [];
  for (const user of addressees.users) {
    const local = domainOf(user) === services.homes.domain;
    if (local && (await services.homes.get(user)) === undefined) failures.push({ code: 531, users: [user] });
    else subjects.push({ kind: 'user', user });
  }
  for (const list of addressees.lists) {
    if (session.home.lists.has(list)) subjects.push({ kind: 'list', list });
    else failures.push({ code: 700, lists: [list] });
  }
  if (forEverybody) subjects.push({ kind: 'default' });
  return { subjects, failures };
}

/** The other clients hear whom an attribute list is for, and what it lets them see. */
function tellAuthorizations(
  session: CspSession,
  subjects: readonly AttributeListSubject[],
  attributes: readonly PresenceAttributeName[],
): void {
  const users = subjects.flatMap((subject) => (subject.kind === 'user' ? [subject.user] : []));
  const lists = subjects.flatMap((subject) => (subject.kind === 'list' ? [subject.list] : []));
  if (subjects.length === 0) return;
  session.tellOthers('AC', {
    PresenceSubList: writeAttributeNames([...attributes], '1.3'),
    ...(users.length === 0 ? {} : { UserIDList: { UserID: users } }),
    ...(lists.length === 0 ? {} : { ContactListIDList: { ContactList: lists } }),
    DefaultList: subjects.some(({ kind }) => kind === 'default'),
  });
}

const create = inSession(
  'CreateAttributeList-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const named = body.PresenceSubList === undefined ? undefined : readPresenceSubList(body.PresenceSubList);
    // An empty list lets nothing be seen; no list at all, like elsewhere, means all attributes.
    const attributes = named?.requested ?? PRESENCE_ATTRIBUTE_NAMES;
    const addressees = addresseesOf(body, services.homes.domain);
    const { subjects, failures } = await subjectsOf(exchange, addressees, body.DefaultList === true);
    const { home } = session;
    const fresh = subjects.filter((subject) => !home.attributeLists.has(subjectKey(subject)));
    const most = services.settings.maxAttributeLists;
    if (fresh.length > 0 && home.attributeLists.size + fresh.length > most) return statusOf(755, version);
    for (const subject of subjects) await services.publishing.putAttributeList(home, { subject, attributes });
    tellAuthorizations(session, subjects, attributes);
    return statusElement(combine(subjects.length, failures), version);
  },
  'CALI',
);

/** Accepts what is not there: Movistar's DeleteContact deletes lists that never were. */
const remove = inSession(
  'DeleteAttributeList-Request',
  async ({ services, session, version }, body) => {
    const { users, lists } = addresseesOf(body, services.homes.domain);
    const subjects: AttributeListSubject[] = [
      ...users.map((user) => ({ kind: 'user', user }) as const),
      ...lists.map((list) => ({ kind: 'list', list }) as const),
      ...(body.DefaultList === true ? [{ kind: 'default' } as const] : []),
    ];
    for (const subject of subjects) await services.publishing.deleteAttributeList(session.home, subject);
    tellAuthorizations(session, subjects, []);
    return statusElement(OK, version);
  },
  'DALI',
);

const get = inSession(
  'GetAttributeList-Request',
  ({ services, session, version }, body) => {
    const { home } = session;
    const { users, lists } = addresseesOf(body, services.homes.domain);
    const everything = users.length === 0 && lists.length === 0;
    const wanted = new Set([
      ...users.map((user) => subjectKey({ kind: 'user', user })),
      ...lists.map((list) => subjectKey({ kind: 'list', list })),
    ]);
    const shown = [...home.attributeLists.values()].filter(
      (list) =>
        list.subject.kind !== 'default' &&
        (everything ? body.DefaultList !== true : wanted.has(subjectKey(list.subject))),
    );
    const own = home.attributeLists.get('default');
    const names = (list: AttributeListRecord) => [writeAttributeNames([...list.attributes], version)];
    return buildElement(
      'GetAttributeList-Response',
      {
        Result: resultBody(OK),
        ...(body.DefaultList === true && own !== undefined
          ? { DefaultAttributeList: { PresenceSubList: names(own) } }
          : {}),
        Presence: shown.map((list) => ({
          ...(list.subject.kind === 'user' ? { UserID: list.subject.user } : {}),
          ...(list.subject.kind === 'list' ? { ContactList: list.subject.list } : {}),
          PresenceSubList: names(list),
        })),
      },
      version,
    );
  },
  'GALS',
);

export const attributeListTransactions: Handlers = {
  'CreateAttributeList-Request': create,
  'DeleteAttributeList-Request': remove,
  'GetAttributeList-Request': get,
};
