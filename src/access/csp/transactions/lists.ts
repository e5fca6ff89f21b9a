// Contact lists (csp-transactions section 3).

import { isAddressError, parseList, parseUser } from '../../../wv/address.ts';
import type { ListAddress, UserAddress } from '../../../wv/ids.ts';
import { combine, isSuccess, OK, result, type DetailedResult, type Result } from '../../../wv/status.ts';
import type { ListOutcome, ListProperties } from '../../../services/contact-lists.ts';
import type { ContactList } from '../../../services/home.ts';
import type { Contact } from '../../../store/store.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { changeList } from '../list-changes.ts';
import { inSession, type Handlers, type SessionExchange } from '../transaction.ts';

const getList = inSession(
  'GetList-Request',
  ({ session, version }) => {
    const addresses = [...session.home.lists.keys()];
    const defaultList = session.home.defaultList?.address;
    // ex11 081: the default list stands only in DefaultContactList; 1.3 puts all into one list of ids.
    const others = version === '1.3' ? addresses : addresses.filter((address) => address !== defaultList);
    return buildElement(
      'GetList-Response',
      {
        ...(version === '1.3' ? { ContactListIDList: { ContactList: others } } : { ContactList: others }),
        DefaultContactList: defaultList,
      },
      version,
    );
  },
  'GCLI',
);

/** COMPAT(Android): CreateList wraps the UserID of a new contact in a User element. */
function contactsOf(
  entries: Body<'NickList'> | undefined,
  exchange: SessionExchange,
): { contacts: Contact[]; failures: DetailedResult[] } {
  const contacts: Contact[] = [];
  const failures: DetailedResult[] = [];
  const add = (text: string | undefined, name: string) => {
    const user = parseUser(text ?? '', exchange.services.homes.domain);
    if (isAddressError(user)) failures.push({ code: 901, description: user.reason });
    else contacts.push({ user, name });
  };
  for (const nick of entries?.NickName ?? []) add(nick.UserID ?? nick.User?.UserID, nick.Name ?? '');
  for (const user of entries?.UserID ?? []) add(user, '');
  return { contacts, failures };
}

/** 752 names the property that is none. */
function propertiesOf(body: Body<'ContactListProperties'> | undefined): ListProperties | Result {
  const properties: { displayName?: string; isDefault?: boolean } = {};
  for (const { Name, Value = '' } of body?.Property ?? []) {
    const name = Name.toLowerCase();
    if (name === 'displayname') properties.displayName = Value;
    else if (name === 'default') properties.isDefault = Value.trim().toUpperCase() === 'T';
    else return result(752, `Unknown property ${Name.slice(0, 50)}`);
  }
  return properties;
}

function isResult(value: ListProperties | Result): value is Result {
  return 'code' in value;
}

const createList = inSession(
  'CreateList-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const address = parseList(body.ContactList, services.homes.domain);
    if (isAddressError(address)) return statusOf(752, version, address.reason);
    const properties = propertiesOf(body.ContactListProperties);
    if (isResult(properties)) return statusElement(properties, version);
    const { contacts, failures } = contactsOf(body.NickList, exchange);
    const outcome = await changing(exchange, address, () =>
      services.lists.create(session.home, address, properties, contacts),
    );
    const total = withFailures(outcome.result, failures);
    if (isSuccess(total)) session.tellOthers('CLCR', { ContactListIDList: { ContactList: [address] } });
    if (version === '1.3' && total.code === 200) {
      return buildElement('CreateList-Response', { ContactList: address }, version);
    }
    return statusElement(total, version);
  },
  'CCLI',
);

function withFailures(outcome: Result, failures: readonly DetailedResult[]): Result {
  if (failures.length === 0 || !isSuccess(outcome)) return outcome;
  return combine(1, [...(outcome.details ?? []), ...failures]);
}

const deleteList = inSession(
  'DeleteList-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const address = parseList(body.ContactList, services.homes.domain);
    if (isAddressError(address)) return statusOf(700, version, address.reason);
    const outcome = await changing(exchange, address, () => services.lists.delete(session.home, address));
    if (isSuccess(outcome.result)) {
      await services.publishing.deleteAttributeList(session.home, { kind: 'list', list: address });
      session.tellOthers('CLD', { ContactListIDList: { ContactList: [address] } });
    }
    return statusElement(outcome.result, version);
  },
  'DCLI',
);

const manageList = inSession(
  'ListManage-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const address = parseList(body.ContactList, services.homes.domain);
    const list = isAddressError(address) ? undefined : session.home.lists.get(address);
    if (list === undefined) return statusOf(700, version);
    const outcome = await applyChanges(exchange, list, body);
    if (outcome.changed) {
      session.tellOthers('CLC', { ContactListIDList: { ContactList: [list.address] } });
      services.linkedAccounts.listsChanged(session.home);
    }
    return buildElement(
      'ListManage-Response',
      { Result: resultBody(outcome.result), ...shownParts(list, body, outcome) },
      version,
    );
  },
  'MCLS',
);

interface Changes {
  readonly result: Result;
  readonly touched: readonly UserAddress[];
  /** One of the changes asked for was made, as far as results tell. */
  readonly changed: boolean;
}

/** COMPAT(Android): additions, removals and properties may come in one request. */
async function applyChanges(
  exchange: SessionExchange,
  list: ContactList,
  body: Body<'ListManage-Request'>,
): Promise<Changes> {
  const { services, session } = exchange;
  const { home } = session;
  const results: Result[] = [];
  const touched: UserAddress[] = [];
  if (body.ContactListProperties !== undefined) {
    const properties = propertiesOf(body.ContactListProperties);
    results.push(
      isResult(properties) ? properties : await services.lists.setProperties(home, list, properties),
    );
  }
  if (body.RemoveNickList !== undefined) {
    const { contacts, failures } = contactsOf(body.RemoveNickList, exchange);
    const users = contacts.map((contact) => contact.user);
    const outcome = await changing(exchange, list.address, () => services.lists.remove(home, list, users));
    results.push(withFailures(outcome.result, failures));
  }
  if (body.AddNickList !== undefined) {
    const { contacts, failures } = contactsOf(body.AddNickList, exchange);
    const outcome = await changing(exchange, list.address, () => services.lists.add(home, list, contacts));
    touched.push(...contacts.map((contact) => contact.user));
    results.push(withFailures(outcome.result, failures));
  }
  return { result: worst(results), touched, changed: results.some(isSuccess) };
}

function worst(results: readonly Result[]): Result {
  return results.find((each) => !isSuccess(each)) ?? results.find((each) => each.code !== 200) ?? OK;
}

/**
 * 1.2: ReceiveList says whether the whole list comes back. Where it is missing, and in 1.1, the answer holds what
 * was asked about: the list, or the entries or properties that changed (csp-transactions section 3).
 */
function shownParts(
  list: ContactList,
  body: Body<'ListManage-Request'>,
  changes: Changes,
): Pick<Body<'ListManage-Response'>, 'NickList' | 'ContactListProperties'> {
  const properties = { ContactListProperties: propertyElements(list) };
  if (body.ReceiveList === true) return { NickList: nickList(list), ...properties };
  if (body.ReceiveList === false || !isSuccess(changes.result)) return {};
  if (body.ContactListProperties !== undefined) return properties;
  if (body.AddNickList !== undefined) return { NickList: nickList(list, new Set(changes.touched)) };
  if (body.RemoveNickList !== undefined) return { NickList: {} };
  return { NickList: nickList(list), ...properties };
}

/** COMPAT(Android): every NickName needs a Name, be it empty. */
function nickList(list: ContactList, only?: ReadonlySet<UserAddress>): Body<'NickList'> {
  const contacts = [...list.contacts.values()].filter(
    (contact) => only === undefined || only.has(contact.user),
  );
  return { NickName: contacts.map((contact) => ({ Name: contact.name, UserID: contact.user })) };
}

function propertyElements(list: ContactList): Body<'ContactListProperties'> {
  return {
    Property: [
      { Name: 'DisplayName', Value: list.displayName },
      { Name: 'Default', Value: list.isDefault ? 'T' : 'F' },
    ],
  };
}

/** The change, and what follows from it for this user and his clients. */
function changing(
  { services, session }: SessionExchange,
  address: ListAddress,
  change: () => Promise<ListOutcome>,
): Promise<ListOutcome> {
  return changeList(services, session.home, address, change);
}

export const listTransactions: Handlers = {
  'GetList-Request': getList,
  'CreateList-Request': createList,
  'DeleteList-Request': deleteList,
  'ListManage-Request': manageList,
};
