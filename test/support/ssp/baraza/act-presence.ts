// What its users do about presence: theirs, and that of the other side's users.

import { notifyWatchers } from './notify.ts';
import { send } from './sender.ts';
import type { Peer, Sent } from './state.ts';
import { withoutPrefix, type User } from './world.ts';
import type { Csp } from './write.ts';
import { getPresenceRequest, subscribeRequest, unsubscribeRequest } from './write-presence.ts';

export interface PresenceActs {
  /** Watches users of the other side; without names, the list is the literal `(null)`. */
  subscribe(watcher: string, userIds: readonly string[], attributes?: readonly string[]): Sent;
  unsubscribe(watcher: string, userIds: readonly string[]): Sent;
  /** Without names, the list is the literal `(null)`. */
  getPresence(watcher: string, userIds: readonly string[], attributes?: readonly string[]): Sent;
  /** OnlineStatus and CommCap as the server sets them. */
  logIn(user: string): void;
  /** Only OnlineStatus remains, and is F. */
  logOut(user: string): void;
  /** Sets attributes with a plain value; watchers get all that they may see. */
  publish(user: string, values: Readonly<Record<string, string>>): void;
  /** Lets a watcher (address, or `*`) see attributes, from the next change on. */
  authorise(user: string, watcher: string, attributes: readonly string[] | 'all'): void;
}

const T: Csp = { name: 'Qualifier', value: 'T' };

const plain = (name: string, value: string): Csp => ({
  name,
  value: [T, { name: 'PresenceValue', value }],
});

function onlineAttributes({ address, clientId }: User): Csp[] {
  const client: Csp = { name: 'ClientID', value: [{ name: 'URL', value: clientId }] };
  const capability: Csp = {
    name: 'CommC',
    value: [
      { name: 'Cap', value: 'IM' },
      { name: 'Status', value: 'OPEN' },
      { name: 'Contact', value: address },
      { name: 'Note', value: 'IM online' },
    ],
  };
  return [
    { name: 'OnlineStatus', value: [T, { name: 'PresenceValue', value: 'T' }, client] },
    { name: 'CommCap', value: [T, capability, client] },
  ];
}

function set(peer: Peer, user: User, attributes: readonly Csp[]): void {
  for (const attribute of attributes) user.presence.set(attribute.name, attribute);
  notifyWatchers(peer, user);
}

/** All that is done with presence. */
export function presenceActs(peer: Peer): PresenceActs {
  const ask = (primitive: string, content: string): Sent =>
    send(peer, { queue: 'presence', primitive, content });
  const actor = (name: string) => peer.actor(peer.userOf(name));
  return {
    subscribe: (watcher, userIds, names) =>
      ask('SubscribeRequest', subscribeRequest(actor(watcher), userIds, names)),
    unsubscribe: (watcher, userIds) => ask('UnsubscribeRequest', unsubscribeRequest(actor(watcher), userIds)),
    getPresence: (watcher, userIds, names) =>
      ask('GetPresenceRequest', getPresenceRequest(actor(watcher), userIds, names)),
    logIn: (name) => set(peer, peer.userOf(name), onlineAttributes(peer.userOf(name))),
    logOut: (name) => {
      const user = peer.userOf(name);
      user.presence.clear();
      set(peer, user, [plain('OnlineStatus', 'F')]);
    },
    publish: (name, values) => {
      const attributes = Object.entries(values).map(([attribute, value]) => plain(attribute, value));
      set(peer, peer.userOf(name), attributes);
    },
    authorise: (name, watcher, attributes) => {
      const grant = attributes === 'all' ? 'all' : new Set(attributes);
      peer.userOf(name).grants.set(withoutPrefix(watcher).toLowerCase(), grant);
    },
  };
}
