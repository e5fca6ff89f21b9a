// Composition of the service elements: a configuration and the ports in, the services of one server out.

import { pseudoWatcher } from '../adapters/matrix/config.ts';
import type { Config } from './config.ts';
import type { Clock, IdSource, Log, Metrics } from './ops/ports.ts';
import { contentService } from './content-service.ts';
import { ContactLists } from './services/contact-lists.ts';
import type { ServiceElements } from './services/elements.ts';
import { Homes } from './services/home.ts';
import { Messaging } from './services/messaging.ts';
import type { Outgoing } from './services/outgoing.ts';
import { maskOf } from './services/presence/masks.ts';
import { Publishing } from './services/presence/publishing.ts';
import { Watching } from './services/presence/watching.ts';
import type { Store } from './store/store.ts';
import { serviceAddress } from './wv/address.ts';
import type { Domain } from './wv/ids.ts';

export interface ServicePorts {
  readonly store: Store;
  readonly outgoing: Outgoing;
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
  return { homes, lists, publishing, watching, messaging, ...(content === undefined ? {} : { content }) };
}
