// Accounts of local users: creation with what every user has, passwords, removal.

import type { Clock } from './ops/ports.ts';
import { PRIVATE_LIST } from './services/contact-lists.ts';
import type { Passwords } from './sap/passwords.ts';
import type { ContactListRecord, Store } from './store/store.ts';
import { isAddressError, parseList, parseUser } from './wv/address.ts';
import type { Domain, UserAddress } from './wv/ids.ts';

export interface NewAccount {
  readonly name: string;
  readonly password: string;
  readonly displayName?: string | undefined;
}

export class AccountError extends Error {
  override readonly name = 'AccountError';
}

export class Accounts {
  private readonly store: Store;
  private readonly passwords: Passwords;
  private readonly clock: Clock;
  private readonly domain: Domain;
  private readonly digestLogin: boolean;

  constructor(deps: {
    store: Store;
    passwords: Passwords;
    clock: Clock;
    domain: Domain;
    digestLogin: boolean;
  }) {
    this.store = deps.store;
    this.passwords = deps.passwords;
    this.clock = deps.clock;
    this.domain = deps.domain;
    this.digestLogin = deps.digestLogin;
  }

  /** The address of a name or full address in our domain. Throws AccountError for anything else. */
  address(name: string): UserAddress {
    const address = parseUser(name, this.domain);
    if (isAddressError(address)) throw new AccountError(`${name}: ${address.reason}`);
    if (!address.endsWith(`@${this.domain}`))
      throw new AccountError(`${name}: not in the domain ${this.domain}`);
    return address;
  }

  /** False when the account exists already. */
  async create(account: NewAccount): Promise<boolean> {
    const address = this.address(account.name);
    if ((await this.store.getUser(address)) !== undefined) return false;
    const credentials = await this.passwords.protect(account.password, this.digestLogin);
    const user = {
      address,
      credentials,
      createdAt: this.clock.now(),
      active: true,
      ...(account.displayName === undefined ? {} : { displayName: account.displayName }),
    };
    return this.store.createUser(user, [this.privateList(address)]);
  }

  /** False when there is no such account. */
  async setPassword(name: string, password: string): Promise<boolean> {
    const credentials = await this.passwords.protect(password, this.digestLogin);
    return this.store.setCredentials(this.address(name), credentials);
  }

  /** Ends a lock of the account and forgets wrong passwords; false when there were none. */
  unlock(name: string): Promise<boolean> {
    return this.store.clearFailedLogins(this.address(name));
  }

  remove(name: string): Promise<boolean> {
    return this.store.deleteUser(this.address(name));
  }

  private privateList(owner: UserAddress): ContactListRecord {
    const list = parseList(owner.replace('@', `/${PRIVATE_LIST}@`), this.domain);
    if (isAddressError(list)) throw new AccountError(`${owner}: ${list.reason}`);
    return { address: list, displayName: 'Contacts', isDefault: true, contacts: [] };
  }
}
