// What waits for one client: server-originated transactions in order, handed out with answers and polls, repeated
// with patience until the client confirms them (csp-transactions section 0, rules 2 and 7).

import type { GroupAddress, UserAddress, MessageId } from '../../wv/ids.ts';
import type { AttributeFilter, PresenceAttributes } from '../../wv/presence.ts';
import type { Result } from '../../wv/status.ts';
import type { NewQueueEntry, QueueItem } from '../../store/store.ts';
import { WaitingNews, type GroupNews } from './group-news.ts';
import { changeKey, type Change } from './notifications.ts';

/** Something to tell the client, before it is put into words of a version. */
export type Outbound =
  | {
      readonly kind: 'entry';
      readonly entry: NewQueueEntry;
      /** Went out as MessageNotification: the client knows of it and fetches it when it likes. */
      readonly announced?: true;
    }
  | { readonly kind: 'presence'; readonly values: ReadonlyMap<UserAddress, PresenceAttributes> }
  | { readonly kind: 'ask'; readonly watcher: UserAddress; readonly attributes: AttributeFilter | undefined }
  | { readonly kind: 'news'; readonly news: GroupNews }
  | { readonly kind: 'change'; readonly key: string; readonly change: Change }
  | { readonly kind: 'disconnect'; readonly reason: Result };

interface Handed {
  readonly outbound: Outbound;
  /** When it goes back to what waits; Infinity = not in this session. */
  readonly dueAt: number;
}

/**
 * A client that confirms nothing must neither block others nor be sent the same again and again (client-quirks
 * section 5): the second try comes after a minute, the last after a quarter of an hour; then the next log-in.
 */
const RETRY_AFTER_MS = [60_000, 120_000, 300_000, 900_000] as const;
/** Presence is state and questions return at the next log-in: a client that never confirms gets them twice. */
const STATE_ATTEMPTS = 2;
/** Unconfirmed transactions remembered per client; the oldest is forgotten first. */
const MAX_HANDED = 256;
/** Kinds of changes that wait for one client; the oldest is forgotten first, for the client can read its lists. */
const MAX_CHANGES = 128;
/** Entries in memory per client; the rest waits in the store. */
export const ENTRY_WINDOW = 64;

function entryKey(messageId: MessageId, kind: QueueItem['kind']): string {
  return `${kind} ${messageId}`;
}

/** Reports and notices pass; messages of one sender keep their order. */
function senderKey({ messageId, item }: NewQueueEntry): string {
  if (item.kind !== 'message') return entryKey(messageId, item.kind);
  const { sender } = item.message;
  return sender.kind === 'user' ? sender.user : `${sender.group} ${sender.screenName ?? ''}`;
}

/** Presence counts as one thing: a client that confirmed none of the last notifications is not sent more of the same. */
function triesKey(outbound: Outbound): string {
  if (outbound.kind === 'entry') return entryKey(outbound.entry.messageId, outbound.entry.item.kind);
  if (outbound.kind === 'change') return `change ${outbound.key}`;
  if (outbound.kind === 'news') return `${outbound.news.primitive} ${outbound.news.group}`;
  return outbound.kind === 'ask' ? `ask ${outbound.watcher}` : outbound.kind;
}

export interface EntryTests {
  /** Whether an entry of the user's queue is for this client too. Default: all are. */
  readonly concerns?: (entry: NewQueueEntry) => boolean;
  /** False for an entry that has to wait; whoever makes it ready tells the client's session. Default: none has. */
  readonly isPrepared?: (entry: NewQueueEntry) => boolean;
}

const always = (): boolean => true;

export class OutboundQueue {
  private readonly entries = new Map<string, NewQueueEntry>();
  private readonly asks = new Map<UserAddress, AttributeFilter | undefined>();
  private presence = new Map<UserAddress, PresenceAttributes>();
  private readonly news = new WaitingNews();
  private readonly changes = new Map<string, Change>();
  private closing: Result | undefined;
  /** By the TransactionID under which it went out last. */
  private readonly handed = new Map<string, Handed>();
  /** Transaction of an entry that is handed out or confirmed: so that it is not taken twice. */
  private readonly handedEntries = new Map<string, string>();
  /** Entries the client knows of and has not fetched; not announced again in this session. */
  private readonly announced = new Set<string>();
  /** How often something was handed out without confirmation. */
  private readonly tries = new Map<string, number>();
  /** True while the store may hold entries that are not here: everything newer waits behind them, in order. */
  private behind = true;
  /** Entries that arrived while the store was being read. */
  private missed = false;
  /** Entries that stand in the store and are for other clients of the user. */
  private readonly skipped = new Set<string>();
  private readonly concerns: (entry: NewQueueEntry) => boolean;
  private readonly isPrepared: (entry: NewQueueEntry) => boolean;

  constructor({ concerns = always, isPrepared = always }: EntryTests = {}) {
    this.concerns = concerns;
    this.isPrepared = isPrepared;
  }

  addEntry(entry: NewQueueEntry): void {
    if (this.behind || this.entries.size >= ENTRY_WINDOW) {
      this.behind = true;
      this.missed = true;
      return;
    }
    this.take(entry);
  }

  /** Before the store is read: what arrives meanwhile is read with it or next time. */
  beginRefill(): void {
    this.behind = true;
    this.missed = false;
  }

  /** What the store holds, in order. `complete` = nothing beyond. */
  refill(entries: readonly NewQueueEntry[], complete: boolean): void {
    for (const entry of entries) this.take(entry);
    this.behind = !complete || this.missed;
  }

  private take(entry: NewQueueEntry): void {
    const key = entryKey(entry.messageId, entry.item.kind);
    if (this.entries.has(key) || this.handedEntries.has(key) || this.announced.has(key)) return;
    if (this.concerns(entry)) this.entries.set(key, entry);
    else this.skipped.add(key);
  }

  /** Entries that were not for this client may be now. True when there are such. */
  reconsider(): boolean {
    if (this.skipped.size === 0) return false;
    this.skipped.clear();
    this.behind = true;
    this.missed = true;
    return true;
  }

  /** True = it was handed out, so the client may have seen it. */
  removeEntry(messageId: MessageId, kind: QueueItem['kind']): boolean {
    const key = entryKey(messageId, kind);
    this.entries.delete(key);
    const announced = this.announced.delete(key);
    const tried = this.tries.delete(key);
    this.skipped.delete(key);
    const transaction = this.handedEntries.get(key);
    if (transaction === undefined) return announced || tried;
    this.handedEntries.delete(key);
    this.handed.delete(transaction);
    return true;
  }

  addPresence(publisher: UserAddress, attributes: PresenceAttributes): void {
    this.presence.set(publisher, { ...this.presence.get(publisher), ...attributes });
  }

  addAsk(watcher: UserAddress, attributes: AttributeFilter | undefined): void {
    this.asks.set(watcher, attributes);
  }

  /** The user decided about a watcher: no need to ask any more, nor to repeat a question that is out. */
  removeAsk(watcher: UserAddress): void {
    this.asks.delete(watcher);
    for (const [id, { outbound }] of this.handed) {
      if (outbound.kind === 'ask' && outbound.watcher === watcher) this.confirmed(id);
    }
  }

  addNews(news: GroupNews): void {
    this.news.add(news);
  }

  /** Takes out what waits or is out of one group's news: the client is about to see for itself how things stand. */
  takeNews(group: GroupAddress): readonly GroupNews[] {
    for (const [id, { outbound }] of this.handed) {
      if (outbound.kind === 'news' && outbound.news.group === group) this.notSent([id]);
    }
    return this.news.take(group);
  }

  addChange(change: Change): void {
    this.changes.set(changeKey(change), change);
    const [oldest] = this.changes.keys();
    if (this.changes.size > MAX_CHANGES && oldest !== undefined) this.changes.delete(oldest);
  }

  close(reason: Result): void {
    this.closing = reason;
  }

  /** True when a poll would bring something now. */
  isReady(now: number): boolean {
    this.revive(now);
    return this.hasReady;
  }

  /** The same, not counting what comes back because its time is over. */
  get hasReady(): boolean {
    return this.isTelling || this.readyEntry() !== undefined;
  }

  /** True while something waits, or is out and would come back if the client does not confirm it. */
  get isOpen(): boolean {
    return this.isWaiting || this.handed.values().some(({ dueAt }) => dueAt !== Infinity);
  }

  private get isWaiting(): boolean {
    return this.isTelling || this.entries.size > 0;
  }

  /** Something other than an entry of the window waits. Behind a full window the store is no news. */
  private get isTelling(): boolean {
    return (
      this.closing !== undefined ||
      this.asks.size > 0 ||
      this.presence.size > 0 ||
      this.news.size > 0 ||
      this.changes.size > 0 ||
      this.wantsRefill
    );
  }

  /** True when the window has room and the store has more. */
  get wantsRefill(): boolean {
    return this.behind && this.entries.size === 0;
  }

  /** The next thing to tell; undefined = nothing. It comes back unless `confirmed` is called for its transaction. */
  next(now: number): Outbound | undefined {
    this.revive(now);
    if (this.closing !== undefined) {
      const reason = this.closing;
      this.closing = undefined;
      return { kind: 'disconnect', reason };
    }
    return this.nextAsk() ?? this.nextEntry() ?? this.nextNews() ?? this.nextChange() ?? this.nextPresence();
  }

  private nextChange(): Outbound | undefined {
    const [first] = this.changes;
    if (first === undefined) return undefined;
    this.changes.delete(first[0]);
    return { kind: 'change', key: first[0], change: first[1] };
  }

  private nextNews(): Outbound | undefined {
    const news = this.news.next();
    return news === undefined ? undefined : { kind: 'news', news };
  }

  private nextAsk(): Outbound | undefined {
    const [first] = this.asks;
    if (first === undefined) return undefined;
    this.asks.delete(first[0]);
    return { kind: 'ask', watcher: first[0], attributes: first[1] };
  }

  private nextEntry(): Outbound | undefined {
    const ready = this.readyEntry();
    if (ready === undefined) return undefined;
    this.entries.delete(entryKey(ready.messageId, ready.item.kind));
    return { kind: 'entry', entry: ready };
  }

  /** The first entry that is prepared, but none of a sender for one of whose messages something waits. */
  private readyEntry(): NewQueueEntry | undefined {
    let waiting: Set<string> | undefined;
    for (const entry of this.entries.values()) {
      if (waiting?.has(senderKey(entry)) === true) continue;
      if (this.isPrepared(entry)) return entry;
      waiting ??= new Set();
      waiting.add(senderKey(entry));
    }
    return undefined;
  }

  private nextPresence(): Outbound | undefined {
    if (this.presence.size === 0) return undefined;
    const values = this.presence;
    this.presence = new Map();
    return { kind: 'presence', values };
  }

  /** Puts back what was taken and not told, such as what did not fit into one message. */
  giveBack(outbound: Outbound): void {
    this.putBack(outbound);
  }

  private returnPresence(values: ReadonlyMap<UserAddress, PresenceAttributes>): void {
    for (const [publisher, attributes] of values) {
      this.presence.set(publisher, { ...attributes, ...this.presence.get(publisher) });
    }
  }

  /** It went out under this TransactionID. */
  handedOut(transactionId: string, outbound: Outbound, now: number): void {
    if (outbound.kind === 'disconnect') return;
    const key = triesKey(outbound);
    const attempts = (this.tries.get(key) ?? 0) + 1;
    this.tries.set(key, attempts);
    const delay =
      outbound.kind === 'entry' || attempts < STATE_ATTEMPTS ? RETRY_AFTER_MS[attempts - 1] : undefined;
    this.handed.set(transactionId, { outbound, dueAt: delay === undefined ? Infinity : now + delay });
    if (outbound.kind === 'entry') this.handedEntries.set(key, transactionId);
    if (this.handed.size > MAX_HANDED) this.handed.delete(this.handed.keys().next().value as string);
  }

  /** The client answered a server transaction; undefined = no such transaction is open. */
  confirmed(transactionId: string): Outbound | undefined {
    const handed = this.handed.get(transactionId);
    if (handed === undefined) return undefined;
    const { outbound } = handed;
    const key = triesKey(outbound);
    this.tries.delete(key);
    this.handed.delete(transactionId);
    if (outbound.kind !== 'entry') return outbound;
    // A confirmed entry stays in `handedEntries` until it left the store: a poll that reads the store meanwhile must
    // not hand it out again.
    if (outbound.announced === true) {
      this.handedEntries.delete(key);
      this.announced.add(key);
    }
    return outbound;
  }

  /** The answer that carried these transactions never left: they are ready again at once. */
  notSent(transactionIds: readonly string[]): void {
    for (const id of transactionIds.toReversed()) {
      const handed = this.handed.get(id);
      if (handed === undefined) continue;
      this.forget(id, handed);
      this.putBack(handed.outbound);
    }
  }

  /** What is out and unconfirmed, oldest first: for clients that never confirm. */
  unconfirmed(): readonly string[] {
    return [...this.handed.keys()];
  }

  /** Entries that stand in the store but not here. */
  get openCount(): number {
    return this.handedEntries.size + this.announced.size + this.skipped.size;
  }

  /** Time over: unconfirmed things become ready again, in front. */
  private revive(now: number): void {
    if (this.handed.size === 0) return;
    for (const [id, handed] of [...this.handed].toReversed()) {
      if (handed.dueAt > now) continue;
      this.forget(id, handed);
      this.putBack(handed.outbound);
    }
  }

  private forget(transactionId: string, handed: Handed): void {
    this.handed.delete(transactionId);
    if (handed.outbound.kind !== 'entry') return;
    const { messageId, item } = handed.outbound.entry;
    this.handedEntries.delete(entryKey(messageId, item.kind));
  }

  private putBack(outbound: Outbound): void {
    if (outbound.kind === 'ask') this.asks.set(outbound.watcher, outbound.attributes);
    else if (outbound.kind === 'presence') this.returnPresence(outbound.values);
    else if (outbound.kind === 'entry') this.putEntryFirst(outbound.entry);
    else if (outbound.kind === 'news') this.news.putBack(outbound.news);
    else if (outbound.kind === 'change') this.addChange(outbound.change);
  }

  private putEntryFirst(entry: NewQueueEntry): void {
    const rest = [...this.entries];
    this.entries.clear();
    this.entries.set(entryKey(entry.messageId, entry.item.kind), entry);
    for (const [key, other] of rest) this.entries.set(key, other);
  }
}
