// Composition of the gateway's parts for one run, from start to stop.

import type { RelayPort } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { Acquaintances } from './acquaintances.ts';
import { MatrixAddresses } from './addresses.ts';
import { Blocks } from './bot/blocks.ts';
import { Bot } from './bot/bot.ts';
import { Audience } from './audience.ts';
import { openBridge } from './bridge.ts';
import { HomeserverClient } from './client.ts';
import { Compositions } from './compositions.ts';
import type { MatrixSettings } from './config.ts';
import { GhostPictures } from './ghost-pictures.ts';
import { Ghosts } from './ghosts.ts';
import { Groups } from './groups.ts';
import { Inbox, reasonOf } from './inbox.ts';
import { IncomingFiles } from './incoming-files.ts';
import { Intake } from './intake.ts';
import { Invitations } from './invitations.ts';
import type { MatrixUserId } from './ids.ts';
import { HomeserverLink } from './link.ts';
import { Accounts } from './linked/accounts.ts';
import { MediaRepository } from './media.ts';
import { Membership } from './membership.ts';
import { InboundMessages } from './messages-in.ts';
import { OutboundMessages } from './messages-out.ts';
import { Notices } from './notices.ts';
import { OutgoingFiles } from './outgoing-files.ts';
import { PeerNames } from './peer-names.ts';
import { Portals } from './portals.ts';
import { Watching } from './presence-in.ts';
import { Publishing } from './presence-out.ts';
import { SerialQueues } from './queues.ts';
import { ReadReports } from './read-reports.ts';
import { ThirdParty } from './third-party.ts';
import { TransactionFace } from './transactions.ts';
import { Upgrades } from './upgrades.ts';

/** What the gateway uses of a running house. */
export interface House {
  readonly relay: RelayPort;
  readonly link: HomeserverLink;
  readonly outbound: OutboundMessages;
  readonly inbound: InboundMessages;
  readonly watching: Watching;
  readonly publishing: Publishing;
  readonly pictures: GhostPictures;
  readonly invitations: Invitations;
  readonly groups: Groups;
  /** Undefined where none can be linked. */
  readonly accounts: Accounts | undefined;
  readonly blocks: Blocks;
  readonly addresses: MatrixAddresses;
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
  const { pseudoDomain, portalOnSubscribe } = settings;
  const { storage, clock, log, metrics } = relay;
  const addresses = addressesOf(settings, relay);
  const bridge = await openBridge(settings, new ThirdParty(addresses, relay));
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
  const audience = new Audience();
  const publishing = new Publishing({
    relay,
    client,
    addresses,
    ghosts,
    audience,
    watcher,
    ...publishingSettings(settings),
  });
  const show = (pairs: Promise<Pairs>): void => void watchAll(publishing, audience, pairs, relay);
  const onOpened = (...pair: Pairs[number]): void => show(Promise.resolve([pair]));
  const acquaintances = new Acquaintances(storage);
  const portals = new Portals({ storage, client, addresses, ghosts, acquaintances, log, metrics, onOpened });
  const parts = { relay, client, addresses, ghosts, portals };
  const talk = talkOf(settings, parts, { notices, acquaintances });
  const watching = new Watching({ ...parts, pseudoDomain, portalOnSubscribe });
  const outbound = new OutboundMessages({ ...parts, queues, reports, files: talk.outgoing });
  const upgrades = new Upgrades({ relay, client, ghosts, portals });
  const { invitesPerMinute } = settings;
  const membership = new Membership({ ...parts, notices, upgrades, invitesPerMinute });
  const invitations = new Invitations({ relay, outbound, watching });
  const pictures = new GhostPictures({ relay, client, ghosts, media: talk.media, watcher });
  const groups = new Groups({
    ...parts,
    settings,
    self: watcher,
    notices,
    queues,
    files: talk.outgoing,
  });
  const { inbound, names } = talk;
  const { linked } = settings;
  const accounts = linked === undefined ? undefined : new Accounts({ relay, settings, linked, addresses });
  const blocks = new Blocks(relay);
  const bot = new Bot({
    ...parts,
    notices,
    settings: settings.bot,
    blocks,
    linked,
    linkedBy: (account) => accounts?.linkedBy(account) ?? [],
    health: () => link.health,
    startedAt: clock.now(),
  });
  const people = { membership, inbound, names, outbound, reports };
  const handlers = { ...people, bot, groups, watching, publishing, audience };
  const intake: Intake = new Intake({
    ...parts,
    ...handlers,
    notices,
    take: (contents) => inbox.take(contents),
  });
  const inbox = new Inbox({
    storage,
    clock,
    log,
    metrics,
    queues,
    handle: (content, attempt) => intake.handle(content, attempt),
    onGivenUp: (content) => intake.givenUp(content),
  });
  const onUsable = (): void => {
    audience.forget();
    publishing.resynchronize();
    relay.becameUsable();
    groups.online();
    show(portals.pairs());
  };
  const onSettled = (): void => watching.lookAround();
  const link = new HomeserverLink({ relay, client, settings, bot: addresses.bot, onUsable, onSettled });
  const face = new TransactionFace(settings.registration.hsToken, intake, relay);
  return {
    relay,
    link,
    outbound,
    inbound,
    watching,
    publishing,
    pictures,
    invitations,
    groups,
    accounts,
    blocks,
    addresses,
    async open() {
      await blocks.load();
      for (const doubt of settings.registration.doubts) log.warn({}, `matrix: registration: ${doubt}`);
      await watching.load();
      await talk.outgoing.forgetOld();
      await outbound.prune();
      await groups.load();
      // Before anything new is taken: what came first is handled first.
      await inbox.resume();
      await bridge.listen(face);
      publishing.start();
      await link.start();
      accounts?.start();
    },
    async close() {
      link.stop();
      inbox.stop();
      watching.stop();
      pictures.stop();
      groups.stop();
      client.close();
      const finished = [
        publishing.stop(),
        bridge.close(),
        queues.settled(),
        watching.settled(),
        pictures.settled(),
        ...(accounts === undefined ? [] : [accounts.stop()]),
      ];
      const late = new Promise<void>((resolve) => void clock.after(GRACE_MS, resolve));
      await Promise.race([Promise.all(finished), late]);
    },
  };
}

interface TalkParts {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Ghosts;
  readonly portals: Portals;
}

/** What turns events into messages, and files into either. */
function talkOf(
  settings: MatrixSettings,
  parts: TalkParts,
  more: { readonly notices: Notices; readonly acquaintances: Acquaintances },
) {
  const { relay, client, ghosts } = parts;
  const { pseudoDomain, receiptsFromDelivery, splitText, reactions, homeserverUrl, registration } = settings;
  const media = new MediaRepository({
    homeserverUrl,
    asToken: registration.asToken,
    metrics: relay.metrics,
  });
  const names = new PeerNames(relay, client, ghosts);
  const { acquaintances, notices } = more;
  const files = new IncomingFiles({ relay, ghosts, media, acquaintances, settings: settings.files });
  const compositions = new Compositions({ relay, client, ghosts, names, reactions });
  const told = { notices, names, compositions, files };
  const inbound = new InboundMessages({ ...parts, ...told, pseudoDomain, receiptsFromDelivery, splitText });
  return {
    media,
    names,
    inbound,
    outgoing: new OutgoingFiles({ relay, media, settings: settings.files }),
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

type Pairs = readonly (readonly [user: UserAddress, peer: MatrixUserId])[];

/** Never rejects. */
async function watchAll(
  publishing: Publishing,
  audience: Audience,
  pairs: Promise<Pairs>,
  relay: RelayPort,
): Promise<void> {
  try {
    const users = new Set<UserAddress>();
    for (const [user, peer] of await pairs) {
      audience.met(user, peer);
      users.add(user);
    }
    await publishing.watch([...users]);
  } catch (error) {
    relay.log.error({ error: reasonOf(error) }, 'matrix: presence of users could not be asked for');
  }
}
