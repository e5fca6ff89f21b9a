// The one text that a phone gets for a message from XMPP, with what the message is about told in words
// (bridging section 4). What a phone has no use for is left out, with a reason for the metrics.

import type { UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { MessageId } from '../../src/wv/ids.ts';
import { BoundedMap } from './bounded-map.ts';
import { guarded } from './bridge.ts';
import type { Bridge } from './bridge.ts';
import { textDigest } from './chat-memory.ts';
import type { ChatMemory, Remembered } from './chat-memory.ts';
import type { Incoming } from './component-link.ts';
import { nameOfSender, nameOfUser, plainName } from './contact-names.ts';
import { fileReferenceOf } from './files/links.ts';
import { bareJid, parseJid, unescapeLocal } from './jid.ts';
import type { BareJid } from './jid.ts';
import { dressed, hasWords, readable, wordsOf } from './message-text.ts';
import type { Reader } from './message-text.ts';
import { NS } from './namespaces.ts';
import { referenceOf } from './references.ts';
import type { Reference } from './references.ts';
import { excerpt } from '../bridging/split-text.ts';
import { childOf, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Corrections of older messages are not worth a new message. */
const EDIT_WINDOW_MS = 10 * 60_000;
/** Characters of a message that are quoted. */
const QUOTE_LENGTH = 60;
/** Calls for attention of one contact are passed on once in this time. */
const ATTENTION_PAUSE_MS = 60_000;

/** A message between two people, or in a room. */
export type Letter = ChatLetter | RoomLetter;

interface ChatLetter {
  readonly incoming: Incoming;
  /** The chat's key: `received` of message-ids.ts. */
  readonly chat: string;
  readonly recipient: UserAddress;
}

/** What somebody says in a room. Calls for attention (XEP-0224) are not told there. */
export interface RoomLetter {
  readonly incoming: Incoming;
  /** The room's key: what was said in it may be quoted. */
  readonly chat: string;
  readonly room: BareJid;
  readonly nick: string;
  /** Only what is remembered under this key was said by the same author, who may correct and withdraw it. */
  readonly author: string;
  /** Whoever shares this key is told once: all of ours in the room, or one of them who catches up. */
  readonly hearers: string;
  /** The id that the room gives the message (XEP-0359); '' = none. */
  readonly roomsId: string;
}

export interface Composition {
  readonly text: string;
  /** The words alone: what a correction is compared with, and a reply quotes. */
  readonly words: string;
  /** To be noted once the text was handed on, so that it is not told again: (conversation, key) of the link table. */
  readonly notes: readonly (readonly [conversation: string, key: string])[];
}

export interface LeftOut {
  readonly leftOut: string;
}

type Told = Composition | LeftOut;
type About<Kind extends Reference['kind']> = Extract<Reference, { kind: Kind }>;

/** False for what has nothing in it that could be told: chat states and the like. */
export function isWorthTelling(message: XmlElement): boolean {
  return (
    hasWords(message) ||
    referenceOf(message) !== undefined ||
    childOf(message, 'attention', NS.attention) !== undefined
  );
}

const isInRoom = (letter: Letter): letter is RoomLetter => 'room' in letter;
const authorOf = (letter: Letter): string => (isInRoom(letter) ? letter.author : letter.chat);
const hearersOf = (letter: Letter): string => (isInRoom(letter) ? letter.hearers : letter.chat);

/** The sender's own words, whatever we add to them: the same when the message comes again. */
export function whatWasSaid(message: XmlElement, body = textOf(childOf(message, 'body'))): string {
  return body === '' ? JSON.stringify(referenceOf(message) ?? fileReferenceOf(message)?.url ?? '') : body;
}

export class Compositions {
  readonly #bridge: Bridge;
  readonly #memory: ChatMemory;
  readonly #calls: BoundedMap<string, number>;

  constructor(bridge: Bridge, memory: ChatMemory) {
    this.#bridge = bridge;
    this.#memory = memory;
    this.#calls = new BoundedMap(bridge.settings.maxRememberedChats);
  }

  async compose(letter: Letter): Promise<Told> {
    const reader = this.#reader(letter);
    const reference = referenceOf(letter.incoming.stanza);
    switch (reference?.kind) {
      case 'retraction':
        return await this.#withdrawn(letter, reference);
      case 'reactions':
        return await this.#reacted(letter, reference, reader);
      case 'correction':
        return await this.#edited(letter, reference, reader);
      case 'reply':
        return await this.#replied(letter, reference, reader);
      default:
        return this.#plain(letter, reader);
    }
  }

  #reader(letter: Letter): Reader {
    // Who hears a room has no one language.
    if (isInRoom(letter)) return { name: plainName(letter.nick), language: undefined };
    return { name: nameOfSender(letter.incoming), language: this.#memory.language(letter.recipient) };
  }

  #plain(letter: Letter, reader: Reader): Told {
    const { stanza } = letter.incoming;
    const { kept: words } = wordsOf(stanza, reader);
    const text = dressed(stanza, words, reader);
    const calls =
      !isInRoom(letter) &&
      childOf(stanza, 'attention', NS.attention) !== undefined &&
      this.#mayCall(letter.chat);
    if (text === '' && !calls) return { leftOut: 'no_text' };
    const lines = [calls ? readable(`${reader.name} wants your attention`) : '', text];
    return { text: lines.filter((line) => line !== '').join('\n'), words, notes: [] };
  }

  #mayCall(chat: string): boolean {
    const now = this.#bridge.relay.clock.now();
    if (now - (this.#calls.get(chat) ?? Number.NEGATIVE_INFINITY) < ATTENTION_PAUSE_MS) return false;
    this.#calls.set(chat, now);
    return true;
  }

  async #withdrawn(letter: Letter, { id }: About<'retraction'>): Promise<Told> {
    const { storage } = this.#bridge.relay;
    if ((await this.#memory.original(storage, authorOf(letter), id)) === undefined)
      return { leftOut: 'unknown_original' };
    return await this.#once(`withdrawn ${hearersOf(letter)}`, id, { text: 'message withdrawn', words: '' });
  }

  /** A correction of what never came here is a message like any other. */
  async #edited(letter: Letter, { id }: About<'correction'>, reader: Reader): Promise<Told> {
    const { storage, clock } = this.#bridge.relay;
    const { kept: words } = wordsOf(letter.incoming.stanza, reader);
    const original = await this.#memory.original(storage, authorOf(letter), id);
    if (original === undefined) return this.#plain(letter, reader);
    if (words.trim() === '' || original.digest === textDigest(words)) return { leftOut: 'same_edit' };
    if (clock.now() - original.at > EDIT_WINDOW_MS) return { leftOut: 'late_edit' };
    return await this.#once(`edited ${hearersOf(letter)}`, id, { text: readable(`edited: ${words}`), words });
  }

  async #reacted(letter: Letter, { id, reactions }: About<'reactions'>, reader: Reader): Promise<Told> {
    const { reactions: inChats, roomReactions } = this.#bridge.settings;
    if (!(isInRoom(letter) ? roomReactions : inChats)) return { leftOut: 'reaction' };
    const { storage } = this.#bridge.relay;
    // In a room everybody has a reaction of his own.
    const conversation = `reacted ${hearersOf(letter)}${isInRoom(letter) ? ` ${letter.author}` : ''}`;
    const keys = reactions.map((reaction) => [reaction, `${reaction} ${id}`] as const);
    const told = await Promise.all(keys.map(([, key]) => storage.messageOf(conversation, key)));
    const fresh = keys.filter((_, index) => told[index] === undefined);
    if (fresh.length === 0) return { leftOut: 'reaction' };
    const about = this.#memory.quotable(letter.chat, id)?.text ?? '';
    const what = about === '' ? 'a message' : `"${excerpt(about, QUOTE_LENGTH)}"`;
    const shown = fresh.map(([reaction]) => reaction).join(' ');
    const text = readable(`${reader.name} reacted ${shown} to ${what}`);
    return { text, words: '', notes: fresh.map(([, key]) => [conversation, key] as const) };
  }

  async #replied(letter: Letter, reference: About<'reply'>, reader: Reader): Promise<Told> {
    const { stanza } = letter.incoming;
    const { kept, cut } = wordsOf(stanza, reader);
    const text = dressed(stanza, kept, reader);
    if (text === '') return { leftOut: 'no_text' };
    const about = this.#memory.quotable(letter.chat, reference.id);
    const quote = excerpt(
      about === undefined || about.text === '' ? unquoted(cut) : about.text,
      QUOTE_LENGTH,
    );
    if (quote === '') return { text, words: kept, notes: [] };
    const author = await this.#author(letter, reference, about, reader);
    return { text: readable(`re ${author}: ${quote} / ${text}`), words: kept, notes: [] };
  }

  async #author(
    letter: Letter,
    { to }: About<'reply'>,
    about: Remembered | undefined,
    reader: Reader,
  ): Promise<string> {
    const named = parseJid(to);
    if (isInRoom(letter)) {
      const nick = named !== undefined && bareJid(named) === letter.room ? named.resource : '';
      return plainName(about?.nick ?? nick) || reader.name;
    }
    const { incoming, recipient } = letter;
    const bare = named === undefined ? undefined : bareJid(named);
    const ours = about?.ours ?? bare === bareJid(incoming.to);
    if (ours) return await nameOfUser(this.#bridge, recipient);
    if (about !== undefined || named === undefined || bare === bareJid(incoming.from)) return reader.name;
    return plainName(unescapeLocal(named.local)) || named.domain;
  }

  async #once(
    conversation: string,
    id: string,
    composition: Pick<Composition, 'text' | 'words'>,
  ): Promise<Told> {
    if ((await this.#bridge.relay.storage.messageOf(conversation, id)) !== undefined)
      return { leftOut: 'told_already' };
    return { ...composition, notes: [[conversation, id]] };
  }

  /** The text was handed on: notes what is told only once, and what later messages may be about. */
  async handedOn(letter: Letter, { words, notes }: Composition, messageId: MessageId): Promise<void> {
    if (words !== '') this.#remember(letter, words);
    const { storage } = this.#bridge.relay;
    const noted = trusted<MessageId>(`told-${messageId}`);
    await Promise.all(notes.map(([conversation, key]) => storage.link(conversation, key, noted)));
  }

  /** The next message of the chat does not wait until it is on disk: it is in memory. */
  #remember(letter: Letter, text: string): void {
    const { relay, queues } = this.#bridge;
    const usable = idsOf(letter).filter((id) => id !== undefined && id !== '' && id.length <= MAX_ID);
    const message = { ids: [...new Set(usable)] as string[], text, at: relay.clock.now() };
    const author = authorOf(letter);
    this.#memory.took(author, message);
    if (isInRoom(letter)) this.#memory.took(letter.chat, { ...message, nick: letter.nick });
    const noted = queues.run(`seen ${author}`, () => this.#memory.note(relay.storage, author, message));
    guarded(this.#bridge, 'message memory', noted);
  }
}

/** The ids by which others may name a message; in a room also the one that the room gave it (XEP-0359). */
function idsOf(letter: Letter): readonly (string | undefined)[] {
  const { stanza } = letter.incoming;
  const given = [stanza.attrs['id'], childOf(stanza, 'origin-id', NS.stanzaId)?.attrs['id']];
  if (!isInRoom(letter)) return given;
  return [...given, letter.roomsId];
}

const MAX_ID = 256;

/** Quoted lines without their marks, and without the line that names their author. */
function unquoted(fallback: string): string {
  return fallback
    .split('\n')
    .map((line) => line.replace(/^(?:> ?)+/, ''))
    .filter((line) => !/^.{1,80}(?: wrote)?:\s*$/.test(line))
    .join(' ')
    .trim();
}
