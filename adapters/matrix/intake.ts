// From a pushed transaction to the parts of the gateway: what is kept, what is an echo, who handles what.

import type { RelayPort } from '../../src/sap/port.ts';
import { result } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { Bot } from './bot/bot.ts';
import type { Audience } from './audience.ts';
import { notDelivered } from './errors.ts';
import { isRecord, presenceUpdate, readReceipts, roomEvent } from './events.ts';
import type { InboxContent, RoomEvent } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import type { Groups } from './groups.ts';
import { reasonOf } from './inbox.ts';
import type { Membership } from './membership.ts';
import type { InboundMessages } from './messages-in.ts';
import type { OutboundMessages } from './messages-out.ts';
import type { PeerNames } from './peer-names.ts';
import type { Notices } from './notices.ts';
import type { Portals } from './portals.ts';
import type { Watching } from './presence-in.ts';
import type { Publishing } from './presence-out.ts';
import type { ReadReports } from './read-reports.ts';
import type { PushedTransaction, TransactionTaker } from './transactions.ts';

export interface IntakeOptions {
  readonly relay: RelayPort;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Ghosts;
  readonly portals: Portals;
  readonly notices: Notices;
  readonly membership: Membership;
  readonly inbound: InboundMessages;
  readonly names: PeerNames;
  readonly outbound: OutboundMessages;
  readonly reports: ReadReports;
  readonly watching: Watching;
  readonly bot: Pick<Bot, 'took'>;
  readonly publishing: Publishing;
  readonly audience: Audience;
  readonly groups: Groups;
  /** Commits to the inbox; false when it is full. */
  readonly take: (contents: readonly InboxContent[]) => Promise<boolean>;
}

/**
 * Age at which an event shows that the homeserver kept its transactions for a while, in ms.
 * COMPAT(Synapse): it drops presence as long as it keeps transactions.
 */
const LATE_MS = 1500;

/** Events that somebody wrote for somebody. */
const MESSAGES = new Set(['m.room.message', 'm.sticker']);

type Handler = (intake: IntakeOptions, event: RoomEvent, attempt: number) => Promise<void>;

const HANDLERS: Readonly<Record<string, Handler>> = {
  'm.room.create': ({ portals }, event) => portals.adopt(event),
  'm.room.member': async ({ membership, names, watching }, event) => {
    names.renamed(event);
    const portal = await membership.member(event);
    if (portal?.state === 'joined') watching.joined(portal.user, portal.peer);
  },
  'm.room.message': ({ inbound }, event, attempt) => inbound.message(event, attempt),
  'm.sticker': ({ inbound }, event, attempt) => inbound.message(event, attempt),
  'm.reaction': ({ inbound }, event, attempt) => inbound.message(event, attempt),
  'm.room.redaction': ({ inbound }, event, attempt) => inbound.message(event, attempt),
  'm.poll.start': ({ inbound }, event, attempt) => inbound.message(event, attempt),
  'm.poll.end': ({ inbound }, event, attempt) => inbound.message(event, attempt),
  'org.matrix.msc3381.poll.start': ({ inbound }, event, attempt) => inbound.message(event, attempt),
  'org.matrix.msc3381.poll.end': ({ inbound }, event, attempt) => inbound.message(event, attempt),
  'm.room.encryption': ({ membership }, event) => membership.encryption(event),
  'm.room.encrypted': ({ membership }, event) => membership.encrypted(event),
  'm.room.tombstone': ({ membership }, event) => membership.tombstone(event),
};

export class Intake implements TransactionTaker {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  async take({ events, ephemeral }: PushedTransaction): Promise<boolean> {
    const { addresses, outbound, take } = this.#options;
    const known = events.map(roomEvent).filter((event) => event !== undefined);
    const echoes = known.filter((event) => addresses.isOurs(event.sender));
    // In the order of the transaction: of our own events only those that tell something new.
    const kept = known.filter(
      (event) =>
        !addresses.isOurs(event.sender) ||
        event.type === 'm.room.create' ||
        this.#options.groups.hears(event),
    );
    const receipts = ephemeral.flatMap(readReceipts).filter((receipt) => !addresses.isOurs(receipt.user));
    if (!(await take([...kept, ...receipts]))) return false;
    await Promise.all(echoes.map((event) => outbound.echo(event)));
    this.#presence(ephemeral);
    if (events.some(isLate)) this.#options.watching.lookAround();
    return true;
  }

  async userExists(ghostId: string): Promise<boolean> {
    const { addresses, relay, ghosts } = this.#options;
    if (ghostId === addresses.bot) return true;
    const user = addresses.userOf(ghostId);
    if (user === undefined || !(await relay.userExists(user))) return false;
    await ghosts.ensure(user);
    return true;
  }

  async roomExists(alias: string): Promise<boolean> {
    return await this.#options.groups.aliasExists(alias);
  }

  /** Handles one event of the inbox, in its room's queue. */
  async handle(content: InboxContent, attempt: number): Promise<void> {
    const { reports } = this.#options;
    if (!('id' in content)) {
      await reports.read(content);
      return;
    }
    const { groups, bot } = this.#options;
    if (!(await groups.handle(content, attempt))) {
      // Rooms of groups hold the bot, too: what is said there is not said to it.
      if (await bot.took(content)) return;
      await HANDLERS[content.type]?.(this.#options, content, attempt);
    }
    await reports.passed(content.room, content.id);
  }

  /** Tells the sender of a message that it could not be handled: an exception is our bug, and still his business. */
  async givenUp(content: InboxContent): Promise<void> {
    const { portals, ghosts, notices } = this.#options;
    if (!('id' in content) || !MESSAGES.has(content.type)) return;
    const portal = await portals.inRoom(content.room);
    if (portal === undefined || content.sender !== portal.peer) return;
    const ghost = await ghosts.ensure(portal.user);
    await notices.once(ghost, content.room, `failed ${content.id}`, notDelivered(result(500)));
  }

  /** Presence is state: what is lost here comes again with the next change. */
  #presence(ephemeral: readonly unknown[]): void {
    const { addresses, watching, publishing, audience, relay } = this.#options;
    for (const update of ephemeral.map(presenceUpdate)) {
      if (update === undefined || addresses.isOurs(update.user)) continue;
      publishing.refresh(audience.saw(update));
      watching.pushed(update).catch((error: unknown) => {
        relay.log.error({ error: reasonOf(error) }, 'matrix: presence was not passed on');
      });
    }
  }
}

function isLate(event: unknown): boolean {
  const unsigned = isRecord(event) ? event['unsigned'] : undefined;
  const age = isRecord(unsigned) ? unsigned['age'] : undefined;
  return typeof age === 'number' && age > LATE_MS;
}
