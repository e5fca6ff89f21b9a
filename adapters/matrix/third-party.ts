// Third-party network look-ups (Application Service API, "Third-party networks"): a Matrix client finds the ghost of
// a WV address, and users by their names as far as they let themselves be found.

import { isAddressError, parseUser } from '../../src/wv/address.ts';
import type { RelayPort } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { MatrixAddresses } from './addresses.ts';

interface FoundUser {
  userid: string;
  protocol: string;
  fields: Record<string, unknown>;
}

/** Characters of a search, and users found by it. */
const MAX_QUERY = 100;
const MAX_FOUND = 20;

export class ThirdParty {
  readonly #addresses: MatrixAddresses;
  readonly #relay: Pick<RelayPort, 'homeDomain' | 'userExists' | 'findUsers'>;

  constructor(addresses: MatrixAddresses, relay: Pick<RelayPort, 'homeDomain' | 'userExists' | 'findUsers'>) {
    this.#addresses = addresses;
    this.#relay = relay;
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
      instances: [
        { network_id: 'imps', desc: 'Wireless Village', fields: { domain: this.#relay.homeDomain } },
      ],
    };
  }

  /** The ghost of the user whose address `wvid` is; else those of whom it is a part of the name. */
  async users(fields: Readonly<Record<string, unknown>>): Promise<FoundUser[]> {
    const wvid = fields['wvid'];
    if (typeof wvid !== 'string') return [];
    const named = parseUser(wvid, this.#relay.homeDomain);
    if (!isAddressError(named) && (await this.#relay.userExists(named))) return this.#found(named);
    const query = wvid.trim().slice(0, MAX_QUERY);
    const found = await this.#relay.findUsers(query, MAX_FOUND);
    return found.flatMap(({ user }) => this.#found(user));
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
