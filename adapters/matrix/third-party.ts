// Third-party network look-ups (Application Service API, "Third-party networks"): a Matrix client finds the ghost of
// a WV address.

import { isAddressError, parseUser } from '../../src/wv/address.ts';
import type { Domain } from '../../src/wv/ids.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { MatrixAddresses } from './addresses.ts';

interface FoundUser {
  userid: string;
  protocol: string;
  fields: Record<string, unknown>;
}

export class ThirdParty {
  readonly #addresses: MatrixAddresses;
  readonly #homeDomain: Domain;
  readonly #exists: (user: UserAddress) => Promise<boolean>;

  constructor(
    addresses: MatrixAddresses,
    homeDomain: Domain,
    exists: (user: UserAddress) => Promise<boolean>,
  ) {
    this.#addresses = addresses;
    this.#homeDomain = homeDomain;
    this.#exists = exists;
  }

  protocol() {
    return {
      user_fields: ['wvid'],
      location_fields: ['group'],
      icon: '',
      field_types: {
        wvid: { regexp: '(wv:)?[^@/\\s]+(@[a-z0-9.-]+)?', placeholder: 'wv:alice@wv.example' },
        group: { regexp: '(wv:)?[^@\\s]*/[^@\\s]+(@[a-z0-9.-]+)?', placeholder: 'wv:/lobby@wv.example' },
      },
      instances: [{ network_id: 'imps', desc: 'Wireless Village', fields: { domain: this.#homeDomain } }],
    };
  }

  /** The ghost of the user that `wvid` names, when there is such a user. */
  async users(fields: Readonly<Record<string, unknown>>): Promise<FoundUser[]> {
    const wvid = fields['wvid'];
    if (typeof wvid !== 'string') return [];
    const user = parseUser(wvid, this.#homeDomain);
    if (isAddressError(user) || !(await this.#exists(user))) return [];
    return this.#found(user);
  }

  /** The WV user behind a ghost. */
  usersOf(userId: string): FoundUser[] {
    const user = this.#addresses.userOf(userId);
    return user === undefined ? [] : this.#found(user);
  }

  #found(user: UserAddress): FoundUser[] {
    const ghost = this.#addresses.ghostOf(user);
    return ghost === undefined ? [] : [{ userid: ghost, protocol: 'imps', fields: { wvid: user } }];
  }
}
