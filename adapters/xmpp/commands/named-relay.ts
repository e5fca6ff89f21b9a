// The relay, told with each request the name under which the user of XMPP registered (MetaInfo.friendlyName).

import type { RelayPort } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';

/** `nameOf` gives '' for who has none. A name that a request has already stays. */
export function named(relay: RelayPort, nameOf: (user: UserAddress) => string): RelayPort {
  const port: RelayPort = {
    homeDomain: relay.homeDomain,
    emit: (request) => {
      const { user, friendlyName } = request.meta;
      const name = user === undefined || friendlyName !== undefined ? '' : nameOf(user);
      return relay.emit(
        name === '' ? request : { ...request, meta: { ...request.meta, friendlyName: name } },
      );
    },
    userExists: (user) => relay.userExists(user),
    publicGroups: (after, limit) => relay.publicGroups(after, limit),
    findUsers: (query, limit) => relay.findUsers(query, limit),
    displayName: (user) => relay.displayName(user),
    fileLink: (content, validity) => relay.fileLink(content, validity),
    hasJoined: (user, clientId, group) => relay.hasJoined(user, clientId, group),
    becameUsable: () => relay.becameUsable(),
    linkedAccounts: relay.linkedAccounts,
    storage: relay.storage,
    clock: relay.clock,
    ids: relay.ids,
    log: relay.log,
    metrics: relay.metrics,
  };
  return port;
}
