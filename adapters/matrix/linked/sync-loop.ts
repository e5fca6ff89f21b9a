// Follows a linked account by /sync, exactly once: what a sync told is handled first, then the token is written down with
// which the next goes on. Killed in between, the same sync comes again, and the relay drops the messages it has.

import { NotKnownNow } from '../../../src/sap/port.ts';
import type { RelayPort } from '../../../src/sap/port.ts';
import { HomeserverError } from '../errors.ts';
import type { RoomEvent } from '../events.ts';
import type { MatrixUserId } from '../ids.ts';
import { NotNow, reasonOf } from '../inbox.ts';
import type { Lane } from './lane.ts';
import { eventsIn, filterOf, readSync } from './sync-answer.ts';
import type { RoomNews, SyncAnswer } from './sync-answer.ts';

export interface SyncLoopOptions {
  /** The account's own. */
  readonly relay: RelayPort;
  readonly self: MatrixUserId;
  readonly lane: Lane;
  /** The account answers: told once, and again after it did not. */
  readonly onUsable: () => void;
  /** The account does not answer; it is tried again. */
  readonly onTrouble: () => void;
  /** Chats or people's names may be others now. */
  readonly onChats: () => void;
}

const SINCE = 'since';
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** Tries of one event that the homeserver keeps failing to explain. */
const MAX_FAILURES = 20;
/** What was missed while we were away is fetched in so many pages, of so many events, of each room; the rest is lost. */
const MAX_PAGES = 20;
const PAGE = 100;

export class SyncLoop {
  readonly #options: SyncLoopOptions;
  #since: string | undefined;
  #filter: { readonly key: string; readonly id: string } | undefined;
  #isUsable = false;
  #stopped = false;
  /** End the pauses under way. */
  readonly #wakers = new Set<() => void>();

  constructor(options: SyncLoopOptions) {
    this.#options = options;
  }

  /** Runs until `stop`. Never rejects. */
  async run(): Promise<void> {
    for (let failures = 0; !this.#stopped;) {
      try {
        await this.#turn();
        failures = 0;
      } catch (error) {
        if (this.#stopped) return;
        this.#failed(error);
        failures += 1;
        await this.#pause(pauseAfter(error, failures));
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const wake of this.#wakers) wake();
  }

  async #turn(): Promise<void> {
    const { relay, lane } = this.#options;
    this.#since ??= await relay.storage.get(SINCE);
    if (this.#since === undefined) return await this.#begin();
    const filter = await this.#filterId();
    if (!this.#isUsable) await this.#catchUp();
    const answer = readSync(await lane.calls.sync(filter, this.#since));
    if (answer === undefined) throw new HomeserverError({ status: 502, errcode: 'malformed sync' });
    if (this.#stopped) return;
    await this.#handle(answer, this.#since);
    // Interrupted while events waited for the relay: they come again.
    if (!this.#stopped) await this.#goOnFrom(answer.next);
  }

  /** A first look: where "new" begins. What was said before the account was linked is not told. */
  async #begin(): Promise<void> {
    const { lane } = this.#options;
    const filter = await lane.calls.filter(filterOf([], []));
    const answer = readSync(await lane.calls.sync(filter, undefined));
    if (answer === undefined) throw new HomeserverError({ status: 502, errcode: 'malformed sync' });
    await lane.chats.follow(await lane.calls.directMap());
    await this.#goOnFrom(answer.next);
  }

  async #goOnFrom(token: string): Promise<void> {
    await this.#options.relay.storage.put(SINCE, token);
    this.#since = token;
  }

  /** Before the first sync, which waits for news: m.direct may name rooms that were not followed. */
  async #catchUp(): Promise<void> {
    const { lane, onUsable, onChats } = this.#options;
    await lane.chats.follow(await lane.calls.directMap());
    this.#isUsable = true;
    onUsable();
    onChats();
  }

  async #filterId(): Promise<string> {
    const { lane } = this.#options;
    const filter = filterOf(lane.chats.rooms, lane.chats.peers);
    const key = JSON.stringify(filter);
    if (this.#filter?.key !== key) this.#filter = { key, id: await lane.calls.filter(filter) };
    return this.#filter.id;
  }

  async #handle(answer: SyncAnswer, since: string): Promise<void> {
    const { lane, relay, onChats } = this.#options;
    const { chats, watching } = lane;
    for (const update of answer.presence) {
      watching.pushed(update).catch((error: unknown) => {
        relay.log.error(
          { error: reasonOf(error) },
          'matrix: presence for a linked account was not passed on',
        );
      });
    }
    // A room is one of the account's chats before its messages are looked at.
    if (answer.direct !== undefined) await chats.follow(answer.direct);
    const changed = [
      ...answer.rooms.filter(({ isAnother }) => isAnother).map(({ room }) => room),
      ...answer.left,
    ];
    for (const room of changed) await chats.lookAt(room);
    if (answer.direct !== undefined || changed.length > 0) onChats();
    await Promise.all(answer.rooms.map((news) => this.#room(news, since)));
  }

  /** In the room's queue, so that the echo of a message comes after what its sending wrote down. */
  async #room(news: RoomNews, since: string): Promise<void> {
    const { lane } = this.#options;
    const missed = news.gapBefore === undefined ? [] : await this.#missed(news, news.gapBefore, since);
    await lane.queues.run(news.room, async () => {
      for (const event of [...missed, ...news.events])
        await this.#patiently(event.id, (attempt) => this.#event(event, attempt));
      for (const receipt of news.receipts) {
        if (receipt.user !== this.#options.self)
          await this.#patiently(`receipt ${receipt.event}`, () => lane.reports.read(receipt));
      }
    });
  }

  async #event(event: RoomEvent, attempt: number): Promise<void> {
    const { lane, self, relay } = this.#options;
    // His own words, from here or from another client, are never shown to him as somebody else's.
    if (event.sender === self) await lane.outbound.echo(event);
    else if ((await lane.chats.inRoom(event.room)) === undefined)
      relay.metrics.count('matrix_left_out_total', { reason: 'no_chat' });
    else await lane.inbound.message(event, attempt);
    await lane.reports.passed(event.room, event.id);
  }

  /** Until it is done, or cannot be done: one event must not hold up the account for ever. */
  async #patiently(id: string, work: (attempt: number) => Promise<void>): Promise<void> {
    for (let attempt = 1; !this.#stopped; attempt++) {
      try {
        return await work(attempt);
      } catch (error) {
        if (!isWorthWaiting(error, attempt)) {
          this.#options.relay.metrics.count('matrix_unhandled_total');
          const fields = { event: id, error: reasonOf(error) };
          this.#options.relay.log.error(fields, 'matrix: an event of a linked account could not be handled');
          return;
        }
        await this.#pause(pauseAfter(error, attempt));
      }
    }
  }

  /** Oldest first: what lies between the last sync and what this one told. */
  async #missed({ room }: RoomNews, from: string, since: string): Promise<readonly RoomEvent[]> {
    const { lane, relay } = this.#options;
    if ((await lane.chats.inRoom(room)) === undefined) return [];
    const found: unknown[] = [];
    let before: string | undefined = from;
    for (let page = 0; page < MAX_PAGES && before !== undefined; page++) {
      const { events, end } = await lane.calls.messages(room, before, since, PAGE);
      found.push(...events);
      before = events.length === 0 ? undefined : end;
    }
    if (before !== undefined) {
      relay.metrics.count('matrix_linked_lost_gaps_total');
      relay.log.warn({ room }, 'matrix: a linked account missed more than is fetched');
    }
    return eventsIn(room, found.toReversed()).filter(({ stateKey }) => stateKey === undefined);
  }

  #failed(error: unknown): void {
    const { relay, self, onTrouble } = this.#options;
    if (!(error instanceof HomeserverError))
      relay.log.error({ account: self, error: reasonOf(error) }, 'matrix: a sync could not be handled');
    else if (this.#isUsable)
      relay.log.warn(
        { account: self, status: error.status, errcode: error.errcode },
        'matrix: a linked account is not answered',
      );
    this.#isUsable = false;
    onTrouble();
  }

  #pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#wakers.delete(wake);
        resolve();
      };
      const cancel = this.#options.relay.clock.after(delay, wake);
      this.#wakers.add(wake);
      if (this.#stopped) wake();
    });
  }
}

function pauseAfter(error: unknown, failures: number): number {
  const asked = error instanceof HomeserverError ? (error.retryAfterMs ?? 0) : 0;
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
  return Math.max(asked, pause * (0.75 + Math.random() / 4));
}

function isWorthWaiting(error: unknown, attempt: number): boolean {
  if (error instanceof NotNow || error instanceof NotKnownNow) return true;
  return error instanceof HomeserverError && error.transient && attempt < MAX_FAILURES;
}
