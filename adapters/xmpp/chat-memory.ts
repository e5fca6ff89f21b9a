// What is remembered of chats between an XMPP user and one of ours, in memory and within limits: texts that may be
// quoted, threads, languages. That a message was there, and when, is also on disk (kept 30 days like every link).

import { createHash } from 'node:crypto';
import { trusted } from '../../src/wv/ids.ts';
import type { MessageId, UserAddress } from '../../src/wv/ids.ts';
import type { PresenceNotification } from '../../src/wv/primitives.ts';
import type { GatewayStorage } from '../../src/sap/port.ts';
import { BoundedMap } from './bounded-map.ts';
import type { XmppSettings } from './config.ts';

/** UTF-16 units kept of a message. */
const QUOTABLE_LENGTH = 240;
const MAX_THREAD = 256;

/** A message of before. */
export interface Remembered {
  /** When it was handed on, milliseconds since the epoch. */
  readonly at: number;
  /** Equal for equal texts. */
  readonly digest: string;
  /** Its beginning; '' = no longer known. */
  readonly text: string;
  /** A user of ours wrote it. */
  readonly ours: boolean;
  /** The nick of its author, in a room. */
  readonly nick?: string;
}

/** A message of the contact, under all the ids that he may name it by later. */
export interface Taken {
  readonly ids: readonly string[];
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The nick of its author, in a room. */
  readonly nick?: string;
}

/** Equal for equal texts. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** A chat is named by its `received` key (message-ids.ts), whichever way a message goes; a room, and each author in it, by its own. */
export class ChatMemory {
  readonly #texts: BoundedMap<string, Remembered>;
  readonly #threads: BoundedMap<string, string>;
  readonly #languages: BoundedMap<UserAddress, string>;

  constructor(limits: Pick<XmppSettings, 'maxQuotableMessages' | 'maxRememberedChats'>) {
    this.#texts = new BoundedMap(limits.maxQuotableMessages);
    this.#threads = new BoundedMap(limits.maxRememberedChats);
    this.#languages = new BoundedMap(limits.maxRememberedChats);
  }

  /** A message of ours went out under this stanza id. */
  sent(chat: string, id: string, text: string, at: number): void {
    this.#keep(chat, id, { at, digest: textDigest(text), text, ours: true });
  }

  /** A message of the contact was handed on. */
  took(chat: string, { ids, text, at, nick }: Taken): void {
    const message = { at, digest: textDigest(text), text, ours: false };
    for (const id of ids) this.#keep(chat, id, nick === undefined ? message : { ...message, nick });
  }

  /** Puts on disk that it was, without its words. */
  async note(storage: GatewayStorage, chat: string, { ids, text, at }: Taken): Promise<void> {
    const noted = trusted<MessageId>(`${at.toString(36)}.${textDigest(text)}`);
    await Promise.all(ids.map((id) => storage.link(`seen ${chat}`, id, noted)));
  }

  /** What was said under an id, by either side. */
  quotable(chat: string, id: string): Remembered | undefined {
    return this.#texts.get(`${chat} ${id}`);
  }

  /** A message of the contact that was handed on. */
  async original(storage: GatewayStorage, chat: string, id: string): Promise<Remembered | undefined> {
    const known = this.quotable(chat, id);
    if (known !== undefined) return known.ours ? undefined : known;
    const noted = await storage.messageOf(`seen ${chat}`, id);
    if (noted === undefined) return undefined;
    const dot = noted.indexOf('.');
    const at = Number.parseInt(noted.slice(0, dot), 36);
    return { at, digest: noted.slice(dot + 1), text: '', ours: false };
  }

  /** The thread of the contact's latest message (RFC 6121 section 5.2.5); '' = none, or the chat was left. */
  threaded(chat: string, thread: string): void {
    if (thread === '' || thread.length > MAX_THREAD) this.#threads.delete(chat);
    else this.#threads.set(chat, thread);
  }

  thread(chat: string): string | undefined {
    return this.#threads.get(chat);
  }

  /** Takes the language of a user of ours from what he shows his watchers. */
  noticed({ publisher, attributes }: Pick<PresenceNotification, 'publisher' | 'attributes'>): void {
    const language = attributes.PreferredLanguage;
    if (language === undefined) return;
    const value = language.valid ? (language.value ?? '') : '';
    if (value === '' || value.length > 35) this.#languages.delete(publisher);
    else this.#languages.set(publisher, value);
  }

  language(user: UserAddress): string | undefined {
    return this.#languages.get(user);
  }

  #keep(chat: string, id: string, message: Remembered): void {
    this.#texts.set(`${chat} ${id}`, { ...message, text: message.text.slice(0, QUOTABLE_LENGTH) });
  }
}
