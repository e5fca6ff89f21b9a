// Contacts of a linked account as contact lists of the user: one list for each group of the account's own, kept as the
// account has them. Which lists are an account's is told by their names.

import { createHash } from 'node:crypto';
import { domainOf, isAddressError, parseList, resourceOf } from '../wv/address.ts';
import type { ListAddress, UserAddress } from '../wv/ids.ts';
import { isSuccess, OK, type Result } from '../wv/status.ts';
import type { Contact } from '../store/store.ts';
import type { ContactLists, ListOutcome } from './contact-lists.ts';
import type { ContactList, Home } from './home.ts';

/** Contacts of one group, under the name that the phone shows. */
export interface AccountGroup {
  /** '' = those that are in no group: whoever is on another list of the user already is left out. */
  readonly group: string;
  readonly displayName: string;
  readonly contacts: readonly Contact[];
}

/** Makes a change of a list with what follows from it (access/csp/list-changes.ts). */
export type ListChanger = (
  home: Home,
  list: ListAddress,
  change: () => Promise<ListOutcome>,
) => Promise<ListOutcome>;

export interface AccountContactsDependencies {
  readonly lists: ContactLists;
  readonly changeList: ListChanger;
}

const MARK = '~';
const LONGEST_SLUG = 40;

/** The name of the list of a group: the same group, the same name; different groups, different names. */
export function listNameOf(network: string, group: string): string {
  if (group === '') return `${network}${MARK}`;
  const slug = group
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_SLUG);
  const hash = createHash('sha256').update(group).digest('hex').slice(0, 8);
  return `${network}${MARK}${slug === group ? slug : `${slug}-${hash}`}`;
}

/** True for a list that shows contacts of an account of the network. */
export function isListOf(network: string, list: ListAddress): boolean {
  return resourceOf(list).startsWith(`${network}${MARK}`);
}

function addressOf(home: Home, name: string): ListAddress | undefined {
  const list = parseList(home.address.replace('@', `/${name}@`), domainOf(home.address));
  return isAddressError(list) ? undefined : list;
}

/**
 * Makes the user's lists of this network those of `groups`, and no others. 753 and 754: not all fit; the rest is
 * shown.
 */
export async function showContacts(
  deps: AccountContactsDependencies,
  home: Home,
  network: string,
  groups: readonly AccountGroup[],
): Promise<Result> {
  const wanted = new Set<ListAddress>();
  let outcome: Result = OK;
  for (const group of groups) {
    const address = addressOf(home, listNameOf(network, group.group));
    if (address === undefined) continue;
    const contacts = group.group === '' ? strangers(home, network, group.contacts) : group.contacts;
    if (contacts.length === 0) continue;
    wanted.add(address);
    const shown = await showGroup(deps, home, address, { ...group, contacts });
    if (!isSuccess(shown)) outcome = shown;
  }
  for (const address of home.lists.keys()) {
    if (!isListOf(network, address) || wanted.has(address)) continue;
    await deps.changeList(home, address, () => deps.lists.delete(home, address));
  }
  return outcome;
}

/** The user's lists of this network as they are now: what `showContacts` made of them, and what the user changed since. */
export function shownGroups(home: Home, network: string): readonly AccountGroup[] {
  const shown = [...home.lists.values()].filter(({ address }) => isListOf(network, address));
  return shown.map(({ address, displayName, contacts }) => ({
    // The list of a group shows its name, by which the user may give it another.
    group: resourceOf(address) === listNameOf(network, '') ? '' : displayName,
    displayName,
    contacts: [...contacts.values()],
  }));
}

function strangers(home: Home, network: string, contacts: readonly Contact[]): readonly Contact[] {
  const others = [...home.lists.values()].filter(({ address }) => !isListOf(network, address));
  return contacts.filter(({ user }) => !others.some((list) => list.contacts.has(user)));
}

async function showGroup(
  { lists, changeList }: AccountContactsDependencies,
  home: Home,
  address: ListAddress,
  { displayName, contacts }: AccountGroup,
): Promise<Result> {
  const list = home.lists.get(address);
  if (list === undefined) {
    const create = () => lists.create(home, address, { displayName }, contacts);
    return (await changeList(home, address, create)).result;
  }
  if (list.displayName !== displayName) await lists.setProperties(home, list, { displayName });
  const gone = goneFrom(list, contacts);
  if (gone.length > 0) await changeList(home, address, () => lists.remove(home, list, gone));
  const fresh = contacts.filter(({ user, name }) => {
    const known = list.contacts.get(user);
    return known === undefined || (name !== '' && known.name !== name);
  });
  if (fresh.length === 0) return OK;
  return (await changeList(home, address, () => lists.add(home, list, fresh))).result;
}

function goneFrom(list: ContactList, contacts: readonly Contact[]): readonly UserAddress[] {
  const kept = new Set(contacts.map(({ user }) => user));
  return [...list.contacts.keys()].filter((user) => !kept.has(user));
}
