// Accounts on other networks that users linked with theirs (bridging 10, mode B).

import type { UserAddress } from '../wv/ids.ts';

export interface LinkedAccountRecord {
  readonly user: UserAddress;
  /** Name of the gateway behind which the account is. */
  readonly network: string;
  /** As that network writes it: a JID. */
  readonly account: string;
  /** The password, or a token, encrypted with the server's key. */
  readonly cipher: string;
  /** Milliseconds since the epoch. Another value: linked anew, perhaps with another password. */
  readonly linkedAt: number;
  /** The account's address here, which may see the user's presence; absent until it was first used. */
  readonly watcher?: UserAddress;
}

export interface LinkedAccountStore {
  /**
   * Links an account, or gives it another password. `linked`: the user has another account of that network;
   * `unknown`: no such user; `full`: the network has `limit` accounts.
   */
  linkAccount(
    account: Omit<LinkedAccountRecord, 'watcher'>,
    limit: number,
  ): Promise<'done' | 'linked' | 'unknown' | 'full'>;
  /** False when there is none. The password is gone at once; what the account left waits in `unlinkedAccounts`. */
  unlinkAccount(user: UserAddress, network: string): Promise<boolean>;
  /** By user; those of all networks, or of one. */
  linkedAccounts(network?: string): Promise<readonly LinkedAccountRecord[]>;
  linkedAccountsOf(user: UserAddress): Promise<readonly LinkedAccountRecord[]>;
  /** Another cipher for the same secret's account; nothing when it was unlinked or linked anew meanwhile. */
  setLinkedCipher(account: LinkedAccountRecord, cipher: string): Promise<void>;
  setLinkedWatcher(user: UserAddress, network: string, watcher: UserAddress): Promise<void>;
  /** Accounts that were unlinked and for which `forgetUnlinkedAccount` was not called yet; they have no cipher. */
  unlinkedAccounts(limit: number): Promise<readonly LinkedAccountRecord[]>;
  forgetUnlinkedAccount(account: LinkedAccountRecord): Promise<void>;
}
