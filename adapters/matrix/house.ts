// Composition of the gateway's parts for one run, from start to stop.

import type { RelayPort } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { MatrixAddresses } from './addresses.ts';
import { openBridge } from './bridge.ts';
import { HomeserverClient } from './client.ts';
import type { MatrixSettings } from './config.ts';
import { Ghosts } from './ghosts.ts';
import { Groups } from './groups.ts';
import { Inbox, reasonOf } from './inbox.ts';
import { Intake } from './intake.ts';
import { HomeserverLink } from './link.ts';
import { Membership } from './membership.ts';
import { InboundMessages } from './messages-in.ts';
import { OutboundMessages } from './messages-out.ts';
import { Notices } from './notices.ts';
import { Portals } from './portals.ts';
import { Watching } from './presence-in.ts';
import { Publishing } from './presence-out.ts';
import { SerialQueues } from './queues.ts';
import { ReadReports } from './read-reports.ts';
import { ThirdParty } from './third-party.ts';
import { TransactionFace } from './transactions.ts';

/** What the gateway uses of a running house. */
export interface House {
  readonly relay: RelayPort;
  readonly link: HomeserverLink;
  readonly outbound: OutboundMessages;
  readonly inbound: InboundMessages;
  readonly watching: Watching;
  readonly publishing: Publishing;
  readonly groups: Groups;
  /** Takes up what waits, listens, connects. Rejects when the port cannot be had. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** Time for finishing what is under way at the end, in ms. */
const GRACE_MS = 3000;

/** Builds the house; nothing runs yet. */
export async function buildHouse(
  settings: MatrixSettings,
  watcher: UserAddress,
  relay: RelayPort,
): Promise<House> {
  const { pseudoDomain, portalOnSubscribe, receiptsFromDelivery } = settings;
  const { storage, clock, log, metrics } = relay;
  const addresses = addressesOf(settings, relay);
  const bridge = await openBridge(
    settings,
    new ThirdParty(addresses, relay.homeDomain, (user) => relay.userExists(user)),
  );
  const onOutcome = (reachable: boolean): void => link.observed(reachable);
  const client = new HomeserverClient({
    send: bridge.send,
    retry: settings.retry,
    clock,
    log,
    metrics,
    onOutcome,
  });
  const queues = new SerialQueues();
  const ghosts = new Ghosts(relay, client, addresses);
  const notices = new Notices(storage, client);
  const reports = new ReadReports(relay, pseudoDomain, addresses);
  const publishing = new Publishing({
    relay,
    client,
    addresses,
    ghosts,
    watcher,
    ...publishingSettings(settings),
  });
  const show = (users: Promise<Iterable<UserAddress>>): void => void watchAll(publishing, users, relay);
  const onOpened = (user: UserAddress): void => show(Promise.resolve([user]));
  const portals = new Portals({ storage, client, addresses, ghosts, log, metrics, onOpened });
  const parts = { relay, client, addresses, ghosts, portals };
  const watching = new Watching({ ...parts, pseudoDomain, portalOnSubscribe });
  const inbound = new InboundMessages({ ...parts, notices, pseudoDomain, receiptsFromDelivery });
  const outbound = new OutboundMessages({ ...parts, queues, reports });
  const membership = new Membership({ ...parts, notices });
  const groups = new Groups({ ...parts, settings, self: watcher, notices, queues });
  const handlers = { membership, inbound, outbound, reports, watching, groups };
  const intake: Intake = new Intake({ ...parts, ...handlers, take: (contents) => inbox.take(contents) });
  const inbox = new Inbox({
    storage,
    clock,
    log,
    metrics,
    queues,
    handle: (content, attempt) => intake.handle(content, attempt),
  });
  const onUsable = (): void => {
    relay.becameUsable();
    groups.online();
    show(portals.users());
  };
  const onSettled = (): void => watching.lookAround();
  const link = new HomeserverLink({ relay, client, settings, bot: addresses.bot, onUsable, onSettled });
  const face = new TransactionFace(settings.registration.hsToken, intake, log, metrics);
  return {
    relay,
    link,
    outbound,
    inbound,
    watching,
    publishing,
    groups,
    async open() {
      await watching.load();
      await groups.load();
      // Before anything new is taken: what came first is handled first.
      await inbox.resume();
      await bridge.listen(face);
      publishing.start();
      await link.start();
    },
    async close() {
      link.stop();
      inbox.stop();
      watching.stop();
      groups.stop();
      client.close();
      const finished = [publishing.stop(), bridge.close(), queues.settled(), watching.settled()];
      const late = new Promise<void>((resolve) => void clock.after(GRACE_MS, resolve));
      await Promise.race([Promise.all(finished), late]);
    },
  };
}

function addressesOf(settings: MatrixSettings, relay: RelayPort): MatrixAddresses {
  return new MatrixAddresses({
    homeDomain: relay.homeDomain,
    pseudoDomain: settings.pseudoDomain,
    serverName: settings.serverName,
    prefix: settings.prefix,
    botLocalpart: settings.registration.senderLocalpart,
    refused: settings.bridgePatterns,
  });
}

function publishingSettings(settings: MatrixSettings) {
  return {
    pseudoDomain: settings.pseudoDomain,
    enabled: settings.publishPresence,
    perSecond: settings.presencePerSecond,
    refreshMs: settings.presenceRefreshMs,
  };
}

/** Never rejects. */
async function watchAll(
  publishing: Publishing,
  users: Promise<Iterable<UserAddress>>,
  relay: RelayPort,
): Promise<void> {
  try {
    await publishing.watch([...(await users)]);
  } catch (error) {
    relay.log.error({ error: reasonOf(error) }, 'matrix: presence of users could not be asked for');
  }
}
