// Contact lists (csp-transactions section 3): named lists of contacts, one of them the default.

import { domainOf, listOwner, resourceOf } from '../wv/address.ts';
import type { ListAddress, UserAddress } from '../wv/ids.ts';
import { OK, result, type DetailedResult, type Result } from '../wv/status.ts';
import type { Contact, ContactListRecord, Store } from '../store/store.ts';
import type { ContactList, Home, Homes } from './home.ts';

export interface ListLimits {
  /** Most lists of one user (753). */
  readonly lists: number;
  /** Most contacts in all lists of one user (754). */
  readonly contacts: number;
}

/** Properties as a client sends them; names without regard to case, unknown names are refused with 752. */
export interface ListProperties {
  readonly displayName?: string;
  /** Only T means something: another list becomes the default by its own T. */
  readonly isDefault?: boolean;
}

export interface ListOutcome {
  readonly result: Result;
  /** Contacts that were added or removed, for subscriptions that follow the list (AutoSubscribe). */
  readonly added: readonly UserAddress[];
  readonly removed: readonly UserAddress[];
}

/**
 * The list that the Movistar and Colibria clients take for granted for every user (client-quirks section 4).
 * COMPAT(Movistar): they never create it and fail without it.
 */
export const PRIVATE_LIST = '~pep1.0_privatelist';

function outcome(
  code: Result,
  added: readonly UserAddress[] = [],
  removed: readonly UserAddress[] = [],
): ListOutcome {
  return { result: code, added, removed };
}

export class ContactLists {
  private readonly store: Store;
  private readonly homes: Homes;
  private readonly limits: ListLimits;

  constructor(deps: { store: Store; homes: Homes; limits: ListLimits }) {
    this.store = deps.store;
    this.homes = deps.homes;
    this.limits = deps.limits;
  }

  /** 752 for an address that is not the owner's own list. */
  checkOwn(home: Home, list: ListAddress): Result | undefined {
    const name = resourceOf(list);
    const own = listOwner(list) === home.address && domainOf(list) === this.homes.domain;
    return own && name.length <= 100 && !/[/@+\s]/.test(name) ? undefined : result(own ? 752 : 403);
  }

  async create(
    home: Home,
    address: ListAddress,
    properties: ListProperties,
    contacts: readonly Contact[],
  ): Promise<ListOutcome> {
    const refusal = this.checkOwn(home, address);
    if (refusal !== undefined) return outcome(refusal);
    if (home.lists.has(address)) return outcome(result(701));
    if (home.lists.size >= this.limits.lists) return outcome(result(753));
    if (contactCount(home) + contacts.length > this.limits.contacts) return outcome(result(754));
    const isDefault = properties.isDefault === true || home.defaultList === undefined;
    const list: ContactList = {
      address,
      displayName: properties.displayName ?? resourceOf(address),
      isDefault: false,
      contacts: new Map(),
    };
    home.lists.set(address, list);
    await this.store.putList(home.address, record(list));
    if (isDefault) await this.makeDefault(home, list);
    const added = await this.add(home, list, contacts);
    // The list is made: that nobody could be put into it is a success in part.
    return added.result.code === 531 ? { ...added, result: { ...added.result, code: 201 } } : added;
  }

  /** Deleting the default list makes the oldest other one the default. */
  async delete(home: Home, address: ListAddress): Promise<ListOutcome> {
    const list = home.lists.get(address);
    if (list === undefined) return outcome(result(700));
    home.lists.delete(address);
    await this.store.deleteList(address);
    const [heir] = home.lists.values();
    if (list.isDefault && heir !== undefined) await this.makeDefault(home, heir);
    return outcome(
      OK,
      [],
      [...list.contacts.keys()].filter((user) => !home.hasContact(user)),
    );
  }

  /** Adds or renames contacts; local users that do not exist are refused one by one with 531. */
  async add(home: Home, list: ContactList, contacts: readonly Contact[]): Promise<ListOutcome> {
    const unknown: UserAddress[] = [];
    const accepted: Contact[] = [];
    for (const contact of contacts) {
      if (await this.isKnown(contact.user)) accepted.push(contact);
      else unknown.push(contact.user);
    }
    const fresh = accepted.filter((contact) => !list.contacts.has(contact.user));
    if (contactCount(home) + fresh.length > this.limits.contacts) return outcome(result(754));
    for (const contact of accepted) {
      const name = contact.name === '' ? (list.contacts.get(contact.user)?.name ?? '') : contact.name;
      list.contacts.set(contact.user, { user: contact.user, name });
    }
    if (accepted.length > 0)
      await this.store.putContacts(
        list.address,
        accepted.map((c) => list.contacts.get(c.user) ?? c),
      );
    const details: DetailedResult[] = unknown.length > 0 ? [{ code: 531, users: unknown }] : [];
    const code: Result =
      details.length === 0
        ? OK
        : { code: accepted.length > 0 || contacts.length > unknown.length ? 201 : 531, details };
    return outcome(
      code,
      fresh.map((contact) => contact.user),
    );
  }

  /** Removing somebody who is not there is no error: the list is as the user wants it. */
  async remove(home: Home, list: ContactList, users: readonly UserAddress[]): Promise<ListOutcome> {
    const removed = users.filter((user) => list.contacts.delete(user));
    if (removed.length > 0) await this.store.removeContacts(list.address, removed);
    // Only who is on no other list either is given up (subscriptions end).
    return outcome(
      OK,
      [],
      removed.filter((user) => !home.hasContact(user)),
    );
  }

  async setProperties(home: Home, list: ContactList, properties: ListProperties): Promise<Result> {
    if (properties.isDefault === false && list.isDefault) return result(752, 'Default can only be moved');
    if (properties.displayName !== undefined) {
      list.displayName = properties.displayName;
      await this.store.putList(home.address, record(list));
    }
    if (properties.isDefault === true && !list.isDefault) await this.makeDefault(home, list);
    return OK;
  }

  private async makeDefault(home: Home, list: ContactList): Promise<void> {
    const former = home.defaultList;
    if (former !== undefined) former.isDefault = false;
    list.isDefault = true;
    const writes = [this.store.putList(home.address, record(list))];
    if (former !== undefined) writes.unshift(this.store.putList(home.address, record(former)));
    await Promise.all(writes);
  }

  private async isKnown(user: UserAddress): Promise<boolean> {
    return domainOf(user) !== this.homes.domain || (await this.homes.get(user)) !== undefined;
  }
}

function contactCount(home: Home): number {
  let count = 0;
  for (const list of home.lists.values()) count += list.contacts.size;
  return count;
}

function record(list: ContactList): Omit<ContactListRecord, 'contacts'> {
  return { address: list.address, displayName: list.displayName, isDefault: list.isDefault };
}
