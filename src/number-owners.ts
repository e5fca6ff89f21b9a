// Whose telephone number it is: by the profiles of the users, else by the users of the configuration.

import type { Accounts } from './accounts.ts';
import type { Config } from './config.ts';
import type { NumberOwner } from './sap/authentication.ts';
import type { Store } from './store/store.ts';
import type { UserAddress } from './wv/ids.ts';
import { parseMsisdn } from './wv/msisdn.ts';

/** A number that two profiles have is nobody's: the network cannot tell which of them it is. */
export function numberOwners(
  users: Config['users'],
  accounts: Pick<Accounts, 'address'>,
  store: Pick<Store, 'usersWithNumber'>,
): NumberOwner {
  // Each number stands there once: loading the configuration saw to it.
  const configured = new Map<string, UserAddress>();
  for (const { name, msisdn } of users) {
    const number = msisdn === undefined ? undefined : parseMsisdn(msisdn);
    if (number !== undefined) configured.set(number, accounts.address(name));
  }
  return async (number) => {
    const [owner, another] = await store.usersWithNumber(number, 2);
    if (owner === undefined) return configured.get(number);
    return another === undefined ? owner : undefined;
  };
}
