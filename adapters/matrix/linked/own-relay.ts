// The relay as one linked account uses it: what is kept for the account lies apart, so that two accounts in one room do
// not take each other's events for their own, and all of it can be dropped.

import type { GatewayStorage, RelayPort } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';

/** Addresses hold no blank. */
function prefixOf(user: UserAddress): string {
  return `linked ${user} `;
}

/** The same relay with the account's own storage. It has no inbox: a sync is repeated until it was handled. */
export function ownRelay(relay: RelayPort, user: UserAddress): RelayPort {
  return {
    homeDomain: relay.homeDomain,
    emit: (request) => relay.emit(request),
    userExists: (other) => relay.userExists(other),
    publicGroups: (after, limit) => relay.publicGroups(after, limit),
    findUsers: (query, limit) => relay.findUsers(query, limit),
    displayName: (other) => relay.displayName(other),
    fileLink: (content, validity) => relay.fileLink(content, validity),
    hasJoined: (other, clientId, group) => relay.hasJoined(other, clientId, group),
    becameUsable: () => relay.becameUsable(),
    linkedAccounts: relay.linkedAccounts,
    storage: ownStorage(relay.storage, prefixOf(user)),
    clock: relay.clock,
    ids: relay.ids,
    log: relay.log,
    metrics: relay.metrics,
  };
}

/** Forgets all that was kept by key. What is in the id table goes with its time. */
export async function forgetOwn(storage: GatewayStorage, user: UserAddress): Promise<void> {
  for (const [key] of await storage.list(prefixOf(user))) await storage.delete(key);
}

function ownStorage(storage: GatewayStorage, prefix: string): GatewayStorage {
  return {
    get: (key) => storage.get(prefix + key),
    put: (key, value) => storage.put(prefix + key, value),
    delete: (key) => storage.delete(prefix + key),
    list: async (start) => {
      const rows = await storage.list(prefix + start);
      return rows.map(([key, value]) => [key.slice(prefix.length), value] as const);
    },
    link: (conversation, remoteId, messageId) => storage.link(prefix + conversation, remoteId, messageId),
    messageOf: (conversation, remoteId) => storage.messageOf(prefix + conversation, remoteId),
    remoteOf: async (messageId) => {
      const known = await storage.remoteOf(messageId);
      if (known?.conversation.startsWith(prefix) !== true) return undefined;
      return { ...known, conversation: known.conversation.slice(prefix.length) };
    },
    receive: () => Promise.reject(new TypeError('a linked account has no inbox')),
    unhandled: () => Promise.resolve([]),
    handled: () => Promise.resolve(),
  };
}
