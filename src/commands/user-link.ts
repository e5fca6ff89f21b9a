// `wvgate user link|unlink|links`: accounts on other networks, also while the server runs.

import { AccountError } from '../accounts.ts';
import type { Config } from '../config.ts';
import { linkableNetworks } from '../configured-gateways.ts';
import { passwordKey } from '../data-folder.ts';
import { systemClock } from '../ops/clock.ts';
import { SecretCipher } from '../sap/secret-cipher.ts';
import { accountName } from '../services/linked-accounts.ts';
import type { Store } from '../store/store.ts';
import type { UserAddress } from '../wv/ids.ts';

const REFUSALS = {
  linked: 'another account of this network is linked: unlink it first',
  unknown: 'there is no such user',
  full: 'no more accounts of this network can be linked (linked.maxClients)',
} as const;

/** @throws AccountError when the account cannot be linked */
export async function linkAccount(
  config: Config,
  store: Store,
  user: UserAddress,
  link: { readonly network: string; readonly account: string; readonly password: string },
): Promise<void> {
  const limit = linkableNetworks(config).get(link.network);
  if (limit === undefined)
    throw new AccountError(
      `${link.network}: accounts of this network cannot be linked: it has no section linked`,
    );
  const account = accountName(link.account);
  if (account === undefined)
    throw new AccountError(`${link.account}: not an account: user@domain or @user:server`);
  const cipher = new SecretCipher(passwordKey(config)).seal(link.password);
  const linkedAt = systemClock.now();
  const outcome = await store.linkAccount({ user, network: link.network, account, cipher, linkedAt }, limit);
  if (outcome !== 'done') throw new AccountError(REFUSALS[outcome]);
}

/** One line for each linked account of a user. */
export async function listAccounts(store: Store, user: UserAddress): Promise<void> {
  for (const { network, account, linkedAt } of await store.linkedAccountsOf(user)) {
    process.stdout.write(`${network}\t${account}\t${new Date(linkedAt).toISOString()}\n`);
  }
}
