// Homes with services over an in-memory store, and clients that note what they are told: for tests of services
// without any access door.

import { serveLocally } from '../../src/sap/local-homes.ts';
import { Outbox } from '../../src/sap/outbox.ts';
import { Relay } from '../../src/sap/relay.ts';
import type { Client, Interest } from '../../src/services/client.ts';
import { ContactLists } from '../../src/services/contact-lists.ts';
import type { ServiceElements } from '../../src/services/elements.ts';
import { GroupDepartures } from '../../src/services/group-departures.ts';
import { GroupGuests } from '../../src/services/group-guests.ts';
import { Groups } from '../../src/services/groups/groups.ts';
import { GroupQueries } from '../../src/services/group-queries.ts';
import { GroupMembership } from '../../src/services/group-membership.ts';
import { Homes, type Home } from '../../src/services/home.ts';
import { Invited } from '../../src/services/invitations/invited.ts';
import { Inviting } from '../../src/services/invitations/inviting.ts';
import { Messaging } from '../../src/services/messaging.ts';
import { maskOf } from '../../src/services/presence/masks.ts';
import { Publishing } from '../../src/services/presence/publishing.ts';
import { Watching } from '../../src/services/presence/watching.ts';
import { Profiles } from '../../src/services/profiles.ts';
import { Search } from '../../src/services/search.ts';
import { Verification } from '../../src/services/verification.ts';
import type { NewQueueEntry, QueueItem } from '../../src/store/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { parseDomain, serviceAddress, userAddress } from '../../src/wv/address.ts';
import {
  trusted,
  type ClientId,
  type GroupAddress,
  type MessageId,
  type UserAddress,
} from '../../src/wv/ids.ts';
import type { AttributeFilter, PresenceAttributes } from '../../src/wv/presence.ts';
import type { GroupChangeNotice, LeaveGroupIndication, RequestPrimitive } from '../../src/wv/primitives.ts';
import { FakeGateway } from './fake-gateway.ts';
import { ManualClock } from './manual-clock.ts';
import { NO_METRICS, SILENT } from './silence.ts';

export const HOME = parseDomain('wv.test')!;
export const FAR = parseDomain('far.test')!;

export class NotingClient implements Client {
  readonly clientId = trusted<ClientId>('test');
  readonly reactive = true;
  readonly since = 0;
  ownPresence: PresenceAttributes = {};
  readonly interests = new Map<UserAddress, Interest>();
  readonly presence = new Map<UserAddress, PresenceAttributes>();
  readonly entries: NewQueueEntry[] = [];
  readonly gone: string[] = [];
  readonly news: (GroupChangeNotice | LeaveGroupIndication)[] = [];
  /** Ids of entries that count as seen by the client. */
  readonly seen = new Set<MessageId>();
  readonly asked: { watcher: UserAddress; attributes: AttributeFilter | undefined }[] = [];

  interestIn(publisher: UserAddress): Interest | undefined {
    return this.interests.get(publisher);
  }
  presenceChanged(publisher: UserAddress, attributes: PresenceAttributes): void {
    this.presence.set(publisher, { ...this.presence.get(publisher), ...attributes });
  }
  queued(entry: NewQueueEntry): void {
    this.entries.push(entry);
  }
  dequeued(messageId: MessageId, kind: QueueItem['kind']): boolean {
    this.gone.push(`${kind} ${messageId}`);
    return this.seen.has(messageId);
  }
  authorizationAsked(watcher: UserAddress, attributes: AttributeFilter | undefined): void {
    this.asked.push({ watcher, attributes });
  }
  readonly joined = new Set<GroupAddress>();
  hasJoined(group: GroupAddress): boolean {
    return this.joined.has(group);
  }
  groupNews(news: GroupChangeNotice | LeaveGroupIndication): void {
    this.news.push(news);
  }

  disconnect(): void {}
}

export async function homeScene(names: readonly string[] = ['ann', 'bea', 'cy']) {
  const clock = new ManualClock();
  const store = await openSqliteStore({ file: ':memory:', clock });
  const service = serviceAddress(HOME);
  /** Who is behind `group name`, as a group service would tell. */
  const screenNames = new Map<string, UserAddress>();
  let serial = 0;
  const ids = { random: () => `id-${++serial}` };
  const homes = new Homes(store, HOME, 100);
  const gateway = new FakeGateway('far.test', [
    'SendMessageRequest',
    'DeliveryStatusReport',
    'SubscribeRequest',
    'UnsubscribeRequest',
    'PresenceNotification',
    'PresenceAuthResponse',
    'GetPresenceRequest',
    'GroupChangeNotice',
    'LeaveGroupIndication',
    'InviteRequest',
    'InviteResponse',
    'CancelInviteRequest',
    'GetGroupPropsRequest',
    'GetJoinedUsersRequest',
    'AddGroupMemberRequest',
  ]);
  const outbox = new Outbox({ store, clock, log: SILENT, metrics: NO_METRICS, service });
  const local = (request: RequestPrimitive) => serveLocally(services(), request);
  const relay = new Relay({ homeDomain: HOME, outbox, clock, log: SILENT, metrics: NO_METRICS, local });
  relay.addGateway(gateway);
  const limits = { contentBytes: 1000, recipients: 5, queue: 3, defaultValidity: 3600, maxValidity: 86_400 };
  const messaging = new Messaging({
    store,
    homes,
    outgoing: relay,
    clock,
    ids,
    log: SILENT,
    service,
    limits,
  });
  const groupQueries = new GroupQueries({ outgoing: relay, service });
  const shared = {
    store,
    homes,
    messaging,
    groups: groupQueries,
    outgoing: relay,
    clock,
    ids,
    log: SILENT,
    service,
  };
  const inviteLimits = { recipients: 5, open: 6, defaultValidity: 3600, maxValidity: 86_400 };
  const inviting = new Inviting({ ...shared, limits: inviteLimits });
  const invited = new Invited({
    ...shared,
    limits: inviteLimits,
    ownerOf: async ({ name, group }) => screenNames.get(`${group} ${name}`),
  });
  const verification = new Verification({ homes, groups: groupQueries, outgoing: relay });
  const publishing = new Publishing({
    store,
    homes,
    outgoing: relay,
    clock,
    log: SILENT,
    service,
    collectiveWatchers: new Set([userAddress('gateway', FAR)]),
    openAttributes: maskOf([]),
    coalesceMs: 2_000,
    limits: { watchers: 100, pendingAuthorizations: 2, history: 2 },
  });
  const watching = new Watching({ homes, outgoing: relay, service });
  const membership = new GroupMembership({ outgoing: relay, service });
  const profiles = new Profiles({ store, homes, publishing, clock, limits: { terminals: 3 } });
  const search = new Search({
    store,
    homes,
    clock,
    openAlias: true,
    limits: { findings: 8, page: 5, maxPage: 6, openPerUser: 2, open: 3, life: 60_000 },
  });
  const lists = new ContactLists({ store, homes, limits: { lists: 3, contacts: 4 } });
  const groups = new Groups({
    store,
    homes,
    outgoing: relay,
    clock,
    log: SILENT,
    service,
    limits: { perUser: 2, perServer: 4, joined: 4, members: 4, rejected: 2, history: 3, cached: 3 },
  });
  const groupGuests = new GroupGuests({ homes });
  const departures = new GroupDepartures({ store, homes, membership, clock, log: SILENT });
  function services(): ServiceElements {
    return {
      homes,
      lists,
      membership,
      messaging,
      publishing,
      watching,
      inviting,
      invited,
      verification,
      groups,
      groupGuests,
      departures,
      profiles,
      search,
    };
  }
  for (const name of names) {
    const address = userAddress(name, HOME);
    await store.createUser({ address, credentials: {}, createdAt: 0, active: true }, []);
  }
  const at = async (name: string): Promise<Home> => {
    const home = await homes.get(userAddress(name, HOME));
    if (home === undefined) throw new Error(`no user ${name}`);
    return home;
  };
  const online = async (name: string): Promise<NotingClient> => {
    const client = new NotingClient();
    (await at(name)).clients.add(client);
    return client;
  };
  return {
    clock,
    store,
    homes,
    gateway,
    relay,
    messaging,
    inviting,
    invited,
    verification,
    screenNames,
    publishing,
    watching,
    lists,
    groups,
    profiles,
    search,
    at,
    online,
  };
}
