// What a phone gets for an event from Matrix, with what the event is about told in words (bridging.md 4). What a phone
// has no use for is left out, with a reason for the metrics.

import type { RelayPort } from '../../src/sap/port.ts';
import { excerpt } from '../bridging/split-text.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './errors.ts';
import { roomEvent, text } from './events.ts';
import type { RoomEvent } from './events.ts';
import { cleanName } from './ghosts.ts';
import type { Ghosts } from './ghosts.ts';
import { markOf, readMessageId } from './ids.ts';
import type { EventId, EventKind } from './ids.ts';
import type { PeerNames } from './peer-names.ts';
import type { Portal } from './portals.ts';
import { relationOf } from './relations.ts';
import type { Relation } from './relations.ts';
import { fileOf, quotedIn, readable, textOf, wordsOf } from './text.ts';
import type { FileReference } from './text.ts';

/** Edits of older messages are not worth a new message, in ms. */
const EDIT_WINDOW_MS = 10 * 60_000;
/** Characters of a message that are quoted, and of a reaction. */
const QUOTE_LENGTH = 60;
const REACTION_LENGTH = 24;

export interface Letter {
  readonly event: RoomEvent;
  readonly portal: Portal;
}

export interface Composition {
  readonly kind: EventKind;
  /** What stands before everything else: whom and what it answers; '' = nothing. */
  readonly about: string;
  /** '' = a file of which nothing is said. */
  readonly words: string;
  readonly file?: FileReference;
}

export interface LeftOut {
  readonly leftOut:
    'no_text' | 'not_theirs' | 'same_edit' | 'late_edit' | 'told_already' | 'reaction' | 'unknown_original';
}

export type Told = Composition | LeftOut;
type About<Kind extends Relation['kind']> = Extract<Relation, { kind: Kind }>;

export interface CompositionOptions {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly ghosts: Pick<Ghosts, 'ensure'>;
  readonly names: PeerNames;
  /** Reactions are told. */
  readonly reactions: boolean;
}

export class Compositions {
  readonly #options: CompositionOptions;

  constructor(options: CompositionOptions) {
    this.#options = options;
  }

  async compose(letter: Letter): Promise<Told> {
    const relation = relationOf(letter.event);
    switch (relation?.kind) {
      case 'edit':
        return await this.#edited(letter, relation);
      case 'reply':
        return await this.#replied(letter, relation);
      case 'reaction':
        return await this.#reacted(letter, relation);
      case 'redaction':
        return await this.#withdrawn(letter, relation);
      default:
        return await this.#plain(letter, letter.event.content);
    }
  }

  async #plain({ event, portal }: Letter, content: RoomEvent['content']): Promise<Told> {
    const file = fileOf(event.type, content);
    const words = wordsOf(event.type, content, await this.#senderOf({ event, portal }));
    if (words === '' && file === undefined) return { leftOut: 'no_text' };
    const kind = text(content, 'msgtype') === 'm.notice' ? 'notice' : 'message';
    return { kind, about: '', words, ...(file === undefined ? {} : { file }) };
  }

  /** The first edit of a message, when that is young and says something else now. */
  async #edited(letter: Letter, { of, content }: About<'edit'>): Promise<Told> {
    const { event, portal } = letter;
    const original = await this.#original(portal, of);
    // It never came here: a message like any other.
    if (original === undefined) return await this.#plain(letter, content);
    if (original.sender !== event.sender) return { leftOut: 'not_theirs' };
    const sender = await this.#senderOf(letter);
    const words = textOf(event.type, content, sender);
    if (words === '' || words === textOf(original.type, original.content, sender))
      return { leftOut: 'same_edit' };
    if (event.sentAt - original.sentAt > EDIT_WINDOW_MS) return { leftOut: 'late_edit' };
    return await this.#once(event, `edit ${of}`, `edited: ${words}`);
  }

  async #replied(letter: Letter, { of }: About<'reply'>): Promise<Told> {
    const told = await this.#plain(letter, letter.event.content);
    if ('leftOut' in told) return told;
    const { portal, event } = letter;
    const original = await this.#original(portal, of);
    const author = await this.#authorOf(letter, original);
    const said =
      original === undefined ? quotedIn(event.content) : textOf(original.type, original.content, author);
    const quote = excerpt(said, QUOTE_LENGTH);
    return quote === '' ? told : { ...told, about: readable(`re ${author}: ${quote}`) };
  }

  async #reacted(letter: Letter, { of, reaction }: About<'reaction'>): Promise<Told> {
    if (!this.#options.reactions) return { leftOut: 'reaction' };
    const original = await this.#original(letter.portal, of);
    if (original === undefined) return { leftOut: 'unknown_original' };
    const about = textOf(original.type, original.content, await this.#authorOf(letter, original));
    const what = about === '' ? 'a message' : `"${excerpt(about, QUOTE_LENGTH)}"`;
    const shown = excerpt(reaction, REACTION_LENGTH);
    const sender = await this.#senderOf(letter);
    return await this.#once(
      letter.event,
      `reaction ${of} ${reaction}`,
      `${sender} reacted ${shown} to ${what}`,
    );
  }

  /** Only of messages that were handed on: the phone knows no others, and reactions are no messages. */
  async #withdrawn({ event }: Letter, { of }: About<'redaction'>): Promise<Told> {
    const id = await this.#options.relay.storage.messageOf(event.room, of);
    const known = id === undefined ? undefined : readMessageId(id);
    if (known === undefined || known.kind === 'remark') return { leftOut: 'unknown_original' };
    return await this.#once(event, `redaction ${of}`, 'message withdrawn');
  }

  /** The event that is noted stays the one that is told when it is handled again. */
  async #once(event: RoomEvent, key: string, words: string): Promise<Told> {
    const { storage } = this.#options.relay;
    const mark = markOf(event.room, key);
    const noted = `told ${event.id}`;
    const known = await storage.remoteOf(mark);
    if (known === undefined) await storage.link(event.room, noted, mark);
    else if (known.remoteId !== noted) return { leftOut: 'told_already' };
    return { kind: 'remark', about: '', words: readable(words) };
  }

  async #senderOf({ event, portal }: Letter): Promise<string> {
    return await this.#options.names.nameOf(event.sender, portal.user);
  }

  /** Who wrote what is answered: one of the two. */
  async #authorOf(letter: Letter, original: RoomEvent | undefined): Promise<string> {
    const { portal } = letter;
    if (original === undefined || original.sender === portal.peer) return await this.#senderOf(letter);
    return cleanName((await this.#options.relay.displayName(portal.user)) ?? '') || 'you';
  }

  async #original(portal: Portal, id: EventId): Promise<RoomEvent | undefined> {
    const { ghosts, client, relay } = this.#options;
    const ghost = await ghosts.ensure(portal.user);
    try {
      return roomEvent({ room_id: portal.room, ...(await client.event(ghost, portal.room, id)) });
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.transient) throw error;
      relay.log.info(
        { event: id, errcode: error.errcode },
        'matrix: an event that another is about was not found',
      );
      return undefined;
    }
  }
}
