// Addresses as clients write them in requests, made canonical; malformed ones become details with code 901.

import { isAddressError, parseList, parseUser } from '../../wv/address.ts';
import type { Domain, ListAddress, UserAddress } from '../../wv/ids.ts';
import type { DetailedResult } from '../../wv/status.ts';
import type { Home } from '../../services/home.ts';
import type { Body } from './codec/binding.ts';

export interface Addressees {
  readonly users: readonly UserAddress[];
  readonly lists: readonly ListAddress[];
  readonly failures: readonly DetailedResult[];
}

interface NamedEntities {
  readonly User?: readonly Body<'User'>[] | undefined;
  readonly UserID?: readonly string[] | undefined;
  readonly ContactList?: readonly string[] | undefined;
  readonly UserIDList?: Body<'UserIDList'> | undefined;
  readonly ContactListIDList?: Body<'ContactListIDList'> | undefined;
}

/** Users and lists of a request in any of the forms of 1.1 to 1.3. */
export function addresseesOf(body: NamedEntities, domain: Domain): Addressees {
  const failures: DetailedResult[] = [];
  const users = parsed(
    [
      ...(body.User ?? []).map((user) => user.UserID),
      ...(body.UserID ?? []),
      ...(body.UserIDList?.UserID ?? []),
    ],
    (text) => parseUser(text, domain),
    failures,
  );
  const lists = parsed(
    [...(body.ContactList ?? []), ...(body.ContactListIDList?.ContactList ?? [])],
    (text) => parseList(text, domain),
    failures,
  );
  return { users: [...new Set(users)], lists: [...new Set(lists)], failures };
}

function parsed<T extends string>(
  texts: readonly string[],
  parse: (text: string) => T | { readonly code: 901; readonly reason: string },
  failures: DetailedResult[],
): T[] {
  const good: T[] = [];
  for (const text of texts) {
    const address = parse(text);
    if (isAddressError(address)) failures.push({ code: 901, description: address.reason });
    else good.push(address as T);
  }
  return good;
}

/** Users named directly and the contacts of the named lists of this home; unknown lists are failures (700). */
export function expanded(
  home: Home,
  addressees: Addressees,
): { readonly users: readonly UserAddress[]; readonly failures: readonly DetailedResult[] } {
  const users = new Set(addressees.users);
  const failures = [...addressees.failures];
  for (const address of addressees.lists) {
    const list = home.lists.get(address);
    if (list === undefined) failures.push({ code: 700, lists: [address] });
    else for (const user of list.contacts.keys()) users.add(user);
  }
  return { users: [...users], failures };
}
