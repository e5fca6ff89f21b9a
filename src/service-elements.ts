// Composition of the service elements: a configuration and the ports in, the services of one server out.

import { pseudoWatcher } from '../adapters/matrix/config.ts';
import type { Config } from './config.ts';
import type { Clock, IdSource, Log, Metrics } from './ops/ports.ts';
import { contentService } from './content-service.ts';
import { ContactLists } from './services/contact-lists.ts';
import type { ServiceElements } from './services/elements.ts';
import { GroupDepartures } from './services/group-departures.ts';
import { GroupGuests } from './services/group-guests.ts';
import { GroupMembership } from './services/group-membership.ts';
import type { GroupLimits } from './services/groups/context.ts';
import { groupFinder } from './services/groups/finder.ts';
import { Groups } from './services/groups/groups.ts';
import { GroupQueries } from './services/group-queries.ts';
import { Homes } from './services/home.ts';
import { Invited } from './services/invitations/invited.ts';
import { Inviting } from './services/invitations/inviting.ts';
import type { InvitationLimits } from './services/invitations/rules.ts';
import { Messaging } from './services/messaging.ts';
import type { Destinations } from './services/outgoing.ts';
import { maskOf } from './services/presence/masks.ts';
import { Publishing } from './services/presence/publishing.ts';
import { Watching } from './services/presence/watching.ts';
import { Profiles } from './services/profiles.ts';
import { Search, type SearchLimits } from './services/search.ts';
import { Verification } from './services/verification.ts';
import type { Store } from './store/store.ts';
import { serviceAddress } from './wv/address.ts';
import type { Domain, UserAddress } from './wv/ids.ts';

export interface ServicePorts {
  readonly store: Store;
  readonly outgoing: Destinations;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function buildServices(config: Config, domain: Domain, ports: ServicePorts): ServiceElements {
  const { store, outgoing } = ports;
  const service = serviceAddress(domain);
  const homes = new Homes(store, domain, config.cache.homes);
  const content = contentService(config, service, ports);
  const messaging = new Messaging({
    ...ports,
    homes,
    service,
    ...(content === undefined ? {} : { attachments: content.attachments }),
    limits: {
      contentBytes: config.messages.maxContent,
      ...(content === undefined ? {} : { attachmentBytes: config.content.maxMessage }),
      recipients: config.messages.maxRecipients,
      queue: config.messages.maxQueue,
      defaultValidity: config.messages.defaultValidity,
      maxValidity: config.messages.maxValidity,
    },
  });
  const publishing = new Publishing({
    ...ports,
    homes,
    service,
    collectiveWatchers: collectiveWatchers(config),
    openAttributes: maskOf(config.presence.openAttributes),
    coalesceMs: config.presence.coalesceMs,
    limits: {
      watchers: config.presence.maxWatchers,
      pendingAuthorizations: config.presence.maxPending,
      history: config.presence.maxHistory,
    },
  });
  const watching = new Watching({ homes, outgoing, service });
  const membership = new GroupMembership({ outgoing, service });
  const lists = new ContactLists({
    store,
    homes,
    limits: { lists: config.contacts.maxLists, contacts: config.contacts.maxContacts },
  });
  const groups = new Groups({
    ...ports,
    homes,
    service,
    ...(content === undefined ? {} : { attachments: content.attachments }),
    limits: groupLimits(config),
  });
  const groupGuests = new GroupGuests({ homes });
  const departures = new GroupDepartures({ ...ports, homes, membership });
  const groupQueries = new GroupQueries({ outgoing, service });
  const verification = new Verification({ homes, groups: groupQueries, outgoing });
  const shared = {
    ...ports,
    homes,
    messaging,
    groups: groupQueries,
    service,
    limits: invitationLimits(config),
  };
  const inviting = new Inviting(shared);
  const invited = new Invited({ ...shared, ownerOf: (screenName) => groups.ownerOf(screenName) });
  const profiles = new Profiles({
    ...ports,
    homes,
    publishing,
    limits: { terminals: config.profiles.maxTerminals },
  });
  const search = new Search({
    ...ports,
    homes,
    openAlias: config.presence.openAttributes.includes('Alias'),
    groups: groupFinder(store),
    limits: searchLimits(config),
  });
  return {
    homes,
    lists,
    membership,
    publishing,
    watching,
    messaging,
    groups,
    groupGuests,
    departures,
    inviting,
    invited,
    verification,
    profiles,
    search,
    ...(content === undefined ? {} : { content }),
  };
}

function searchLimits({ search }: Config): SearchLimits {
  const { maxFindings, page, maxPage, openPerUser, maxOpen, openSeconds } = search;
  return { findings: maxFindings, page, maxPage, openPerUser, open: maxOpen, life: openSeconds * 1000 };
}

function invitationLimits({ invitations }: Config): InvitationLimits {
  const { maxRecipients, maxOpen, defaultValidity, maxValidity } = invitations;
  return { recipients: maxRecipients, open: maxOpen, defaultValidity, maxValidity };
}

export function groupLimits({ groups, cache }: Config): GroupLimits {
  return {
    perUser: groups.perUser,
    perServer: groups.perServer,
    joined: groups.maxJoined,
    members: groups.maxMembers,
    rejected: groups.maxRejected,
    history: groups.history,
    cached: cache.groups,
  };
}

/** Watchers that stand for a whole network: of our own Matrix gateway, and of gateways that run as servers. */
function collectiveWatchers({ matrix, ssp }: Config): ReadonlySet<UserAddress> {
  const collective = ssp?.peers.filter((peer) => peer.collective) ?? [];
  return new Set([
    ...(matrix === undefined ? [] : [pseudoWatcher(matrix)]),
    ...collective.flatMap(({ domain, domains }) =>
      [domain, ...domains].map((pseudoDomain) => pseudoWatcher({ pseudoDomain })),
    ),
  ]);
}
