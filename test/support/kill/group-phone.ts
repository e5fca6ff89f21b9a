// A scripted phone that asks again until it is answered, through every restart of the server, and confirms what it is
// told.

import { child, childText, type Element } from '../../../src/wv/element.ts';
import { elements } from '../csp-variants.ts';
import { android } from '../phone-messages.ts';
import { codeOf } from '../phone-scene.ts';
import { HABITS, Phone, type Habits, type Heard, type Wrapping } from '../phone.ts';
import type { GroupBooks } from './group-books.ts';
import type { Random } from './random.ts';

const PAUSE_MS = 25;
/** One answer in so many is lost on the way, as phones know it. */
const LOST = 12;
const STATUS = elements('Status', elements('Result', elements('Code', '200')));

export interface Answered {
  readonly heard: Heard;
  readonly code: number;
  /** The server was killed meanwhile, or an answer got lost: it may have served the request before. */
  readonly interrupted: boolean;
}

/** A transaction of the server. */
interface Told {
  readonly id: string;
  readonly content: Element | undefined;
  /** How often the server had been killed when the client asked for it. */
  readonly since: number;
}

/** What the phones of a run know of the server. */
export interface Surroundings {
  readonly books: GroupBooks;
  readonly port: number;
  /** How often the server was killed. */
  readonly kills: () => number;
  /** Chooses the answers that get lost on the way. */
  readonly random: Random;
  /** Aborted when the run takes too long. */
  readonly over: AbortSignal;
}

/** A client that wants the forms of the specification and has no quirks. */
const HABITS_HERE: Habits = {
  ...HABITS.androidWbxml,
  headers: [],
  clientId: '<ClientID><URL>kill-test</URL></ClientID>',
};

export class GroupPhone {
  readonly name: string;
  readonly user: string;
  readonly #phone: Phone;
  readonly #surroundings: Surroundings;
  #lastId = 0;
  /** What the last answer brought and was not looked at yet. */
  #told: Told | undefined;
  /** Texts of messages that may be forwarded rather than confirmed; told once each. */
  onDirect: ((messageId: string, text: string) => Promise<boolean>) | undefined;
  onInvitation: ((id: string) => void) | undefined;

  constructor(name: string, user: string, surroundings: Surroundings) {
    this.name = name;
    this.user = user;
    this.#surroundings = surroundings;
    this.#phone = new Phone(surroundings.port, HABITS_HERE);
  }

  async login(password: string): Promise<void> {
    await this.#phone.say(android.login(this.user, password, HABITS_HERE.clientId));
    if (this.#phone.sessionId === '') throw new Error(`${this.user} cannot log in`);
  }

  close(): void {
    this.#phone.close();
  }

  nextId(): string {
    return `${this.name}${(this.#lastId += 1)}`;
  }

  /** The same octets again and again until there is an answer. Rejects when the run is over. */
  async ask(primitive: string, wrapping: Wrapping = { id: this.nextId() }): Promise<Answered> {
    const { kills, over } = this.#surroundings;
    const before = kills();
    const isLost = this.#losesAnswer(wrapping);
    for (let tries = 1; ; tries += 1) {
      over.throwIfAborted();
      try {
        const heard = await this.#phone.say(primitive, wrapping);
        const interrupted = tries > 1 || kills() !== before;
        if (!isLost || tries > 1) return { heard, code: outcomeOf(heard), interrupted };
      } catch (error) {
        // The connection broke, or nobody listens: that is what the run is about.
        if (!(error instanceof Error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Only where nothing else is in the answer: the server repeats its own transactions a minute later. */
  #losesAnswer({ id, mode }: Wrapping): boolean {
    return id !== '' && mode !== 'Response' && this.#surroundings.random.below(LOST) === 0;
  }

  /** An answer that is none of `codes` is a violation; after an interruption `after` are good as well. */
  async expect(
    primitive: string,
    what: string,
    after: readonly number[] = [],
    codes: readonly number[] = [200],
  ): Promise<Answered> {
    const answered = await this.ask(primitive);
    const good = answered.interrupted ? [...codes, ...after] : codes;
    if (!good.includes(answered.code)) {
      this.#surroundings.books.violation(`${this.name}: ${what} was answered ${answered.code}`);
    }
    return answered;
  }

  /** Takes what waits, at most so many transactions; what came after them is kept for the next time. */
  async fetch(most: number): Promise<void> {
    for (let count = 0; count < most; count += 1) {
      const told = this.#told ?? (await this.#hear('<Polling-Request/>', { id: '' }));
      this.#told = undefined;
      if (told === undefined) return;
      await this.#take(told);
    }
  }

  /** What the answer brings beside itself. Beside a Status there may be no room: then a poll brings it. */
  async #hear(primitive: string, wrapping: Wrapping): Promise<Told | undefined> {
    const since = this.#surroundings.kills();
    const { heard } = await this.ask(primitive, wrapping);
    const told = heard.transactions.find(({ mode }) => mode === 'Request');
    return told === undefined ? undefined : { ...told, since };
  }

  async #take({ id, content, since }: Told): Promise<void> {
    const { books, kills } = this.#surroundings;
    const { answer, key } = await this.#understand(content);
    this.#told = await this.#hear(answer, { mode: 'Response', id });
    if (key !== undefined) books.confirmed(this.name, key, since === kills());
  }

  /** What to answer, and under which key it must not come again. */
  async #understand(content: Element | undefined): Promise<{ answer: string; key?: string }> {
    const { books } = this.#surroundings;
    const inviteId = childText(content, 'InviteID') ?? '';
    switch (content?.name) {
      case 'NewMessage':
        return this.#message(content);
      case 'InviteUser-Request':
        books.shownNotice(this.name, inviteId);
        this.onInvitation?.(inviteId);
        return { answer: STATUS, key: inviteId };
      case 'Invite-Response':
        books.shownAnswer(this.name, inviteId, childText(content, 'Acceptance') === 'T');
        return { answer: STATUS, key: `answer ${inviteId}` };
      default:
        return { answer: STATUS };
    }
  }

  async #message(content: Element): Promise<{ answer: string; key: string }> {
    const id = childText(child(content, 'MessageInfo'), 'MessageID') ?? '';
    const text = childText(content, 'ContentData') ?? '';
    this.#surroundings.books.shown(this.name, text, id);
    const delivered = elements('MessageDelivered', elements('MessageID', id));
    const isForwarded = (await this.onDirect?.(id, text)) === true;
    // It is gone from the queue: the server learns no more than that it was seen.
    return { answer: isForwarded ? STATUS : delivered, key: id };
  }
}

/** Responses with what was asked for, such as JoinGroup-Response, say 200 by being there. */
function outcomeOf(heard: Heard): number {
  return codeOf(heard) || (heard.content?.name.endsWith('-Response') === true ? 200 : 0);
}
