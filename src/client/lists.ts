// Contact lists and attribute lists of a client (csp-transactions sections 3 and 4).

import type { Body } from '../access/csp/codec/binding.ts';
import { readPresenceSubList, writeAttributeNames } from '../access/csp/presence-sublist.ts';
import type { PresenceAttributeName } from '../wv/presence.ts';
import type { CspVersion } from '../wv/version.ts';
import type { Outcome } from './errors.ts';
import { bodyOf, type Exchange } from './exchange.ts';
import { outcomeOf } from './results.ts';

export interface Contact {
  readonly user: string;
  /** The nickname. */
  readonly name?: string;
}

export interface Lists {
  /** Every list, the default one included, each once. */
  readonly lists: readonly string[];
  readonly defaultList: string | undefined;
}

export interface ListProperties {
  readonly displayName?: string;
  readonly isDefault?: boolean;
}

export interface ListChange {
  readonly add?: readonly Contact[];
  readonly remove?: readonly string[];
  readonly properties?: ListProperties;
}

export interface ListContent {
  readonly contacts: readonly Contact[];
  readonly properties: ListProperties;
  readonly outcome: Outcome;
}

export async function getLists(exchange: Exchange): Promise<Lists> {
  const body = await exchange.get('GetList-Request', true, 'GetList-Response');
  const named = body.ContactList ?? body.ContactListIDList?.ContactList ?? [];
  const defaultList = body.DefaultContactList;
  const all = defaultList === undefined ? named : [defaultList, ...named];
  return { lists: [...new Set(all)], defaultList };
}

export function createList(
  exchange: Exchange,
  list: string,
  options: ListProperties & { readonly contacts?: readonly Contact[] } = {},
): Promise<Outcome> {
  return exchange.tell(
    'CreateList-Request',
    {
      ContactList: list,
      NickList: nickList(options.contacts ?? []),
      ContactListProperties: propertiesBody(options),
    },
    // The second of two that arrive would say 701 although the list was made.
    { repeatable: false },
  );
}

export function deleteList(exchange: Exchange, list: string): Promise<Outcome> {
  return exchange.tell('DeleteList-Request', { ContactList: list }, { repeatable: false });
}

/** Changes a list and gives back the whole of it. Without a change: just reads it. */
export async function manageList(
  exchange: Exchange,
  list: string,
  change: ListChange = {},
): Promise<ListContent> {
  const body = await exchange.get(
    'ListManage-Request',
    {
      ContactList: list,
      AddNickList: change.add === undefined ? undefined : nickList(change.add),
      RemoveNickList: change.remove === undefined ? undefined : { UserID: change.remove },
      ContactListProperties: change.properties === undefined ? undefined : propertiesBody(change.properties),
      ReceiveList: exchange.settings.version === '1.1' ? undefined : true,
    },
    'ListManage-Response',
  );
  return {
    contacts: contactsOf(body.NickList),
    properties: propertiesOf(body.ContactListProperties),
    outcome: outcomeOf(body.Result),
  };
}

function nickList(contacts: readonly Contact[]): Body<'NickList'> {
  const named: Body<'NickName'>[] = [];
  const bare: string[] = [];
  for (const { user, name } of contacts) {
    if (name === undefined) bare.push(user);
    else named.push({ Name: name, UserID: user });
  }
  return { NickName: named, UserID: bare };
}

function contactsOf(list: Body<'NickList'> | undefined): Contact[] {
  const named = (list?.NickName ?? []).map(({ Name, UserID, User }) => ({
    user: UserID ?? User?.UserID ?? '',
    ...(Name === undefined || Name === '' ? {} : { name: Name }),
  }));
  return [...named, ...(list?.UserID ?? []).map((user) => ({ user }))];
}

function propertiesBody({
  displayName,
  isDefault,
}: ListProperties): Body<'ContactListProperties'> | undefined {
  const Property: Body<'Property'>[] = [];
  if (displayName !== undefined) Property.push({ Name: 'DisplayName', Value: displayName });
  if (isDefault !== undefined) Property.push({ Name: 'Default', Value: isDefault ? 'T' : 'F' });
  return Property.length === 0 ? undefined : { Property };
}

function propertiesOf(body: Body<'ContactListProperties'> | undefined): ListProperties {
  const values = new Map((body?.Property ?? []).map(({ Name, Value }) => [Name.toLowerCase(), Value ?? '']));
  const displayName = values.get('displayname');
  const isDefault = values.get('default');
  return {
    ...(displayName === undefined ? {} : { displayName }),
    ...(isDefault === undefined ? {} : { isDefault: isDefault.toUpperCase() === 'T' }),
  };
}

/** Whom an attribute list, a subscription or a question is about. */
export interface Subjects {
  readonly users?: readonly string[] | undefined;
  readonly lists?: readonly string[] | undefined;
}

/** UserID and ContactList elements, in 1.3 inside lists. */
export function subjectIds({ users = [], lists = [] }: Subjects, version: CspVersion) {
  if (version !== '1.3') return { UserID: users, ContactList: lists };
  return {
    UserIDList: users.length === 0 ? undefined : { UserID: users },
    ContactListIDList: lists.length === 0 ? undefined : { ContactList: lists },
  };
}

/** As subjectIds, where versions before 1.3 have User elements. */
export function subjectUsers(subjects: Subjects, version: CspVersion) {
  const ids = subjectIds(subjects, version);
  return 'UserID' in ids
    ? { User: ids.UserID.map((user) => ({ UserID: user })), ContactList: ids.ContactList }
    : ids;
}

export interface AttributeListTarget extends Subjects {
  /** Everybody else. */
  readonly isDefault?: boolean;
}

/** Says which of the user's attributes the subjects may see; replaces what was said of them before. */
export function createAttributeList(
  exchange: Exchange,
  attributes: Iterable<PresenceAttributeName>,
  target: AttributeListTarget,
): Promise<Outcome> {
  const { version } = exchange.settings;
  return exchange.tell('CreateAttributeList-Request', {
    PresenceSubList: writeAttributeNames(attributes, version),
    ...subjectIds(target, version),
    DefaultList: target.isDefault ?? false,
  });
}

export function deleteAttributeList(exchange: Exchange, target: AttributeListTarget): Promise<Outcome> {
  return exchange.tell('DeleteAttributeList-Request', {
    ...subjectIds(target, exchange.settings.version),
    DefaultList: target.isDefault ?? false,
  });
}

export interface AttributeList extends Contactable {
  readonly attributes: readonly PresenceAttributeName[];
}

interface Contactable {
  readonly user?: string;
  readonly list?: string;
}

export interface AttributeLists {
  readonly defaultList: readonly PresenceAttributeName[] | undefined;
  readonly lists: readonly AttributeList[];
}

/** Without a target: all of them, which takes two requests (csp-transactions section 4: the flag chooses). */
export async function getAttributeLists(
  exchange: Exchange,
  target?: AttributeListTarget,
): Promise<AttributeLists> {
  if (target !== undefined) return readAttributeLists(exchange, target);
  const { lists } = await readAttributeLists(exchange, {});
  const { defaultList } = await readAttributeLists(exchange, { isDefault: true });
  return { defaultList, lists };
}

async function readAttributeLists(exchange: Exchange, target: AttributeListTarget): Promise<AttributeLists> {
  const { version } = exchange.settings;
  const answer = await exchange.ask('GetAttributeList-Request', {
    DefaultList: target.isDefault ?? false,
    ...subjectUsers(target, version),
  });
  const body = bodyOf(answer, 'GetAttributeList-Response');
  const [common] = body.DefaultAttributeList?.PresenceSubList ?? [];
  return {
    defaultList: common === undefined ? undefined : readPresenceSubList(common).requested,
    lists: (body.Presence ?? []).map(attributeListOf),
  };
}

function attributeListOf(presence: Body<'Presence'>): AttributeList {
  const attributes = (presence.PresenceSubList ?? []).flatMap((list) => readPresenceSubList(list).requested);
  return {
    attributes,
    ...(presence.UserID === undefined ? {} : { user: presence.UserID }),
    ...(presence.ContactList === undefined ? {} : { list: presence.ContactList }),
  };
}
