// The features that speak through one linked account: those of ghosts, with the account in the ghost's place and its
// direct chats in the place of portals.

import type { RelayPort } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { MatrixAddresses } from '../addresses.ts';
import { HomeserverClient } from '../client.ts';
import { Compositions } from '../compositions.ts';
import type { MatrixSettings } from '../config.ts';
import type { MatrixUserId } from '../ids.ts';
import { IncomingFiles } from '../incoming-files.ts';
import { Invitations } from '../invitations.ts';
import { MediaRepository } from '../media.ts';
import { InboundMessages } from '../messages-in.ts';
import { OutboundMessages } from '../messages-out.ts';
import { OutgoingFiles } from '../outgoing-files.ts';
import { PeerNames } from '../peer-names.ts';
import { Watching } from '../presence-in.ts';
import { SerialQueues } from '../queues.ts';
import { ReadReports } from '../read-reports.ts';
import { AccountCalls } from './account-calls.ts';
import { DirectChats } from './direct-chats.ts';
import type { AccountSession } from './session.ts';
import type { AccountHomeserver } from './settings.ts';

export interface Lane {
  readonly client: HomeserverClient;
  readonly calls: AccountCalls;
  readonly queues: SerialQueues;
  readonly chats: DirectChats;
  readonly inbound: InboundMessages;
  readonly outbound: OutboundMessages;
  readonly reports: ReadReports;
  readonly watching: Watching;
  readonly invitations: Invitations;
}

export interface LaneOptions {
  readonly settings: MatrixSettings;
  /** Chats taken from the account. */
  readonly maxChats: number;
  readonly addresses: MatrixAddresses;
  /** The account's own. */
  readonly relay: RelayPort;
  readonly user: UserAddress;
  readonly self: MatrixUserId;
  readonly homeserver: AccountHomeserver;
  readonly session: AccountSession;
  readonly token: string;
}

/**
 * What was sent here reached a person's account, which he reads elsewhere too: nobody is told that his phone did not
 * get it, least of all under his own name.
 */
const SILENT = { once: () => Promise.resolve() };
/** Who is in the account's direct chats, the person let in himself. */
const KNOWN = { have: () => Promise.resolve(true) };

export function laneOf(options: LaneOptions): Lane {
  const { settings, relay, addresses, user, self, session, homeserver, token, maxChats } = options;
  const { pseudoDomain, receiptsFromDelivery, splitText, reactions } = settings;
  const client = new HomeserverClient({
    send: session.send,
    retry: settings.retry,
    clock: relay.clock,
    log: relay.log,
    metrics: relay.metrics,
    onOutcome: () => undefined,
  });
  const calls = new AccountCalls(self, session.send);
  const ghosts = { ensure: () => Promise.resolve(self) };
  const names = new PeerNames(relay, client, ghosts);
  const chats = new DirectChats({ relay, user, self, client, calls, addresses, names, limit: maxChats });
  const media = new MediaRepository({
    homeserverUrl: homeserver.url,
    asToken: token,
    metrics: relay.metrics,
  });
  const parts = { relay, client, addresses, ghosts, portals: chats };
  const files = new IncomingFiles({ relay, ghosts, media, acquaintances: KNOWN, settings: settings.files });
  const compositions = new Compositions({ relay, client, ghosts, names, reactions });
  const told = { notices: SILENT, names, compositions, files };
  const reports = new ReadReports(relay, pseudoDomain, addresses);
  const queues = new SerialQueues();
  const outgoing = new OutgoingFiles({ relay, media, settings: settings.files });
  const outbound = new OutboundMessages({ ...parts, queues, reports, files: outgoing });
  const watching = new Watching({ ...parts, pseudoDomain, portalOnSubscribe: false });
  return {
    client,
    calls,
    queues,
    chats,
    reports,
    outbound,
    watching,
    inbound: new InboundMessages({ ...parts, ...told, pseudoDomain, receiptsFromDelivery, splitText }),
    invitations: new Invitations({ relay, outbound, watching }),
  };
}
