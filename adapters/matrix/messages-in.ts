// Messages from Matrix to WV (bridging.md 4, 5, 12). A message that the relay does not take, or that cannot be delivered
// later, comes back to its sender as a notice in the room.

import type { RelayPort } from '../../src/sap/port.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import type { Domain, MessageId, UserAddress } from '../../src/wv/ids.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import type { DeliveryStatusReport, SendMessageRequest } from '../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import { splitText } from '../bridging/split-text.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient } from './client.ts';
import type { Composition, Compositions, Letter } from './compositions.ts';
import { HomeserverError, isNotNow, notDelivered, resultOf } from './errors.ts';
import type { RoomEvent } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import { messageIdOf, partIdOf, readMessageId } from './ids.ts';
import type { EventId, Part, RoomId } from './ids.ts';
import { NotNow, reasonOf } from './inbox.ts';
import type { FetchedFile, IncomingFiles } from './incoming-files.ts';
import type { Notices } from './notices.ts';
import type { PeerNames } from './peer-names.ts';
import type { Portal, Portals } from './portals.ts';

/** How long a message from Matrix is worth delivering, in ms. */
const LIFETIME_MS = 7 * 24 * 60 * 60_000;
/** Tries to hand a message to a relay that says "not now", before its sender is told. */
const RELAY_TRIES = 6;

export interface InboundOptions {
  readonly relay: RelayPort;
  readonly pseudoDomain: Domain;
  readonly receiptsFromDelivery: boolean;
  /** Longest text in one message, in UTF-16 units; 0 = any. */
  readonly splitText: number;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Pick<Ghosts, 'ensure'>;
  readonly portals: Pick<Portals, 'inRoom'>;
  readonly notices: Pick<Notices, 'once'>;
  readonly names: PeerNames;
  readonly compositions: Compositions;
  readonly files: IncomingFiles;
}

/** One message of ours that an event becomes. */
interface Piece {
  readonly id: MessageId;
  readonly content: MessageContent;
}

export class InboundMessages {
  readonly #options: InboundOptions;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** Messages, stickers, polls, reactions, redactions. */
  async message(event: RoomEvent, attempt: number): Promise<void> {
    const portal = await this.#options.portals.inRoom(event.room);
    if (portal === undefined || event.sender !== portal.peer) {
      this.#count('ignored');
      this.#options.relay.log.debug(
        { room: event.room, event: event.id },
        'matrix: a message outside of any portal',
      );
      return;
    }
    const letter: Letter = { event, portal };
    const composition = await this.#options.compositions.compose(letter);
    if ('leftOut' in composition) {
      const { leftOut: reason } = composition;
      this.#options.relay.metrics.count('matrix_left_out_total', { reason });
      return;
    }
    const outcome = await this.#handOn(letter, await this.#pieces(letter, composition, attempt));
    if (isNotNow(outcome) && attempt < RELAY_TRIES) throw new NotNow();
    this.#count(String(outcome.code));
    if (!isSuccess(outcome)) await this.#tell(portal, event.id, composition.kind, outcome);
  }

  /** What became of a message that a Matrix user sent. */
  async report(report: DeliveryStatusReport): Promise<Result> {
    const { relay, portals } = this.#options;
    const known = await relay.storage.remoteOf(report.messageId);
    const about = readMessageId(report.messageId);
    if (known === undefined || about === undefined) return result(404, 'no such message');
    const portal = await portals.inRoom(known.conversation as RoomId);
    if (portal === undefined) return result(404, 'no such conversation');
    const event = eventIn(known.remoteId);
    try {
      if (!isSuccess(report.outcome)) await this.#tell(portal, event, about.kind, report.outcome);
      else if (report.outcome.code === 200 && isWhole(about.part)) await this.#read(portal, event);
      return OK;
    } catch (error) {
      if (error instanceof HomeserverError) return resultOf(error);
      throw error;
    }
  }

  async #read(portal: Portal, event: EventId): Promise<void> {
    const { receiptsFromDelivery, ghosts, client, relay } = this.#options;
    if (!receiptsFromDelivery) return;
    await client.readReceipt(await ghosts.ensure(portal.user), portal.room, event);
    relay.metrics.count('matrix_receipts_total', { to: 'matrix' });
  }

  /**
   * Tells the sender, once per message, by the ghost he wrote to, in answer to that message. Programs are not answered
   * (bridging.md 11).
   */
  async #tell(portal: Portal, event: EventId, kind: string, outcome: Result): Promise<void> {
    const { ghosts, notices } = this.#options;
    if (kind === 'notice') return;
    const ghost = await ghosts.ensure(portal.user);
    await notices.once(ghost, portal.room, `failed ${event}`, notDelivered(outcome), event);
  }

  /** One after another: their order is that of the text, and after a failure the rest has no sense. */
  async #handOn(letter: Letter, pieces: readonly Piece[]): Promise<Result> {
    const { event } = letter;
    for (const [index, { id }] of pieces.entries()) {
      await this.#options.relay.storage.link(event.room, remoteIdOf(event.id, index), id);
    }
    for (const piece of pieces) {
      const outcome = await this.#emit(this.#request(letter, piece));
      if (!isSuccess(outcome)) return outcome;
    }
    return OK;
  }

  /** An exception of the relay is its bug, and still the sender's business. */
  async #emit(request: SendMessageRequest): Promise<Result> {
    const { relay } = this.#options;
    try {
      const answer = await relay.emit(request);
      return 'result' in answer ? answer.result : OK;
    } catch (error) {
      relay.log.error({ message: request.message.id, error: reasonOf(error) }, 'matrix: the relay failed');
      return result(500);
    }
  }

  #request({ event, portal }: Letter, { id, content }: Piece): SendMessageRequest {
    const { pseudoDomain, addresses, relay, names } = this.#options;
    const sender = addresses.addressOf(event.sender) as UserAddress;
    const now = relay.clock.now();
    const name = names.known(event.sender);
    return {
      primitive: 'SendMessageRequest',
      meta: {
        service: serviceAddress(pseudoDomain),
        user: sender,
        ...(name === '' ? {} : { friendlyName: name }),
      },
      deliveryReport: true,
      message: {
        id,
        sender: { kind: 'user', user: sender },
        recipients: [{ kind: 'user', user: portal.user }],
        // The sending homeserver's clock may be wrong, and nothing was sent in the future.
        sentAt: event.sentAt > 0 ? Math.min(event.sentAt, now) : now,
        expiresAt: now + LIFETIME_MS,
        content,
      },
    };
  }

  /** A file is a message, and what is said beside it follows it. */
  async #pieces({ event, portal }: Letter, told: Composition, attempt: number): Promise<readonly Piece[]> {
    const whole = messageIdOf(event.room, event.id, told.kind);
    const fetched =
      told.file === undefined ? undefined : await this.#options.files.fetch(portal, told.file, attempt);
    if (fetched === undefined || 'link' in fetched)
      return this.#textPieces(whole, 'text', wholeText(told, fetched));
    const beside = [told.about, told.words].filter((words) => words !== '').join(' / ');
    const file = { id: whole, content: fetched.content };
    return beside === '' ? [file] : [file, ...this.#textPieces(whole, 'caption', beside)];
  }

  #textPieces(whole: MessageId, of: Part['of'], words: string): readonly Piece[] {
    const parts = splitText(words, this.#options.splitText);
    return parts.map((data, index) => ({
      id: partIdOf(whole, { of, index: index + 1, count: parts.length }),
      content: { contentType: 'text/plain', encoding: 'none', data },
    }));
  }

  #count(code: string): void {
    this.#options.relay.metrics.count('matrix_messages_total', { to: 'wv', code });
  }
}

/** All in words: a file by its name, with our link to it where there is one. */
function wholeText({ about, words, file }: Composition, fetched: FetchedFile | undefined): string {
  const link = fetched !== undefined && 'link' in fetched ? fetched.link : '';
  const said = [file?.description ?? '', link, words].filter((word) => word !== '').join(' ');
  return about === '' ? said : `${about} / ${said}`;
}

/** The remote id of each piece is its own; that of the first is the event's. */
function remoteIdOf(event: EventId, index: number): string {
  return index === 0 ? event : `${event} ${index}`;
}

/** Event ids have no blanks. */
function eventIn(remoteId: string): EventId {
  return remoteId.split(' ', 1)[0] as EventId;
}

/** Delivered in order: the last part of a text stands for all; a caption for nothing but itself. */
function isWhole(part: Part | undefined): boolean {
  return part === undefined || (part.of === 'text' && part.index === part.count);
}
