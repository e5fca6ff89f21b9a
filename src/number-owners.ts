// Whose telephone number it is, by the users of the configuration.

import type { Accounts } from './accounts.ts';
import type { Config } from './config.ts';
import type { NumberOwner } from './sap/authentication.ts';
import type { UserAddress } from './wv/ids.ts';
import { parseMsisdn } from './wv/msisdn.ts';

export function numberOwners(users: Config['users'], accounts: Pick<Accounts, 'address'>): NumberOwner {
  const owners = new Map<string, UserAddress>();
  for (const { name, msisdn } of users) {
    const number = msisdn === undefined ? undefined : parseMsisdn(msisdn);
    if (number !== undefined) owners.set(number, accounts.address(name));
  }
  return async (number) => owners.get(number);
}
