// Whose telephone number it is: by the profiles of the users, else by the users of the configuration.

import type { Accounts } from './accounts.ts';
import type { Config } from './config.ts';
import type { NumberOwner } from './sap/authentication.ts';
import type { Store } from './store/store.ts';
import type { UserAddress } from './wv/ids.ts';
import { parseMsisdn } from './wv/msisdn.ts';

/** A number that two users have is nobody's: the network cannot tell which of them it is. */
export function numberOwners(
  users: Config['users'],
  accounts: Pick<Accounts, 'address'>,
  store: Pick<Store, 'usersWithNumber'>,
): NumberOwner {
  const configured = new Map<string, UserAddress | 'several'>();
  for (const { name, msisdn } of users) {
    const number = msisdn === undefined ? undefined : parseMsisdn(msisdn);
    if (number !== undefined)
      configured.set(number, configured.has(number) ? 'several' : accounts.address(name));
  }
  return async (number) => {
    const [owner, another] = await store.usersWithNumber(number, 2);
    if (owner !== undefined) return another === undefined ? owner : undefined;
    const known = configured.get(number);
    return known === 'several' ? undefined : known;
  };
}
