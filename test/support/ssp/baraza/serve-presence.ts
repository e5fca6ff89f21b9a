// Subscriptions, questions and notifications from the other side.

import { notifyWatcher, visible } from './notify.ts';
import type { Serve, Served } from './serve.ts';
import { findUser, withoutPrefix, type PresenceSeen, type User } from './world.ts';
import { statusElement, type Detail } from './write.ts';
import { getPresenceResponse } from './write-presence.ts';
import { all, at, child, type Xml } from './xml.ts';

export const SERVED_PRESENCE: Readonly<Record<string, Serve>> = {
  SubscribeRequest: serveSubscribe,
  UnsubscribeRequest: serveUnsubscribe,
  GetPresenceRequest: serveGetPresence,
  PresenceNotification: takeNotification,
};

/** Names asked for; undefined: all that he may see. */
function askedFor(primitive: Xml): readonly string[] | undefined {
  const names = at(primitive, 'AttributeList', 'PresenceSubList')?.children.map((one) => one.name) ?? [];
  return names.length === 0 ? undefined : names;
}

function named(served: Served, element: string): { users: User[]; unknown: Detail[] } {
  const users: User[] = [];
  const unknown: Detail[] = [];
  for (const { attributes } of all(served.primitive, element)) {
    const id = attributes['userID'] ?? '';
    const user = findUser(served.peer.state.world, id);
    if (user !== undefined) users.push(user);
    else unknown.push({ code: 531, description: `Unknown UserID: ${id}` });
  }
  return { users, unknown };
}

const complete = (unknown: readonly Detail[]): string =>
  statusElement(unknown.length === 0 ? 200 : 201, 'Complete', unknown);

/** The watched user is not asked: it does that among its own users only. The first notification may be empty. */
function serveSubscribe(served: Served): ReturnType<Serve> {
  const { peer, requestor = '', primitive } = served;
  const { users, unknown } = named(served, 'UserID');
  const watcher = { address: withoutPrefix(requestor), asked: askedFor(primitive) };
  for (const user of users) user.watchers.set(watcher.address.toLowerCase(), watcher);
  return {
    content: complete(unknown),
    afterwards: () => {
      for (const user of users) notifyWatcher(peer, user, watcher);
    },
  };
}

function serveUnsubscribe(served: Served): ReturnType<Serve> {
  const { users, unknown } = named(served, 'UserID');
  const watcher = withoutPrefix(served.requestor ?? '').toLowerCase();
  for (const user of users) user.watchers.delete(watcher);
  return { content: complete(unknown) };
}

/** Reads VerUserID only. Without a Status; who is unknown or does not want to be seen is left out. */
function serveGetPresence(served: Served): ReturnType<Serve> {
  const { primitive, requestor = '' } = served;
  const watcher = { address: withoutPrefix(requestor), asked: askedFor(primitive) };
  const seen = named(served, 'VerUserID')
    .users.map((user) => ({ userId: user.address, attributes: visible(user, watcher) }))
    .filter(({ attributes }) => attributes.length > 0);
  return { content: getPresenceResponse(seen) };
}

function readValue(value: Xml): PresenceSeen {
  // The first list only.
  const elements = child(value, 'PresenceSubList')?.children ?? [];
  const values = elements.map((one) => [one.name, child(one, 'PresenceValue')?.text ?? ''] as const);
  return { userId: value.attributes['userID'], values: Object.fromEntries(values), elements };
}

/** Shown to the client, subscribed or not; never answered. */
function takeNotification({ peer, primitive }: Served): ReturnType<Serve> {
  const values = all(primitive, 'PresenceValue').map(readValue);
  const seen = values.length > 0 ? values : [{ userId: undefined, values: {}, elements: [] }];
  for (const { attributes } of all(primitive, 'User')) {
    findUser(peer.state.world, attributes['userID'] ?? '')?.presenceSeen.push(...seen);
  }
  return {};
}
