// Composition of the service elements: a configuration and the ports in, the services of one server out.

import { pseudoWatcher } from '../adapters/matrix/config.ts';
import type { Config } from './config.ts';
import type { Clock, IdSource, Log } from './ops/ports.ts';
import { ContactLists } from './services/contact-lists.ts';
import type { ServiceElements } from './services/elements.ts';
import { Homes } from './services/home.ts';
import { Messaging } from './services/messaging.ts';
import type { Outgoing } from './services/outgoing.ts';
import { maskOf } from './services/presence/masks.ts';
import { Publishing } from './services/presence/publishing.ts';
import { Watching } from './services/presence/watching.ts';
import { Profiles } from './services/profiles.ts';
import { Search } from './services/search.ts';
import type { Store } from './store/store.ts';
import { serviceAddress } from './wv/address.ts';
import type { Domain } from './wv/ids.ts';

export interface ServicePorts {
  readonly store: Store;
  readonly outgoing: Outgoing;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
}

export function buildServices(config: Config, domain: Domain, ports: ServicePorts): ServiceElements {
  const { store, outgoing } = ports;
  const service = serviceAddress(domain);
  const homes = new Homes(store, domain, config.cache.homes);
  const messaging = new Messaging({
    ...ports,
    homes,
    service,
    limits: {
      contentBytes: config.messages.maxContent,
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
    collectiveWatchers: new Set(config.matrix === undefined ? [] : [pseudoWatcher(config.matrix)]),
    openAttributes: maskOf(config.presence.openAttributes),
    limits: { watchers: config.presence.maxWatchers, pendingAuthorizations: config.presence.maxPending },
  });
  const watching = new Watching({ homes, outgoing, service });
  const lists = new ContactLists({
    store,
    homes,
    limits: { lists: config.contacts.maxLists, contacts: config.contacts.maxContacts },
  });
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
    limits: {
      findings: config.search.maxFindings,
      page: config.search.page,
      maxPage: config.search.maxPage,
      openPerUser: config.search.openPerUser,
      open: config.search.maxOpen,
      life: config.search.openSeconds * 1000,
    },
  });
  return { homes, lists, publishing, watching, messaging, profiles, search };
}
