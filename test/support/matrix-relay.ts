// A relay for tests of the Matrix gateway: the port with the semantics of the real one, in memory. Its storage
// outlives a gateway, so that restarts can be played.

import { randomBytes } from 'node:crypto';
import type {
  Clock,
  FoundUser,
  GatewayStorage,
  IdSource,
  InboxEvent,
  Log,
  Metrics,
  RelayPort,
} from '../../src/sap/port.ts';
import { NO_LINKED_ACCOUNTS } from '../../src/sap/port.ts';
import { parseDomain } from '../../src/wv/address.ts';
import type { Domain, GroupAddress, MessageId, UserAddress } from '../../src/wv/ids.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import { status } from '../../src/wv/primitives.ts';
import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../src/wv/primitives.ts';
import { OK } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';

export const HOME = parseDomain('wv.example') as Domain;

/** Durable state as the store keeps it: unique links, an inbox that drops what it has seen. */
export class MemoryStorage implements GatewayStorage {
  readonly #values = new Map<string, string>();
  readonly #links = new Map<string, MessageId>();
  readonly #remotes = new Map<MessageId, { conversation: string; remoteId: string }>();
  readonly #seen = new Set<string>();
  readonly #waiting = new Map<string, InboxEvent>();

  get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.#values.get(key));
  }

  put(key: string, value: string): Promise<void> {
    this.#values.set(key, value);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.#values.delete(key);
    return Promise.resolve();
  }

  list(prefix: string): Promise<readonly (readonly [string, string])[]> {
    const rows = [...this.#values].filter(([key]) => key.startsWith(prefix));
    return Promise.resolve(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  link(conversation: string, remoteId: string, messageId: MessageId): Promise<boolean> {
    const key = `${conversation}\n${remoteId}`;
    if (this.#links.has(key)) return Promise.resolve(false);
    this.#links.set(key, messageId);
    if (!this.#remotes.has(messageId)) this.#remotes.set(messageId, { conversation, remoteId });
    return Promise.resolve(true);
  }

  messageOf(conversation: string, remoteId: string): Promise<MessageId | undefined> {
    return Promise.resolve(this.#links.get(`${conversation}\n${remoteId}`));
  }

  remoteOf(messageId: MessageId): Promise<{ conversation: string; remoteId: string } | undefined> {
    return Promise.resolve(this.#remotes.get(messageId));
  }

  receive(events: readonly InboxEvent[]): Promise<readonly InboxEvent[]> {
    const fresh = events.filter(({ id }) => !this.#seen.has(id) && this.#seen.add(id));
    for (const event of fresh) this.#waiting.set(event.id, event);
    return Promise.resolve(fresh);
  }

  unhandled(): Promise<readonly InboxEvent[]> {
    return Promise.resolve([...this.#waiting.values()]);
  }

  handled(id: string): Promise<void> {
    this.#waiting.delete(id);
    return Promise.resolve();
  }
}

export const realClock: Clock = {
  now: () => Date.now(),
  after(delay, task) {
    const timer = setTimeout(task, delay);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

const ids: IdSource = { random: (bytes) => randomBytes(bytes).toString('base64url') };

/** Counts, and keeps nothing else. */
export class CountingMetrics implements Metrics {
  readonly counts = new Map<string, number>();

  count(name: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const key = `${name} ${Object.values(labels).join(' ')}`.trim();
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  gauge(): void {
    // Nobody looks.
  }

  observe(): void {
    // Nobody looks.
  }
}

/** Keeps lines for the assertions. */
export class LinesLog implements Log {
  readonly lines: { level: string; fields: object; text: string }[] = [];

  debug(fields: object, text: string): void {
    this.#add('debug', fields, text);
  }
  info(fields: object, text: string): void {
    this.#add('info', fields, text);
  }
  warn(fields: object, text: string): void {
    this.#add('warn', fields, text);
  }
  error(fields: object, text: string): void {
    this.#add('error', fields, text);
  }

  #add(level: string, fields: object, text: string): void {
    this.lines.push({ level, fields, text });
  }
}

type Emitted<Name extends RequestName> = Extract<RequestPrimitive, { primitive: Name }>;

export class TestRelay implements RelayPort {
  readonly homeDomain = HOME;
  readonly clock = realClock;
  readonly ids = ids;
  readonly log = new LinesLog();
  readonly metrics = new CountingMetrics();
  readonly storage: GatewayStorage;
  /** Users who exist, with their names. */
  readonly users = new Map<UserAddress, string>();
  readonly emitted: RequestPrimitive[] = [];
  usable = 0;
  /** Answers emitted requests; by default with 200. */
  onEmit: (request: RequestPrimitive) => Result | Promise<Result> = () => OK;

  constructor(storage: GatewayStorage = new MemoryStorage()) {
    this.storage = storage;
  }

  async emit(request: RequestPrimitive): Promise<ResponsePrimitive> {
    this.emitted.push(request);
    const outcome = await this.onEmit(request);
    return request.primitive === 'SendMessageRequest'
      ? { primitive: 'SendMessageResponse', messageId: request.message.id, result: outcome }
      : status(outcome);
  }

  /** What was emitted of one kind. */
  all<Name extends RequestName>(name: Name): Emitted<Name>[] {
    return this.emitted.filter((request): request is Emitted<Name> => request.primitive === name);
  }

  userExists(user: UserAddress): Promise<boolean> {
    return Promise.resolve(this.users.has(user));
  }

  readonly linkedAccounts = NO_LINKED_ACCOUNTS;

  /** Where kept files are found; by default nowhere. */
  linkTo: (content: MessageContent) => string | undefined = () => undefined;

  fileLink(content: MessageContent): Promise<string | undefined> {
    return Promise.resolve(this.linkTo(content));
  }

  findUsers(query: string, limit: number): Promise<readonly FoundUser[]> {
    const found = [...this.users].filter(([, name]) => name.toLowerCase().includes(query.toLowerCase()));
    return Promise.resolve(found.slice(0, limit).map(([user, name]) => ({ user, name })));
  }

  publicGroups(): Promise<readonly GroupAddress[]> {
    return Promise.resolve([]);
  }

  displayName(user: UserAddress): Promise<string | undefined> {
    return Promise.resolve(this.users.get(user));
  }

  hasJoined: RelayPort['hasJoined'] = () => true;

  becameUsable(): void {
    this.usable++;
  }
}
